"""Runs the static ffmpeg of imageio-ffmpeg, and turns its failures into errors."""

from __future__ import annotations

import contextlib
import subprocess
import tempfile
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import imageio_ffmpeg

from hyperframes_render.errors import DiskFull, EncoderFailed, SetupIncomplete

#: What ffmpeg may open when it reads one of our files: no network, no playlists that name other files.
FILE_ONLY = ("-protocol_whitelist", "file,pipe")

#: The whole environment of an ffmpeg process: without credentials and other variables of this process.
ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"}
#: By default glibc returns the memory of each frame to the kernel and gets it again page by page: let it keep it.
KEEP_MEMORY = {"MALLOC_MMAP_THRESHOLD_": str(64 * 1024**2), "MALLOC_TRIM_THRESHOLD_": str(512 * 1024**2)}


@cache
def ffmpeg_path() -> str:
    """The path of the ffmpeg program. Raises SetupIncomplete if the package has none for this machine."""
    try:
        return str(imageio_ffmpeg.get_ffmpeg_exe())
    except RuntimeError as error:
        raise SetupIncomplete(f"ffmpeg is missing: {error}", 'Run "make setup".') from None


@cache
def has_encoder(name: str) -> bool:
    """Whether this machine's ffmpeg has the encoder. The builds for x86_64 and aarch64 differ."""
    listed = subprocess.run(
        [ffmpeg_path(), "-hide_banner", "-encoders"],
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
        env=ENVIRONMENT,
    )
    return f" {name} " in listed.stdout


def run_ffmpeg(arguments: list[str], *, job: Path, timeout: float) -> None:
    """Run ffmpeg on files and wait until it ends. Raises EncoderFailed or DiskFull."""
    process = FfmpegProcess(arguments, job=job)
    try:
        process.finish(timeout)
    except BaseException:
        process.kill()
        raise


class RunningFfmpeg:
    """A running ffmpeg. Its messages go to a file, so that it can never block on them."""

    def __init__(
        self,
        arguments: list[str],
        *,
        level: str,
        stdin: int,
        stdout: int,
        environment: Mapping[str, str] = ENVIRONMENT,
        folder: Path | None = None,
    ) -> None:
        """Start ffmpeg. `folder` holds its messages from `level` on (default: the temporary folder)."""
        self._messages = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 - closed with the process
        try:
            self._process = subprocess.Popen(
                [ffmpeg_path(), "-hide_banner", "-nostdin", "-loglevel", level, *arguments],
                stdin=stdin,
                stdout=stdout,
                stderr=self._messages,
                env=environment,
                # Ctrl-C reaches this process, which ends its children. Else ffmpeg would finish an incomplete file.
                start_new_session=True,
            )
        except OSError as error:
            raise EncoderFailed(f"ffmpeg did not start: {error}.") from error

    def messages(self) -> list[str]:
        """The lines that ffmpeg wrote, without empty ones."""
        self._messages.seek(0)
        return [line for line in self._messages.read().decode("utf-8", "replace").splitlines() if line.strip()]

    def kill(self) -> None:
        """End ffmpeg at once. Does nothing if it has ended."""
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()


class FfmpegProcess(RunningFfmpeg):
    """A running ffmpeg that reads from a pipe."""

    def __init__(self, arguments: list[str], *, job: Path) -> None:
        super().__init__(
            arguments,
            level="warning",
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            environment={**ENVIRONMENT, "HOME": str(job), **KEEP_MEMORY},
            folder=job,
        )
        assert self._process.stdin is not None
        self.stdin = self._process.stdin

    def fileno(self) -> int:
        """The descriptor of the pipe to write to."""
        return self.stdin.fileno()

    def finish(self, timeout: float) -> None:
        """Close the pipe and wait until ffmpeg ends. Raises EncoderFailed or DiskFull."""
        with contextlib.suppress(BrokenPipeError):
            self.stdin.close()
        try:
            code = self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.kill()
            raise EncoderFailed(f"ffmpeg did not finish within {timeout:g} s.") from None
        if code != 0:
            self.raise_failure()
        self._messages.close()

    def raise_failure(self) -> None:
        """Raise the error for the way in which ffmpeg ended."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(10)
        self.kill()
        text = " | ".join(self.messages()[-3:])[:300]
        self._messages.close()
        if "No space left on device" in text:
            raise DiskFull("The disk is full: the video could not be written.", "Make room and try again.")
        code = self._process.returncode
        end = f"was killed by signal {-code}" if code is not None and code < 0 else f"ended with status {code}"
        raise EncoderFailed(f"ffmpeg {end}{': ' + text if text else ''}.", "Try again.")

    def kill(self) -> None:
        """End ffmpeg at once. Does nothing if it has ended."""
        super().kill()
        with contextlib.suppress(OSError):
            self.stdin.close()
