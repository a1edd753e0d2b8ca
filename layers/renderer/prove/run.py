"""The part of run.sh that deploys, renders twice and reports. Its child processes run in run.sh's namespaces."""

from __future__ import annotations

import dataclasses
import json
import re
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import Any

from hyperframes_render.aws.tasks import DynamoKeys
from hyperframes_render.local.deploy import Deployment, local_client
from hyperframes_render.local.emulation import Emulator, emulator_settings
from hyperframes_render.local.parts import find_parts
from hyperframes_render.local.ports import free_port
from hyperframes_render.tasks.keys import make_record

KEY = "hf_proof"
#: User and group id. Neither has an entry in a file of the image.
USER = "43210:43210"


def enter(root: Path, folder: Path) -> Path:
    """Write a program that runs the image's Python as Lambda does, with prctl(2) refused. Returns its path."""
    program = folder / "image-python"
    program.write_text(
        f"#!/bin/sh\nexec {sys.executable} {Path(__file__).with_name('without_prctl.py')}"
        f" chroot --userspec={USER} {root} /usr/bin/env --unset=HOME TMPDIR=/tmp"
        ' PATH=/opt/venv/bin:/usr/bin:/bin XDG_CACHE_HOME=/tmp/cache /opt/venv/bin/python "$@"\n'
    )
    program.chmod(0o755)
    return program


def conditions(python: Path) -> dict[str, Any]:
    """Facts about the environment of a function, collected by the image's Python."""
    code = (
        "import json, os, pathlib, socket\n"
        "def can_write(path):\n"
        "    try: pathlib.Path(path, 'x').touch(); return True\n"
        "    except OSError: return False\n"
        "def passwd():\n"
        "    import pwd\n"
        "    try: return pwd.getpwuid(os.getuid()).pw_name\n"
        "    except KeyError: return None\n"
        "print(json.dumps({'uid': os.getuid(), 'name of the user': passwd(), 'HOME': os.environ.get('HOME'),\n"
        "  'writable': [p for p in ('/', '/opt', '/var', '/usr', '/tmp', '/dev') if can_write(p)],\n"
        "  '/dev/shm': os.path.exists('/dev/shm'), 'network': [n for _, n in socket.if_nameindex()]}))\n"
    )
    out = subprocess.run(
        [python, "-c", code], capture_output=True, text=True, check=True, env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}
    )
    return dict(json.loads(out.stdout))


def request(url: str, body: Any = None) -> dict[str, Any]:
    data = None if body is None else json.dumps(body).encode()
    headers = {"Authorization": f"Bearer {KEY}", "Content-Type": "application/json"}
    with urllib.request.urlopen(urllib.request.Request(url, data, headers), timeout=60) as answer:
        return dict(json.load(answer)["data"])


def log_tails(data: Path) -> str:
    """The last 8,000 characters of each function's log."""
    logs = sorted((data / "logs").glob("hyperframes-render-*.log"))
    return "\n".join(f"--- {log.name}\n{log.read_text(errors='replace')[-8000:]}" for log in logs)


def render(base: str, html: str, video: Path, data: Path) -> tuple[float, dict[str, Any]]:
    """Start a task, wait for it and download the video. Returns the seconds from POST to end, and the task."""
    began = time.monotonic()
    task = request(f"{base}/apps/run", {"input": {"html": html}})
    while task["status"] < 10:
        time.sleep(0.1)
        task = request(f"{base}/tasks/{task['id']}")
    seconds = time.monotonic() - began
    if task["status"] != 10:
        sys.exit(f"{log_tails(data)}\nthe render failed: {task['error']}")
    with urllib.request.urlopen(task["output"]["video"]["uri"], timeout=60) as answer:
        video.write_bytes(answer.read())
    return seconds, task


def main(root: Path, page: Path, video: Path) -> None:
    size = subprocess.run(["du", "-smx", str(root)], capture_output=True, text=True).stdout.split()[0]
    print(f"root file system: {size} MB")
    parts = find_parts()
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder)
        python = enter(root, data)
        print("inside:", conditions(python))
        settings = dataclasses.replace(emulator_settings(parts, data, port=free_port()), image_python=str(python))
        emulator = Emulator(parts, settings)
        try:
            emulator.wait_until_ready()
            deployment = Deployment(parts, data, settings.endpoint, {})
            deployment.deploy(lambda step: print(f"  {step}", file=sys.stderr))
            outputs = deployment.outputs()
            DynamoKeys(outputs["TaskTable"], local_client("dynamodb", settings.endpoint)).put(make_record(KEY, "proof"))
            base = f"{settings.endpoint}/restapis/{outputs['ApiId']}/live/_user_request_"
            for name in ("first", "second"):
                seconds, task = render(base, page.read_text(), video, data)
                facts = {key: task["output"].get(key) for key in ("width", "height", "frames", "size", "versions")}
                print(f"{name} render, POST to video: {seconds:.1f} s; {json.dumps(facts)}")
            print("timings of the second:", json.dumps(task["output"].get("timings")))
            for log in sorted((data / "logs").glob("hyperframes-render-*.log")):
                for milliseconds in re.findall(r"INIT REPORT\(durationMs: ([\d.]+)\)", log.read_text())[:1]:
                    print(f"start of {log.stem.removeprefix('hyperframes-render-')}: {float(milliseconds):.0f} ms")
        finally:
            emulator.stop()


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:4]))
