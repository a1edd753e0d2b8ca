"""A ground with its worker, as the tests hold it."""

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
    """How a job ended, as ground.py tells it."""

    ended: str
    says: list[str]
    touched: list[str]
    #: Connections that only the second layer stopped.
    stopped: int
    left: list[str]
    peak_mb: int
    files_open: int
    pictures: list[str]
    #: How each browser's pictures were had.
    capture: list[str]
    #: What parts/spy found, as JSON.
    spied: str | None

    @classmethod
    def read(cls, answer: dict[str, Any]) -> Report:
        """From ground's answer."""
        return cls(**{"pictures": [], "capture": [], **answer})


class Machine:
    """A network namespace with a worker in it. Raises Unavailable where the kernel makes none."""

    def __init__(self, *, without: tuple[str, ...] = (), program: Path | None = None) -> None:
        if subprocess.run(["unshare", "--net", "--mount", "true"], capture_output=True, check=False).returncode:
            raise Unavailable("attacks need root: they run in a network namespace of their own")
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
        """A fresh worker."""
        self._ask({"start": list(self._without), "program": str(self._program or "")})

    def attack(self, fixture: Fixture, folder: Path) -> Report:
        """Let the worker do what the fixture wants; `folder` is for what has to be made."""
        for do, urls in (("fetch", fixture.fetch), ("webhook", fixture.webhook)):
            if urls:
                return Report.read(self._ask({"do": do, "urls": urls}))
        source = fixture.path
        if fixture.recipe:
            source = getattr(recipes, fixture.recipe)(folder, **fixture.arguments)
        return self.render(source, fixture.request, fixture.arrives_as)

    def golden(self) -> Report:
        """The harmless composition, as pictures without loss."""
        return self.render(GOLDEN, {"codec": "png", "network": "none"})

    def render(self, source: Path, request: dict[str, Any], arrives_as: str = "") -> Report:
        """Let the worker render."""
        command = {"do": "render", "source": str(source), "request": request, "arrives_as": arrives_as}
        return Report.read(self._ask(command))

    def close(self) -> None:
        """End the worker and the namespace with all that is in it."""
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
    """No namespace can be made here."""
