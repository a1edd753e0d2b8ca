"""The drop folder as a real folder: DIR/inbox goes to the bucket, its outbox/ comes to DIR/outbox."""

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
#: Seconds for which a file's size and time must have stood still before it counts as whole.
STILL_SECONDS = 1.0
_INTERVAL = 0.4
#: Results of the API; only those of the drop folder come to the machine's folder.
_API_RESULTS = "outbox/tasks/"
_RECORD_SUFFIXES = (".error.json", ".json")
_SIDECAR_SUFFIX = ".render.json"


@dataclass
class _Seen:
    """A file of the inbox: what it looked like, since when, from an earlier run or not, and whether it was sent."""

    signature: tuple[int, int]
    since: float
    old: bool
    sent: bool = False


@dataclass
class DropFolders:
    """Keeps both folders and the bucket alike, on a thread of its own. `root` holds inbox/ and outbox/."""

    root: Path
    s3: Any
    bucket: str
    in_work: Callable[[], set[str]]
    _seen: dict[str, _Seen] = field(default_factory=dict)
    _fetched: dict[str, str] = field(default_factory=dict)
    _stop: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None
    _looked: bool = False

    @property
    def inbox(self) -> Path:
        """Where people drop files."""
        return self.root / "inbox"

    @property
    def outbox(self) -> Path:
        """Where results appear."""
        return self.root / "outbox"

    def start(self) -> None:
        """Watch from now on."""
        self.inbox.mkdir(parents=True, exist_ok=True)
        self.outbox.mkdir(parents=True, exist_ok=True)
        self._thread = threading.Thread(target=self._run, name="drop-folder", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Fetch what is there by now, and watch no longer."""
        self._stop.set()
        if self._thread:
            self._thread.join(timeout=10)

    def _run(self) -> None:
        while not self._stop.wait(_INTERVAL):
            for work in (self.send, self.fetch):
                try:
                    work()
                except Exception:
                    # The emulator is being stopped, or the disk is full: the next round tries again.
                    _LOG.warning("the drop folder could not be looked after", exc_info=True)

    def send(self) -> None:
        """Put whole new files of the inbox into the bucket, sidecars first."""
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
                self._seen[key] = _Seen(signature, now, old=not self._looked)
            elif not seen.sent and now - seen.since >= STILL_SECONDS:
                waiting.append((key, path, seen))
        for key, path, seen in sorted(waiting, key=lambda item: not item[0].endswith(_SIDECAR_SUFFIX)):
            if not (seen.old and self._is_done(key, path)):
                with path.open("rb") as file:
                    self.s3.put_object(Bucket=self.bucket, Key=f"inbox/{key}", Body=file)
            seen.sent = True
        self._looked = True

    def fetch(self) -> None:
        """Copy new results from the bucket, videos first and records last."""
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
        """Whether the bucket took just this file in an earlier run and something came, or will come, of it."""
        found = self.s3.list_objects_v2(Bucket=self.bucket, Prefix=f"inbox/{key}", MaxKeys=1).get("Contents", [])
        if not found or found[0]["Key"] != f"inbox/{key}" or found[0]["Size"] != path.stat().st_size:
            return False
        with path.open("rb") as file:
            if found[0]["ETag"].strip('"') != hashlib.file_digest(file, "md5").hexdigest():
                return False
        stem = PurePosixPath(key).with_suffix("")
        answered = any((self.outbox / f"{stem}{suffix}").exists() for suffix in _RECORD_SUFFIXES)
        return answered or key.endswith(_SIDECAR_SUFFIX) or f"inbox/{key}" in self.in_work()

    def _results(self) -> Iterator[Any]:
        """Objects of outbox/ without those of the API: folder by folder, so that these are not even listed."""
        folders = ["outbox/"]
        while folders:
            pages = self.s3.get_paginator("list_objects_v2").paginate(
                Bucket=self.bucket, Prefix=folders.pop(), Delimiter="/"
            )
            for page in pages:
                yield from page.get("Contents", [])
                folders += [part["Prefix"] for part in page.get("CommonPrefixes", []) if part["Prefix"] != _API_RESULTS]

    def _target(self, key: str) -> Path | None:
        """The file for the object `key`; None where its name would lead out of the folder."""
        name = PurePosixPath(key.removeprefix("outbox/"))
        if not name.parts or name.is_absolute() or ".." in name.parts or key.endswith("/"):
            return None
        return self.outbox.joinpath(*name.parts)


def _files(folder: Path) -> Iterator[tuple[str, Path]]:
    """Files below `folder` with their keys. Hidden ones are other programs' half-written files."""
    for path in folder.rglob("*"):
        name = path.relative_to(folder)
        if path.is_file() and not any(part.startswith(".") for part in name.parts):
            yield name.as_posix(), path


def _is_same(target: Path, entry: Any) -> bool:
    """Whether an earlier run fetched this very object: its time was set to the object's."""
    try:
        status = target.stat()
    except OSError:
        return False
    same_time = abs(status.st_mtime - entry["LastModified"].timestamp()) < 1
    return bool(status.st_size == entry["Size"]) and same_time
