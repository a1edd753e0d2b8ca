"""What a finished file really holds."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from fractions import Fraction
from pathlib import Path

import av

from hyperframes_render.errors import EncoderFailed


@dataclass(frozen=True)
class VideoFacts:
    """Read from the file, not from what was asked for. Sizes in pixels and bytes, durations in seconds."""

    container: str
    codec: str
    width: int
    height: int
    pixel_format: str
    fps: str
    frames: int
    duration: float
    size: int
    color_space: str
    color_range: str

    def as_dict(self) -> dict[str, object]:
        """For a JSON result."""
        return asdict(self)


#: H.273 code points that ffmpeg's enumerations carry as numbers.
_COLOR_SPACES = {1: "bt709", 0: "rgb", 5: "bt470bg", 6: "smpte170m"}
_COLOR_RANGES = {1: "tv", 2: "pc"}


def probe_video(path: Path) -> VideoFacts:
    """The facts of the first video stream, frames counted packet by packet. Raises EncoderFailed."""
    try:
        with av.open(str(path)) as container:
            stream = container.streams.video[0]
            frames = sum(1 for packet in container.demux(stream) if packet.size)
            context = stream.codec_context
            time_base = stream.time_base or Fraction(1)
            return VideoFacts(
                container=container.format.name,
                codec=context.name,
                width=context.width,
                height=context.height,
                pixel_format=str(context.pix_fmt),
                fps=str(stream.average_rate),
                frames=frames,
                duration=float((stream.duration or 0) * time_base),
                size=path.stat().st_size,
                color_space=_COLOR_SPACES.get(int(context.colorspace), str(int(context.colorspace))),
                color_range=_COLOR_RANGES.get(int(context.color_range), str(int(context.color_range))),
            )
    except (av.FFmpegError, IndexError, OSError) as error:
        raise EncoderFailed(f"The finished file cannot be read: {error}.") from error


def check_video(facts: VideoFacts, *, width: int, height: int, frames: int, fps: Fraction) -> None:
    """Raise EncoderFailed where the file is not what was asked for."""
    wanted = {"width": width, "height": height, "frames": frames, "fps": str(fps)}
    if frames == 1:
        del wanted["fps"]  # one frame has no rate
    wrong = [
        f"{name} is {getattr(facts, name)}, not {value}"
        for name, value in wanted.items()
        if getattr(facts, name) != value
    ]
    if wrong:
        raise EncoderFailed(f"The finished file is not what was asked for: {'; '.join(wrong)}.")
