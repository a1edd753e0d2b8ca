"""Finished chunks become one video by stream copy: nothing is encoded again."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av

from hyperframes_render.errors import DiskFull, EncoderFailed
from hyperframes_render.render.plan import Chunk

#: The index first, and no version of the writing library: as the encoder writes a video of one chunk.
_MP4_OPTIONS = {"movflags": "+faststart", "fflags": "+bitexact"}


def join_chunks(chunks: Sequence[tuple[Chunk, Path]], output: Path, fps: Fraction) -> None:
    """Write the packets of `chunks`, in order, to `output` (.mp4), each shifted to where its frames belong.

    Raises EncoderFailed where a chunk does not hold the frames that it should, or DiskFull.
    """
    try:
        with av.open(str(output), "w", format="mp4", options=_MP4_OPTIONS) as joined:
            target = None
            for chunk, path in chunks:
                with av.open(str(path)) as part:
                    source = part.streams.video[0]
                    if target is None:
                        target = joined.add_stream_from_template(source)
                        target.time_base = source.time_base
                    time_base = source.time_base or Fraction(1)
                    shift = round(Fraction(chunk.frames.first) / fps / time_base)
                    packets = 0
                    for packet in part.demux(source):
                        if packet.dts is None or packet.pts is None:
                            continue
                        packet.pts += shift
                        packet.dts += shift
                        packet.stream = target
                        joined.mux(packet)
                        packets += 1
                if packets != chunk.frames.count:
                    raise EncoderFailed(f"Chunk {chunk.index} has {packets} frames, not {chunk.frames.count}.")
    except av.FFmpegError as error:
        if "No space left" in str(error):
            raise DiskFull("The disk is full: the chunks could not be joined.", "Make room and try again.") from error
        raise EncoderFailed(f"The chunks could not be joined: {error}.") from error
