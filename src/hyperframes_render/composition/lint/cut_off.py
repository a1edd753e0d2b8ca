"""Whether a media file ends too early, by the lengths that its format states."""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

_MP4 = (".mp4", ".m4v", ".m4a", ".mov")


def is_cut_off(path: Path) -> bool:
    """Whether a file of MP4, PNG or WAV form ends before its last part. Other files are not looked into."""
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(12)
        if head[4:8] == b"ftyp" and path.suffix.lower() in _MP4:
            return _mp4_is_cut(file, size)
        if head[:8] == b"\x89PNG\r\n\x1a\n":
            file.seek(max(0, size - 64))
            return b"IEND" not in file.read()
        # Players take a length of 0 or 0xFFFFFFFF for "until the end": streamed files have it.
        stated = int.from_bytes(head[4:8], "little")
        return head[:4] == b"RIFF" and 0 < stated < 0xFFFFFFFF and size + 8 < stated * 0.9
    return False


def _mp4_is_cut(file: BinaryIO, size: int) -> bool:
    """Whether a box goes past the end, or the box with the index is missing (ISO/IEC 14496-12, 4.2)."""
    at, has_index = 0, False
    while at + 8 <= size:
        file.seek(at)
        header = file.read(16)
        length = int.from_bytes(header[:4], "big")
        if length == 1:
            length = int.from_bytes(header[8:16], "big")
        has_index = has_index or header[4:8] == b"moov"
        if length == 0:
            break
        if length < 8 or at + length > size:
            return True
        at += length
    return not has_index
