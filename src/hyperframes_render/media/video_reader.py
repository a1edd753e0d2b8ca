"""Pictures of a film for the frames of a video: decoded in order, one at a time, ready to be shown in a page.

A video element is never played. For each frame of the render the element's own time is turned into an index at the
render's rate, and the index into the source frame that a browser shows at that moment: the last one that is not
later. Sources of any rate, also of a varying one, are treated alike, and like in the official renderer.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from math import floor
from pathlib import Path
from types import MappingProxyType
from typing import Any

import av
from av.video.reformatter import ColorRange, Colorspace, Interpolation, VideoReformatter

from hyperframes_render.media.media_file import DAMAGED, MEDIA_OPTIONS, MediaUnreadable, PictureFacts, probe_media

#: A jump ahead of more seconds than this is a seek; less is decoded through: key frames are often seconds apart.
_SEEK_BEYOND = 2.0
#: Seconds by which a picture may be late: some formats round times to milliseconds.
_TOLERANCE = 0.0005
#: JPEG's quantiser, 1 to 31: what the official renderer extracts frames with.
_JPEG_QUANTISER = "2"
#: Decoders whose alpha the common ones do not give.
_ALPHA_DECODERS = {"vp8": "libvpx", "vp9": "libvpx-vp9"}
#: Up to this height an untagged film has the colours of standard definition, as browsers guess.
_SD_HEIGHT = 720
_BT709 = 1
_UNSPECIFIED = 2


@dataclass(frozen=True)
class Still:
    """One picture of a film: an image file, and a key that is the same for the same picture."""

    key: int
    mime: str
    data: bytes


@dataclass(frozen=True)
class _Frame:
    #: Seconds since the file's own zero, and the same in the stream's ticks.
    time: float
    key: int
    picture: av.VideoFrame


class VideoReader:
    """Reads one film for one element, best in increasing order. Blocking; not for several threads at once.

    It holds the decoder and two decoded frames, however long the film is.
    """

    def __init__(self, path: Path, *, fps: Fraction, media_start: float = 0.0, loop: bool = False) -> None:
        """`fps` is the render's; from `media_start` seconds on the film is shown. Raises MediaUnreadable."""
        facts = probe_media(path)
        if facts.picture is None:
            raise MediaUnreadable("it has no picture")
        self._picture: PictureFacts = facts.picture
        self.name = path.name
        self._fps, self._media_start = fps, media_start
        length = facts.picture.duration or facts.duration
        self._playable = None if length is None else max(1, round((length - media_start) * float(fps)))
        self._loop = loop
        try:
            self._container = av.open(f"file:{path}", "r", options=dict(MEDIA_OPTIONS), metadata_errors="replace")
        except DAMAGED as error:
            raise MediaUnreadable(str(error)) from None
        self._stream = self._container.streams.video[facts.picture.stream]
        self._stream.thread_type = "AUTO"
        self._zero = (self._container.start_time or 0) / av.time_base
        self._frames: Iterator[_Frame] = iter(())
        self._current: _Frame | None = None
        self._upcoming: _Frame | None = None
        self._started = False
        #: Whether the current picture is the file's first: there is no earlier one to look for.
        self._at_beginning = False
        self._tolerance = min(_TOLERANCE, float(self._stream.time_base or 0) / 2)
        self._still: Still | None = None
        self._encoder = _encoder(facts.picture)

    def close(self) -> None:
        """Give the file and the decoder back."""
        self._frames = iter(())
        self._container.close()

    def still(self, index: int) -> Still:
        """The picture at `index` frames of the render after the trim's beginning. Raises MediaUnreadable.

        Beyond the film's end its last picture holds, or it begins again where it loops.
        """
        if self._loop and self._playable is not None:
            index %= self._playable
        try:
            frame = self._find(max(0, index))
            if self._still is None or self._still.key != frame.key:
                self._still = Still(frame.key, self._encoder.mime, self._encoder.encode(frame.picture))
        except DAMAGED as error:
            raise MediaUnreadable(str(error)) from None
        return self._still

    def _find(self, index: int) -> _Frame:
        target = self._media_start + index / float(self._fps) + self._tolerance
        current = self._current
        behind = current is not None and current.time > target and not self._at_beginning
        far = current is not None and self._upcoming is not None and target - current.time > _SEEK_BEYOND
        if not self._started or behind or far:
            self._restart(target)
        while self._upcoming is not None and (self._current is None or self._upcoming.time <= target):
            self._at_beginning = self._at_beginning and self._current is None
            self._current, self._upcoming = self._upcoming, next(self._frames, None)
        if self._current is None:
            raise MediaUnreadable("it has no picture at that time")
        return self._current

    def _restart(self, target: float) -> None:
        """Begin again at the last key frame before `target`; at the file's beginning where that finds nothing."""
        for seek_to in (target, 0.0):
            self._frames = self._decode(seek_to)
            self._current, self._upcoming = None, next(self._frames, None)
            self._at_beginning = seek_to <= 0
            if self._upcoming is not None and (self._upcoming.time <= target or self._at_beginning):
                break
        self._started = True

    def _decode(self, seek_to: float) -> Iterator[_Frame]:
        """The frames from the last key frame before `seek_to` seconds on."""
        time_base = self._stream.time_base or Fraction(1, 1000)
        self._container.seek(floor((max(0.0, seek_to) + self._zero) / time_base), stream=self._stream, backward=True)
        decoder = self._decoder()
        counted = 0
        for packet in self._container.demux(self._stream):
            try:
                pictures = decoder.decode(packet)
            except av.InvalidDataError:
                continue  # a damaged picture is left out, as players do
            for picture in pictures:
                pts = picture.pts if picture.pts is not None else round(counted / (time_base * self._nominal()))
                counted += 1
                yield _Frame(float(pts * time_base) - self._zero, pts, picture)

    def _nominal(self) -> Fraction:
        return self._picture.fps or Fraction(25)

    def _decoder(self) -> Any:
        name = _ALPHA_DECODERS.get(self._picture.codec)
        if not self._picture.alpha or name is None:
            self._stream.codec_context.flush_buffers()
            return self._stream.codec_context
        return av.CodecContext.create(name, "r")


