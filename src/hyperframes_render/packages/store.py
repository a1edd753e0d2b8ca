"""The package store: which pinned package and file answers a request for a package's file."""

from __future__ import annotations

import json
import re
import tomllib
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

from hyperframes_render.packages.addresses import Asked
from hyperframes_render.packages.semver import satisfies
from hyperframes_render.paths import file_inside

#: The host by whose addresses modules of the store import each other.
MODULE_HOST = "https://esm.sh"
#: Requests of Three.js for minor versions below this are answered by the older generation: colours and lights changed.
_THREE_MODERN = 148
#: Files that only the older generation of Three.js has: scripts that define a global variable.
_THREE_GLOBAL = re.compile(r"(build/)?three(\.min)?\.js|examples/js/.*")
#: Paths of the builds of early anime.js 4 releases. Later releases have one build with a global name (UMD).
_ANIME_BUILD = re.compile(r"lib/anime\.(iife|umd|esm)((?:\.min)?\.js)")
#: Parts of file names that tell builds of one script apart.
_BUILD_MARKS = re.compile(
    r"\.(?:min|umd|iife|global|prod|production|development|dev|browser|bundle|esm|cjs|slim|runtime|legacy|pkgd|auto)\b"
)
#: Names of files that are modules: a script with a global name cannot stand for them.
_MODULE_FILE = re.compile(r"\.mjs$|(?:^|[./-])(?:esm?|es\d+|module)[./-]")
_BARE_IMPORT = re.compile(r"""((?:\bfrom|\bimport)\s*\(?\s*)(["'])([@A-Za-z][^"']*)\2""")
_DEFAULT_EXPORT = re.compile(r"\bexport\s+default\b|\bas\s+default\b")
_CLASSIC = "-classic"


@dataclass(frozen=True)
class Answer:
    """The file of a pinned package that answers a request. `text` replaces the file's content where it is not None.

    `asked_version` is the requested version or range.
    """

    path: Path
    package: str
    version: str
    asked_version: str | None
    text: str | None = None

    @property
    def other_version(self) -> bool:
        """Whether the pinned version does not satisfy the requested one."""
        requested = _npm_version(self.asked_version)
        return requested not in ("", "latest", "next") and not satisfies(self.version, requested)


