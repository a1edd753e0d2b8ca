"""Runs the official command line and ours on one composition."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

from hyperframes_render.packages.cdn import find_in_packages
from hyperframes_render.packages.root import packages_root

REPOSITORY = Path(__file__).resolve().parents[2]
#: The folder of the official command line, installed by tests/bench/setup.sh. A variable may override it.
OFFICIAL = Path(os.environ.get("HYPERFRAMES_RENDER_OFFICIAL", REPOSITORY / ".bench" / "official"))
#: A cache of official videos, since the official program takes 5-10 s for each composition.
CACHE = REPOSITORY / ".bench" / "parity"
#: Timeout in seconds. Colour grading takes the official program minutes on a busy machine.
RUN_TIMEOUT = 600.0
_SCRIPT_ADDRESS = re.compile(r"""https://[^"'\s<>()]+\.(?:m?js|css|woff2|wasm)\b""")


class ProgramFailed(Exception):
    """A program failed. The text is the end of its messages."""


@cache
def node() -> Path | None:
    """The Node binary of the official command line, None if it is not installed."""
    script = OFFICIAL / "node_modules" / "hyperframes" / "bin" / "hyperframes.mjs"
    found = next(iter(sorted(OFFICIAL.glob("node_modules/node-linux-*/bin/node"))), None)
    return found if script.is_file() else None


@cache
def official_version() -> str:
    """The version of the official command line."""
    manifest = OFFICIAL / "node_modules" / "hyperframes" / "package.json"
    return str(json.loads(manifest.read_text("utf-8"))["version"])


def render_ours(project: Path, output: Path, *options: str) -> dict[str, Any]:
    """Render with our installed command, by the official rule for fonts. Returns its JSON result.

    Raises ProgramFailed.
    """
    command = [str(Path(sys.executable).with_name("hyperframes-render")), "render", str(project)]
    ended = _run(
        [*command, "-o", str(output), "--json", *options], {**os.environ, "HYPERFRAMES_RENDER_FONTS": "official"}
    )
    result = json.loads(ended)
    assert isinstance(result, dict)
    return result


def render_official(project: Path, output: Path, *options: str) -> None:
    """Render with the official command line, or copy its cached video of the same files. Raises ProgramFailed."""
    copy = output.with_suffix(".project")
    shutil.copytree(project, copy)
    _copy_scripts(copy)
    cached = CACHE / f"{_fingerprint(copy, options)}.mp4"
    if not cached.is_file():
        try:
            _run(_official_command(copy, output, *options), _official_environment())
        except ProgramFailed:
            # On a busy machine it sometimes draws elements into canvases before they are painted, and fails.
            _run(_official_command(copy, output, *options), _official_environment())
        if not output.is_file():
            raise ProgramFailed("it wrote no video")
        CACHE.mkdir(parents=True, exist_ok=True)
        (CACHE.parent / ".gitignore").write_text("*\n", "utf-8")
        partial = cached.with_suffix(f".{os.getpid()}")
        shutil.copy(output, partial)
        partial.replace(cached)
    shutil.copy(cached, output)


def render_official_frames(project: Path, folder: Path, *options: str) -> list[Path]:
    """Render with the official command line to lossless PNG files. Raises ProgramFailed."""
    _run(_official_command(project, folder, "--format", "png-sequence", *options), _official_environment())
    return sorted(folder.rglob("*.png"))


def _official_command(project: Path, output: Path, *options: str) -> list[str]:
    script = OFFICIAL / "node_modules" / "hyperframes" / "bin" / "hyperframes.mjs"
    return [str(node()), str(script), "render", str(project), "-o", str(output), "-w", "1", *options]


def _official_environment() -> dict[str, str]:
    program = node()
    assert program is not None
    return {
        **os.environ,
        "PATH": f"{program.parent}:{os.environ.get('PATH', '/usr/bin:/bin')}",
        "HYPERFRAMES_BROWSER_PATH": "/usr/bin/chromium-headless-shell",
        "HYPERFRAMES_TELEMETRY": "0",
    }


def _copy_scripts(project: Path) -> None:
    """Replace CDN addresses by copies of the pinned files, since the official program cannot serve them."""
    for page in project.rglob("*.html"):
        html = page.read_text("utf-8")
        for address in sorted(set(_SCRIPT_ADDRESS.findall(html)), key=len, reverse=True):
            answer = find_in_packages(address, packages_root())
            if answer is None:
                raise ProgramFailed(f"{address} is not among the pinned packages")
            name = f"{answer.package.replace('/', '-')}-{answer.path.name}"
            shutil.copy(answer.path, project / name)
            html = html.replace(
                address, f"./{os.path.relpath(project / name, page.parent)}"
            )  # import specifiers need the dot
        page.write_text(html, "utf-8")


def _fingerprint(project: Path, options: tuple[str, ...]) -> str:
    """A cache key for the files, the options and the version of the official program."""
    digest = hashlib.sha256(json.dumps([official_version(), *options]).encode())
    for file in sorted(project.rglob("*")):
        if file.is_file():
            digest.update(f"{file.relative_to(project)}\0".encode() + hashlib.sha256(file.read_bytes()).digest())
    return f"{project.stem}-{digest.hexdigest()[:20]}"


def _run(command: list[str], environment: dict[str, str]) -> str:
    try:
        ended = subprocess.run(
            command, env=environment, capture_output=True, text=True, timeout=RUN_TIMEOUT, stdin=subprocess.DEVNULL
        )
    except subprocess.TimeoutExpired:
        raise ProgramFailed(f"it took more than {RUN_TIMEOUT:g} s") from None
    if ended.returncode != 0:
        raise ProgramFailed(" | ".join((ended.stderr + ended.stdout).strip().splitlines()[-6:])[-600:])
    return ended.stdout
