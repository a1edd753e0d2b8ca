"""Makes hostile compositions that are not stored on disk: archives with false headers, bombs, damaged media.

Each function makes one in a folder and returns its path. Its bytes are fixed or come from a fixed seed.
"""

from __future__ import annotations

import io
import random
import struct
import zipfile
import zlib
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

_PAGE = (
    '<!doctype html><div id="stage" data-composition-id="m" data-start="0" data-width="160" data-height="90" '
    'data-duration="0.3" data-fps="10" data-no-timeline>{}</div>\n'
)
_MB = 1024**2


def _composition(folder: Path, files: dict[str, bytes], body: str = "") -> Path:
    project = folder / "project"
    project.mkdir()
    (project / "index.html").write_text(_PAGE.format(body))
    for name, data in files.items():
        (project / name).write_bytes(data)
    return project


def _archive(folder: Path) -> tuple[Path, zipfile.ZipFile]:
    path = folder / "composition.zip"
    archive = zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED)
    archive.writestr("index.html", _PAGE.format(""))
    return path, archive


def plain(folder: Path) -> Path:
    """A composition without media."""
    path = folder / "plain.html"
    path.write_text(_PAGE.format(""))
    return path


def archive(folder: Path, names: list[str], mode: int = 0, flags: int = 0) -> Path:
    """An archive with additional entries of these names, with this Unix mode and these flags."""
    path, archive = _archive(folder)
    with archive:
        for name in names:
            entry = zipfile.ZipInfo("x")
            entry.filename = name  # set directly, because the constructor corrects some names
            entry.external_attr = mode << 16
            archive.writestr(entry, b"escaped")
    if flags:
        data = bytearray(path.read_bytes())
        for signature, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
            place = data.find(signature)
            while place >= 0:
                data[place + at] |= flags
                place = data.find(signature, place + 4)
        path.write_bytes(data)
    return path


def archive_nul(folder: Path) -> Path:
    """A name that continues after a NUL byte."""
    path = archive(folder, ["safe.txtX../../escaped.txt"])
    path.write_bytes(path.read_bytes().replace(b"safe.txtX", b"safe.txt\0"))
    return path


def archive_with_link(folder: Path, target: str) -> Path:
    """A symbolic link in an archive, and a page that shows its target."""
    path = folder / "composition.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("index.html", _PAGE.format('<img src="linked.png">'))
        entry = zipfile.ZipInfo("linked.png")
        entry.create_system, entry.external_attr = 3, 0o120777 << 16
        archive.writestr(entry, target)
    return path


def bomb(folder: Path, megabytes: int) -> Path:
    """An archive with one large entry of zeros."""
    path, archive = _archive(folder)
    with archive, archive.open("zeros.bin", "w", force_zip64=True) as out:
        for _ in range(megabytes):
            out.write(bytes(_MB))
    return path


def bomb_of_many(folder: Path) -> Path:
    """Entries of one megabyte, whose ratio is not limited, with a sum above the limit of an archive."""
    path, archive = _archive(folder)
    with archive:
        for number in range(2200):
            archive.writestr(f"{number}.bin", bytes(_MB), compresslevel=1)
    return path


def bomb_overlapping(folder: Path) -> Path:
    """Many directory entries with the same data."""
    path, archive = _archive(folder)
    with archive:
        archive.writestr("0.bin", bytes(50 * _MB))
        body = archive.getinfo("0.bin")
        for number in range(1, 100):
            entry = zipfile.ZipInfo(f"{number}.bin")
            for name in ("header_offset", "compress_type", "compress_size", "file_size", "CRC", "create_system"):
                setattr(entry, name, getattr(body, name))
            archive.filelist.append(entry)
    return path


def bomb_nested(folder: Path) -> Path:
    """Archives in archives, four levels deep, ten in each."""
    data = bytes(10 * _MB)
    for _ in range(4):
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            for number in range(10):
                archive.writestr(f"{number}.zip", data)
        data = packed.getvalue()
    path, archive = _archive(folder)
    with archive:
        archive.writestr("nested.zip", data, zipfile.ZIP_STORED)
    return path


