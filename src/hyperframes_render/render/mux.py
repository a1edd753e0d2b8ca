"""Makes the finished file from encoded chunks: joins them, or encodes now if the codec needs all frames at once."""

from __future__ import annotations

import os
import shutil
import zipfile
from collections.abc import Sequence
from pathlib import Path

from hyperframes_render.errors import DiskFull, EncoderFailed
from hyperframes_render.formats import FORMATS, Codec, Format
from hyperframes_render.media.encode import chunk_suffix, muxer_arguments, tag_arguments
from hyperframes_render.media.ffmpeg import FILE_ONLY, run_ffmpeg
from hyperframes_render.media.probe import VideoFacts, check_video, probe_frames, probe_video
from hyperframes_render.render.join import join_chunks
from hyperframes_render.render.plan import Chunk, Plan

#: Timeout in seconds for copying, muxing, or one of the two passes of a GIF. An hour of 4K takes minutes.
_TIMEOUT = 1800.0
#: Alpha (0-255) from which a GIF's pixel is opaque: a GIF has no partial alpha.
_GIF_ALPHA = 128


def finish_video(
    plan: Plan,
    parts: Sequence[tuple[Chunk, Path]],
    output: Path,
    *,
    job: Path,
    sound: Path | None = None,
    tags: Sequence[tuple[str, str]] = (),
) -> VideoFacts:
    """Make the file `output` from the chunks `parts`, in order, and check it. It appears complete or not at all.

    `sound` is the finished mix, from the composition's beginning to the video's end. `tags` are title and comment.
    `job` is a folder for temporary files. Raises EncoderFailed if a chunk or the result does not match the plan, or
    DiskFull.
    """
    made = output.with_name(f".{output.name}.{os.getpid()}.part{output.suffix}")
    try:
        if plan.codec is Codec.PNG:
            _zip_frames(parts, made)
        elif plan.codec is Codec.GIF:
            _encode_gif(plan, _joined(plan, parts, job), made, job)
        elif len(parts) == 1 and sound is None:
            shutil.move(parts[0][1], made)  # the encoder has written title and comment
        else:
            _mux(plan, _joined(plan, parts, job), sound, tags, made, job)
        facts = probe_frames(made, plan.fps) if plan.codec is Codec.PNG else probe_video(made)
        check_video(facts, plan.wanted(sound=sound is not None))
        made.replace(output)
    finally:
        made.unlink(missing_ok=True)
    return facts


def _joined(plan: Plan, parts: Sequence[tuple[Chunk, Path]], job: Path) -> Path:
    if len(parts) == 1:
        return parts[0][1]
    joined = job / f"joined{chunk_suffix(plan.format)}"
    join_chunks(parts, joined, plan.fps)
    return joined


def _mux(plan: Plan, video: Path, sound: Path | None, tags: Sequence[tuple[str, str]], made: Path, job: Path) -> None:
    """Copy the video's packets, encode the sound, and write title and comment. The index comes first."""
    form = plan.format
    muxer = form.muxers.get(made.suffix, form.muxers[form.suffix])
    inputs = [*FILE_ONLY, "-i", str(video)]
    streams = ["-map", "0:v:0", "-c:v", "copy"]
    if plan.transparent and muxer == "webm":
        # Players need this tag, and the stream copy drops all tags.
        streams += ["-metadata:s:v:0", "alpha_mode=1"]
    if sound is not None and form.sound is not None:
        # The mix begins with the composition, but the video may begin later.
        inputs += ["-ss", f"{float(plan.sound_start):.6f}", "-i", str(sound)]
        streams += ["-map", "1:a:0", *_sound_encoder(form, muxer)]
    run_ffmpeg(
        [
            *inputs,
            *streams,
            *("-map_metadata", "-1", *tag_arguments(tags), "-fflags", "+bitexact", "-flags:a", "+bitexact"),
            *muxer_arguments(muxer, plan.fps),
            *("-f", muxer, "-y", str(made)),
        ],
        job=job,
        timeout=_TIMEOUT,
    )


def _sound_encoder(form: Format, muxer: str) -> tuple[str, ...]:
    """The sound encoder's arguments. WebM needs Opus, even for a codec whose usual container has another."""
    if muxer == "webm":
        return FORMATS[Codec.VP9].sound or ()
    return form.sound or ()


def _encode_gif(plan: Plan, lossless: Path, made: Path, job: Path) -> None:
    """Encode a GIF in two passes over a lossless file: all frames, which exceed memory, make the palette."""
    palette = job / "palette.png"
    read = [*FILE_ONLY, "-i", str(lossless)]
    reserve = int(plan.transparent)
    run_ffmpeg(
        [*read, "-vf", f"palettegen=stats_mode=full:reserve_transparent={reserve}", "-y", str(palette)],
        job=job,
        timeout=_TIMEOUT,
    )
    use = f"paletteuse=dither=sierra2_4a:diff_mode=rectangle:alpha_threshold={_GIF_ALPHA}"
    run_ffmpeg(
        # "passthrough" keeps repeated frames: a GIF has as many as the video.
        [
            *(*read, "-i", str(palette), "-lavfi", f"[0:v][1:v]{use}", "-c:v", "gif", "-gifflags", "-transdiff"),
            *("-fps_mode", "passthrough", "-loop", "0", "-fflags", "+bitexact", "-f", "gif", "-y", str(made)),
        ],
        job=job,
        timeout=_TIMEOUT,
    )


def _zip_frames(parts: Sequence[tuple[Chunk, Path]], made: Path) -> None:
    """Put all frames into one archive without compression. A part is a folder of PNG files, or an archive of them."""
    try:
        with zipfile.ZipFile(made, "w", zipfile.ZIP_STORED) as archive:
            for chunk, part in parts:
                count = _add_frames(part, archive)
                if count != chunk.frames.count:
                    raise EncoderFailed(f"Chunk {chunk.index} has {count} frames, not {chunk.frames.count}.")
    except OSError as error:
        raise DiskFull(f"The frames could not be put into one archive: {error.strerror}.", "Make room.") from error


def _add_frames(part: Path, archive: zipfile.ZipFile) -> int:
    # A fixed date makes two renders of the same frames equal.
    if part.is_dir():
        files = sorted(part.iterdir())
        for file in files:
            archive.writestr(zipfile.ZipInfo(file.name), file.read_bytes())
        return len(files)
    with zipfile.ZipFile(part) as inner:
        names = sorted(inner.namelist())
        for name in names:
            archive.writestr(zipfile.ZipInfo(name), inner.read(name))
        return len(names)


def chunk_file(chunk: Chunk, encoded: Path, output: Path) -> None:
    """Move an encoded chunk to `output` as one file: a folder of PNG files becomes an archive."""
    made = output.with_name(f".{output.name}.part")
    try:
        if encoded.is_dir():
            _zip_frames([(chunk, encoded)], made)
        else:
            shutil.move(encoded, made)
        made.replace(output)
    finally:
        made.unlink(missing_ok=True)
