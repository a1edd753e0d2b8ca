"""Renders a lossless video of a composition with the product, as the reference for both encoders.

Runs as a separate program, so that the benchmark's processor times do not include it:
`python tests/bench/reference.py COMPOSITION OUTPUT.mp4 FPS` prints the render's result as JSON.
"""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

from hyperframes_render.input import parse_render_input
from hyperframes_render.media import encode
from hyperframes_render.render.job import LocalOptions, render
from hyperframes_render.render.result import RenderResult

_product_arguments = encode.ffmpeg_arguments
#: Options of x264 that affect losses. Each has one value.
_LOSSY = {"-preset", "-tune", "-profile:v", "-crf", "-qp", "-b:v", "-maxrate", "-bufsize", "-x264-params"}


def lossless_arguments(spec: encode.EncodeSpec, output: Path) -> list[str]:
    """The product's ffmpeg arguments with a lossless encoder."""
    arguments = iter(_product_arguments(spec, output))
    kept: list[str] = []
    for argument in arguments:
        if argument == "-c:v":
            next(arguments)
            kept += ["-c:v", "libx264", "-qp", "0", "-preset", "ultrafast"]
        elif argument in _LOSSY:
            next(arguments)
        else:
            kept.append(argument)
    return kept


def check_reference(result: RenderResult) -> None:
    """Raise RuntimeError unless all frames were captured from the browser's surface and checked."""
    for browser in result.capture:
        if browser.path != "surface":
            raise RuntimeError(
                f"no lossless reference: frames were captured by {browser.path}, because {browser.reason}"
            )
        if not browser.checks:
            raise RuntimeError("no lossless reference: no frame was compared with a screenshot")


def render_reference(source: Path, output: Path, fps: str) -> RenderResult:
    """Render without loss with one browser. Raises RuntimeError if the frames are not lossless."""
    encode.ffmpeg_arguments = lossless_arguments
    try:
        result = asyncio.run(render(source, output, parse_render_input({"fps": fps}), LocalOptions(workers=1)))
    finally:
        encode.ffmpeg_arguments = _product_arguments
    check_reference(result)
    return result


def main() -> None:
    """Render the composition of the command line."""
    source, output, fps = sys.argv[1:]
    print(json.dumps(render_reference(Path(source), Path(output), fps).as_dict()))


if __name__ == "__main__":
    main()
