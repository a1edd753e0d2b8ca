"""A lossless video of a composition, rendered by the product itself: what both encoders are judged against.

Run as a program of its own, so that the benchmark's processor times stay free of it:
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
#: Options of x264 that decide what is lost; each has one value.
_LOSSY = {"-preset", "-tune", "-profile:v", "-crf", "-qp", "-b:v", "-maxrate", "-bufsize", "-x264-params"}


def lossless_arguments(spec: encode.EncodeSpec, output: Path) -> list[str]:
    """The product's ffmpeg command line, filters included, with an encoder that loses nothing."""
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
    """Raise RuntimeError where the pictures did not come straight and checked from the browser's surface."""
    for browser in result.capture:
        if browser.path != "surface":
            raise RuntimeError(f"no lossless reference: pictures came by {browser.path}, because {browser.reason}")
        if not browser.checks:
            raise RuntimeError("no lossless reference: no picture was compared with a screenshot")


def render_reference(source: Path, output: Path, fps: str) -> RenderResult:
    """Render without loss, with one browser, frame after frame. Raises RuntimeError where that was not possible."""
    encode.ffmpeg_arguments = lossless_arguments
    try:
        result = asyncio.run(render(source, output, parse_render_input({"fps": fps}), LocalOptions(workers=1)))
    finally:
        encode.ffmpeg_arguments = _product_arguments
    check_reference(result)
    return result


def main() -> None:
    """Render the composition that is named."""
    source, output, fps = sys.argv[1:]
    print(json.dumps(render_reference(Path(source), Path(output), fps).as_dict()))


if __name__ == "__main__":
    main()