class Store:
    """The packages below a folder, as its packages.toml lists them."""

    def __init__(self, root: Path) -> None:
        self.root = root
        try:
            self._list: dict[str, dict[str, Any]] = tomllib.loads((root / "packages.toml").read_text("utf-8"))
        except OSError:
            self._list = {}
        self._names = {
            name.lower(): package for package, entry in self._list.items() for name in entry.get("names", [])
        }
        self._sites = [
            (re.compile(rf"https?://{pattern}(?:\?.*)?"), package, file)
            for package, entry in self._list.items()
            for pattern, file in entry.get("sites", [])
        ]

    def at_site(self, url: str) -> Answer | None:
        """The answer to an address of a library's own site."""
        for pattern, package, file in self._sites:
            if match := pattern.fullmatch(url):
                name = re.sub(r"\\(\d)", lambda found: match[int(found[1])] or "", file)
                return self._nearest(package, name, match.groupdict().get("version"))
        return None

    def family(self, name: str) -> Path | None:
        """The style sheet of an icon font, by the family's name on font hosts."""
        for package, entry in self._list.items():
            if name in (sheets := entry.get("families", {})):
                return file_inside(self.root / package, sheets[name])
        return None

    def answer(self, asked: Asked) -> Answer | None:
        """The answer to a request for a file of a package."""
        package = self._package(asked)
        is_of_modules = asked.name != package and asked.name.endswith("-es")
        if is_of_modules and _plain(asked.file) == _plain(package):
            return self._module(package, replace(asked, file=""))
        if asked.module or is_of_modules:
            return self._module(package, asked) or self._rewritten(package, asked)
        for file in self._places(package, asked):
            if found := self._nearest(package, file, asked.version):
                return found
        return self._module(package, replace(asked, file="")) if _MODULE_FILE.search(asked.file) else None

    def _places(self, package: str, asked: Asked) -> list[str]:
        """The files of a package that may be the one of a request, the likeliest first."""
        file = asked.file
        folder = self._list.get(package, {}).get("folder", "dist")
        if asked.source == "cdnjs":
            return [f"{folder}/{file}".lstrip("/"), file]
        if asked.source == "github" and file:
            return [file, file.partition("/")[2] or file, f"{folder}/{file.rpartition('/')[2]}".lstrip("/")]
        if asked.name != package and _plain(file) == _plain(asked.name):
            return [file, ""]  # the script of a part, as d3-geo.min.js: the whole has what it has
        return [file]

    def _package(self, asked: Asked) -> str:
        """The package with this name, or with this name on cdnjs or GitHub. Names of npm come first."""
        name = asked.name.lower()
        known = self._names.get(name) or (self._repositories.get(name) if asked.source == "github" else None)
        if asked.source != "npm" and known is not None:
            return known
        return asked.name if (self.root / asked.name / "package.json").is_file() else known or asked.name

    @cached_property
    def _repositories(self) -> dict[str, str]:
        """Packages by their repository on GitHub, such as "jquery/jquery"."""
        found: dict[str, str] = {}
        for package in self._list:
            repository = (_manifest(self.root / package) or {}).get("repository") or ""
            url = str(repository.get("url", "")) if isinstance(repository, dict) else str(repository)
            if match := re.search(r"(?:github\.com[/:]|^github:|^)([\w.-]+/[\w.-]+?)(?:\.git)?/?$", url):
                found.setdefault(match[1].lower(), package)
        return found

    def _module(self, package: str, asked: Asked) -> Answer | None:
        """A bundled entry point of a package, or a module that stands for it."""
        older = package + _CLASSIC
        if "module" in self._list.get(older, {}) and self._is_nearer(older, package, asked.version):
            return self._rewritten(older, asked)
        entry = re.sub(r"\.m?js$", "", asked.file) or "."
        entry = re.sub(r"^(?:dist|es20\d\d)/", "", entry)
        entry = "." if entry == "index" else entry
        if entry not in self._list.get(package, {}).get("modules", []):
            return None
        path = file_inside(self.root / "modules" / package, f"{'index' if entry == '.' else entry}.mjs")
        manifest = _manifest(self.root / package)
        if path is None or manifest is None:
            return None
        specifier = package if entry == "." else f"{package}/{entry}"
        url = f"{MODULE_HOST}/{specifier}"
        # A page has each module once, at one address: two copies of React do not work together.
        text = None if asked.url == url else f'export * from "{url}"; export {{ default }} from "{url}";\n'
        return Answer(path, str(manifest["name"]), str(manifest["version"]), asked.version, text)

    def _is_nearer(self, package: str, other: str, requested: str | None) -> bool:
        versions = [str((_manifest(self.root / name) or {}).get("version", "")) for name in (package, other)]
        return _distance(versions[0], requested) < _distance(versions[1], requested)

    def _rewritten(self, package: str, asked: Asked) -> Answer | None:
        """A file of a package as a module: its imports of packages become addresses."""
        file = re.sub(r"^addons/", "examples/jsm/", asked.file) if package == "three" else asked.file
        found = self._nearest(package, file or "+esm", asked.version)
        if found is None or found.path.suffix not in (".js", ".mjs"):
            return found
        text = found.path.read_text("utf-8", errors="replace")
        if not asked.file:
            # Its relative imports resolve at its own place only.
            folder = (self.root / package).resolve()
            inside = found.path.is_relative_to(folder)
            url = f"{MODULE_HOST}/{package}/{found.path.relative_to(folder).as_posix()}" if inside else ""
            default = f' export {{ default }} from "{url}";' if _DEFAULT_EXPORT.search(text) else ""
            return replace(found, text=f'export * from "{url}";{default}\n') if inside else found
        changed = _BARE_IMPORT.sub(lambda m: f"{m[1]}{m[2]}{MODULE_HOST}/{m[3]}{m[2]}", text)
        return found if changed == text else replace(found, text=changed)

    def _nearest(self, name: str, file: str, requested: str | None) -> Answer | None:
        """The file of package `name`; of its generations, the one nearest to the requested version."""
        if name == "animejs" and (build := _ANIME_BUILD.fullmatch(file)):
            file = f"dist/bundles/anime.{'esm' if build[1] == 'esm' else 'umd'}{build[2]}"
        if name == "three":
            return self._file_of(_three_package(file, requested), file, requested)
        names = [name, name + _CLASSIC] if (self.root / (name + _CLASSIC)).is_dir() else [name]
        answers = [self._file_of(package, file, requested) for package in names]
        found = [answer for answer in answers if answer is not None]
        return min(found, key=lambda answer: _distance(answer.version, requested)) if found else None

    def _file_of(self, name: str, file: str, requested: str | None) -> Answer | None:
        root, entry = self.root / name, self._list.get(name, {})
        manifest = _manifest(root)
        if manifest is None:
            return None
        main = entry.get("main")
        module = str(entry.get("module") or manifest.get("module") or "")
        wanted = file or main or str(manifest.get("jsdelivr") or manifest.get("unpkg") or manifest.get("main") or "")
        if file == "+esm":  # a module file; its relative imports are separate requests
            wanted = module
        names = _variants(wanted or "index.js")
        path = next((p for v in names if (p := file_inside(root, v)) is not None), None)
        if path is None and "/" not in wanted and module and "modules" not in entry:
            path = file_inside(root, f"{module.rpartition('/')[0]}/{wanted}".lstrip("/"))
        if path is None and main and _is_build_of(wanted, name, main):
            path = file_inside(root, main)
        text = None
        if path is None and (parts := next((entry["files"][v] for v in names if v in entry.get("files", {})), None)):
            path = (root / parts[0]).resolve()
            text = "\n".join((root / part).read_text("utf-8") for part in parts)
        if path is None:
            return None
        return Answer(path, str(manifest["name"]), str(manifest["version"]), requested, text)


