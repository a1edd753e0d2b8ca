"""The worker under attack: does one job after another, as an execution environment of Lambda does.

Commands come as JSON lines on standard input, answers go out the same way. Controls that are named on the command line
are taken out first (controls.py).
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import shutil
import sys
import traceback
import zipfile
from pathlib import Path
from typing import Any

from hyperframes_render.errors import RenderError
from hyperframes_render.formats import FORMATS
from hyperframes_render.functions.support.render_context import job_folder
from hyperframes_render.input import parse_render_input
from hyperframes_render.network.fetch import FetchRefused, fetch_public
from hyperframes_render.network.post import post
from hyperframes_render.render.job import LocalOptions, render
from hyperframes_render.tasks.webhooks import check_webhook
from tests.attack.controls import take_out


def do(command: dict[str, Any]) -> dict[str, Any]:
    """One job, and how it ended."""
    try:
        return {"render": _render, "fetch": _fetch, "webhook": _webhook}[command["do"]](command)
    except RenderError as error:
        return {"ended": error.code, "says": [str(error)]}
    except Exception:
        return {"ended": "traceback", "says": [traceback.format_exc()]}


def _render(command: dict[str, Any]) -> dict[str, Any]:
    request = parse_render_input(command["request"])
    with job_folder() as folder:
        given = Path(command["source"])
        source = folder / (command["arrives_as"] or given.name)
        if given.is_dir():
            shutil.copytree(given, source, symlinks=True)
        else:
            shutil.copyfile(given, source)
        output = folder / f"video{FORMATS[request.codec].suffix}"
        result = asyncio.run(render(source, output, request, LocalOptions(workers=1)))
        pictures = _pictures(output) if output.suffix == ".zip" else []
        return {
            "ended": "rendered",
            "says": list(result.warnings),
            "pictures": pictures,
            "capture": [facts.path for facts in result.capture],
        }


def _pictures(output: Path) -> list[str]:
    with zipfile.ZipFile(output) as archive:
        return [hashlib.sha256(archive.read(name)).hexdigest() for name in sorted(archive.namelist())]


def _fetch(command: dict[str, Any]) -> dict[str, Any]:
    said = []
    for url in command["urls"]:
        try:
            answer = asyncio.run(fetch_public(url))
            said.append(f"{url} answered {answer.status} {answer.body[:80]!r}")
        except FetchRefused as refusal:
            said.append(f"{url}: {refusal}")
    return {"ended": "rendered", "says": said}


def _webhook(command: dict[str, Any]) -> dict[str, Any]:
    said = []
    for url in command["urls"]:
        try:
            check_webhook(url, allow_private=False)
            said.append(f"{url}: {post(url, b'{}', {'content-type': 'application/json'}, timeout=5)}")
        except RenderError as refusal:
            said.append(f"{url}: {refusal}")
    return {"ended": "rendered", "says": said}


def main() -> None:
    """Until standard input ends."""
    # Whatever else is printed is no answer: the log has its own hold on standard output.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    for control in sys.argv[1:]:
        take_out(control)
    for line in sys.stdin:
        print(json.dumps(do(json.loads(line))), file=answers, flush=True)


if __name__ == "__main__":
    main()
