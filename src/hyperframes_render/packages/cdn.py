"""Answers well-known CDN URLs from the pinned packages, so that a render needs no CDN."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from urllib.parse import unquote, urlsplit

from hyperframes_render.packages.semver import satisfies
from hyperframes_render.paths import file_inside

#: By the name of a library on cdnjs: its npm package, and the folder of the package that cdnjs publishes.
_CDNJS = {
    "three.js": ("three", "build"),
    "bodymovin": ("lottie-web", "build/player"),
    "lottie-web": ("lottie-web", "build/player"),
    "animejs": ("animejs", "lib"),
}
#: URLs of a library's website, and what answers them: the package, and its file or folder.
_LIBRARY_SITES = {
    re.compile(r"^https://d3js\.org/d3\.v(?P<version>\d+)(\.min)?\.js$"): ("d3", "dist/d3.min.js"),
    re.compile(r"^https://cdn\.tailwindcss\.com/?(?P<version>[\d.]*)(\?.*)?$"): ("@tailwindcss/browser", ""),
    # The Draco decoders of Three.js. They are in its package, with version numbers of their own.
    re.compile(
        r"^https://www\.gstatic\.com/draco/(?:versioned/decoders/[\d.]+|v1/decoders)/(?P<file>draco_\w+\.(?:js|wasm))$"
    ): (
        "three",
        "examples/jsm/libs/draco/gltf/",
    ),
}
#: Libraries with a second pinned package of an older generation, because pages are written for one or the other.
_GENERATIONS = {"animejs": ("animejs", "animejs-classic")}
#: Files that only the older generation of Three.js has: scripts that define a global variable.
_THREE_GLOBAL = re.compile(r"(build/)?three(\.min)?\.js|examples/js/.*")
#: Requests for minor versions below this are answered by the older generation: colours and lights changed after it.
_THREE_MODERN = 148

#: Paths of the builds of early anime.js 4 releases. Later releases have one build with a global name (UMD).
_ANIME_BUILD = re.compile(r"lib/anime\.(iife|umd|esm)((?:\.min)?\.js)")

_NPM_HOSTS = ("cdn.jsdelivr.net", "unpkg.com", "fastly.jsdelivr.net")
_NPM_PATH = re.compile(r"^/(?:npm/)?(?P<name>(?:@[^/@]+/)?[^/@]+)(?:@(?P<version>[^/]*))?(?:/(?P<file>.*))?$")
_CDNJS_PATH = re.compile(r"^/ajax/libs/(?P<name>[^/]+)/(?P<version>[^/]+)/(?P<file>.+)$")
#: Paths of published copies of the page runtime. The renderer has put its copy into the page already.
_RUNTIME = re.compile(r"/hyperframe\.runtime(\.[a-z]+)*\.js$")


@dataclass(frozen=True)
class CdnAnswer:
    """The file of a pinned package that answers a CDN URL. `asked_version` is the requested version or range."""

    path: Path
    package: str
    version: str
    asked_version: str | None

    @property
    def other_version(self) -> bool:
        """Whether the pinned version does not satisfy the requested one."""
        requested = _npm_version(self.asked_version)
        return requested not in ("", "latest") and not satisfies(self.version, requested)


def is_page_runtime(url: str) -> bool:
    """Whether `url` is a copy of the page runtime, which the renderer provides itself."""
    return bool(_RUNTIME.search(urlsplit(url).path))


def find_in_packages(url: str, packages: Path) -> CdnAnswer | None:
    """The pinned file that answers `url`, or None."""
    parts = urlsplit(url)
    path = unquote(parts.path)
    for address, (name, file) in _LIBRARY_SITES.items():
        if match := address.match(url):
            requested = match.groupdict()
            return _answer(packages, name, file + requested.get("file", ""), requested.get("version"))
    if parts.hostname in _NPM_HOSTS and (match := _NPM_PATH.match(path)):
        return _answer(packages, match["name"], match["file"] or "", match["version"])
    if parts.hostname == "cdnjs.cloudflare.com" and (match := _CDNJS_PATH.match(path)):
        name, folder = _CDNJS.get(match["name"], (match["name"], "dist"))
        return _answer(packages, name, f"{folder}/{match['file']}", match["version"])
    return None


def find_missing_gsap(path: str, packages: Path) -> CdnAnswer | None:
    """The pinned GSAP file for a missing project file such as `lib/gsap.min.js`, or None."""
    name = path.rsplit("/", 1)[-1]
    if not re.fullmatch(r"[A-Za-z0-9]+(\.min)?\.js", name) or file_inside(packages, f"gsap/dist/{name}") is None:
        return None
    return _answer(packages, "gsap", f"dist/{name}", None)


def _answer(packages: Path, name: str, file: str, requested: str | None) -> CdnAnswer | None:
    """The file of the pinned package `name`; of its generations, the one nearest to the requested version."""
    if name == "animejs" and (build := _ANIME_BUILD.fullmatch(file)):
        file = f"dist/bundles/anime.{'esm' if build[1] == 'esm' else 'umd'}{build[2]}"
    if name == "three":
        return _file_of(packages, _three_package(file, requested), file, requested)
    answers = [_file_of(packages, package, file, requested) for package in _GENERATIONS.get(name, (name,))]
    found = [answer for answer in answers if answer is not None]
    return min(found, key=lambda answer: _distance(answer.version, requested)) if found else None


def _three_package(file: str, requested: str | None) -> str:
    """The package of Three.js that answers. All modules of one version come from the same package, because the addons
    import what the core exports.
    """
    version = re.search(r"0\.(\d{1,4})", _exact_version(requested))
    old = version is not None and int(version[1]) < _THREE_MODERN
    return "three-classic" if old or _THREE_GLOBAL.fullmatch(file) else "three"


def _npm_version(version: str | None) -> str:
    """A requested version in npm's form: cdnjs has r128 for three.js 0.128.0."""
    requested = (version or "").strip()
    return f"0.{requested[1:]}.0" if re.fullmatch(r"r\d+", requested) else requested


