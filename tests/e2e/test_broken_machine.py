"""What dies, stalls or fills up ends in a clear error or a good video, and leaves no process and no file."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.e2e.support import COMMAND, COMPOSITIONS, composition, hidden_leftovers, run

BOXES = COMPOSITIONS / "boxes.html"


def processes(word: str, home: Path) -> list[int]:
    """Living processes with `word` in their command line that work below `home`."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if not entry.name.isdigit() or (entry / "stat").read_text().rpartition(")")[2].split()[0] == "Z":
                continue
            command, environment = (entry / "cmdline").read_bytes(), (entry / "environ").read_bytes()
        except OSError:
            continue
        if word.encode() in command and str(home).encode() in environment:
            found.append(int(entry.name))
    return found


@contextmanager
def running_render(tmp_path: Path, *options: str, duration: int = 120) -> Iterator[subprocess.Popen[str]]:
    """A long render with its temporary files below tmp_path, at work when this yields."""
    work = tmp_path / "work"
    work.mkdir()
    process = subprocess.Popen(
        [
            COMMAND,
            "render",
            str(BOXES),
            "-o",
            str(tmp_path / "out" / "o.mp4"),
            "--duration",
            str(duration),
            "--json",
            *options,
        ],
        env={**os.environ, "TMPDIR": str(work)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    for line in process.stderr:
        if '"render"' in line and '"frames_done": 0' not in line:
            break
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def check_nothing_left(tmp_path: Path) -> None:
    deadline = time.monotonic() + 15
    while time.monotonic() < deadline and (processes("chromium", tmp_path) or processes("ffmpeg", tmp_path)):
        time.sleep(0.2)
    assert processes("chromium", tmp_path) == []
    assert processes("ffmpeg", tmp_path) == []
    assert hidden_leftovers(tmp_path / "out") == []
    assert not (tmp_path / "out" / "o.mp4").exists()
    assert [path.name for path in (tmp_path / "work").glob("hyperframes-render-*")] == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_stops_everything(number: signal.Signals, tmp_path: Path) -> None:
    with running_render(tmp_path) as process:
        process.send_signal(number)
        _, errors = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "Interrupted" in errors
    check_nothing_left(tmp_path)


def test_a_dead_encoder_is_a_clear_error(tmp_path: Path) -> None:
    with running_render(tmp_path) as process:
        for pid in processes("ffmpeg-linux", tmp_path):
            os.kill(pid, signal.SIGKILL)
        output, errors = process.communicate(timeout=60)
    assert process.returncode == 1
    assert '"encoder_failed"' in output
    assert "killed by signal 9" in errors
    check_nothing_left(tmp_path)


def test_a_browser_that_dies_twice_is_a_clear_error(tmp_path: Path) -> None:
    with running_render(tmp_path, "--workers", "1") as process:
        deadline = time.monotonic() + 60
        while process.poll() is None and time.monotonic() < deadline:
            for pid in processes("chromium", tmp_path):
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    continue
            time.sleep(0.5)
        output, _ = process.communicate(timeout=60)
    assert process.returncode == 1
    assert '"browser_failed"' in output
    check_nothing_left(tmp_path)


def test_a_browser_that_dies_once_is_started_again(tmp_path: Path) -> None:
    with running_render(tmp_path, "--workers", "1", duration=6) as process:
        for pid in processes("chromium", tmp_path):
            os.kill(pid, signal.SIGKILL)
        output, errors = process.communicate(timeout=90)
    assert process.returncode == 0, errors
    assert "died" in output


def test_a_full_disk_is_a_clear_error(tmp_path: Path) -> None:
    small = tmp_path / "small"
    small.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "none", str(small)], check=False)
    if mounted.returncode != 0:
        pytest.skip("a small file system cannot be mounted here: NOT TESTED")
    try:
        noise = '<canvas id="c" width="320" height="180"></canvas>'
        script = """const c = document.getElementById("c").getContext("2d"); let s = 1;
          requestAnimationFrame(function f() { const d = c.createImageData(320, 180);
          for (let i = 0; i < d.data.length; i++) d.data[i] = (s = (s * 1103515245 + 12345) & 0x7fffffff) >> 16;
          c.putImageData(d, 0, 0); requestAnimationFrame(f); });"""
        (tmp_path / "noise.html").write_text(composition(noise, script))
        ended = run("render", tmp_path / "noise.html", "-o", small / "o.mp4")
        assert ended.status == 1
        assert "disk is full" in ended.last_line
        assert list(small.iterdir()) == []
    finally:
        subprocess.run(["umount", str(small)], check=True)
