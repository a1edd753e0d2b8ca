"""Pictures with exact times on a pipe: the few Matroska elements that this needs.

Raw video formats carry no times, and a muxing library would copy each picture three times; here the header
of a picture is written, then the picture itself, straight from the buffer it was captured into. Written after
the Matroska specification (RFC 9559): EBML header, one segment of unknown size, one track, and a cluster of one
block for each picture.
"""

from __future__ import annotations

from fractions import Fraction

#: Times are written in microseconds: TimestampScale is in nanoseconds.
TIMESTAMP_SCALE = 1000


def _size(value: int) -> bytes:
    """A length as an eight-byte EBML variable-size integer."""
    return (value | 1 << 56).to_bytes(8, "big")


def _element(identifier: str, payload: bytes) -> bytes:
    return bytes.fromhex(identifier) + _size(len(payload)) + payload


def _unsigned(identifier: str, value: int) -> bytes:
    return _element(identifier, value.to_bytes(8, "big"))


def stream_header(width: int, height: int, fps: Fraction, *, jpeg: bool) -> bytes:
    """The bytes before the first picture. Sizes in pixels; pictures are yuv420p planes, or JPEG images."""
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
    video = _unsigned("B0", width) + _unsigned("BA", height)
    if not jpeg:
        video += _element("2EB524", b"I420")
    track = (
        _unsigned("D7", 1)
        + _unsigned("73C5", 1)
        + _unsigned("83", 1)
        + _unsigned("23E383", round(1_000_000_000 / fps))
        + _element("86", b"V_MJPEG" if jpeg else b"V_UNCOMPRESSED")
        + _element("E0", video)
    )
    segment = bytes.fromhex("18538067") + b"\x01" + b"\xff" * 7
    return ebml + segment + info + _element("1654AE6B", _element("AE", track))


def picture_header(frame: int, fps: Fraction, length: int) -> bytes:
    """The bytes before a picture of `length` bytes that is first shown as frame number `frame`."""
    timestamp = _unsigned("E7", round(frame * 1_000_000 / fps))
    # SimpleBlock: track 1, zero relative time, key frame.
    block_header = b"\x81\x00\x00\x80"
    block = bytes.fromhex("A3") + _size(len(block_header) + length) + block_header
    return bytes.fromhex("1F43B675") + _size(len(timestamp) + len(block) + length) + timestamp + block
