"""Still images: one frame, several frames on a sheet with their times, and the poster of a video."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from pathlib import Path

import av
from av.video.reformatter import Colorspace, Interpolation, VideoReformatter
from PIL import Image, ImageDraw, ImageFont, ImageStat

from hyperframes_render.errors import EncoderFailed
from hyperframes_render.media.colour import UNBIASED
from hyperframes_render.media.frame_form import FrameForm

#: Maximum width of a frame on a sheet, and sizes of gaps and labels (pixels).
_SHEET_WIDTH = 480
_GAP, _LABEL = 12, 28
#: Places in a video where a poster is looked for: its start is often empty, its end often faded.
_POSTER_PLACES = (0.5, 0.3, 0.7, 0.15, 0.85)
#: Maximum width of a poster, and its JPEG quality.
_POSTER_WIDTH, _POSTER_QUALITY = 1280, 88


def image_of(data: bytes, form: FrameForm, size: tuple[int, int]) -> Image.Image:
    """A captured frame (PIXELS of `size`, or PNG) as an image."""
    if form is FrameForm.PIXELS:
        return Image.frombytes("RGBA", size, data, "raw", "BGRA").convert("RGB")
    return Image.open(io.BytesIO(data))


def sheet_of(frames: Sequence[tuple[float, Image.Image]]) -> Image.Image:
    """An image with several frames in rows, and the time of each below it. `frames`: seconds and image."""
    columns = min(len(frames), 4 if len(frames) > 9 else 3)
    rows = -(-len(frames) // columns)
    width = min(_SHEET_WIDTH, max(frame.width for _, frame in frames))
    height = max(round(frame.height * width / frame.width) for _, frame in frames)
    sheet = Image.new("RGB", (columns * (width + _GAP) + _GAP, rows * (height + _LABEL + _GAP) + _GAP), (24, 24, 28))
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(size=16)
    for index, (seconds, frame) in enumerate(frames):
        left = _GAP + index % columns * (width + _GAP)
        top = _GAP + index // columns * (height + _LABEL + _GAP)
        small = frame.convert("RGB").resize((width, height), Image.Resampling.LANCZOS)
        sheet.paste(small, (left, top))
        draw.text((left, top + height + 5), f"{seconds:.2f} s", font=font, fill=(225, 225, 230))
    return sheet


def make_poster(video: Path, output: Path) -> None:
    """Write the frame of `video` with the most detail to `output` (.jpg), over white if it has alpha.

    Raises EncoderFailed if no frame can be read.
    """
    frames = _zip_frames(video) if video.suffix == ".zip" else _video_frames(video)
    if not frames:
        raise EncoderFailed("The finished file has no frame for a poster.")
    # An empty frame has no detail.
    best = max(frames, key=lambda frame: sum(ImageStat.Stat(frame.convert("RGB").resize((96, 54))).stddev))
    if best.mode == "RGBA":
        best = Image.alpha_composite(Image.new("RGBA", best.size, "white"), best)
    best = best.convert("RGB")
    if best.width > _POSTER_WIDTH:
        best = best.resize((_POSTER_WIDTH, round(best.height * _POSTER_WIDTH / best.width)), Image.Resampling.LANCZOS)
    best.save(output, quality=_POSTER_QUALITY)


def _zip_frames(path: Path) -> list[Image.Image]:
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
        places = {round(place * (len(names) - 1)) for place in _POSTER_PLACES}
        return [Image.open(io.BytesIO(archive.read(names[place]))) for place in sorted(places)]


def _video_frames(path: Path) -> list[Image.Image]:
    """Frames near the places: the first frame that decodes after each seek, so that little is decoded."""
    frames: list[Image.Image] = []
    try:
        with av.open(str(path)) as container:
            stream = container.streams.video[0]
            length = container.duration or 0
            for place in _POSTER_PLACES:
                container.seek(round(place * length))
                frame = next(container.decode(stream), None)
                if frame is not None:
                    frames.append(_image_of_frame(frame))
    except (av.FFmpegError, IndexError) as error:
        raise EncoderFailed(f"The finished file cannot be read for a poster: {error}.") from error
    return frames


def _image_of_frame(frame: av.VideoFrame) -> Image.Image:
    rgb = VideoReformatter().reformat(
        frame, format="rgb24", src_colorspace=Colorspace.ITU709, interpolation=Interpolation.BILINEAR | UNBIASED
    )
    return Image.fromarray(rgb.to_ndarray())
