"""Runs the installed command, as a user does, and decodes the frames of its videos."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from av.video.reformatter import Colorspace
from numpy.typing import NDArray

COMMAND = str(Path(sys.executable).with_name("hyperframes-render"))
COMPOSITIONS = Path(__file__).parent / "compositions"


@dataclass(frozen=True)
class Ended:
    """The result of a finished command."""

    status: int
    stdout: str
    stderr: str

    @property
    def result(self) -> dict[str, Any]:
        """The JSON result on stdout."""
        assert self.status == 0, self.stderr
        value = json.loads(self.stdout)
        assert isinstance(value, dict)
        if "warnings" in value:
            # Most tests look for words: the records are beside them.
            value["records"] = value["warnings"]
            value["warnings"] = [f"{w['message']} {w['fix']}".strip() for w in value["warnings"]]
        return value

    @property
    def last_line(self) -> str:
        """The last line on stderr."""
        return self.stderr.strip().splitlines()[-1]


def run(*arguments: object, env: dict[str, str] | None = None, timeout: float = 150) -> Ended:
    """Run the installed command to its end."""
    ended = subprocess.run(
        [COMMAND, *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
        env={**os.environ, **(env or {})},
    )
    return Ended(ended.returncode, ended.stdout, ended.stderr)


def render(source: Path, output: Path, *options: object, env: dict[str, str] | None = None) -> dict[str, Any]:
    """Render and return the JSON result."""
    return run("render", source, "-o", output, "--json", *options, env=env).result


def frames(video: Path) -> list[NDArray[np.uint8]]:
    """All frames as RGB arrays (height, width, 3).

    The colour matrix is fixed to BT.709, because VP8's decoder does not read it from the container, as browsers do.
    """
    with av.open(str(video)) as container:
        return [
            np.asarray(frame.to_ndarray(format="rgb24", src_colorspace=Colorspace.ITU709), np.uint8)
            for frame in container.decode(video=0)
        ]


def packet_times(video: Path) -> list[tuple[int, int, int]]:
    """(pts, dts, duration) of each packet, in the stream's time base."""
    with av.open(str(video)) as container:
        return [
            (packet.pts or 0, packet.dts or 0, packet.duration or 0)
            for packet in container.demux(container.streams.video[0])
            if packet.size
        ]


def composition(body: str = "", script: str = "", root: str = 'data-duration="1"') -> str:
    """A composition of 320x180 pixels with this content, script and root attributes."""
    return (
        "<!doctype html><html><head><style>body{margin:0;background:#102030}</style></head><body>"
        f'<div id="stage" data-composition-id="m" data-start="0" data-width="320" data-height="180" {root}>{body}</div>'
        f"<script>{script}</script></body></html>"
    )


def hidden_leftovers(folder: Path) -> list[str]:
    """Names of incomplete files."""
    return [path.name for path in folder.iterdir() if ".part" in path.name or path.name.startswith(".")]


def few(values: Sequence[str], *quick: str) -> list[Any]:
    """Parameters for all `values`. `make test` runs the `quick` ones, `make test-all` runs all."""
    return [pytest.param(value, marks=[] if value in quick else [pytest.mark.slow], id=value) for value in values]
