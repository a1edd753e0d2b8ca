"""One drawn frame of a look: whether it has one colour throughout, and a small copy for comparisons."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass

#: Quality 90 keeps a dim text on its ground apart from it, and takes a third of the time of a PNG.
SCREENSHOT = {"format": "jpeg", "quality": 90, "optimizeForSpeed": True}
#: Levels of 255 by which the samples of one colour may differ: JPEG rounds.
_SPREAD = 8
#: Width to which the decoder may reduce a frame: a line of one pixel is still seen.
_WIDTH = 480
_SMALL = (32, 18)
#: Levels of 255 by which a sample of two small copies of the same frame may differ.
_SAME = 3


@dataclass(frozen=True)
class Image:
    """`colour` is (red, green, blue) where the frame has one colour throughout."""

    colour: tuple[int, int, int] | None
    small: bytes

    def looks_like(self, other: Image) -> bool:
        """Whether both show about the same."""
        return all(abs(a - b) <= _SAME for a, b in zip(self.small, other.small, strict=True))


def image_of(screenshot: str) -> Image:
    """The image of a screenshot (base64 of a JPEG). Blocking."""
    from PIL import Image as Pillow  # not at the top: it takes a while, and a page that fails to open needs none

    with Pillow.open(io.BytesIO(base64.b64decode(screenshot))) as picture:
        if picture.width > _WIDTH:
            picture.draft("RGB", (_WIDTH, _WIDTH * picture.height // picture.width))
        reduced = picture.convert("RGB")
    ends = reduced.getextrema()
    plain = all(high - low <= _SPREAD for low, high in ends)  # type: ignore[misc]
    small = reduced.resize(_SMALL).tobytes()
    return Image((small[0], small[1], small[2]) if plain else None, small)
