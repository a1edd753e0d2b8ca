"""The static ffmpeg of imageio-ffmpeg, and how its end is read."""

from __future__ import annotations

import contextlib
import subprocess
import tempfile
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import imageio_ffmpeg

from hyperframes_render.errors import DiskFull, EncoderFailed, SetupIncomplete

#: What ffmpeg may open when it reads a file of ours: no network, no playlists that name other files.
FILE_ONLY = ("-protocol_whitelist", "file,pipe")

#: The whole environment of an ffmpeg: nothing of ours, credentials least of all.
ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"}
#: glibc gives pictures back to the kernel after each use and gets them again page by page: let it keep them.
KEEP_MEMORY = {"MALLOC_MMAP_THRESHOLD_": str(64 * 1024**2), "MALLOC_TRIM_THRESHOLD_": str(512 * 1024**2)}


@cache
def ffmpeg_path() -> str:
    """The ffmpeg program. Raises SetupIncomplete where the package has none for this machine."""
    try:
        return str(imageio_ffmpeg.get_ffmpeg_exe())
    except RuntimeError as error:
        raise SetupIncomplete(f"ffmpeg is missing: {error}", 'Run "make setup".') from None


@cache
def has_encoder(name: str) -> bool:
    """Whether this machine's ffmpeg has the encoder: its builds for x86_64 and aarch64 differ."""
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
    """Run ffmpeg on files to its end. Raises EncoderFailed or DiskFull."""
    process = FfmpegProcess(arguments, job=job)
    try:
        process.finish(timeout)
    except BaseException:
        process.kill()
        raise


class RunningFfmpeg:
    """An ffmpeg; its messages go to a file, so that it can never block on them."""

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
        """Start it. Its messages, from `level` on, lie in `folder` (default: where temporary files are)."""
        self._messages = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 - closed with the process
        try:
            self._process = subprocess.Popen(
                [ffmpeg_path(), "-hide_banner", "-nostdin", "-loglevel", level, *arguments],
                stdin=stdin,
                stdout=stdout,
                stderr=self._messages,
                env=environment,
                # Ctrl-C reaches us, and we end our children: otherwise ffmpeg would finish a half-written file.
                start_new_session=True,
            )
        except OSError as error:
            raise EncoderFailed(f"ffmpeg did not start: {error}.") from error

    def messages(self) -> list[str]:
        """The lines that it wrote, but for empty ones."""
        self._messages.seek(0)
        return [line for line in self._messages.read().decode("utf-8", "replace").splitlines() if line.strip()]

    def kill(self) -> None:
        """End it at once; harmless where it has ended."""
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()


class FfmpegProcess(RunningFfmpeg):
    """An ffmpeg that reads from a pipe."""

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
        """The pipe's descriptor to write to."""
        return self.stdin.fileno()

    def finish(self, timeout: float) -> None:
        """Close the pipe and wait for a good end. Raises EncoderFailed or DiskFull."""
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
        """Raise what ffmpeg's end means."""
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
        """End it at once; harmless where it has ended."""
        super().kill()
        with contextlib.suppress(OSError):
            self.stdin.close()
