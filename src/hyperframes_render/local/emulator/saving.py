"""The task table and the queues are on disk within a second of a change: MiniStack itself saves when it is stopped.

A second is too long for what was promised to somebody: new and deleted items are in a journal before they are answered.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from ministack.core import persistence
from ministack.services import dynamodb, sqs

#: Seconds between a change and the file that holds it, at most about twice this.
INTERVAL = 0.4
#: How often a state is copied before it waits for the next interval.
_COPIES = 5
_log = logging.getLogger("hyperframes.saving")


class Journal:
    """Items that were put or deleted since the tables were last saved: one request a line, in files that are numbered.

    Changes of items are not in it. An item that is restored is as it was when it was new, and sweep goes on from there.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self._number = max(map(_number_of, self._files()), default=0) + 1
        self._file = self._open()
        self._lock = threading.Lock()

    def add(self, operation: str, request: bytes) -> None:
        """Note a "PutItem" or "DeleteItem"; it outlives this process when this returns."""
        line = json.dumps({"operation": operation, "request": json.loads(request)}) + "\n"
        with self._lock:
            self._file.write(line.encode())

    def read(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Operations and requests, the oldest first; a line that was cut off was not answered."""
        for path in self._files():
            for line in path.read_text().splitlines():
                try:
                    entry = json.loads(line)
                except ValueError:
                    continue
                yield entry["operation"], entry["request"]

    def begin(self) -> int:
        """Begin a new file; what is in older ones is in the tables, which can be saved now."""
        with self._lock:
            self._number += 1
            self._file.close()
            self._file = self._open()
            return self._number

    def forget_before(self, number: int) -> None:
        """The tables were saved: remove older files."""
        for path in self._files():
            if _number_of(path) < number:
                path.unlink()

    def _files(self) -> list[Path]:
        return sorted(self._folder.glob("journal-*.jsonl"))

    def _open(self) -> Any:
        return (self._folder / f"journal-{self._number:012d}.jsonl").open("ab", buffering=0)


def _number_of(path: Path) -> int:
    return int(path.stem.rpartition("-")[2])


class StateSaver:
    """Saves after changes, on a thread of its own; saving 2,000 tasks takes about 60 ms."""

    def __init__(self, folder: Path, journal: Journal) -> None:
        self._folder, self._journal = folder, journal
        self._changed = threading.Event()
        self._written: dict[str, str] = {}
        self._lock = threading.Lock()

    def note_change(self) -> None:
        """Something may have changed."""
        self._changed.set()

    def start(self) -> None:
        """Save from now on."""
        self._folder.mkdir(parents=True, exist_ok=True)
        threading.Thread(target=self._run, name="saver", daemon=True).start()

    def save(self) -> None:
        """Write what changed.

        The table is read first and written last: a task that the file calls announced has its message in the
        queues' file, which is younger. The other way round a crash between the two would lose a webhook.
        """
        with self._lock:
            number = self._journal.begin()
            table = _serialised("dynamodb", _copy_of(dynamodb.get_state))
            self._write("sqs", _serialised("sqs", _copy_of(sqs.get_state)))
            self._write("dynamodb", table)
            self._journal.forget_before(number)

    def _write(self, service: str, text: str) -> None:
        digest = hashlib.sha256(text.encode()).hexdigest()
        if self._written.get(service) == digest:
            return
        part = self._folder / f"{service}.json.part"
        part.write_text(text)
        part.replace(self._folder / f"{service}.json")
        self._written[service] = digest

    def _run(self) -> None:
        while True:
            self._changed.wait()
            self._changed.clear()
            try:
                self.save()
            except Exception:
                # A dictionary that grew while it was copied: the next round has it.
                _log.warning("the state could not be saved at once", exc_info=True)
                self._changed.set()
            time.sleep(INTERVAL)


def _copy_of(read: Callable[[], Any]) -> Any:
    """A service's state. Copying it fails where a table grows meanwhile: under load, every few times."""
    for _ in range(_COPIES - 1):
        with contextlib.suppress(RuntimeError):
            return read()
    return read()


def _serialised(service: str, state: Any) -> str:
    version = persistence._state_format_version(service)
    return json.dumps({"__ministack_format__": version, "payload": state}, default=persistence._json_default)
