"""Removes security controls from a worker, one function for each control.

The product has no switches for its controls. These functions replace parts of it in the worker's process. Tests verify
that the attacks that a control stops succeed without it.
"""

from __future__ import annotations

import ctypes
import os
import zipfile
from collections.abc import Callable
from pathlib import Path

from playwright.async_api import BrowserContext

import __main__
from hyperframes_render.browser import chromium, driver, flags
from hyperframes_render.browser import interceptor as interceptor
from hyperframes_render.composition import source
from hyperframes_render.media import media_file, sound
from hyperframes_render.network import fetch
from hyperframes_render.sandbox import memory

_PARTS = Path(__file__).parent / "parts"


def remove_control(name: str) -> None:
    """Remove one control from this process."""
    _CONTROLS[name]()


def _addresses() -> None:
    """Treat every address as public."""
    _put(fetch, "is_public", lambda address: True)
    _put(fetch, "is_private_name", lambda host: False)


def _webhooks() -> None:
    """Treat every address of a webhook as public, and do not check webhook addresses."""
    _put(fetch, "is_public", lambda address: True)
    _put(fetch, "is_private_name", lambda host: False)
    _put(__main__, "check_webhook", lambda url, *, allow_private: None)


def _interception() -> None:
    """Intercept requests for the project and the packages only."""

    async def guard(self: interceptor.RequestInterceptor, context: BrowserContext) -> None:
        await context.route(f"{interceptor.ORIGIN}/**", self._answer)
        await context.route("https://cdn.jsdelivr.net/**", self._answer)

    interceptor.RequestInterceptor.guard = guard  # type: ignore[method-assign]


def _network() -> None:
    """Give Chromium full access to the network."""
    _filter()
    _flags()


def _filter() -> None:
    """Allow the driver and the browser to open any socket."""
    driver._LAUNCHER = str(_PARTS / "unconfined-node")


def _flags() -> None:
    """Remove Chromium's flags against network access."""
    for flag in list(flags._REASONS):
        if flag.startswith(("--proxy", "--force-webrtc", "--disable-quic", "--dns-prefetch")):
            del flags._REASONS[flag]


def _jail() -> None:
    """Allow paths outside the project."""

    def any_file(root: Path, name: str) -> Path | None:
        try:
            file = (root / name).resolve()
        except ValueError:  # a name with a NUL character
            return None
        return file if file.is_file() else None

    interceptor.file_inside = any_file  # type: ignore[attr-defined]  # its imported name


def _archive() -> None:
    """Unpack archives without checks."""

    def unpack(archive: Path, target: Path) -> None:
        with zipfile.ZipFile(archive) as contents:
            for entry in contents.infolist():
                path = target / entry.filename.replace("\\", "/")
                path.parent.mkdir(parents=True, exist_ok=True)
                if (entry.external_attr >> 16) & 0o170000 == 0o120000:
                    path.symlink_to(contents.read(entry).decode())
                    continue
                with contents.open(entry) as packed, path.open("wb") as out:
                    while block := packed.read(1024**2):
                        out.write(block)

    source.unpack_archive = unpack


def _media() -> None:
    """Allow ffmpeg all protocols and formats, and the files that media name."""
    everything = {
        "protocol_whitelist": "file,http,tcp,crypto,data,concat,subfile",
        "allowed_extensions": "ALL",
        "extension_picky": "0",
    }
    media_file.MEDIA_OPTIONS.clear()
    media_file.MEDIA_OPTIONS.update(everything)
    _put(sound, "MEDIA_INPUT", ())


def _environment() -> None:
    """Pass the worker's environment to child processes."""
    driver._LAUNCHER = str(_PARTS / "unscrubbed-node")
    chromium.child_environment = lambda home: {**os.environ, "HOME": str(home), "TMPDIR": str(home)}


def _privacy() -> None:
    """Make the worker's memory readable for processes of the same user."""
    _put(driver, "keep_memory_private", lambda: None)
    ctypes.CDLL(None).prctl(4, 1, 0, 0, 0)  # PR_SET_DUMPABLE


def _memory() -> None:
    """Disable the memory limit of a render's processes."""
    _put(memory.MemoryMeter, "exceeded", lambda self: False)


def _put(module: object, name: str, value: object) -> None:
    assert hasattr(module, name)
    setattr(module, name, value)


_CONTROLS: dict[str, Callable[[], None]] = {
    "addresses": _addresses,
    "webhooks": _webhooks,
    "interception": _interception,
    "network": _network,
    "filter": _filter,
    "flags": _flags,
    "jail": _jail,
    "archive": _archive,
    "media": _media,
    "environment": _environment,
    "memory": _memory,
    "privacy": _privacy,
}
