"""The worker under attack. It runs one job after another, like an execution environment of Lambda.

Commands are JSON lines on standard input, answers are JSON lines on standard output. The controls that the command line
names are removed first (controls.py).
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
from tests.attack.controls import remove_control


def do(command: dict[str, Any]) -> dict[str, Any]:
    """Run one job. Returns its end and its messages."""
    try:
        return {"render": _render, "fetch": _fetch, "webhook": _webhook}[command["do"]](command)
    except RenderError as error:
        return {"ended": error.code, "says": [str(error)]}
    except Exception:
        return {"ended": "traceback", "says": [traceback.format_exc()]}


def _render(command: dict[str, Any]) -> dict[str, Any]:
    request = parse_render_input(command["request"])
    with job_folder() as folder:
        original = Path(command["source"])
        source = folder / (command["arrives_as"] or original.name)
        if original.is_dir():
            shutil.copytree(original, source, symlinks=True)
        else:
            shutil.copyfile(original, source)
        output = folder / f"video{FORMATS[request.codec].suffix}"
        result = asyncio.run(render(source, output, request, LocalOptions(workers=1)))
        frames = _frame_hashes(output) if output.suffix == ".zip" else []
        return {
            "ended": "rendered",
            "says": [warning.message for warning in result.warnings],
            "frames": frames,
            "capture": [facts.path for facts in result.capture],
        }


def _frame_hashes(output: Path) -> list[str]:
    with zipfile.ZipFile(output) as archive:
        return [hashlib.sha256(archive.read(name)).hexdigest() for name in sorted(archive.namelist())]


def _fetch(command: dict[str, Any]) -> dict[str, Any]:
    messages = []
    for url in command["urls"]:
        try:
            answer = asyncio.run(fetch_public(url))
            messages.append(f"{url} answered {answer.status} {answer.body[:80]!r}")
        except FetchRefused as refusal:
            messages.append(f"{url}: {refusal}")
    return {"ended": "rendered", "says": messages}


def _webhook(command: dict[str, Any]) -> dict[str, Any]:
    messages = []
    for url in command["urls"]:
        try:
            check_webhook(url, allow_private=False)
            messages.append(f"{url}: {post(url, b'{}', {'content-type': 'application/json'}, timeout=5)}")
        except RenderError as refusal:
            messages.append(f"{url}: {refusal}")
    return {"ended": "rendered", "says": messages}


def main() -> None:
    """Answer commands until standard input ends."""
    # Other output goes to standard error, since the log also writes to standard output.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    for control in sys.argv[1:]:
        remove_control(control)
    for line in sys.stdin:
        print(json.dumps(do(json.loads(line))), file=answers, flush=True)


if __name__ == "__main__":
    main()