def _encoder(facts: PictureFacts) -> _PngEncoder | _JpegEncoder:
    return _PngEncoder(facts) if facts.alpha else _JpegEncoder(facts)


class _ImageEncoder:
    """Turns decoded frames into image files of upright pictures with square pixels."""

    mime = ""
    codec = ""
    options: Mapping[str, str] = MappingProxyType({})

    def __init__(self, facts: PictureFacts) -> None:
        self._facts = facts
        self._codec: av.VideoCodecContext | None = None
        self._turn: av.filter.Graph | None = None
        # Kept: a new one for each picture costs more than the conversion.
        self._reformatter = VideoReformatter()

    def encode(self, frame: av.VideoFrame) -> bytes:
        """The image file of one frame."""
        frame = self._upright(self._converted(frame))
        if self._codec is None or (self._codec.width, self._codec.height) != (frame.width, frame.height):
            self._codec = self._open(frame)
        frame.pts = None
        frame.time_base = Fraction(1, 25)
        packets = self._codec.encode(frame)
        if not packets:
            raise MediaUnreadable("a picture of it could not be converted")
        return b"".join(bytes(packet) for packet in packets)

    def _converted(self, frame: av.VideoFrame) -> av.VideoFrame:
        raise NotImplementedError

    def _reformatted(self, frame: av.VideoFrame, form: str, **options: Any) -> av.VideoFrame:
        """The frame in the size of its square pixels and in the pixel format `form`."""
        width, height = self._size()
        return self._reformatter.reformat(
            frame,
            width=width,
            height=height,
            format=form,
            src_colorspace=_colour_space(frame),
            interpolation=Interpolation.BILINEAR | Interpolation.ACCURATE_RND,
            threads=1,
            **options,
        )

    def _open(self, frame: av.VideoFrame) -> av.VideoCodecContext:
        codec = av.VideoCodecContext.create(self.codec, "w")
        assert isinstance(codec, av.VideoCodecContext)
        codec.width, codec.height, codec.pix_fmt = frame.width, frame.height, frame.format.name
        codec.time_base = Fraction(1, 25)
        codec.options = dict(self.options)
        return codec

    def _size(self) -> tuple[int, int]:
        return max(1, round(self._facts.width * self._facts.pixel_aspect)), self._facts.height

    def _upright(self, frame: av.VideoFrame) -> av.VideoFrame:
        steps = {90: [("transpose", "clock")], 180: [("hflip", ""), ("vflip", "")], 270: [("transpose", "cclock")]}
        turn = steps.get(self._facts.rotation)
        if turn is None:
            return frame
        if self._turn is None:
            graph = av.filter.Graph()
            nodes = [
                graph.add_buffer(
                    width=frame.width, height=frame.height, format=frame.format, time_base=Fraction(1, 25)
                ),
                *(graph.add(name, argument) if argument else graph.add(name) for name, argument in turn),
                graph.add("buffersink"),
            ]
            graph.link_nodes(*nodes).configure()
            self._turn = graph
        self._turn.push(frame)
        turned = self._turn.pull()
        assert isinstance(turned, av.VideoFrame)
        return turned


class _JpegEncoder(_ImageEncoder):
    mime = "image/jpeg"
    codec = "mjpeg"
    options = MappingProxyType({"qmin": _JPEG_QUANTISER, "qmax": _JPEG_QUANTISER, "huffman": "default"})

    def _converted(self, frame: av.VideoFrame) -> av.VideoFrame:
        form = "yuvj444p" if _is_444(frame) else "yuvj420p"
        # Browsers read every JPEG as bt601 of full range, whatever the film was.
        return self._reformatted(frame, form, dst_colorspace=Colorspace.ITU601, dst_color_range=ColorRange.JPEG)


class _PngEncoder(_ImageEncoder):
    mime = "image/png"
    codec = "png"
    options = MappingProxyType({"compression_level": "1", "pred": "sub"})

    def _converted(self, frame: av.VideoFrame) -> av.VideoFrame:
        return self._reformatted(frame, "rgba")


def _is_444(frame: av.VideoFrame) -> bool:
    name = frame.format.name
    return "444" in name or name.startswith(("rgb", "bgr", "gbr", "pal8", "argb", "abgr"))


def _colour_space(frame: av.VideoFrame) -> int:
    """The matrix of the film's colours: as tagged, else what a browser guesses from the size."""
    tagged = int(frame.colorspace)
    if tagged == _BT709 or (tagged in (0, _UNSPECIFIED) and frame.height >= _SD_HEIGHT):
        return int(Colorspace.ITU709)
    return int(Colorspace.ITU601)
