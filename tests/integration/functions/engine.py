"""A render engine without a browser: the calls and records of render/steps.py, with files of a few bytes."""

from __future__ import annotations

import asyncio
import re
import time
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

from hyperframes_render.composition.source import Source, WebPage
from hyperframes_render.errors import InvalidComposition
from hyperframes_render.formats import Content
from hyperframes_render.input import NetworkPolicy
from hyperframes_render.problems import Problem
from hyperframes_render.render.chunking import Chunking
from hyperframes_render.render.plan import Chunk, Plan, split_frames
from hyperframes_render.render.progress import Progress
from hyperframes_render.render.steps import Planned

#: Frame rate of every plan.
FPS = 25


@dataclass(frozen=True)
class Seen:
    """Input of a call: the page's variables, and the files in the composition's folder by relative path."""

    variables: dict[str, Any]
    beside: dict[str, bytes]


@dataclass
class Behaviour:
    """Configures the engine in a test (faults by call, seconds per frame) and records its calls."""

    faults: dict[str, list[Exception]] = field(default_factory=dict)
    seconds_per_frame: float = 0.0
    chunks: int = 2
    duration: float | None = None
    calls: list[str] = field(default_factory=list)
    hang: bool = False
    seen: list[Seen] = field(default_factory=list)
    #: The network ceiling that each call received, by call.
    ceilings: dict[str, NetworkPolicy] = field(default_factory=dict)
    #: The page's web address in each call; None: it is a local file.
    addresses: list[str | None] = field(default_factory=list)

    def look(self, named: Source, request: Any) -> Path:
        """Record the page's input. Returns the composition's file or folder."""
        source = named.path if isinstance(named, WebPage) else named
        self.addresses.append(named.address if isinstance(named, WebPage) else None)
        assert source is not None
        root = source if source.is_dir() else source.parent
        files = [path for path in root.rglob("*") if path.is_file()]
        self.seen.append(Seen(request.variables, {str(path.relative_to(root)): path.read_bytes() for path in files}))
        return source

    def enter(self, name: str) -> None:
        """Record a call, and raise its next fault if there is one."""
        self.calls.append(name)
        if self.faults.get(name):
            raise self.faults[name].pop(0)


@dataclass(frozen=True)
class CaptureRecord:
    frames: int

    def as_dict(self) -> dict[str, Any]:
        return {"frames": self.frames}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> CaptureRecord:
        return cls(values["frames"])


@dataclass(frozen=True)
class Result:
    frames: int
    chunks: int
    warnings: tuple[Problem, ...] = (Problem("composition", "warning", "A warning."),)

    def as_dict(self) -> dict[str, Any]:
        return {
            "width": 64,
            "height": 36,
            "fps": str(FPS),
            "frames": self.frames,
            "duration": self.frames / FPS,
            "chunks": self.chunks,
            "timings": {"render": 0.5},
            "warnings": [warning.as_dict() for warning in self.warnings],
            "versions": {"chromium": "156"},
            "slowest_frames": [{"frame": 1, "seconds": 0.1}],
        }


class Engine:
    """The functions of render/steps.py and render/job.py."""

    def __init__(self, behaviour: Behaviour) -> None:
        self.behaviour = behaviour

    def make_plan(
        self,
        named: Source,
        request: Any,
        chunking: Chunking,
        *,
        sound: Path,
        ceiling: NetworkPolicy,
        audio: Any = None,
        **_: Any,
    ) -> Planned:
        self.behaviour.enter("make_plan")
        self.behaviour.ceilings["make_plan"] = ceiling
        source = self.behaviour.look(named, request)
        text = (source / "index.html" if source.is_dir() else source).read_bytes().decode(errors="replace")
        if "<" not in text and not text.startswith("PK"):
            raise InvalidComposition("There is no element in it.", "Give the markup of a page.")
        declared = re.search(r'data-duration="([\d.]+)"', text)
        duration = self.behaviour.duration or request.duration or float(declared.group(1) if declared else 1)
        frames = round(duration * FPS)
        chunks = split_frames(frames, self.behaviour.chunks)
        planned = Plan(64, 36, Fraction(FPS), frames, Content.GRAPHICS, chunks, reason="as configured")
        mixed = sound if request.audio_url else None
        if mixed is not None:
            mixed.write_bytes(b"[sound]" if audio is None else audio.read_bytes())
        return Planned(
            planned, (("title", "A title"),), mixed, (Problem("composition", "warning", "The plan's warning."),), 0.05
        )

    def render_chunk(
        self, source: Source, request: Any, plan: Plan, chunk: Chunk, output: Path, *, listener: Any = None
    ) -> CaptureRecord:
        self.behaviour.enter(f"render_chunk {chunk.index}")
        self.behaviour.look(source, request)
        self._frames(chunk.frames.count, listener)
        output.write_bytes(f"[{chunk.frames.first}+{chunk.frames.count}]".encode())
        return CaptureRecord(chunk.frames.count)

    def assemble(self, plan: Plan, chunks: Any, records: Any, output: Path, *, sound: Path | None, tags: Any) -> Result:
        self.behaviour.enter("assemble")
        assert tags == [("title", "A title")]
        heard = b"" if sound is None else sound.read_bytes()
        output.write_bytes(b"".join(path.read_bytes() for _, path in chunks) + heard)
        return Result(sum(record.frames for record in records), len(chunks))

    async def render(self, source: Source, output: Path, request: Any, options: Any, listener: Any) -> Result:
        self.behaviour.enter("render")
        self.behaviour.ceilings["render"] = options.ceiling
        self.behaviour.look(source, request)
        if self.behaviour.hang:
            await asyncio.sleep(60)
        return self._whole(output, listener)

    def _whole(self, output: Path, listener: Any) -> Result:
        self._frames(50, listener)
        output.write_bytes(b"[whole]")
        return Result(50, 1)

    def _frames(self, count: int, listener: Any) -> None:
        if self.behaviour.hang:
            time.sleep(60)
        for done in range(1, count + 1):
            time.sleep(self.behaviour.seconds_per_frame)
            listener(Progress("render", done, count, 0.0, 0.0, None))


def install(monkeypatch: Any, behaviour: Behaviour) -> None:
    """Make the render functions use this engine."""
    # Imported here, because these modules read environment variables that the test sets first.
    from hyperframes_render.functions import assemble, plan, render_chunk

    engine = Engine(behaviour)
    used = {
        "CaptureRecord": CaptureRecord,
        "make_plan": engine.make_plan,
        "render_chunk": engine.render_chunk,
        "assemble": engine.assemble,
        "render": engine.render,
    }
    for module in (assemble, plan, render_chunk):
        for part, value in used.items():
            if hasattr(module, part):
                monkeypatch.setattr(module, part, value)
