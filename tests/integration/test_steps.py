"""Plan, chunks and join in separate steps, as on different machines, give the same video as one render."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from hyperframes_render.errors import EncoderFailed, SoundUnusable
from hyperframes_render.input import parse_render_input
from hyperframes_render.render.job import LocalOptions, render
from hyperframes_render.render.plan import Plan, split_frames
from hyperframes_render.render.result import CaptureRecord
from hyperframes_render.render.steps import Chunking, assemble, make_plan, render_chunk
from tests.e2e.boxes import BOXES, check_boxes
from tests.e2e.support import COMPOSITIONS, frames, packet_times

REQUEST = parse_render_input({"network": "none"})
RICH = COMPOSITIONS / "rich.html"


def through_json(plan: Plan) -> Plan:
    return Plan.from_dict(json.loads(json.dumps(plan.as_dict())))


def in_chunks(source: Path, folder: Path, count: int) -> Path:
    """The video of `source`, joined from `count` chunks that were rendered separately."""
    plan = make_plan(source, REQUEST, Chunking(parallel=1), sound=folder / "sound.flac").plan
    plan = through_json(replace(plan, chunks=split_frames(plan.frames, count)))
    parts, records = [], []
    for chunk in plan.chunks:
        path = folder / f"{chunk.index}.mp4"
        record = render_chunk(source, REQUEST, plan, chunk, path)
        records.append(CaptureRecord.from_dict(json.loads(json.dumps(record.as_dict()))))
        parts.append((chunk, path))
    result = assemble(plan, parts, records, folder / "joined.mp4")
    assert (result.frames, result.chunks) == (plan.frames, count)
    assert result.unique_frames > 0
    return folder / "joined.mp4"


def psnr(a: np.ndarray, b: np.ndarray) -> float:
    error = float(((a.astype(int) - b) ** 2).mean())
    return 99.0 if error == 0 else 10 * float(np.log10(255**2 / error))


def test_three_chunks_show_the_frames_of_a_single_pass(tmp_path: Path) -> None:
    joined = in_chunks(RICH, tmp_path, 3)
    asyncio.run(render(RICH, tmp_path / "one.mp4", REQUEST, LocalOptions(workers=1)))
    assert sorted(time for time, _, _ in packet_times(joined)) == sorted(
        time for time, _, _ in packet_times(tmp_path / "one.mp4")
    )
    one, many = frames(tmp_path / "one.mp4"), frames(joined)
    # Two encodings of the same frames exceed 43 dB at this quality. Neighbouring frames are below 38 dB.
    assert min(psnr(a, b) for a, b in zip(one, many, strict=True)) > 43
    assert psnr(one[30], one[31]) < 40


def test_separately_rendered_chunks_show_every_frame_once(tmp_path: Path) -> None:
    check_boxes(in_chunks(BOXES, tmp_path, 4))


def test_a_missing_chunk_is_an_error(tmp_path: Path) -> None:
    plan = make_plan(BOXES, REQUEST, Chunking(parallel=1), sound=tmp_path / "sound.flac").plan
    plan = replace(plan, chunks=split_frames(plan.frames, 2))
    record = render_chunk(BOXES, REQUEST, plan, plan.chunks[0], tmp_path / "0.mp4")
    with pytest.raises(EncoderFailed, match="not those of the plan"):
        assemble(plan, [(plan.chunks[0], tmp_path / "0.mp4")], [record], tmp_path / "o.mp4")
    twice = [(chunk, tmp_path / "0.mp4") for chunk in split_frames(50, 2)]
    short = replace(plan, frames=50, chunks=split_frames(50, 2))
    with pytest.raises(EncoderFailed, match="has 30 frames"):
        assemble(short, twice, [record] * 2, tmp_path / "o.mp4")
    assert not (tmp_path / "o.mp4").exists()


@pytest.mark.parametrize("step", ["plan", "whole"])
def test_a_sound_outside_the_network_policy_is_refused_before_rendering(tmp_path: Path, step: str) -> None:
    request = parse_render_input({"audio_url": "https://out.example/a.mp3"})
    with pytest.raises(SoundUnusable, match=r'"out\.example" is outside the network policy'):
        if step == "plan":
            sound = tmp_path / "sound.flac"
            make_plan(BOXES, request, Chunking(parallel=1), sound=sound, ceiling=("in.example",), thorough=True)
        else:
            options = LocalOptions(workers=1, ceiling=("in.example",))
            asyncio.run(render(BOXES, tmp_path / "o.mp4", request, options))
