"""Compares videos frame by frame: VMAF, PSNR, and whether frame numbers agree.

A separate ffmpeg process decodes each video to raw frames and pipes them into the comparison. So frame n is compared
with frame n for any time stamps. (Two demuxed inputs were once compared with an offset of one frame.)
"""

from __future__ import annotations

import json
import math
import os
import subprocess
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import av
import imageio_ffmpeg
from measure import FPS, BenchError

#: PSNR in dB of equal frames. It is infinite, but a mean needs a number.
EQUAL_DB = 100.0
#: A frame moves if its PSNR against both neighbours is below this many dB.
MOVING_BELOW_DB = 40.0


@dataclass(frozen=True)
class Scores:
    """One measure over all frames of a video; frames are numbered from 0."""

    mean: float
    worst: float
    worst_frame: int
    frames: int

    @classmethod
    def of(cls, values: list[float]) -> Scores:
        """The summary of one value per frame."""
        worst = min(values)
        return cls(sum(values) / len(values), worst, values.index(worst), len(values))


@dataclass(frozen=True)
class VideoShape:
    """Properties of a video file. Sizes in pixels."""

    width: int
    height: int
    frames: int
    pixel_format: str
    profile: str


@dataclass(frozen=True)
class Alignment:
    """Whether our moving frames have the same numbers as the official ones."""

    moving: int
    #: Moving frames that are more similar to a neighbour of the official frame: number, dB to n-1, n and n+1.
    shifted: tuple[tuple[int, float, float, float], ...]


def as_record(value: Scores | VideoShape | Alignment) -> dict[str, Any]:
    """The value as a dict for the JSON record, rounded to three digits."""
    return {name: round(item, 3) if isinstance(item, float) else item for name, item in asdict(value).items()}


def shape(video: Path) -> VideoShape:
    """Size, number of coded frames and format of a file."""
    with av.open(str(video)) as container:
        stream = container.streams.video[0]
        frames = sum(1 for packet in container.demux(stream) if packet.size)
        context = stream.codec_context
        return VideoShape(context.width, context.height, frames, str(context.pix_fmt), str(context.profile))


def vmaf_and_psnr(video: Path, reference: Path) -> tuple[Scores, Scores]:
    """VMAF (default model) and PSNR in dB (mean of the three planes' errors) of `video` against `reference`."""
    threads = len(os.sched_getaffinity(0))
    graph = (
        f"[0:v]split[a][b];[1:v]split[c][d];[a][c]libvmaf=shortest=1:n_threads={threads}:log_fmt=json:log_path=vmaf;"
        "[b][d]psnr=shortest=1:stats_file=psnr"
    )
    with TemporaryDirectory() as folder:
        _compare([video, reference], graph, Path(folder))
        frames = json.loads((Path(folder) / "vmaf").read_text())["frames"]
        vmaf = [float(frame["metrics"]["vmaf"]) for frame in frames]
        psnr = _read_psnr(Path(folder) / "psnr")
    expected = min(shape(video).frames, shape(reference).frames)
    if not len(vmaf) == len(psnr) == expected:
        raise BenchError(f"{len(vmaf)} of {expected} frames of {video.name} were compared")
    return Scores.of(vmaf), Scores.of(psnr)


def against_official(ours: Path, official: Path, reference: Path) -> tuple[Scores, Alignment]:
    """PSNR in dB of our frames against the official ones, and whether any frame is shifted against them."""
    graph = (
        "[0:v]split=3[a][a1][a2];[1:v]split=3[b][b1][b2];[a][b]psnr=shortest=1:stats_file=same;"
        "[a1]trim=start_frame=1,setpts=PTS-STARTPTS[later];[later][b1]psnr=shortest=1:stats_file=before;"
        "[b2]trim=start_frame=1,setpts=PTS-STARTPTS[next];[a2][next]psnr=shortest=1:stats_file=after"
    )
    with TemporaryDirectory() as folder:
        _compare([ours, official], graph, Path(folder))
        same, before, after = (_read_psnr(Path(folder) / name) for name in ("same", "before", "after"))
    changes = _changes(reference)
    moving = [n for n in range(1, len(same) - 1) if max(changes[n - 1], changes[n]) < MOVING_BELOW_DB]
    # `before` starts with our frame 1 (against the official frame 0), `after` with our frame 0 (against 1).
    shifted = [
        (n, round(before[n - 1], 2), round(same[n], 2), round(after[n], 2))
        for n in moving
        if max(before[n - 1], after[n]) > same[n]
    ]
    return Scores.of(same), Alignment(len(moving), tuple(shifted))


def _changes(video: Path) -> list[float]:
    """PSNR in dB of every frame n+1 against frame n. High values mean little movement."""
    graph = "[0:v]split[a][b];[b]trim=start_frame=1,setpts=PTS-STARTPTS[next];[a][next]psnr=shortest=1:stats_file=psnr"
    with TemporaryDirectory() as folder:
        _compare([video], graph, Path(folder))
        return _read_psnr(Path(folder) / "psnr")


def _compare(videos: list[Path], graph: str, folder: Path) -> None:
    """Run a filter graph on the raw frames of `videos`. It writes its results into `folder`."""
    ffmpeg = imageio_ffmpeg.get_ffmpeg_exe()
    decoders: list[subprocess.Popen[bytes]] = []
    inputs: list[str] = []
    descriptors: list[int] = []
    for video in videos:
        facts = shape(video)
        raw = ["-fps_mode", "passthrough", "-f", "rawvideo", "-pix_fmt", "yuv420p", "pipe:1"]
        decoder = subprocess.Popen(
            [ffmpeg, "-v", "error", "-nostdin", "-i", str(video), *raw], stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        assert decoder.stdout is not None
        decoders.append(decoder)
        descriptors.append(decoder.stdout.fileno())
        inputs += ["-f", "rawvideo", "-pixel_format", "yuv420p", "-video_size", f"{facts.width}x{facts.height}"]
        inputs += ["-framerate", str(FPS), "-i", f"pipe:{descriptors[-1]}"]
    finished = subprocess.run(
        [ffmpeg, "-v", "error", "-nostdin", *inputs, "-filter_complex", graph, "-f", "null", "-"],
        cwd=folder,
        pass_fds=descriptors,
        stderr=subprocess.PIPE,
        check=False,
    )
    _check_ends(decoders, finished)


def _check_ends(decoders: list[subprocess.Popen[bytes]], finished: subprocess.CompletedProcess[bytes]) -> None:
    """Raise BenchError if the comparison failed. A decoder may fail because its last frames are not read."""
    messages = [finished.stderr]
    for decoder in decoders:
        assert decoder.stdout is not None and decoder.stderr is not None
        decoder.stdout.close()
        messages.append(decoder.stderr.read())
        decoder.wait()
        decoder.stderr.close()
    if finished.returncode != 0:
        text = b" | ".join(message.strip() for message in messages if message).decode("utf-8", "replace")
        raise BenchError(f"ffmpeg could not compare the videos: {text[-600:]}")


def _read_psnr(statistics: Path) -> list[float]:
    """PSNR in dB of each line of the psnr filter's file, EQUAL_DB for equal frames."""
    values = []
    for line in statistics.read_text().splitlines():
        fields = dict(part.split(":", 1) for part in line.split() if ":" in part)
        value = float(fields["psnr_avg"])
        values.append(EQUAL_DB if math.isinf(value) else min(value, EQUAL_DB))
    return values
