"""Starts, monitors and stops the emulator's process."""

from __future__ import annotations

import os
import signal
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path

from hyperframes_render.errors import SetupIncomplete
from hyperframes_render.local.emulator.settings import EmulatorSettings
from hyperframes_render.local.parts import Parts
from hyperframes_render.local.processes import dies_with_parent, end_tree, plain_environment

_START_SECONDS = 60.0
#: Seconds until the emulator must have stopped: it saves its state and ends its environments, which have one second.
_STOP_SECONDS = 20.0
#: Concurrent environments of a function that handles requests or events: such functions mostly wait.
_SMALL_FUNCTIONS = 4


def emulator_settings(
    parts: Parts, data: Path, *, port: int, record_calls: str = "", image_path: str = ""
) -> EmulatorSettings:
    """Settings for this machine: one chunk renderer for each processor. IAM roles are enforced, as in AWS."""
    processors = len(os.sched_getaffinity(0))
    return EmulatorSettings(
        port=port,
        data=str(data),
        rie=str(parts.rie),
        image_python=str(parts.image_python),
        zip_python=str(parts.zip_python),
        limits={"-render-chunk": processors, "-plan": max(1, processors // 2), "-assemble": max(1, processors // 2)},
        default_limit=_SMALL_FUNCTIONS,
        wait_seconds=60.0,
        auth=True,
        record_calls=record_calls,
        image_path=image_path,
    )


class Emulator:
    """One emulator process. The kernel kills it when the thread that created this object ends."""

    def __init__(self, parts: Parts, settings: EmulatorSettings) -> None:
        self.settings = settings
        self._log = settings.folder / "logs" / "emulator.log"
        self._log.parent.mkdir(parents=True, exist_ok=True)
        (settings.folder / "tmp").mkdir(exist_ok=True)
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                dies_with_parent([str(parts.emulator_python), "-m", "hyperframes_render.local.emulator"]),
                env=plain_environment({**settings.as_environment(), "PYTHONPATH": str(parts.source)}),
                cwd=settings.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    def wait_until_ready(self) -> None:
        """Return when the services respond. Raises SetupIncomplete with the end of the emulator's log."""
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline and self._process.poll() is None:
            try:
                with urllib.request.urlopen(f"{self.settings.endpoint}/_ministack/health", timeout=5):
                    return
            except (urllib.error.URLError, OSError):
                time.sleep(0.05)
        log_end = " ".join(self._log.read_text(errors="replace").split())[-600:]
        raise SetupIncomplete(f"The emulator did not start: {log_end}", f"Its log is {self._log}.")

    def is_running(self) -> bool:
        """Whether the process runs."""
        return self._process.poll() is None

    def save(self) -> None:
        """Make the emulator save the state of all services, not only of tasks and queues. Returns at once."""
        self._process.send_signal(signal.SIGUSR1)

    def stop(self) -> None:
        """Stop the emulator. It saves its state and ends its functions first; killed after _STOP_SECONDS."""
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                end_tree(self._process.pid, grace=0)
                self._process.wait()
