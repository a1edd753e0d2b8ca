"""Rules on the files that HTML and CSS name: in the project, under the very name, and with what their name says."""

from __future__ import annotations

import difflib
import posixpath
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

from hyperframes_render.composition.html import Element
from hyperframes_render.composition.lint.cut_off import is_cut_off
from hyperframes_render.composition.lint.source_file import SourceFile
from hyperframes_render.packages.cdn import find_missing_gsap, is_page_runtime
from hyperframes_render.packages.root import packages_root
from hyperframes_render.paths import file_inside
from hyperframes_render.problems import Problem, Severity

_ATTRIBUTES = {
    "img": ("src",),
    "video": ("src", "poster"),
    "audio": ("src",),
    "source": ("src",),
    "track": ("src",),
    "script": ("src",),
    "image": ("href", "xlink:href"),
}
_MEDIA = (
    ".mp4",
    ".webm",
    ".mov",
    ".m4v",
    ".mp3",
    ".wav",
    ".m4a",
    ".aac",
    ".ogg",
    ".png",
    ".jpg",
    ".jpeg",
    ".webp",
    ".gif",
)
_ABSOLUTE = re.compile(r"[A-Za-z]:[\\/]|file:|/(?:Users|home|var|tmp)/", re.IGNORECASE)
_LOCAL_SERVER = re.compile(r"https?://(?:localhost|127\.0\.0\.1|0\.0\.0\.0|\[::1\])\b", re.IGNORECASE)
_STAND_IN = re.compile(
    r"replace[-_ ]?me|your[-_ ](?:logo|video|image|file|audio)|<[^>]*>|path/to/|example\.(?:mp4|png|jpg|mp3)$",
    re.IGNORECASE,
)
_SEVERITIES: dict[str, Severity] = {
    "placeholder_media_url": "error",
    "local_server_address": "error",
    "path_of_a_disk": "error",
}
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*:|//|#|\{\{|\$\{", re.IGNORECASE)
_CSS_ADDRESS = re.compile(r"""url\(\s*(?:"([^"\n]{1,500})"|'([^'\n]{1,500})'|([^"'()\s]{1,500}))\s*\)""", re.IGNORECASE)
_LFS = b"version https://git-lfs"
#: Names of files that are compared with a missing one.
_MAX_FILES = 5000


