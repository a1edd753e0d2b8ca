"""Dead processes and full disks give a clear error or a correct video, and leave no process and no file."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from tests.e2e.support import COMMAND, COMPOSITIONS, composition, hidden_leftovers, run

BOXES = COMPOSITIONS / "boxes.html"


def named(word: str, tree: list[psutil.Process]) -> list[psutil.Process]:
    """Processes of `tree` whose program's path contains `word`. Arguments are ignored: ffmpeg's name the browser."""
    found = []
    for process in tree:
        with suppress(psutil.Error, IndexError):  # a zombie has no command line
            if word in process.cmdline()[0]:
                found.append(process)
    return found


@dataclass
class Running:
    """A running render, and the processes that it has started."""

    process: subprocess.Popen[str]
    started: list[psutil.Process]

    def alive(self, word: str) -> list[psutil.Process]:
        """The render's running processes whose program's path contains `word`."""
        return named(word, psutil.Process(self.process.pid).children(recursive=True))


@contextmanager
def running_render(tmp_path: Path, *options: str, duration: int = 120) -> Iterator[Running]:
    """Start a long render with its temporary files in tmp_path. Yields when it renders frames."""
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
        yield Running(process, psutil.Process(process.pid).children(recursive=True))
    finally:
        process.kill()
        process.wait()


def check_nothing_left(tmp_path: Path, running: Running) -> None:
    # The driver, the browser and its child processes, and ffmpeg have started, and none runs or is a zombie.
    assert len(running.started) >= 5
    _, left = psutil.wait_procs(running.started, timeout=15)
    assert left == []
    assert hidden_leftovers(tmp_path / "out") == []
    assert not (tmp_path / "out" / "o.mp4").exists()
    assert [path.name for path in (tmp_path / "work").iterdir()] == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_stops_everything(number: signal.Signals, tmp_path: Path) -> None:
    with running_render(tmp_path) as running:
        running.process.send_signal(number)
        _, errors = running.process.communicate(timeout=30)
    assert running.process.returncode == 130
    assert "Interrupted" in errors
    check_nothing_left(tmp_path, running)


def test_a_dead_encoder_is_a_clear_error(tmp_path: Path) -> None:
    with running_render(tmp_path) as running:
        for encoder in running.alive("ffmpeg-linux"):
            encoder.kill()
        output, errors = running.process.communicate(timeout=60)
    assert running.process.returncode == 1
    assert '"encoder_failed"' in output
    assert "killed by signal 9" in errors
    check_nothing_left(tmp_path, running)


@pytest.mark.slow
def test_a_browser_that_dies_twice_is_a_clear_error(tmp_path: Path) -> None:
    with running_render(tmp_path, "--workers", "1") as running:
        deadline = time.monotonic() + 60
        while running.process.poll() is None and time.monotonic() < deadline:
            with suppress(psutil.Error):
                for browser in running.alive("chromium"):
                    browser.kill()
            time.sleep(0.5)
        output, errors = running.process.communicate(timeout=60)
    assert running.process.returncode == 1
    assert '"browser_failed"' in output, errors
    check_nothing_left(tmp_path, running)


def test_a_browser_that_dies_once_is_started_again(tmp_path: Path) -> None:
    with running_render(tmp_path, "--workers", "1", duration=30) as running:
        for browser in running.alive("chromium"):
            browser.kill()
        output, errors = running.process.communicate(timeout=90)
    assert running.process.returncode == 0, errors
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
