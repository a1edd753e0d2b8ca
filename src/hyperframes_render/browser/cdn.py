"""Well-known CDN addresses, answered from the pinned packages of the set-up: no CDN is needed to render."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from urllib.parse import unquote, urlsplit

#: What cdnjs calls a library, where npm calls it something else, and the folder that cdnjs publishes of it.
_CDNJS = {"gsap": ("gsap", "dist")}

_NPM_HOSTS = ("cdn.jsdelivr.net", "unpkg.com", "fastly.jsdelivr.net")
_NPM_PATH = re.compile(r"^/(?:npm/)?(?P<name>(?:@[^/@]+/)?[^/@]+)(?:@(?P<version>[^/]*))?(?:/(?P<file>.*))?$")
_CDNJS_PATH = re.compile(r"^/ajax/libs/(?P<name>[^/]+)/(?P<version>[^/]+)/(?P<file>.+)$")
#: The page runtime under any of its published addresses: ours is in the page already.
_RUNTIME = re.compile(r"/hyperframe\.runtime(\.[a-z]+)*\.js$")


@dataclass(frozen=True)
class CdnAnswer:
    """A file of a pinned package that stands for what a page asked a CDN for."""

    path: Path
    package: str
    version: str
    asked_version: str | None

    @property
    def other_version(self) -> bool:
        """Whether the page asked for a version that the pinned one does not satisfy."""
        asked = (self.asked_version or "").lstrip("^~v")
        if not asked or asked == "latest":
            return False
        return self.version != asked and not self.version.startswith(asked.rstrip(".") + ".")


def is_page_runtime(url: str) -> bool:
    """Whether this address is a copy of the page runtime, which the renderer brings itself."""
    return bool(_RUNTIME.search(urlsplit(url).path))


def find_in_packages(url: str, packages: Path) -> CdnAnswer | None:
    """The pinned file that answers `url`, or None where we carry none."""
    parts = urlsplit(url)
    path = unquote(parts.path)
    if parts.hostname in _NPM_HOSTS and (match := _NPM_PATH.match(path)):
        return _answer(packages, match["name"], match["file"] or "", match["version"])
    if parts.hostname == "cdnjs.cloudflare.com" and (match := _CDNJS_PATH.match(path)):
        name, folder = _CDNJS.get(match["name"], (match["name"], "dist"))
        return _answer(packages, name, f"{folder}/{match['file']}", match["version"])
    return None


def find_missing_gsap(path: str, packages: Path) -> CdnAnswer | None:
    """The pinned file for a project file such as `lib/gsap.min.js` that the project does not have."""
    name = path.rsplit("/", 1)[-1]
    if not re.fullmatch(r"[A-Za-z0-9]+(\.min)?\.js", name) or not (packages / "gsap" / "dist" / name).is_file():
        return None
    return _answer(packages, "gsap", f"dist/{name}", None)


def _answer(packages: Path, name: str, file: str, asked: str | None) -> CdnAnswer | None:
    root = packages / name
    manifest = _manifest(root)
    if manifest is None:
        return None
    if not file:
        file = str(manifest.get("jsdelivr") or manifest.get("unpkg") or manifest.get("main") or "index.js")
    path = (root / file).resolve()
    if not path.is_relative_to(root.resolve()) or not path.is_file():
        return None
    return CdnAnswer(path, name, str(manifest["version"]), asked)


@cache
def _manifest(root: Path) -> dict[str, object] | None:
    try:
        manifest = json.loads((root / "package.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return manifest if isinstance(manifest, dict) else None
