"""An engine for the deployed plan, render_chunk and assemble that needs no browser and can be configured to fail.

Python imports a module named sitecustomize at its start. The functions are the deployed ones; only their engine is
replaced. A comment in the composition configures it:
<!--fake {"chunks": 3, "faults": {"render_chunk 1": ["BrowserFailed"]}}-->.
Each call uses up one fault, across processes: "die" ends the process, "hang" never returns, "s3" makes the next
upload fail, other values are the class of an error to raise.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import time
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

_USED = Path(__file__).parent / "used"
_FPS = 25


class Script:
    """The configuration in one composition."""

    def __init__(self, source: Path) -> None:
        found = re.search(r"<!--fake (.*?)-->", source.read_text())
        values = json.loads(found.group(1)) if found else {}
        self.name = values.get("name", "unnamed")
        self.chunks = values.get("chunks", 1)
        self.frames = values.get("frames", 12)
        self.seconds_per_frame = values.get("seconds_per_frame", 0.0)
        self._faults = values.get("faults", {})

    def enter(self, call: str) -> None:
        """Record the call, and fail if the script says so."""
        _USED.mkdir(exist_ok=True)
        for number in range(1000):
            try:
                (_USED / f"{self.name} {call} {number}").touch(exist_ok=False)
            except FileExistsError:
                continue
            break
        wanted = self._faults.get(call, [])
        fault = wanted[min(number, len(wanted) - 1)] if wanted else None
        if fault is None:
            return
        if fault == "die":
            os._exit(9)
        if fault == "hang":
            time.sleep(3600)
        if fault == "s3":
            break_next_upload()
            return
        import hyperframes_render.errors as errors

        raise getattr(errors, fault)("It was made to fail.", "Nothing is to be done.")


def break_next_upload() -> None:
    """Make the next PutObject of this process fail with SlowDown, including its retries."""
    from botocore.client import BaseClient
    from botocore.exceptions import ClientError

    call = BaseClient._make_api_call  # type: ignore[attr-defined]

    def broken(self: Any, operation: str, parameters: Any) -> Any:
        if operation != "PutObject":
            return call(self, operation, parameters)
        BaseClient._make_api_call = call  # type: ignore[attr-defined]
        raise ClientError({"Error": {"Code": "SlowDown", "Message": "Please reduce your request rate."}}, operation)

    BaseClient._make_api_call = broken  # type: ignore[attr-defined]


def install() -> None:
    """Replace the engine's four functions for every module that imports them afterwards."""
    from hyperframes_render.formats import Content
    from hyperframes_render.render import job, steps
    from hyperframes_render.render.plan import Chunk, FrameRange, Plan, split_frames
    from hyperframes_render.render.progress import Progress
    from hyperframes_render.render.result import CaptureRecord

    @dataclass(frozen=True)
    class Result:
        frames: int
        chunks: int
        warnings: tuple[str, ...] = ()

        def as_dict(self) -> dict[str, Any]:
            facts = {"width": 64, "height": 36, "fps": str(_FPS), "duration": self.frames / _FPS}
            return {
                **facts,
                "frames": self.frames,
                "chunks": self.chunks,
                "timings": {},
                "warnings": list(self.warnings),
            }

    def report(script: Script, frames: FrameRange, listener: Any) -> None:
        for done in range(1, frames.count + 1):
            time.sleep(script.seconds_per_frame)
            listener(Progress("render", done, frames.count, 0.0, 0.0, None))

    def make_plan(source: Path, request: Any, chunking: Any, **_: Any) -> steps.Planned:
        script = Script(source)
        script.enter("make_plan")
        chunks = split_frames(script.frames, script.chunks)
        plan = Plan(64, 36, Fraction(_FPS), script.frames, next(iter(Content)), chunks, reason="as configured")
        return steps.Planned(plan, (), None, ())

    def render_chunk(
        source: Path, request: Any, plan: Plan, chunk: Chunk, output: Path, *, listener: Any
    ) -> CaptureRecord:
        script = Script(source)
        script.enter(f"render_chunk {chunk.index}")
        report(script, chunk.frames, listener)
        output.write_bytes(f"[{chunk.frames.first}+{chunk.frames.count}]".encode())
        return CaptureRecord((), {}, 0.0, (), (), {})

    def assemble(plan: Plan, chunks: Any, records: Any, output: Path, **_: Any) -> Result:
        output.write_bytes(b"".join(path.read_bytes() for _, path in chunks))
        return Result(plan.frames, len(chunks))

    async def render(source: Path, output: Path, request: Any, options: Any, listener: Any) -> Result:
        script = await asyncio.to_thread(Script, source)
        script.enter("render")
        await asyncio.to_thread(report, script, FrameRange(0, script.frames), listener)
        await asyncio.to_thread(output.write_bytes, b"[whole]")
        return Result(script.frames, 1)

    for module, calls in {steps: (make_plan, render_chunk, assemble), job: (render,)}.items():
        for call in calls:
            setattr(module, call.__name__, call)


install()
