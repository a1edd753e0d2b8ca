"""The task table and the queues are on disk soon after a change: MiniStack itself saves when it is stopped.

Soon is too late for what was promised to somebody: new and deleted items are in a journal before they are answered.
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

#: Seconds between a change and the file that holds it, at most about twice this; more where there is much to save.
INTERVAL = 0.4
#: A pause is so many times as long as what was saved before it took: saving takes no more than a fifth of a processor.
_PAUSE = 4
#: prctl(2): a process ends when the one that started it does.
_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None)
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
    """Saves after changes, in a process of its own that is a copy of this one: nothing changes in there meanwhile.

    On a thread, the state had to be copied while all else waited: with 1,000 tasks 80 % of the emulator's time.
    """

    def __init__(self, folder: Path, journal: Journal) -> None:
        self._folder, self._journal = folder, journal
        self._changed = threading.Event()
        self._lock = threading.Lock()

    def note_change(self) -> None:
        """Something may have changed."""
        self._changed.set()

    def start(self) -> None:
        """Save from now on."""
        self._folder.mkdir(parents=True, exist_ok=True)
        threading.Thread(target=self._run, name="saver", daemon=True).start()

    def save(self) -> None:
        """Write the state as it is now. Raises OSError where that failed.

        The table is read first and written last: a task that the file calls announced has its message in the
        queues' file, which is younger. The other way round a crash between the two would lose a webhook.
        """
        with self._lock:
            number = self._journal.begin()
            pid = os.fork()
            if pid == 0:
                self._save_as_copy()
            _, status = os.waitpid(pid, 0)
            if status != 0:
                raise OSError(f"the process that saves ended with {status}")
            self._journal.forget_before(number)

    def _save_as_copy(self) -> NoReturn:
        """What the copy does: it has one thread, and must end without anything that belongs to the original."""
        try:
            # One that outlives the emulator would put an older state in the place of its successor's.
            _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
            copy.deepcopy = _as_it_is  # type: ignore[assignment]  # nothing else changes here
            table = _serialised("dynamodb", dynamodb.get_state())
            self._write("sqs", _serialised("sqs", sqs.get_state()))
            self._write("dynamodb", table)
        except BaseException:
            _log.exception("the state could not be saved")
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
                _log.warning("the state could not be saved at once", exc_info=True)
                self._changed.set()
            time.sleep(max(INTERVAL, _PAUSE * (time.monotonic() - began)))


def _as_it_is(value: Any, memo: Any = None) -> Any:
    return value


def _serialised(service: str, state: Any) -> str:
    version = persistence._state_format_version(service)
    return json.dumps({"__ministack_format__": version, "payload": state}, default=persistence._json_default)
