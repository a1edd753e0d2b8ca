"""The forms in which a captured frame goes to the encoder."""

from __future__ import annotations

from enum import StrEnum


class FrameForm(StrEnum):
    """What the bytes of a frame are."""

    #: yuv420p planes of even size, bt709, limited range.
    PLANES = "planes"
    #: Opaque BGRA, row after row without padding.
    PIXELS = "pixels"
    JPEG = "jpeg"
    #: The only form with alpha (straight, not premultiplied).
    PNG = "png"
