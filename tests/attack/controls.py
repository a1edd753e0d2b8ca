"""The controls that attacks run into, each with what the worker would be without it.

The product has no such switch: these replace parts of it in the worker's process, to see that the attacks that depend
on a control get through without it.
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


def take_out(name: str) -> None:
    """Replace one control by nothing, in this process."""
    _CONTROLS[name]()


def _addresses() -> None:
    """Every address counts as public."""
    fetch.is_public = lambda address: True
    fetch.is_private_name = lambda host: False


def _webhooks() -> None:
    """The same for webhooks, and no look at the address before."""
    fetch.is_public = lambda address: True
    fetch.is_private_name = lambda host: False
    _put(__main__, "check_webhook", lambda url, *, allow_private: None)


def _interception() -> None:
    """The door answers for the project and the packages; everything else goes its own way."""

    async def guard(self: interceptor.RequestInterceptor, context: BrowserContext) -> None:
        await context.route(f"{interceptor.ORIGIN}/**", self._answer)
        await context.route("https://cdn.jsdelivr.net/**", self._answer)

    interceptor.RequestInterceptor.guard = guard  # type: ignore[method-assign]


def _network() -> None:
    """Chromium may use the network as it likes."""
    _filter()
    _flags()


def _filter() -> None:
    """The kernel gives the driver and the browser any socket."""
    driver._LAUNCHER = str(_PARTS / "unconfined-node")


def _flags() -> None:
    """Chromium is not told to stay off the network."""
    for flag in list(flags._REASONS):
        if flag.startswith(("--proxy", "--force-webrtc", "--disable-quic", "--dns-prefetch")):
            del flags._REASONS[flag]


def _jail() -> None:
    """Paths are followed wherever they lead."""

    def anywhere(root: Path, name: str) -> Path | None:
        try:
            file = (root / name).resolve()
        except ValueError:  # a name with a zero in it
            return None
        return file if file.is_file() else None

    interceptor.file_inside = anywhere  # type: ignore[attr-defined]  # imported there


def _archive() -> None:
    """Archives are unpacked as they say."""

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
    """ffmpeg opens what it likes, and what that names."""
    everything = {
        "protocol_whitelist": "file,http,tcp,crypto,data,concat,subfile",
        "allowed_extensions": "ALL",
        "extension_picky": "0",
    }
    media_file.MEDIA_OPTIONS.clear()
    media_file.MEDIA_OPTIONS.update(everything)
    _put(sound, "MEDIA_INPUT", ())


def _environment() -> None:
    """Children get the worker's own environment."""
    driver._LAUNCHER = str(_PARTS / "unscrubbed-node")
    chromium.child_environment = lambda home: {**os.environ, "HOME": str(home), "TMPDIR": str(home)}


def _privacy() -> None:
    """The worker's memory is open to its user."""
    _put(driver, "keep_memory_private", lambda: None)
    ctypes.CDLL(None).prctl(4, 1, 0, 0, 0)  # PR_SET_DUMPABLE


def _memory() -> None:
    """Nobody adds up what a render's programs take."""
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
