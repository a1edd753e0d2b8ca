"""Reads drawn frames from the memory of Chromium's display process.

With software compositing the display process of Chromium draws every frame into one bitmap in its own memory
(width x height x 4 bytes, BGRA). Copying that bitmap costs about 2 ms for 1080p, where asking the browser for a
screenshot costs 20-60 ms for encoding, transport and decoding. It is found by drawing a strip of random colours
and searching for their bytes.

Assumptions, each checked where the surface is found and again during the run (see capture.py): the platform lets
a parent read its child's memory, rows follow each other without padding, and the bitmap does not move while the
size of the page stays the same. Where one does not hold the caller takes screenshots instead.
"""

from __future__ import annotations

import ctypes
import os
import re
from dataclasses import dataclass
from pathlib import Path

BYTES_PER_PIXEL = 4
#: The strip that is searched for: 64 random colours of one pixel cannot occur by chance.
STRIP_PIXELS = 64


#: Bytes of a thread's stack: the display process has a dozen, and none contains a frame.
_THREAD_STACK = 8 * 1024**2


class SurfaceUnavailable(Exception):
    """The surface cannot be read here; the message says why."""


class _IoVector(ctypes.Structure):
    _fields_ = [("base", ctypes.c_void_p), ("length", ctypes.c_size_t)]


def _process_vm_readv() -> ctypes._NamedFuncPointer | None:
    function = getattr(ctypes.CDLL(None, use_errno=True), "process_vm_readv", None)
    if function is not None:
        function.argtypes = [
            ctypes.c_int,
            ctypes.POINTER(_IoVector),
            ctypes.c_ulong,
            ctypes.POINTER(_IoVector),
            ctypes.c_ulong,
            ctypes.c_ulong,
        ]
        function.restype = ctypes.c_ssize_t
    return function


_read_memory = _process_vm_readv()


def read_process_memory(pid: int, address: int, into: int, length: int) -> None:
    """Copy `length` bytes at `address` of process `pid` to `into` in this process. Raises SurfaceUnavailable."""
    if _read_memory is None:
        raise SurfaceUnavailable("this system has no process_vm_readv")
    local, remote = _IoVector(into, length), _IoVector(address, length)
    count = _read_memory(pid, ctypes.byref(local), 1, ctypes.byref(remote), 1, 0)
    if count != length:
        reason = os.strerror(ctypes.get_errno()) if count < 0 else f"only {count} of {length} bytes"
        raise SurfaceUnavailable(f"reading the display process's memory failed: {reason}")


@dataclass(frozen=True)
class Surface:
    """The bitmap of the last drawn frame in the display process. Sizes in device pixels."""

    pid: int
    address: int
    width: int
    height: int

    @property
    def size(self) -> int:
        """Bytes of one frame."""
        return self.width * self.height * BYTES_PER_PIXEL

    def read_to(self, address: int) -> None:
        """Copy the current frame (BGRA, premultiplied) to `address` in this process. Raises SurfaceUnavailable."""
        read_process_memory(self.pid, self.address, address, self.size)

    def read(self) -> bytes:
        """The current frame: BGRA bytes, row after row. Raises SurfaceUnavailable."""
        pixels = bytearray(self.size)
        self.read_to(ctypes.addressof((ctypes.c_char * self.size).from_buffer(pixels)))
        return bytes(pixels)


def _writable_regions(pid: int, at_least: int) -> list[tuple[int, int]]:
    """(address, bytes) of the private writable mappings of `pid` that could hold a frame."""
    try:
        lines = Path(f"/proc/{pid}/maps").read_text(encoding="ascii", errors="replace").splitlines()
    except OSError as error:
        raise SurfaceUnavailable(f"the display process's memory map cannot be read: {error.strerror}") from None
    regions = []
    for line in lines:
        match = re.match(r"([0-9a-f]+)-([0-9a-f]+) rw.p ", line)
        if match:
            start, end = int(match[1], 16), int(match[2], 16)
            if end - start >= at_least and end - start != _THREAD_STACK:
                regions.append((start, end - start))
    return regions


def find_surface(pid: int, width: int, height: int, strip: bytes) -> list[Surface]:
    """Every address in `pid` where a frame of this size begins with `strip` (BGRA, its first row's left end).

    The strip must also stand on the second row, one row's bytes further on, and not on a row before the first.
    """
    row = width * BYTES_PER_PIXEL
    size = row * height
    found = []
    for start, length in _writable_regions(pid, size):
        memory = bytearray(length)
        try:
            view = (ctypes.c_char * length).from_buffer(memory)
            read_process_memory(pid, start, ctypes.addressof(view), length)
        except SurfaceUnavailable:
            continue
        position = memory.find(strip)
        while position >= 0:
            below = memory[position + row : position + row + len(strip)]
            above = memory[max(position - row, 0) : max(position - row, 0) + len(strip)]
            if position + size <= length and below == strip and (position < row or above != strip):
                found.append(Surface(pid, start + position, width, height))
            position = memory.find(strip, position + 1)
    return found
