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

#: Formats of pictures that may move. For the first two ffmpeg reads what they hold, as for films.
_FORMATS = ("GIF", "PNG", "WEBP", "AVIF")
_BY_FFMPEG = ("GIF", "PNG")
#: A picture that says to be shown shorter is shown this long by browsers (seconds).
_SHORTEST, _INSTEAD = 0.011, 0.1


@dataclass(frozen=True)
class AnimatedImage:
    """What is in an image file of several pictures: size in pixels, format as Pillow calls it."""

    format: str
    width: int
    height: int


def probe_picture(path: Path) -> AnimatedImage | None:
    """What moves in an image file; None where it is a still picture or none that can be read."""
    try:
        with Image.open(path, formats=_FORMATS) as image:
            if getattr(image, "is_animated", False):
                return AnimatedImage(str(image.format), *image.size)
    except (OSError, ValueError, SyntaxError, UnidentifiedImageError, Image.DecompressionBombError):
        pass  # the browser says of a picture that it cannot show
    return None


def open_moving(path: Path, *, fps: Fraction) -> VideoReader | AnimatedImageReader:
    """A reader of the moving picture in `path`, which begins again for ever. Raises MediaUnreadable."""
    picture = probe_picture(path)
    if picture is None or picture.format in _BY_FFMPEG:
        return VideoReader(path, fps=fps, loop=True)
    return AnimatedImageReader(path, fps=fps)


class AnimatedImageReader:
    """Reads one moving picture, best in increasing order; it begins again for ever. Blocking."""

    def __init__(self, path: Path, *, fps: Fraction) -> None:
        """`fps` is the render's. Raises MediaUnreadable."""
        self.name = path.name
        self._fps = fps
        try:
            self._image = Image.open(path, formats=_FORMATS)
            #: Seconds at which each picture ends.
            self._ends = list(_ends(self._image))
        except (OSError, ValueError, SyntaxError) as error:
            raise MediaUnreadable(str(error)) from None
        self._still: Still | None = None

    def close(self) -> None:
        """Give the file back."""
        self._image.close()

    def still(self, index: int) -> Still:
        """The picture at `index` frames of the render after its beginning. Raises MediaUnreadable."""
        # A hair later: times in milliseconds are met exactly.
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
        frame.load()  # only then is it known how long it is shown
        shown = float(frame.info.get("duration") or 0) / 1000
        end += shown if shown >= _SHORTEST else _INSTEAD
        yield end
