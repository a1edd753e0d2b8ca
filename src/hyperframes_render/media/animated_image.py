"""Animated WebP and AVIF files: the image of each moment, as VideoReader reads it from videos. ffmpeg reads neither."""

from __future__ import annotations

import io
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from PIL import Image, ImageSequence, UnidentifiedImageError

from hyperframes_render.media.media_file import MediaUnreadable
from hyperframes_render.media.video_reader import Still, VideoReader

#: Image formats that may be animated. ffmpeg reads the first two, as it reads videos.
_FORMATS = ("GIF", "PNG", "WEBP", "AVIF")
_BY_FFMPEG = ("GIF", "PNG")
#: Browsers show an image with a shorter duration for this long instead (seconds).
_SHORTEST, _INSTEAD = 0.011, 0.1


@dataclass(frozen=True)
class AnimatedImage:
    """An image file with several frames: its size in pixels, and its format as Pillow names it."""

    format: str
    width: int
    height: int


def probe_animation(path: Path) -> AnimatedImage | None:
    """The facts of an animated image; None for a still image, or for one that cannot be read."""
    try:
        with Image.open(path, formats=_FORMATS) as image:
            if getattr(image, "is_animated", False):
                return AnimatedImage(str(image.format), *image.size)
    except (OSError, ValueError, SyntaxError, UnidentifiedImageError, Image.DecompressionBombError):
        pass  # the browser reports an image that it cannot show
    return None


def open_moving(path: Path, *, fps: Fraction) -> VideoReader | AnimatedImageReader:
    """A reader of the animated image in `path`. The image repeats without end. Raises MediaUnreadable."""
    image = probe_animation(path)
    if image is None or image.format in _BY_FFMPEG:
        return VideoReader(path, fps=fps, loop=True)
    return AnimatedImageReader(path, fps=fps)


class AnimatedImageReader:
    """Reads one animated image; fastest in increasing order. The image repeats without end. Blocking."""

    def __init__(self, path: Path, *, fps: Fraction) -> None:
        """`fps` is the render's. Raises MediaUnreadable."""
        self.name = path.name
        self._fps = fps
        try:
            self._image = Image.open(path, formats=_FORMATS)
            #: Seconds at which each frame ends.
            self._ends = list(_ends(self._image))
        except (OSError, ValueError, SyntaxError) as error:
            raise MediaUnreadable(str(error)) from None
        self._still: Still | None = None

    def close(self) -> None:
        """Close the file."""
        self._image.close()

    def still(self, index: int) -> Still:
        """The frame to show `index` render frames after the start. Raises MediaUnreadable."""
        # A little later, because the file rounds times to milliseconds.
        seconds = (index / float(self._fps)) % self._ends[-1] + 1e-6
        number = min(bisect_right(self._ends, seconds), len(self._ends) - 1)
        if self._still is None or self._still.key != number:
            data = io.BytesIO()
            try:
                self._image.seek(number)
                self._image.convert("RGBA").save(data, "PNG", compress_level=1)
            except (OSError, ValueError, EOFError) as error:
                raise MediaUnreadable(str(error)) from None
            self._still = Still(number, "image/png", data.getvalue())
        return self._still


def _ends(image: Image.Image) -> Iterator[float]:
    end = 0.0
    for frame in ImageSequence.Iterator(image):
        frame.load()  # this reads the frame's duration
        shown = float(frame.info.get("duration") or 0) / 1000
        end += shown if shown >= _SHORTEST else _INSTEAD
        yield end