def _variants(file: str) -> list[str]:
    """A file's name, and the names of its builds with other marks: a store keeps one build of each script."""
    stem, _, suffix = file.rpartition(".")
    if suffix not in ("js", "mjs", "css"):
        return [file, f"{file}.js"]
    plain = stem.removesuffix(".min")
    names = [file, f"{plain}.{suffix}", f"{plain}.min.{suffix}"]
    if re.search(r"\.(?:global|esm-browser|production|development)$", plain):
        base = re.sub(r"\.(?:production|development)$", "", plain)
        names += [f"{plain}.prod.{suffix}", f"{base}.production.min.{suffix}", f"{base}.prod.{suffix}"]
    return names


def _is_build_of(file: str, package: str, main: str) -> bool:
    """Whether a missing script is another build of the package's main one, as chart.min.js of Chart.js."""
    if not file.endswith((".js", ".cjs")) or main.endswith(".css") or _MODULE_FILE.search(file):
        return False
    bare = package.removesuffix(_CLASSIC).rpartition("/")[2]
    return _plain(file) in {_plain(bare), _plain(main)} or _plain(bare).startswith(_plain(file) + "js")


def _plain(name: str) -> str:
    base = re.sub(r"\.(?:js|mjs|cjs)$", "", name.rpartition("/")[2].lower())
    return re.sub(r"[^a-z0-9]", "", _BUILD_MARKS.sub("", base).removesuffix("js"))


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


@lru_cache(maxsize=4)
def store_in(root: Path) -> Store:
    """The store below a folder."""
    return Store(root)


@lru_cache(maxsize=64)  # bounded: pages can request any number of names
def _manifest(root: Path) -> dict[str, object] | None:
    try:
        manifest = json.loads((root / "package.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return manifest if isinstance(manifest, dict) else None