def million_entries(folder: Path) -> Path:
    """A directory of a million empty entries, written directly, because zipfile would take minutes."""
    path = folder / "composition.zip"
    local = struct.pack("<4s5H3I2H", b"PK\x03\x04", 20, 0, 0, 0, 33, 0, 0, 0, 10, 0) + b"index.html"
    directory = bytearray()
    for number in range(1_000_000):
        name = f"f{number:07d}".encode()
        directory += struct.pack(
            "<4s4B4H3I5H2I", b"PK\x01\x02", 20, 3, 20, 0, 0, 0, 0, 33, 0, 0, 0, len(name), 0, 0, 0, 0, 0, 0
        )
        directory += name
    end = struct.pack("<4s4H2IH", b"PK\x05\x06", 0, 0, 65535, 65535, len(directory), len(local), 0)
    path.write_bytes(local + directory + end)
    return path


def lying_sizes(folder: Path) -> Path:
    """Headers with a size of 100 bytes for an entry of 300 MB."""
    path, archive = _archive(folder)
    with archive:
        archive.writestr("zeros.bin", bytes(300 * _MB))
        archive.getinfo("zeros.bin").file_size = 100
    return path


def lying_directory(folder: Path) -> Path:
    """Entries with wrong offsets of their data."""
    path, archive = _archive(folder)
    with archive:
        for number, offset in enumerate((2**31, 0, 10)):
            archive.writestr(f"{number}.txt", b"x")
            archive.getinfo(f"{number}.txt").header_offset = offset
    return path


def cut_off(folder: Path) -> Path:
    """The first third of an archive, with the end record of the whole."""
    path = archive(folder, ["a.txt", "b.txt"])
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 3] + data[-22:])
    return path


def unknown_method(folder: Path) -> Path:
    """An entry with the unknown compression method 77."""
    path = archive(folder, ["a.txt"])
    data = bytearray(path.read_bytes())
    data[data.rfind(b"PK\x01\x02") + 10] = 77
    path.write_bytes(data)
    return path


def no_archive(folder: Path) -> Path:
    """Random bytes that begin like an archive."""
    path = folder / "composition.zip"
    path.write_bytes(b"PK\x03\x04" + random.Random(1).randbytes(5000))
    return path


def movie_with_reference(folder: Path) -> Path:
    """A MOV file with a sound track whose data reference is the URL of a local file."""
    samples = _media("mov", sound="pcm_s16le")
    at = samples.find(b"dref")
    reference = b"url \0\0\0\0file:///srv/secret/secret.wav\0"
    entry = struct.pack(">I", len(reference) + 4) + reference
    changed = samples[: at + 12] + entry + samples[at + 24 :]
    return _composition(folder, {"video.mov": changed}, '<audio src="video.mov" data-start="0"></audio>')


