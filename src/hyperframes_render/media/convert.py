"""Converts captured frames from the browser's BGRA to the encoder's 4:2:0 (yuv420p).

ffmpeg could convert them, too. But here the pipe carries 1.5 bytes a pixel instead of 4, and the frames of several
browsers are converted at the same time.
"""

from __future__ import annotations

import av
from av.video.reformatter import ColorRange, Colorspace, Interpolation, VideoReformatter

from hyperframes_render.formats import even


def planes_of(frame: av.VideoFrame) -> bytes:
    """The rows of all planes of a frame, one after the other, without the padding at their ends."""
    parts = []
    for plane in frame.planes:
        row = plane.width * (4 if frame.format.name == "bgra" else 1)
        data = memoryview(plane)
        if plane.line_size == row:
            parts.append(data[: row * plane.height])
        else:
            parts.extend(data[at : at + row] for at in range(0, plane.line_size * plane.height, plane.line_size))
    return b"".join(parts)


class Converter:
    """Converts BGRA frames of one size (pixels) to bt709 limited-range yuv420p.

    4:2:0 needs even sides: an odd one grows by one pixel that repeats its neighbour.
    Not for several threads at once.
    """

    def __init__(self, width: int, height: int) -> None:
        self._reformatter = VideoReformatter()
        self._width, self._height = width, height
        self.frame = av.VideoFrame(even(width), even(height), "bgra")

    @property
    def address(self) -> int | None:
        """The address to write a whole frame to; None if its rows are padded or its size is odd."""
        plane = self.frame.planes[0]
        if (self.frame.width, self.frame.height) != (self._width, self._height) or plane.line_size != self._width * 4:
            return None
        return int(plane.buffer_ptr)

    def set_pixels(self, pixels: bytes | bytearray) -> None:
        """Set the frame from its bytes, row after row without padding."""
        plane = self.frame.planes[0]
        row = self._width * 4
        if plane.line_size == row and self._height == self.frame.height:
            plane.update(bytes(pixels))
            return
        padding = plane.line_size - row
        rows = []
        for at in range(0, row * self._height, row):
            line = bytes(pixels[at : at + row])
            rows.append(line + line[-4:] + bytes(padding - 4) if padding >= 4 else line)
        rows.extend(rows[-1:] * (self.frame.height - self._height))
        plane.update(b"".join(rows))

    def pixels(self) -> bytes:
        """The frame as BGRA, row after row without padding."""
        if self.address is not None:
            return planes_of(self.frame)
        plane = self.frame.planes[0]
        data, row = memoryview(plane), self._width * 4
        return b"".join(data[at : at + row] for at in range(0, plane.line_size * self._height, plane.line_size))

    def planes(self) -> bytes:
        """The frame as yuv420p planes of even size."""
        return planes_of(
            self._reformatter.reformat(
                self.frame,
                format="yuv420p",
                dst_colorspace=Colorspace.ITU709,
                dst_color_range=ColorRange.MPEG,
                interpolation=Interpolation.AREA | Interpolation.ACCURATE_RND,
                threads=1,
            )
        )