class Assets:
    """The files of a project's folder."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._names: list[str] | None = None

    @property
    def names(self) -> list[str]:
        """Paths of the files below the folder, those of hidden folders and of node_modules left out."""
        if self._names is None:
            self._names = []
            for path in sorted(self.root.rglob("*")):
                parts = path.relative_to(self.root).parts
                if len(self._names) >= _MAX_FILES:
                    break
                if not any(part.startswith(".") or part == "node_modules" for part in parts) and path.is_file():
                    self._names.append("/".join(parts))
        return self._names

    def resolve(self, page: str, address: str) -> str | None:
        """The path below the folder that an address in `page` names; None if the file is not there.

        The address counts from the page's folder, or as in the official renderer from the project's.
        """
        path = unquote(re.split(r"[?#]", address.strip(), maxsplit=1)[0]).lstrip("/")
        for base in (posixpath.dirname(page), ""):
            name = posixpath.normpath(posixpath.join(base, path))
            if not name.startswith("../") and file_inside(self.root, name) is not None:
                return name
        return None

    def same_name(self, page: str, address: str) -> str | None:
        """The address of the only file of the project that has the very name of a file elsewhere."""
        base = re.split(r"[\\\\/]", unquote(re.split(r"[?#]", address.strip(), maxsplit=1)[0]))[-1]
        same = [name for name in self.names if base and posixpath.basename(name) == base]
        return posixpath.relpath(same[0], posixpath.dirname(page) or ".") if len(same) == 1 else None

    def like(self, page: str, address: str) -> str | None:
        """The address of the only file whose name nearly is that of a missing one."""
        wanted = unquote(re.split(r"[?#]", address.strip(), maxsplit=1)[0])
        base = posixpath.basename(wanted)
        plain = _plain(base)
        same = [name for name in self.names if _plain(posixpath.basename(name)) == plain]
        same = same or [
            n
            for n in self.names
            if _plain(posixpath.splitext(posixpath.basename(n))[0]) == _plain(posixpath.splitext(base)[0])
        ]
        if not same:
            by_name = {posixpath.basename(name): name for name in self.names}
            close = difflib.get_close_matches(base, list(by_name), 2, 0.85)
            same = [by_name[name] for name in close]
        if len(same) != 1:
            return None
        return posixpath.relpath(same[0], posixpath.dirname(page) or ".")


def _plain(name: str) -> str:
    return re.sub(r"[-_ ]", "", name.lower())


def asset_faults(file: SourceFile, assets: Assets, *, of_scene: bool) -> Iterator[Problem]:
    """The faults of what an HTML file names."""
    document = file.document
    for element in document.elements:
        if element.within("noscript") or (element.within("template") and not of_scene):
            continue
        names = _ATTRIBUTES.get(element.name, ())
        if element.name == "link" and "stylesheet" in element.attributes.get("rel", "").lower():
            names = ("href",)
        for name in names:
            if element.attributes.get(name):
                yield from _address_faults(file, element, name, assets)
        if "url(" in element.attributes.get("style", ""):
            yield from css_faults(file, element.attributes["style"], element.start, assets, element)
        if element.name == "style":
            yield from css_faults(file, document.content_of(element), element.open_end, assets, None)


def css_faults(file: SourceFile, css: str, offset: int, assets: Assets, element: Element | None) -> Iterator[Problem]:
    """Files that CSS names and that are not in the project. `offset` is where the CSS begins in `file`."""
    css = re.sub(r"/\*[^*]*+(?:\*(?!/)[^*]*+)*+\*/", lambda m: " " * len(m[0]), css)
    for found in _CSS_ADDRESS.finditer(css):
        address = found[1] or found[2] or found[3]
        if _SCHEME.match(address) or address.startswith("var("):
            continue
        if assets.resolve(file.name, address) is None:
            at = offset + found.start() if element is None else offset
            yield _missing(file, at, address, assets, element, None)


def _address_faults(file: SourceFile, element: Element, name: str, assets: Assets) -> Iterator[Problem]:
    address = element.attributes[name].strip()
    at, span = file.attribute_offset(element, name), file.value_range(element, name)
    wrong = None
    if _STAND_IN.search(address):
        wrong = ("placeholder_media_url", "is a placeholder", "Put the real file into the project and name it.")
    elif _LOCAL_SERVER.match(address):
        wrong = (
            "local_server_address",
            "is an address of this machine",
            "Put the file into the project and name it by its path.",
        )
    elif _ABSOLUTE.match(address):
        wrong = ("path_of_a_disk", "is a path of a disk", "Put the file into the project and name it by its path.")
    if wrong:
        code, what, fix = wrong
        near = assets.same_name(file.name, address)
        yield file.problem(
            at,
            code,
            _SEVERITIES[code],
            f"{address[:120]} {what}: it is not in the project.",
            f"Did you mean {near}?" if near else fix,
            element=element,
            patch=(*span, near) if near and span else None,
        )
        return
    if _SCHEME.match(address) or not address:
        return
    found = assets.resolve(file.name, address)
    if found is None and element.name == "script" and _is_answered(address):
        return
    if found is None:
        yield _missing(file, at, address, assets, element, span)
    elif found.lower().endswith(_MEDIA):
        yield from _content_faults(file, element, at, assets.root / found, address)


def _is_answered(address: str) -> bool:
    """Whether the renderer answers a missing script from its packages: GSAP and the page runtime."""
    path = "/" + re.split(r"[?#]", address, maxsplit=1)[0].lstrip("/")
    return is_page_runtime(path) or find_missing_gsap(path, packages_root()) is not None


def _missing(
    file: SourceFile, at: int, address: str, assets: Assets, element: Element | None, span: tuple[int, int] | None
) -> Problem:
    near = _with_slashes(file.name, address, assets) or assets.like(file.name, address)
    outside = address.startswith("../") and posixpath.normpath(
        posixpath.join(posixpath.dirname(file.name), address)
    ).startswith("../")
    reason = "is outside the project" if outside else "is not in the project"
    return file.problem(
        at,
        "missing_local_asset",
        "error",
        f"{address[:120]} {reason}.",
        f"Did you mean {near}?" if near else "Add the file, or correct the name.",
        element=element,
        patch=(*span, near) if near and span else None,
    )


def _with_slashes(page: str, address: str, assets: Assets) -> str | None:
    """The address with slashes in place of backslashes, if that file is there."""
    plain = address.replace("\\", "/")
    return plain if plain != address and assets.resolve(page, plain) is not None else None


def _content_faults(file: SourceFile, element: Element, at: int, path: Path, address: str) -> Iterator[Problem]:
    with path.open("rb") as opened:
        head = opened.read(512)
    what = ""
    if not head:
        what = "is empty"
    elif head.startswith(_LFS):
        what = "is a Git LFS pointer, not the file itself"
    elif re.match(rb"\s*<(?:!doctype html|html)", head, re.IGNORECASE):
        what = "is an HTML page, not what its name says"
    elif is_cut_off(path):
        what = "is incomplete: the file ends too early"
    if what:
        yield file.problem(
            at, "unusable_file", "error", f"{address[:120]} {what}.", "Replace the file.", element=element
        )