def _png(width: int, height: int, data: bytes, bits: int = 1) -> bytes:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, bits, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def huge_png(folder: Path) -> Path:
    """An image of 50,000 by 50,000 pixels of one bit: 10 GB as RGBA."""
    side = 50_000
    packer = zlib.compressobj(9)
    data = b"".join(packer.compress(bytes(side // 8 + 1)) for _ in range(side)) + packer.flush()
    return _composition(
        folder,
        {"huge.png": _png(side, side, data)},
        '<img src="huge.png"><p style="background:url(huge.png);width:99px;height:99px">',
    )


def lying_images(folder: Path) -> Path:
    """Images of several formats with headers but without data."""
    side = 65_000
    jpeg = (
        b"\xff\xd8\xff\xc0\0\x11\x08"
        + struct.pack(">HH", side, side)
        + b"\x03\x01\x22\0\x02\x11\x01\x03\x11\x01\xff\xda\0\x0c\x03\x01\0\x02\x11\x03\x11\0\x3f\0"
    )
    gif = (
        b"GIF89a"
        + struct.pack("<HH", side, side)
        + b"\x80\0\0\0\0\0\xff\xff\xff,\0\0\0\0"
        + struct.pack("<HH", side, side)
        + b"\0\x02\x02D\x01\0;"
    )
    bmp = (
        b"BM"
        + struct.pack("<IHHI", 54, 0, 0, 54)
        + struct.pack("<IiiHHIIiiII", 40, side, side, 1, 24, 0, 0, 1, 1, 0, 0)
    )
    webp = b"RIFF" + struct.pack("<I", 22) + b"WEBPVP8X" + struct.pack("<I", 10) + b"\x10\0\0\0\xff\x3f\0\xff\x3f\0"
    ico = b"\0\0\x01\0\x01\0\0\0\0\0\x01\0\x20\0" + struct.pack("<II", 0xFFFFFF, 22)
    files = {
        "a.png": _png(side, side, zlib.compress(b"x")),
        "b.jpg": jpeg,
        "c.gif": gif,
        "d.bmp": bmp,
        "e.webp": webp,
        "f.ico": ico,
    }
    return _composition(folder, files, "".join(f'<img src="{name}">' for name in files))


def huge_videos(folder: Path) -> Path:
    """Videos with very large sizes in their headers."""
    avi, webm, mp4 = _media("avi", video="mpeg4"), _media("webm", video="libvpx"), _media("mp4", video="mpeg4")
    side = 30_000
    avi = avi.replace(struct.pack("<II", 64, 48), struct.pack("<II", side, side))
    mp4 = mp4.replace(struct.pack(">HH", 64, 48), struct.pack(">HH", side, side))
    webm = webm.replace(b"\xb0\x81\x40", b"\xb0\x82\x7f").replace(b"\xba\x81\x30", b"\xba\x82\x7f")
    gif = (
        b"GIF89a"
        + struct.pack("<HH", 65000, 65000)
        + b"\x80\0\0\0\0\0\xff\xff\xff"
        + b"".join(
            b"!\xf9\x04\0\x0a\0\0\0,\0\0\0\0" + struct.pack("<HH", 65000, 65000) + b"\0\x02\x02D\x01\0"
            for _ in range(5)
        )
        + b";"
    )
    files = {"a.avi": avi, "b.webm": webm, "c.mp4": mp4, "d.gif": gif}
    body = "".join(f'<video src="{name}" data-start="0" data-duration="0.3"></video>' for name in files)
    return _composition(folder, files, body + '<img src="d.gif">')


def long_gif(folder: Path) -> Path:
    """A GIF of 100,000 frames of four pixels."""
    frame = b"!\xf9\x04\0\x02\0\0\0,\0\0\0\0\x02\0\x02\0\0\x02\x03\x44\x34\x05\0"
    gif = b"GIF89a\x02\0\x02\0\x80\0\0\xff\0\0\0\0\xff" + frame * 100_000 + b";"
    return _composition(folder, {"long.gif": gif}, '<img src="long.gif">')


_CONTAINERS = {
    "mp4": ("mpeg4", "aac"),
    "mov": ("mpeg4", "pcm_s16le"),
    "mkv": ("mpeg4", "flac"),
    "webm": ("libvpx", "libopus"),
    "avi": ("mpeg4", "mp3"),
    "flv": ("flv", "mp3"),
    "ts": ("mpeg2video", "mp2"),
    "mpg": ("mpeg1video", "mp2"),
    "gif": ("gif", ""),
    "apng": ("apng", ""),
    "mp3": ("", "mp3"),
    "wav": ("", "pcm_s16le"),
    "flac": ("", "flac"),
    "ogg": ("", "libopus"),
    "aiff": ("", "pcm_s16be"),
    "aac": ("", "aac"),
    "ac3": ("", "ac3"),
    "caf": ("", "pcm_s16le"),
}
_FORMATS = {"mkv": "matroska", "ts": "mpegts", "mpg": "mpeg", "aac": "adts"}


def _media(container: str, video: str = "", sound: str = "") -> bytes:
    """The bytes of a file with ten video frames of 64 by 48 pixels, a tone of one second, or both."""
    out = io.BytesIO()
    with av.open(out, "w", format=_FORMATS.get(container, container)) as target:
        streams = [*_video(target, video), *_sound(target, sound)]
        for packet in streams:
            target.mux(packet)
    return out.getvalue()


def _video(target: av.container.OutputContainer, codec: str) -> Iterator[av.Packet[Any]]:
    if not codec:
        return
    stream = target.add_stream(codec, rate=25)
    assert isinstance(stream, av.VideoStream)
    stream.width, stream.height = 64, 48
    stream.pix_fmt = {"gif": "rgb8", "apng": "rgb24"}.get(codec, "yuv420p")
    for number in range(10):
        frame = np.full((48, 64, 3), number * 20, np.uint8)
        yield from stream.encode(av.VideoFrame.from_ndarray(frame, "rgb24").reformat(format=stream.pix_fmt))
    yield from stream.encode(None)


def _sound(target: av.container.OutputContainer, codec: str) -> Iterator[av.Packet[Any]]:
    if not codec:
        return
    stream = target.add_stream(codec, rate=48_000, layout="stereo")
    assert isinstance(stream, av.AudioStream)
    resampler = av.AudioResampler(stream.format, stream.layout, stream.rate, stream.frame_size or 1024)
    wave = (np.sin(np.arange(48_000) / 20) * 8000).astype(np.int16)
    for first in range(0, 47_104, 1024):
        frame = av.AudioFrame.from_ndarray(np.repeat(wave[first : first + 1024], 2).reshape(1, -1), "s16", "stereo")
        frame.sample_rate, frame.pts, frame.time_base = 48_000, first, Fraction(1, 48_000)
        for made in resampler.resample(frame):
            yield from stream.encode(made)
    yield from stream.encode(None)


def corrupt_media(folder: Path) -> Path:
    """Three damaged files of every container: changed bytes, a gap in the middle, a missing end."""
    rng, files = random.Random(8), {}
    for container, (video, sound) in _CONTAINERS.items():
        whole = _media(container, video, sound)
        changed = bytearray(whole)
        for _ in range(max(8, len(whole) // 200)):
            changed[rng.randrange(len(changed))] = rng.randrange(256)
        files[f"changed.{container}"] = bytes(changed)
        files[f"gap.{container}"] = whole[: len(whole) // 3] + whole[len(whole) // 2 :]
        files[f"cut.{container}"] = whole[: max(40, len(whole) // 5)]
    body = "".join(f'<video src="{name}" data-start="0" data-duration="0.3"></video>' for name in files)
    return _composition(folder, files, body)


def endless_sound(folder: Path) -> Path:
    """WAV and FLAC files with the greatest length in their headers."""
    wav = (
        b"RIFF\xff\xff\xff\xffWAVEfmt \x10\0\0\0\x01\0\x01\0\x01\0\0\0\x02\0\0\0\x02\0\x10\0data\xff\xff\xff\xff"
        + bytes(4000)
    )
    flac = bytearray(_media("flac", sound="flac"))
    flac[21:26] = b"\x0f\xff\xff\xff\xff"
    files = {"a.wav": wav, "b.flac": bytes(flac)}
    body = "".join(f'<audio src="{name}" data-start="0" loop></audio>' for name in files)
    return _composition(folder, files, body)


def font_bombs(folder: Path) -> Path:
    """Fonts whose tables have wrong sizes, overlap, or contain themselves."""
    rng = random.Random(3)
    head = b"\0\1\0\0\xff\xff\x80\0\0\x10\0\0" + b"".join(
        name + struct.pack(">III", 0, offset, 0x7FFFFFFF)
        for name, offset in ((b"glyf", 12), (b"loca", 12), (b"head", 0xFFFFFFF0), (b"cmap", 12), (b"GSUB", 12))
    )
    woff2 = (
        b"wOF2\0\1\0\0"
        + struct.pack(">IHHIIHHIIIII", 60, 0xFFFF, 0, 0xFFFFFFFF, 20, 1, 0, 0, 0, 0, 0, 0)
        + zlib.compress(bytes(1000))
    )
    woff = (
        b"wOFF\0\1\0\0" + struct.pack(">IHHIHHIIIII", 200, 10, 0, 0xFFFFFFFF, 1, 0, 0, 0, 0, 0, 0) + rng.randbytes(150)
    )
    files = {
        "a.ttf": head + rng.randbytes(4000),
        "b.woff2": woff2,
        "c.woff": woff,
        "d.otf": b"OTTO" + rng.randbytes(4000),
    }
    rules = "".join(
        f"@font-face{{font-family:F{n};src:url({name})}}.f{n}{{font-family:F{n}}}" for n, name in enumerate(files)
    )
    return _composition(
        folder, files, f"<style>{rules}</style>" + "".join(f'<p class="f{n}">ABC</p>' for n in range(len(files)))
    )


def large_html(folder: Path) -> Path:
    """A page one megabyte above the limit."""
    path = folder / "large.html"
    path.write_text(_PAGE.format("x" * (33 * _MB)))
    return path


def binary_html(folder: Path) -> Path:
    """A page of binary data."""
    path = folder / "binary.html"
    path.write_bytes(b"\0\1\2" + random.Random(2).randbytes(100_000))
    return path


def deep_html(folder: Path) -> Path:
    """Deeply nested elements."""
    path = folder / "deep.html"
    path.write_text(_PAGE.format("<div>" * 45_000 + "</div>" * 45_000))
    return path


def unclosed_html(folder: Path) -> Path:
    """Elements without end tags, and end tags without elements."""
    path = folder / "unclosed.html"
    path.write_text(_PAGE.format("<b>" * 45_000 + "</i>" * 45_000))
    return path


def parser_traps(folder: Path) -> Path:
    """Many openings of constructs that are never closed."""
    path = folder / "traps.html"
    traps = [
        "<!--",
        "<![CDATA[",
        "<!",
        "<?",
        "<a '",
        '<a "',
        "<a =",
        "</",
        "&",
        "<script",
        "<style></styl",
        "<!doctype",
    ]
    path.write_text(_PAGE.format("".join(trap * 7_000 for trap in traps)))
    return path


def css_traps(folder: Path) -> Path:
    """Style sheets of open brackets in the page and in a sub-composition. The renderer parses the latter."""
    traps = ["{", "@media (", "/*", "a:is(", "@font-face{font-family:", "font-family:'", ",a ", "url(", "\\"]
    css = "".join(trap * 20_000 for trap in traps)
    part = f'<template><div data-composition-id="s"><style>{css}</style></div></template>'
    body = f'<style>{css}</style><div data-composition-id="s" data-composition-src="part.html" data-start="0"></div>'
    return _composition(folder, {"part.html": part.encode()}, body)


def import_without_end(folder: Path) -> Path:
    """An @import with megabytes of spaces: a regular expression with backtracking would block the process for hours."""
    path = folder / "import.html"
    style = f'<head><style>@import url("x"{" " * (2 * _MB)}</style></head>'
    path.write_text(_PAGE.replace("<div", style + "<div", 1).format(""))
    return path


def addresses_without_end(folder: Path) -> Path:
    """A sub-composition whose style has a million unclosed url( tokens."""
    part = f'<template><div data-composition-id="s"><style>{"url(" * _MB}</style></div></template>'
    body = '<div data-composition-id="s" data-composition-src="part.html" data-start="0"></div>'
    return _composition(folder, {"part.html": part.encode()}, body)


def media_names(folder: Path) -> Path:
    """Sounds whose file names have a meaning for ffmpeg."""
    sound = _media("wav", sound="pcm_s16le")
    names = [
        "-i.wav",
        "concat:a.wav|b.wav",
        "pipe:0.wav",
        "%d.wav",
        "a,volume=9,b.wav",
        "[a];[b].wav",
        "'quoted'.wav",
        "http:x.wav",
        "subfile,,start,0,end,9,,:x.wav",
    ]
    from urllib.parse import quote

    body = "".join(f'<audio src="./{quote(name)}" data-start="0"></audio>' for name in names)
    return _composition(folder, dict.fromkeys(names, sound), body)


def many_tags(folder: Path) -> Path:
    """A page of a million tags."""
    path = folder / "tags.html"
    path.write_text(_PAGE.format("<i>x</i>" * 500_000))
    return path
