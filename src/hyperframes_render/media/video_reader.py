"""Decodes the frames of a video in order, one at a time, as images that a page can show.

A video element is never played. For each frame of the render, the element's time is turned into an index at the
render's rate, and the index into the source frame that a browser shows at that moment: the last one that is not
later. Sources of constant and variable frame rates are treated alike, as in the official renderer.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from math import floor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import av
from av.video.reformatter import Interpolation, VideoReformatter

from hyperframes_render.media.colour import UNBIASED, WideColours, matrix_of, wide_colours
from hyperframes_render.media.media_file import DAMAGED, MEDIA_OPTIONS, MediaUnreadable, VideoTrack, probe_media

if TYPE_CHECKING:
    from hyperframes_render.media.tone_map import ColourConversion

#: A jump ahead by more seconds than this seeks; a shorter one decodes on, since key frames are often seconds apart.
_SEEK_BEYOND = 2.0
#: Seconds by which a frame may be late: some formats round times to milliseconds.
_TOLERANCE = 0.0005
#: JPEG quality, 1 to 100. 97 loses less than the encoder of the video does (docs/reference/quality.md).
_JPEG_QUALITY = 97
#: Pillow's numbers of 4:4:4 and 4:2:0.
_JPEG_444, _JPEG_420 = 0, 2
#: Decoders that give the alpha of a codec; ffmpeg's default decoders drop it.
_ALPHA_DECODERS = {"vp8": "libvpx", "vp9": "libvpx-vp9"}


@dataclass(frozen=True)
class Still:
    """One frame of a video as an image file. Equal frames of a video have equal keys."""

    key: int
    mime: str
    data: bytes


@dataclass(frozen=True)
class _Frame:
    #: Seconds since the start of the file.
    time: float
    #: The time in ticks of the stream.
    key: int
    decoded: av.VideoFrame


class VideoReader:
    """Reads one video for one element; fastest in increasing order. Blocking; not for several threads at once.

    It holds the decoder and two decoded frames, whatever the length of the video.
    """

    def __init__(self, path: Path, *, fps: Fraction, media_start: float = 0.0, loop: bool = False) -> None:
        """`fps` is the render's; the video is shown from `media_start` seconds on. Raises MediaUnreadable."""
        facts = probe_media(path)
        if facts.video is None:
            raise MediaUnreadable("it has no video stream")
        self._facts: VideoTrack = facts.video
        self.name = path.name
        self._fps, self._media_start = fps, media_start
        length = facts.video.duration or facts.duration
        self._playable = None if length is None else max(1, round((length - media_start) * float(fps)))
        self._loop = loop
        try:
            self._container = av.open(f"file:{path}", "r", options=dict(MEDIA_OPTIONS), metadata_errors="replace")
        except DAMAGED as error:
            raise MediaUnreadable(str(error)) from None
        self._stream = self._container.streams.video[facts.video.stream]
        self._stream.thread_type = "AUTO"
        self._zero = (self._container.start_time or 0) / av.time_base
        self._frames: Iterator[_Frame] = iter(())
        self._current: _Frame | None = None
        self._upcoming: _Frame | None = None
        self._started = False
        #: Whether the current frame is the first of the file: no earlier one can be found.
        self._at_beginning = False
        self._tolerance = min(_TOLERANCE, float(self._stream.time_base or 0) / 2)
        self._still: Still | None = None
        self._encoder = _encoder(facts.video)

    def close(self) -> None:
        """Close the file and the decoder."""
        self._frames = iter(())
        self._container.close()

    @property
    def wide_colours(self) -> WideColours | None:
        """The colours that are converted to BT.709; None if the video has none of them."""
        return self._facts.wide_colours

    def still(self, index: int) -> Still:
        """The frame to show `index` render frames after the start of playback. Raises MediaUnreadable.

        After its end, the video holds its last frame, or starts again if it loops.
        """
        if self._loop and self._playable is not None:
            index %= self._playable
        try:
            frame = self._find(max(0, index))
            if self._still is None or self._still.key != frame.key:
                self._still = Still(frame.key, self._encoder.mime, self._encoder.encode(frame.decoded))
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
            raise MediaUnreadable("it has no frame at that time")
        return self._current

    def _restart(self, target: float) -> None:
        """Start again at the last key frame before `target`, or at the start of the file if there is none."""
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
                decoded = decoder.decode(packet)
            except av.InvalidDataError:
                continue  # players skip damaged frames, too
            for frame in decoded:
                pts = frame.pts if frame.pts is not None else round(counted / (time_base * self._nominal()))
                counted += 1
                yield _Frame(float(pts * time_base) - self._zero, pts, frame)

    def _nominal(self) -> Fraction:
        return self._facts.fps or Fraction(25)

    def _decoder(self) -> Any:
        name = _ALPHA_DECODERS.get(self._facts.codec)
        if not self._facts.alpha or name is None:
            self._stream.codec_context.flush_buffers()
            return self._stream.codec_context
        return av.CodecContext.create(name, "r")


