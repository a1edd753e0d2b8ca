"""Saves the task table and the queues to disk soon after a change. MiniStack itself saves only when it stops.

An accepted task must survive a crash at once. New and deleted items are therefore written to a journal before the
response is sent.
"""

from __future__ import annotations

import copy
import ctypes
import json
import logging
import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

from ministack.core import persistence
from ministack.services import dynamodb, sqs

#: Shortest pause between two saves, in seconds. A change is on disk after about twice this, or later if
#: the state is large.
INTERVAL = 0.4
#: Pause after a save, as a multiple of its duration: saving uses at most a fifth of a processor.
_PAUSE = 4
#: prctl(2): the kernel kills this process when its parent thread ends.
_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None)
_log = logging.getLogger("hyperframes.saving")


class Journal:
    """The items that were put or deleted since the last save: one request a line, in numbered files.

    Updates of items are not in it. A restored item has its initial state, and the sweep function resumes it from there.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self._number = max(map(_number_of, self._files()), default=0) + 1
        self._file = self._open()
        self._lock = threading.Lock()

    def add(self, operation: str, request: bytes) -> None:
        """Write a "PutItem" or "DeleteItem" request. It survives the end of this process once this returns."""
        line = json.dumps({"operation": operation, "request": json.loads(request)}) + "\n"
        with self._lock:
            self._file.write(line.encode())

    def read(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Operations and requests, the oldest first. Skips an incomplete line: its request got no response."""
        for path in self._files():
            for line in path.read_text().splitlines():
                try:
                    entry = json.loads(line)
                except ValueError:
                    continue
                yield entry["operation"], entry["request"]

    def begin(self) -> int:
        """Begin a new file and return its number. The tables contain everything in older files, so save them now."""
        with self._lock:
            self._number += 1
            self._file.close()
            self._file = self._open()
            return self._number

    def remove_before(self, number: int) -> None:
        """Remove the files before `number`, whose requests are saved with the tables."""
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
    """Saves the state after changes, in a forked process, which has a snapshot of the state.

    On a thread, the state had to be copied under a lock: with 1,000 tasks this took 80 % of the emulator's time.
    """

    def __init__(self, folder: Path, journal: Journal) -> None:
        self._folder, self._journal = folder, journal
        self._changed = threading.Event()
        self._lock = threading.Lock()

    def mark_changed(self) -> None:
        """Mark the state as changed, so that it is saved soon."""
        self._changed.set()

    def start(self) -> None:
        """Start the thread that saves."""
        self._folder.mkdir(parents=True, exist_ok=True)
        threading.Thread(target=self._run, name="saver", daemon=True).start()

    def save(self) -> None:
        """Write the current state. Raises OSError if that fails.

        The table is read first and written last. A task that the table's file marks as announced then has its message
        in the queues' file, which is newer. In the other order, a crash between the two could lose a webhook.
        """
        with self._lock:
            number = self._journal.begin()
            pid = os.fork()
            if pid == 0:
                self._save_in_child()
            _, status = os.waitpid(pid, 0)
            if status != 0:
                raise OSError(f"the saving process ended with status {status}")
            self._journal.remove_before(number)

    def _save_in_child(self) -> NoReturn:
        """Save in the forked process, then exit without any clean-up, which belongs to the parent."""
        try:
            # A process that outlives the emulator would overwrite the newer state of the next one.
            _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
            copy.deepcopy = _not_copied  # type: ignore[assignment]  # the snapshot does not change: no copy needed
            table = _serialised("dynamodb", dynamodb.get_state())
            self._write("sqs", _serialised("sqs", sqs.get_state()))
            self._write("dynamodb", table)
        except BaseException:
            _log.exception("could not save the state")
            os._exit(1)
        os._exit(0)

    def _write(self, service: str, text: str) -> None:
        part = self._folder / f"{service}.json.part"
        part.write_text(text)
        part.replace(self._folder / f"{service}.json")

    def _run(self) -> None:
        while True:
            self._changed.wait()
            self._changed.clear()
            began = time.monotonic()
            try:
                self.save()
            except OSError:
                _log.warning("could not save the state; retrying", exc_info=True)
                self._changed.set()
            time.sleep(max(INTERVAL, _PAUSE * (time.monotonic() - began)))


def _not_copied(value: Any, memo: Any = None) -> Any:
    return value


def _serialised(service: str, state: Any) -> str:
    version = persistence._state_format_version(service)
    return json.dumps({"__ministack_format__": version, "payload": state}, default=persistence._json_default)
