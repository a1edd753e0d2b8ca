"""Writes docs/reference/quality.md: VMAF, size and processor time of every codec and quality on three compositions.

Run it with `python tests/bench/quality_table.py`. Each composition is rendered once without loss, then encoded with
the encoder arguments of the product. VMAF compares the result with the lossless frames.
"""

from __future__ import annotations

import os
import resource
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory

import av
from quality import vmaf_and_psnr
from reference import render_reference

from hyperframes_render.formats import FORMATS, Codec, Content, Quality, encoder_arguments
from hyperframes_render.media.encode import ENCODER_THREADS
from hyperframes_render.media.ffmpeg import ffmpeg_path

HERE = Path(__file__).resolve().parent
DOCS = HERE.parents[1] / "docs"
#: Compositions of the benchmark, each with the kind of its content.
COMPOSITIONS = {
    "motion-graphics": Content.GRAPHICS,
    "slides": Content.GRAPHICS,
    "photos-portrait": Content.PHOTOGRAPHIC,
}
CODECS = [Codec.H264, Codec.H265, Codec.VP8, Codec.VP9, Codec.AV1, Codec.PRORES]


def processor_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def row(raw: Path, reference: Path, codec: Codec, quality: Quality, content: Content, folder: Path) -> str:
    """One line of the table."""
    form = FORMATS[codec]
    output = folder / f"o{form.suffix}"
    with av.open(str(reference)) as container:
        stream = container.streams.video[0]
        size, frames = f"{stream.width}x{stream.height}", stream.frames
    before = processor_seconds()
    subprocess.run(
        [
            *(ffmpeg_path(), "-v", "error", "-y", "-f", "rawvideo", "-s", size, "-pix_fmt", "yuv420p", "-r", "30"),
            # Without this filter the scaler assumes bt601 and converts the frames.
            *("-i", str(raw), "-vf", "setparams=range=tv:colorspace=bt709:color_primaries=bt709:color_trc=bt709"),
            *encoder_arguments(form, quality, content, alpha=False),
            *("-threads", str(ENCODER_THREADS), str(output)),
        ],
        check=True,
        env={**os.environ, "SVT_LOG": "1"},
    )
    spent = (processor_seconds() - before) / frames * 1000
    vmaf, _ = vmaf_and_psnr(output, reference)
    megabytes = output.stat().st_size / 1e6
    return f"| {codec} | {quality} | {vmaf.mean:.2f} | {vmaf.worst:.2f} | {megabytes:.2f} | {spent:.0f} |"


def main() -> None:
    """Write the page."""
    parts = [INTRODUCTION]
    for name, content in COMPOSITIONS.items():
        with TemporaryDirectory() as scratch:
            folder = Path(scratch)
            reference, raw = folder / "reference.mp4", folder / "raw.yuv"
            render_reference(HERE / "compositions" / name, reference, "30")
            subprocess.run(
                [ffmpeg_path(), "-v", "error", "-i", str(reference), "-f", "rawvideo", "-pix_fmt", "yuv420p", str(raw)],
                check=True,
            )
            parts += [f"\n## {name}\n", HEAD]
            parts += [row(raw, reference, codec, quality, content, folder) for codec in CODECS for quality in Quality]
    (DOCS / "reference/quality.md").write_text("\n".join(parts) + "\n")


HEAD = "| codec | quality | VMAF mean | VMAF worst | MB | processor ms a frame |\n|---|---|---|---|---|---|"
INTRODUCTION = """# Quality

For authors: size and fidelity of each codec and quality. `python tests/bench/quality_table.py` writes the tables with the
encoder arguments of `formats.py`.

`--quality` is `draft`, `standard`, `high`, or a number: the codec's CRF (h264, h265: 0-51; vp8: 4-63; vp9: 0-63; av1: 1-63).
A draft is also drawn at half the size and enlarged. The tables do not show this, since they compare encoders. gif (256
colours, two passes) and png (lossless) have one quality each. prores has proxy, HQ, and HQ at a higher rate; with alpha 4444.

**Choosing**: "high" of vp9 is not better than its "standard" with little movement, and takes six times as long; it is for
photographs. The worst frames of a draft are those with fast movement.

**Profiles.** h264 "standard" has two profiles: one for flat shapes and text, one for photographs, videos and canvases. The
files and elements of the page decide: JPEG, WebP, AVIF, a video, a large PNG, `<canvas>` or `<video>` select the second.
The flat profile with photographs costs 9 VMAF in the worst frame. The other with flat shapes takes twice the processor time.

**Alpha** (vp8, vp9, prores, png; on or off in gif): composited over white and over dark green, the worst frame is 43.1 dB
(vp8), 42.7 dB (vp9), 55 dB (prores), 56 dB (png) from the page on that colour. The page was small, with hard edges and soft
shadows.

VMAF uses the default model. Processor times are from 2026-11-28, from a slow and busy machine with twice the times of
[performance](performance.md). Compare them with each other only."""


if __name__ == "__main__":
    main()
