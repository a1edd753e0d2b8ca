"""The drop folder as a local folder: uploads DIR/inbox to the bucket, downloads the bucket's outbox/ to DIR/outbox."""

from __future__ import annotations

import hashlib
import logging
import os
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

_LOG = logging.getLogger(__name__)
#: Seconds without a change of size or time after which a file counts as complete.
STILL_SECONDS = 1.0
_INTERVAL = 0.4
#: The API's results. They are not downloaded: only those of the drop folder are.
_API_RESULTS = "outbox/tasks/"
_RECORD_SUFFIXES = (".error.json", ".json")
_SIDECAR_SUFFIX = ".render.json"


@dataclass
class _Seen:
    """A file of the inbox.

    `signature` is its size (bytes) and time (ns), unchanged since `since` (monotonic seconds). `old`: it was there when
    the server started. `sent`: it was uploaded.
    """

    signature: tuple[int, int]
    since: float
    old: bool
    sent: bool = False


@dataclass
class DropFolders:
    """Synchronizes inbox/ and outbox/ in `root` with the bucket, on a separate thread.

    `unfinished_keys` returns the object keys of dropped files whose tasks have not ended.
    """

    root: Path
    s3: Any
    bucket: str
    unfinished_keys: Callable[[], set[str]]
    _seen: dict[str, _Seen] = field(default_factory=dict)
    _fetched: dict[str, str] = field(default_factory=dict)
    _stop: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None
    _first_scan_done: bool = False

    @property
    def inbox(self) -> Path:
        """The folder where users drop files."""
        return self.root / "inbox"

    @property
    def outbox(self) -> Path:
        """The folder where results appear."""
        return self.root / "outbox"

    def start(self) -> None:
        """Create the folders and start the thread."""
        self.inbox.mkdir(parents=True, exist_ok=True)
        self.outbox.mkdir(parents=True, exist_ok=True)
        self._thread = threading.Thread(target=self._run, name="drop-folder", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop the thread. Waits up to 10 seconds for its current round."""
        self._stop.set()
        if self._thread:
            self._thread.join(timeout=10)

    def _run(self) -> None:
        while not self._stop.wait(_INTERVAL):
            for work in (self.send, self.fetch):
                try:
                    work()
                except Exception:
                    # For example, the emulator is stopping or the disk is full. The next round retries.
                    _LOG.warning("could not synchronize the drop folder", exc_info=True)

    def send(self) -> None:
        """Upload complete new files of the inbox to the bucket, sidecars first."""
        now = time.monotonic()
        waiting = []
        for key, path in _files(self.inbox):
            try:
                status = path.stat()
            except OSError:
                continue
            signature = (status.st_size, status.st_mtime_ns)
            seen = self._seen.get(key)
            if seen is None or seen.signature != signature:
                self._seen[key] = _Seen(signature, now, old=not self._first_scan_done)
            elif not seen.sent and now - seen.since >= STILL_SECONDS:
                waiting.append((key, path, seen))
        for key, path, seen in sorted(waiting, key=lambda item: not item[0].endswith(_SIDECAR_SUFFIX)):
            if not (seen.old and self._is_done(key, path)):
                with path.open("rb") as file:
                    self.s3.put_object(Bucket=self.bucket, Key=f"inbox/{key}", Body=file)
            seen.sent = True
        self._first_scan_done = True

    def fetch(self) -> None:
        """Download new results from the bucket, videos first and records last."""
        new = [entry for entry in self._results() if self._fetched.get(entry["Key"]) != entry["ETag"]]
        for entry in sorted(new, key=lambda entry: entry["Key"].endswith(_RECORD_SUFFIXES)):
            target = self._target(entry["Key"])
            if target is not None and not _is_same(target, entry):
                target.parent.mkdir(parents=True, exist_ok=True)
                part = target.with_name(f".{target.name[:200]}.part")
                self.s3.download_file(self.bucket, entry["Key"], str(part))
                moment = entry["LastModified"].timestamp()
                os.utime(part, (moment, moment))
                part.replace(target)
            self._fetched[entry["Key"]] = entry["ETag"]

    def _is_done(self, key: str, path: Path) -> bool:
        """Whether an earlier run uploaded this file, and its result exists or its task is unfinished."""
        found = self.s3.list_objects_v2(Bucket=self.bucket, Prefix=f"inbox/{key}", MaxKeys=1).get("Contents", [])
        if not found or found[0]["Key"] != f"inbox/{key}" or found[0]["Size"] != path.stat().st_size:
            return False
        with path.open("rb") as file:
            if found[0]["ETag"].strip('"') != hashlib.file_digest(file, "md5").hexdigest():
                return False
        stem = PurePosixPath(key).with_suffix("")
        answered = any((self.outbox / f"{stem}{suffix}").exists() for suffix in _RECORD_SUFFIXES)
        return answered or key.endswith(_SIDECAR_SUFFIX) or f"inbox/{key}" in self.unfinished_keys()

    def _results(self) -> Iterator[Any]:
        """The objects of outbox/, except those of the API. Lists folder by folder, to skip those."""
        folders = ["outbox/"]
        while folders:
            pages = self.s3.get_paginator("list_objects_v2").paginate(
                Bucket=self.bucket, Prefix=folders.pop(), Delimiter="/"
            )
            for page in pages:
                yield from page.get("Contents", [])
                folders += [part["Prefix"] for part in page.get("CommonPrefixes", []) if part["Prefix"] != _API_RESULTS]

    def _target(self, key: str) -> Path | None:
        """The local file for the object `key`; None if the path would leave the outbox."""
        name = PurePosixPath(key.removeprefix("outbox/"))
        if not name.parts or name.is_absolute() or ".." in name.parts or key.endswith("/"):
            return None
        return self.outbox.joinpath(*name.parts)


def _files(folder: Path) -> Iterator[tuple[str, Path]]:
    """Files below `folder` with their keys. Skips hidden files: other programs use them for partial writes."""
    for path in folder.rglob("*"):
        name = path.relative_to(folder)
        if path.is_file() and not any(part.startswith(".") for part in name.parts):
            yield name.as_posix(), path


def _is_same(target: Path, entry: Any) -> bool:
    """Whether an earlier run downloaded this object: size and modification time match (`fetch` sets the time)."""
    try:
        status = target.stat()
    except OSError:
        return False
    same_time = abs(status.st_mtime - entry["LastModified"].timestamp()) < 1
    return bool(status.st_size == entry["Size"]) and same_time
