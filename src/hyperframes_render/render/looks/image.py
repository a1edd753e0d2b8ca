"""One drawn frame of a look: whether it has one colour throughout, and samples for comparisons."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass

import av

#: Quality 90 keeps a dim text on its ground apart from it, and takes a third of the time of a PNG.
SCREENSHOT = {"format": "jpeg", "quality": 90, "optimizeForSpeed": True}
#: Levels of 255 by which the samples of one colour may differ: JPEG rounds.
_SPREAD = 8
#: Pixels of the copy that is searched: a line of one pixel across a frame of 1920 is still seen in it.
_WIDTH, _HEIGHT = 192, 108
#: Every so many samples are compared.
_COMPARED = 97
#: Levels of 255 by which a sample of two images of the same frame may differ.
_SAME = 3


@dataclass(frozen=True)
class Image:
    """`colour` is (red, green, blue) where the frame has one colour throughout. `samples` are some of its samples."""

    colour: tuple[int, int, int] | None
    samples: bytes

    def looks_like(self, other: Image) -> bool:
        """Whether both show about the same."""
        return all(abs(a - b) <= _SAME for a, b in zip(self.samples, other.samples, strict=True))


def image_of(screenshot: str) -> Image:
    """The image of a screenshot (base64 of a JPEG). Blocking."""
    with av.open(io.BytesIO(base64.b64decode(screenshot)), "r") as container:
        frame = next(container.decode(video=0)).reformat(_WIDTH, _HEIGHT, "rgb24", interpolation="AREA")
    plane = frame.planes[0]
    rows = memoryview(bytes(plane))
    pixels = b"".join(rows[y * plane.line_size : y * plane.line_size + 3 * _WIDTH] for y in range(_HEIGHT))
    plain = all(max(pixels[channel::3]) - min(pixels[channel::3]) <= _SPREAD for channel in range(3))
    return Image((pixels[0], pixels[1], pixels[2]) if plain else None, pixels[::_COMPARED])
