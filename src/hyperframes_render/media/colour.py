"""Colours of decoded frames: the matrix that they need, and whether they are HDR or BT.2020.

The numbers of matrices, primaries and transfers are the code points of ITU-T H.273.
"""

from __future__ import annotations

from enum import StrEnum

import av
from av.video.reformatter import Colorspace, Interpolation

#: Flags of swscale that round to the nearest level. Without the two FULL_CHR flags its conversion from YUV to RGB
#: rounds down: 1 to 2 levels of 255 too dark (docs/reference/quality.md).
UNBIASED = Interpolation.ACCURATE_RND | Interpolation.FULL_CHR_H_INT | Interpolation.FULL_CHR_H_INP
#: From this height on, browsers take an untagged video for BT.709, below it for BT.601.
_HD_HEIGHT = 720
_UNSPECIFIED = (0, 2)
_MATRICES = {
    1: Colorspace.ITU709,
    4: Colorspace.FCC,
    7: Colorspace.SMPTE240M,
    9: Colorspace.BT2020,
    10: Colorspace.BT2020,
}
_BT2020 = 9
_PQ, _HLG = 16, 18


class WideColours(StrEnum):
    """Colours of a video that must be converted to BT.709. The value is the name in warnings."""

    HLG = "HLG"
    PQ = "PQ"
    #: BT.2020 primaries with the transfer of SDR video.
    SDR = "BT.2020"


def wide_colours(*, primaries: int, transfer: int, matrix: int) -> WideColours | None:
    """The conversion that a video with these H.273 code points needs; None if it is shown as it is."""
    if transfer == _HLG:
        return WideColours.HLG
    if transfer == _PQ:
        return WideColours.PQ
    untagged_bt2020 = primaries in _UNSPECIFIED and _MATRICES.get(matrix) == Colorspace.BT2020
    return WideColours.SDR if primaries == _BT2020 or untagged_bt2020 else None


def matrix_of(frame: av.VideoFrame) -> int:
    """swscale's number of the matrix between the frame's YUV and RGB: as tagged, else the guess of browsers."""
    tagged = int(frame.colorspace)
    if tagged in _UNSPECIFIED:
        if int(frame.color_primaries) == _BT2020:
            return int(Colorspace.BT2020)
        return int(Colorspace.ITU709 if frame.height >= _HD_HEIGHT else Colorspace.ITU601)
    return int(_MATRICES.get(tagged, Colorspace.ITU601))
