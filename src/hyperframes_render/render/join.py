"""Joins finished chunks to one video by stream copy, without encoding again."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av

from hyperframes_render.errors import DiskFull, EncoderFailed
from hyperframes_render.render.plan import Chunk

#: ffmpeg's muxers and their options, by the suffix of a chunk's file. The index comes first, and the version of the
#: library is left out, as in a video of one chunk from the encoder.
_MUXERS = {
    ".mp4": ("mp4", {"movflags": "+faststart", "fflags": "+bitexact"}),
    ".mov": ("mov", {"movflags": "+faststart", "fflags": "+bitexact"}),
    ".webm": ("webm", {"fflags": "+bitexact"}),
    ".mkv": ("matroska", {"fflags": "+bitexact"}),
}


def join_chunks(chunks: Sequence[tuple[Chunk, Path]], output: Path, fps: Fraction) -> None:
    """Write the packets of `chunks`, in order, to `output`, each at the time of its frame.

    Raises EncoderFailed if a chunk has the wrong number of frames, or DiskFull.
    """
    muxer, options = _MUXERS[output.suffix]
    try:
        delays = [_reordering(path) for _, path in chunks]
        with av.open(str(output), "w", format=muxer, options=options) as joined:
            target = None
            for (chunk, path), delay in zip(chunks, delays, strict=True):
                with av.open(str(path)) as part:
                    source = part.streams.video[0]
                    if target is None:
                        target = joined.add_stream_from_template(source, opaque=True)
                        target.time_base = source.time_base
                    packets = _copy_packets(part, source, joined, target, chunk, fps, max(delays) - delay)
                if packets != chunk.frames.count:
                    raise EncoderFailed(f"Chunk {chunk.index} has {packets} frames, not {chunk.frames.count}.")
    except av.FFmpegError as error:
        if "No space left" in str(error):
            raise DiskFull("The disk is full: the chunks could not be joined.", "Make room and try again.") from error
        raise EncoderFailed(f"The chunks could not be joined: {error}.") from error


def _reordering(path: Path) -> Fraction:
    """Seconds between decoding and presentation of a chunk's first frame.

    Chunks with B frames have such a delay, very short chunks have none. Decoding times must rise over the whole video,
    so all chunks must get the same delay.
    """
    with av.open(str(path)) as part:
        source = part.streams.video[0]
        for packet in part.demux(source):
            if packet.dts is not None and packet.pts is not None:
                return (packet.pts - packet.dts) * (source.time_base or Fraction(1))
    return Fraction(0)


def _copy_packets(
    part: av.container.InputContainer,
    source: av.VideoStream,
    joined: av.container.OutputContainer,
    target: av.VideoStream,
    chunk: Chunk,
    fps: Fraction,
    earlier: Fraction,
) -> int:
    """Copy one chunk's packets with decoding times `earlier` by so many seconds. Returns the number of packets."""
    time_base = source.time_base or Fraction(1)
    packets = 0
    for packet in part.demux(source):
        if packet.dts is None or packet.pts is None:
            continue
        # Times come from the frame number. Sums of times would drift, since WebM's are whole milliseconds.
        frame = chunk.frames.first + round(packet.pts * time_base * fps)
        shift = round(Fraction(frame) / fps / time_base) - packet.pts
        packet.pts += shift
        packet.dts += shift - round(earlier / time_base)
        packet.stream = target
        joined.mux(packet)
        packets += 1
    return packets
