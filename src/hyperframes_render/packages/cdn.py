"""Well-known CDN addresses, answered from the pinned packages of the set-up: no CDN is needed to render."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from urllib.parse import unquote, urlsplit

from hyperframes_render.packages.semver import satisfies
from hyperframes_render.paths import file_inside

#: What cdnjs calls a library, where npm calls it something else, and the folder that cdnjs publishes of it.
_CDNJS = {
    "three.js": ("three", "build"),
    "bodymovin": ("lottie-web", "build/player"),
    "lottie-web": ("lottie-web", "build/player"),
    "animejs": ("animejs", "lib"),
}
#: Addresses of a library's own site, and what stands for them: package, and file or folder.
_OWN_SITES = {
    re.compile(r"^https://d3js\.org/d3\.v(?P<version>\d+)(\.min)?\.js$"): ("d3", "dist/d3.min.js"),
    re.compile(r"^https://cdn\.tailwindcss\.com/?(?P<version>[\d.]*)(\?.*)?$"): ("@tailwindcss/browser", ""),
    # What Three.js decodes Draco's models with; it has them beside itself, with versions of their own.
    re.compile(
        r"^https://www\.gstatic\.com/draco/(?:versioned/decoders/[\d.]+|v1/decoders)/(?P<file>draco_\w+\.(?:js|wasm))$"
    ): (
        "three",
        "examples/jsm/libs/draco/gltf/",
    ),
}
#: Packages of which an older generation is pinned too: pages are written for one or the other.
_GENERATIONS = {"animejs": ("animejs", "animejs-classic")}
#: What only the older generation of Three.js has: files that put a global name in the window.
_THREE_GLOBAL = re.compile(r"(build/)?three(\.min)?\.js|examples/js/.*")
#: Pages of versions before this one are nearer to the older generation: colours and lights were changed after it.
_THREE_MODERN = 148

#: Builds of anime.js where its version 4 had them first: today there is one kind for a global name.
_ANIME_BUILD = re.compile(r"lib/anime\.(iife|umd|esm)((?:\.min)?\.js)")

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
        asked = _npm(self.asked_version)
        return asked not in ("", "latest") and not satisfies(self.version, asked)


def is_page_runtime(url: str) -> bool:
    """Whether this address is a copy of the page runtime, which the renderer brings itself."""
    return bool(_RUNTIME.search(urlsplit(url).path))


def find_in_packages(url: str, packages: Path) -> CdnAnswer | None:
    """The pinned file that answers `url`, or None where we carry none."""
    parts = urlsplit(url)
    path = unquote(parts.path)
    for address, (name, file) in _OWN_SITES.items():
        if match := address.match(url):
            asked = match.groupdict()
            return _answer(packages, name, file + asked.get("file", ""), asked.get("version"))
    if parts.hostname in _NPM_HOSTS and (match := _NPM_PATH.match(path)):
        return _answer(packages, match["name"], match["file"] or "", match["version"])
    if parts.hostname == "cdnjs.cloudflare.com" and (match := _CDNJS_PATH.match(path)):
        name, folder = _CDNJS.get(match["name"], (match["name"], "dist"))
        return _answer(packages, name, f"{folder}/{match['file']}", match["version"])
    return None


def find_missing_gsap(path: str, packages: Path) -> CdnAnswer | None:
    """The pinned file for a project file such as `lib/gsap.min.js` that the project does not have."""
    name = path.rsplit("/", 1)[-1]
    if not re.fullmatch(r"[A-Za-z0-9]+(\.min)?\.js", name) or file_inside(packages, f"gsap/dist/{name}") is None:
        return None
    return _answer(packages, "gsap", f"dist/{name}", None)


def _answer(packages: Path, name: str, file: str, asked: str | None) -> CdnAnswer | None:
    """The file of the pinned package `name` whose version is nearest to the asked one, among those that have it."""
    if name == "animejs" and (build := _ANIME_BUILD.fullmatch(file)):
        file = f"dist/bundles/anime.{'esm' if build[1] == 'esm' else 'umd'}{build[2]}"
    if name == "three":
        return _file_of(packages, _three(file, asked), file, asked)
    answers = [_file_of(packages, package, file, asked) for package in _GENERATIONS.get(name, (name,))]
    found = [answer for answer in answers if answer is not None]
    return min(found, key=lambda answer: _distance(answer.version, asked)) if found else None


def _three(file: str, asked: str | None) -> str:
    """The generation of Three.js that answers: the same one for all modules of a version, since what a module exports
    and its addons import goes together.
    """
    version = re.search(r"0\.(\d{1,4})", _plain(asked))
    old = version is not None and int(version[1]) < _THREE_MODERN
    return "three-classic" if old or _THREE_GLOBAL.fullmatch(file) else "three"


def _npm(version: str | None) -> str:
    """An asked version as npm writes it; three.js on cdnjs says r128 for 0.128.0."""
    asked = (version or "").strip()
    return f"0.{asked[1:]}.0" if re.fullmatch(r"r\d+", asked) else asked


def _plain(version: str | None) -> str:
    """An asked version without its range mark."""
    return _npm(version).lstrip("^~v=<> ")


def _distance(version: str, asked: str | None) -> int:
    """How far apart two versions are, by their first number, and by the second where that is 0; 0 for no wish."""
    numbers = [[*re.findall(r"\d{1,9}", text), "0", "0"] for text in (version, _plain(asked))]
    if not re.search(r"\d", _plain(asked)):
        return 0
    (major, minor), (asked_major, asked_minor) = (map(int, found[:2]) for found in numbers)
    return 1000 * abs(major - asked_major) + (abs(minor - asked_minor) if major == 0 else 0)


def _file_of(packages: Path, name: str, file: str, asked: str | None) -> CdnAnswer | None:
    root = packages / name
    manifest = _manifest(root)
    if manifest is None:
        return None
    if not file:
        file = str(manifest.get("jsdelivr") or manifest.get("unpkg") or manifest.get("main") or "index.js")
    module = str(manifest.get("module") or "")
    if file == "+esm":  # jsDelivr's bundle as one module; what it imports beside itself is asked for next
        file = module
    path = file_inside(root, file)
    if path is None and "/" not in file and module:
        path = file_inside(root, f"{module.rpartition('/')[0]}/{file}".lstrip("/"))
    if path is None and re.search(r"\.min\.m?js$", file):  # the same, where a version has no shortened form
        return _file_of(packages, name, re.sub(r"\.min(\.m?js)$", r"\1", file), asked)
    if path is None:
        return None
    return CdnAnswer(path, str(manifest["name"]), str(manifest["version"]), asked)


@lru_cache(maxsize=64)  # not all names that pages may think of
def _manifest(root: Path) -> dict[str, object] | None:
    try:
        manifest = json.loads((root / "package.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return manifest if isinstance(manifest, dict) else None
