"""The emulator's process seen from outside: started, waited for, told to save, stopped."""

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
#: Saving is quick; environments are given a second to end.
_STOP_SECONDS = 20.0
#: Environments at once of a function that answers requests or handles events: they wait more than they work.
_SMALL_FUNCTIONS = 4


def emulator_settings(
    parts: Parts, data: Path, *, port: int, record_calls: str = "", image_path: str = ""
) -> EmulatorSettings:
    """Settings for this machine: as many renderers as processors. Roles are enforced, as in AWS."""
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
    """One emulator. It ends with the thread that started it, whatever happens."""

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
        """The emulator's process."""
        return self._process.pid

    def wait_until_ready(self) -> None:
        """Return when the services answer. Raises SetupIncomplete with the emulator's last words."""
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline and self._process.poll() is None:
            try:
                with urllib.request.urlopen(f"{self.settings.endpoint}/_ministack/health", timeout=5):
                    return
            except (urllib.error.URLError, OSError):
                time.sleep(0.05)
        words = " ".join(self._log.read_text(errors="replace").split())[-600:]
        raise SetupIncomplete(f"The emulator did not start: {words}", f"Its log is {self._log}.")

    def is_running(self) -> bool:
        """Whether the process still runs."""
        return self._process.poll() is None

    def save(self) -> None:
        """Have everything written to disk, not only tasks and queues."""
        self._process.send_signal(signal.SIGUSR1)

    def stop(self) -> None:
        """Have it save everything and end; its functions end with it."""
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                end_tree(self._process.pid, grace=0)
                self._process.wait()