def _exact_version(version: str | None) -> str:
    """A requested version without its range operator."""
    return _npm_version(version).lstrip("^~v=<> ")


def _distance(version: str, requested: str | None) -> int:
    """The distance of two versions, by major number, or by minor number for major 0; 0 if `requested` has no number."""
    numbers = [[*re.findall(r"\d{1,9}", text), "0", "0"] for text in (version, _exact_version(requested))]
    if not re.search(r"\d", _exact_version(requested)):
        return 0
    (major, minor), (asked_major, asked_minor) = (map(int, found[:2]) for found in numbers)
    return 1000 * abs(major - asked_major) + (abs(minor - asked_minor) if major == 0 else 0)


def _file_of(packages: Path, name: str, file: str, requested: str | None) -> CdnAnswer | None:
    root = packages / name
    manifest = _manifest(root)
    if manifest is None:
        return None
    if not file:
        file = str(manifest.get("jsdelivr") or manifest.get("unpkg") or manifest.get("main") or "index.js")
    module = str(manifest.get("module") or "")
    if file == "+esm":  # jsDelivr's bundle as one module; its imports are separate requests
        file = module
    path = file_inside(root, file)
    if path is None and "/" not in file and module:
        path = file_inside(root, f"{module.rpartition('/')[0]}/{file}".lstrip("/"))
    if path is None and re.search(r"\.min\.m?js$", file):  # the pinned version has no minified build
        return _file_of(packages, name, re.sub(r"\.min(\.m?js)$", r"\1", file), requested)
    if path is None:
        return None
    return CdnAnswer(path, str(manifest["name"]), str(manifest["version"]), requested)


@lru_cache(maxsize=64)  # bounded: pages can request any number of names
def _manifest(root: Path) -> dict[str, object] | None:
    try:
        manifest = json.loads((root / "package.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return manifest if isinstance(manifest, dict) else None
