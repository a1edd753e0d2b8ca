"""What the address of a CDN asks for: a package, a version or range, a file, and whether as a module."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

_JSDELIVR = ".jsdelivr.net"
_NPM_HOSTS = ("unpkg.com", "www.unpkg.com", "esm.run")
#: Hosts whose answers are modules with all that they need.
_MODULE_HOSTS = ("esm.sh", "cdn.esm.sh", "esm.run", "esm.unpkg.com", "cdn.skypack.dev", "jspm.dev", "ga.jspm.io")
#: Hosts with the paths of cdnjs.
_CDNJS_HOSTS = (
    *("cdnjs.cloudflare.com", "ajax.googleapis.com", "cdn.bootcdn.net", "cdn.bootcss.com", "lib.baomitu.com"),
    *("cdn.staticfile.org", "cdn.staticfile.net"),
)
#: Hosts that deliver files of GitHub: owner, repository, version, file.
_GITHUB_HOSTS = ("raw.githack.com", "rawcdn.githack.com", "cdn.rawgit.com", "rawgit.com")
_NAME = r"(?P<name>(?:@[^/@]+/)?[^/@]+)(?:@(?P<version>[^/]*))?(?:/(?P<file>.*))?"
_NPM_PATH = re.compile(rf"/(?:npm/)?{_NAME}")
#: esm.sh has "v135/" or "*" before a name, skypack "pin/" or "-/", jspm "npm:".
_MODULE_PATH = re.compile(rf"/(?:v\d+/|stable/|pin/|-/|npm:)?\*?{_NAME}")
#: Folders of the built files of esm.sh and skypack.
_BUILT = re.compile(r"(?:.*/)?(?:es20\d\d|esnext|optimized)/")
_GITHUB_PATH = re.compile(r"/gh/(?P<name>[^/@]+/[^/@]+)(?:@(?P<version>[^/]*))?(?:/(?P<file>.*))?")
_RAW_PATH = re.compile(r"/(?P<name>[^/@]+/[^/@]+)/(?P<version>[^/]+)/(?P<file>.*)")
_CDNJS_PATH = re.compile(r"/(?:ajax/libs/)?(?P<name>[^/]+)/(?P<version>[^/]+)/(?P<file>.+)")


@dataclass(frozen=True)
class Asked:
    """The request for a file of a package. `name` is its name on the host of the kind `source`."""

    name: str
    version: str | None
    file: str
    source: str = "npm"  # or "cdnjs", "github"
    #: Whether the answer must be a module whose imports a browser can resolve.
    module: bool = False
    #: The URL that asks.
    url: str = ""


def asked_of(url: str) -> list[Asked]:
    """What a URL asks for: one file, several (jsDelivr's "combine"), or nothing of a package."""
    parts = urlsplit(url)
    host, path = (parts.hostname or "").lower(), unquote(parts.path)
    if host.endswith(_JSDELIVR) and path.startswith("/combine/"):
        return [asked for part in path.removeprefix("/combine/").split(",") for asked in _jsdelivr("/" + part)]
    if host in _MODULE_HOSTS and (match := _MODULE_PATH.fullmatch(path)):
        return [Asked(match["name"], match["version"], _entry(match["name"], match["file"] or ""), module=True)]
    if host.endswith(_JSDELIVR) and path.startswith("/gh/"):
        return _jsdelivr(path)
    if host in _GITHUB_HOSTS and (match := _RAW_PATH.fullmatch(path)):
        return [Asked(match["name"], match["version"], match["file"], "github")]
    if (host.endswith(_JSDELIVR) or host in _NPM_HOSTS) and (match := _NPM_PATH.fullmatch(path)):
        file = match["file"] or ""
        whole = re.fullmatch(r"(?:(.*)/)?\+esm", file)
        as_module = whole is not None or "module" in parts.query.split("&")
        return [Asked(match["name"], match["version"], (whole[1] or "") if whole else file, module=as_module)]
    if host in _CDNJS_HOSTS and (match := _CDNJS_PATH.fullmatch(path)):
        return [Asked(match["name"], match["version"], match["file"], "cdnjs")]
    return []


def _entry(name: str, file: str) -> str:
    """The entry point of a package that a file of a module host is the build of: "" is the package itself."""
    inner = _BUILT.sub("", file)
    bare = name.rpartition("/")[2]
    return "" if inner != file and re.fullmatch(rf"{re.escape(bare)}(?:\.\w+)*\.m?js", inner) else inner


def _jsdelivr(path: str) -> list[Asked]:
    if match := _GITHUB_PATH.fullmatch(path):
        return [Asked(match["name"], match["version"], match["file"] or "", "github")]
    match = _NPM_PATH.fullmatch(path)
    return [Asked(match["name"], match["version"], match["file"] or "")] if match else []
