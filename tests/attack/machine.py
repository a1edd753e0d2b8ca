"""Starts the isolated machine of ground.py, and sends it commands."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.attack import recipes
from tests.attack.catalog import GOLDEN, Fixture

_ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Report:
    """The result of a job, from ground.py."""

    ended: str
    says: list[str]
    touched: list[str]
    #: Connections that passed the interceptor and were stopped by the dead proxy.
    stopped: int
    left: list[str]
    peak_mb: int
    files_open: int
    frames: list[str]
    #: The capture path of each browser.
    capture: list[str]
    #: The report of parts/spy as JSON.
    spied: str | None

    @classmethod
    def read(cls, answer: dict[str, Any]) -> Report:
        """Read a report from an answer of ground.py."""
        return cls(**{"frames": [], "capture": [], **answer})


class Machine:
    """A network namespace with a worker. Raises Unavailable if none can be created."""

    def __init__(self, *, without: tuple[str, ...] = (), program: Path | None = None) -> None:
        if subprocess.run(["unshare", "--net", "--mount", "true"], capture_output=True, check=False).returncode:
            raise Unavailable("attacks need root: they run in a network namespace")
        self._process = subprocess.Popen(
            ["unshare", "--net", "--mount", sys.executable, "-m", "tests.attack.ground"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=_ROOT,
            env={**os.environ, "PYTHONPATH": str(_ROOT)},
        )
        self._without, self._program = without, program
        self.start()

    def start(self) -> None:
        """Start a new worker."""
        self._ask({"start": list(self._without), "program": str(self._program or "")})

    def attack(self, fixture: Fixture, folder: Path) -> Report:
        """Run a fixture in the worker. `folder` is for generated compositions."""
        for do, urls in (("fetch", fixture.fetch), ("webhook", fixture.webhook)):
            if urls:
                return Report.read(self._ask({"do": do, "urls": urls}))
        source = fixture.path
        if fixture.recipe:
            source = getattr(recipes, fixture.recipe)(folder, **fixture.arguments)
        return self.render(source, fixture.request, fixture.arrives_as)

    def golden(self) -> Report:
        """Render the harmless composition to PNG files."""
        return self.render(GOLDEN, {"codec": "png", "network": "none"})

    def render(self, source: Path, request: dict[str, Any], arrives_as: str = "") -> Report:
        """Render a composition in the worker."""
        command = {"do": "render", "source": str(source), "request": request, "arrives_as": arrives_as}
        return Report.read(self._ask(command))

    def close(self) -> None:
        """End the worker and the namespace."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            self._process.wait(30)
        finally:
            self._process.kill()

    def _ask(self, command: dict[str, Any]) -> dict[str, Any]:
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(json.dumps(command) + "\n")
        self._process.stdin.flush()
        answer: dict[str, Any] = json.loads(self._process.stdout.readline())
        return answer


class Unavailable(Exception):
    """No namespace can be created on this machine."""