def _encoder(facts: VideoTrack) -> _PngEncoder | _JpegEncoder:
    return _PngEncoder(facts) if facts.alpha else _JpegEncoder(facts)


class _ImageEncoder:
    """Turns decoded frames into image files: upright, with square pixels, in colours of BT.709."""

    mime = ""
    #: Whether the images have alpha.
    alpha = False

    def __init__(self, facts: VideoTrack) -> None:
        self._facts = facts
        self._turn: av.filter.Graph | None = None
        # Kept, since a new one for each frame costs more than the conversion. Each remembers one pair of formats.
        self._to_planes, self._to_pixels = VideoReformatter(), VideoReformatter()
        self._colours: tuple[WideColours, ColourConversion] | None = None

    def encode(self, frame: av.VideoFrame) -> bytes:
        """The image file of one frame."""
        return self._compressed(self._upright(self._rgb(frame)), full_chroma=_is_444(frame))

    def _compressed(self, frame: av.VideoFrame, *, full_chroma: bool) -> bytes:
        raise NotImplementedError

    def _rgb(self, frame: av.VideoFrame) -> av.VideoFrame:
        """The frame with square pixels as packed RGB of 8 bits."""
        kind = wide_colours(
            primaries=int(frame.color_primaries), transfer=int(frame.color_trc), matrix=int(frame.colorspace)
        )
        pixels = "rgba" if self.alpha else "rgb24"
        if kind is None and (frame.format.is_rgb or frame.format.has_palette):
            return self._reformatted(self._to_pixels, frame, pixels)
        # By way of planes: as exact as the direct way, and 7 instead of 10 ms for a frame of 1080p.
        planes = self._reformatted(
            self._to_planes, frame, ("gbrap" if self.alpha else "gbrp") + ("16le" if kind else "")
        )
        if kind is not None:
            from hyperframes_render.media.tone_map import ColourConversion

            if self._colours is None or self._colours[0] is not kind:
                self._colours = (kind, ColourConversion(kind, planes))
            planes = self._colours[1].convert(planes)
        return self._reformatted(self._to_pixels, planes, pixels)

    def _reformatted(self, reformatter: VideoReformatter, frame: av.VideoFrame, form: str) -> av.VideoFrame:
        width, height = self._size()
        return reformatter.reformat(
            frame,
            width=width,
            height=height,
            format=form,
            src_colorspace=None if frame.format.is_rgb else matrix_of(frame),
            interpolation=Interpolation.BILINEAR | UNBIASED,
            threads=1,
        )

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
    """JPEG by Pillow: ffmpeg's encoder is slower, and its conversion to JPEG's YCbCr rounds down."""

    mime = "image/jpeg"

    def _compressed(self, frame: av.VideoFrame, *, full_chroma: bool) -> bytes:
        # Not at the top: most compositions have no video, and need no Pillow.
        from PIL import Image

        plane = frame.planes[0]
        size = (frame.width, frame.height)
        image = Image.frombuffer("RGB", size, plane, "raw", "RGB", plane.line_size, 1)  # type: ignore[arg-type]
        data = io.BytesIO()
        image.save(data, "JPEG", quality=_JPEG_QUALITY, subsampling=_JPEG_444 if full_chroma else _JPEG_420)
        return data.getvalue()


class _PngEncoder(_ImageEncoder):
    mime = "image/png"
    alpha = True

    def __init__(self, facts: VideoTrack) -> None:
        super().__init__(facts)
        self._codec: av.VideoCodecContext | None = None

    def _compressed(self, frame: av.VideoFrame, *, full_chroma: bool) -> bytes:
        if self._codec is None:
            codec = av.VideoCodecContext.create("png", "w")
            assert isinstance(codec, av.VideoCodecContext)
            codec.width, codec.height, codec.pix_fmt = frame.width, frame.height, frame.format.name
            codec.time_base = Fraction(1, 25)
            codec.options = {"compression_level": "1", "pred": "sub"}
            self._codec = codec
        frame.pts = None
        frame.time_base = Fraction(1, 25)
        packets = self._codec.encode(frame)
        if not packets:
            raise MediaUnreadable("a frame of it cannot be converted")
        return b"".join(bytes(packet) for packet in packets)


def _is_444(frame: av.VideoFrame) -> bool:
    return "444" in frame.format.name or frame.format.is_rgb or frame.format.has_palette
