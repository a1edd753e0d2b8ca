"""Writes frames with exact times to a pipe, as the smallest Matroska stream.

Raw video formats carry no times, and a muxing library would copy each frame three times. Here the header of a frame is
written, then the frame itself, from the buffer that it was captured into. The stream follows the Matroska specification
(RFC 9559): an EBML header, one segment of unknown size, one track, and a cluster of one block for each frame.
"""

from __future__ import annotations

import struct
from fractions import Fraction

from hyperframes_render.media.frame_form import FrameForm

#: Times are written in microseconds: TimestampScale is in nanoseconds.
TIMESTAMP_SCALE = 1000


def _size(value: int) -> bytes:
    """A length as an eight-byte EBML variable-size integer."""
    return (value | 1 << 56).to_bytes(8, "big")


def _element(identifier: str, payload: bytes) -> bytes:
    return bytes.fromhex(identifier) + _size(len(payload)) + payload


def _unsigned(identifier: str, value: int) -> bytes:
    return _element(identifier, value.to_bytes(8, "big"))


#: For each form of frame: the name of its codec, and for uncompressed frames the layout (a FOURCC).
_CODECS = {
    FrameForm.PLANES: (b"V_UNCOMPRESSED", b"I420"),
    FrameForm.PIXELS: (b"V_UNCOMPRESSED", b"BGRA"),
    FrameForm.JPEG: (b"V_MJPEG", b""),
    # Matroska has no name of its own for PNG: the FOURCC of the older container, in that container's header.
    FrameForm.PNG: (b"V_MS/VFW/FOURCC", b""),
}


def stream_header(width: int, height: int, fps: Fraction, form: FrameForm) -> bytes:
    """The bytes before the first frame. Sizes in pixels."""
    ebml = _element(
        "1A45DFA3",
        _unsigned("4286", 1)
        + _unsigned("42F7", 1)
        + _unsigned("42F2", 4)
        + _unsigned("42F3", 8)
        + _element("4282", b"matroska")
        + _unsigned("4287", 4)
        + _unsigned("4285", 2),
    )
    info = _element("1549A966", _unsigned("2AD7B1", TIMESTAMP_SCALE))
    codec, layout = _CODECS[form]
    video = _unsigned("B0", width) + _unsigned("BA", height)
    if layout:
        video += _element("2EB524", layout)
    private = b""
    if form is FrameForm.PNG:
        # BITMAPINFOHEADER: its length, the size, one plane of 32 bits, the FOURCC, and five fields of no interest.
        private = _element("63A2", struct.pack("<IiiHH4sIiiII", 40, width, height, 1, 32, b"MPNG", 0, 0, 0, 0, 0))
    track = (
        _unsigned("D7", 1)
        + _unsigned("73C5", 1)
        + _unsigned("83", 1)
        + _unsigned("23E383", round(1_000_000_000 / fps))
        + _element("86", codec)
        + private
        + _element("E0", video)
    )
    segment = bytes.fromhex("18538067") + b"\x01" + b"\xff" * 7
    return ebml + segment + info + _element("1654AE6B", _element("AE", track))


def frame_header(frame: int, fps: Fraction, length: int) -> bytes:
    """The bytes before a frame of `length` bytes with the number `frame`."""
    timestamp = _unsigned("E7", round(frame * 1_000_000 / fps))
    # SimpleBlock: track 1, zero relative time, key frame.
    block_header = b"\x81\x00\x00\x80"
    block = bytes.fromhex("A3") + _size(len(block_header) + length) + block_header
    return bytes.fromhex("1F43B675") + _size(len(timestamp) + len(block) + length) + timestamp + block
