"""Fetches a page or project from a web address, so that it can be opened."""

from __future__ import annotations

import codecs
import posixpath
import re
from pathlib import Path
from urllib.parse import urljoin, urlsplit

from hyperframes_render.composition.html import Document, file_of_host
from hyperframes_render.composition.source import MAX_HTML_BYTES, Project, Source, WebPage, is_archive
from hyperframes_render.composition.sub_compositions import hosts_of_sub_compositions
from hyperframes_render.errors import InvalidComposition
from hyperframes_render.input import NetworkPolicy
from hyperframes_render.network.fetch import FetchBudget, FetchRefused, fetch_public

#: Content types that servers send for a page or a project. Some send no type, or a generic one.
_TYPES = (
    *("text/html", "application/xhtml+xml", "text/plain", "application/octet-stream", "binary/octet-stream"),
    *("application/zip", "application/x-zip-compressed", "application/x-zip"),
)
#: Sub-compositions of a page at an address that are fetched.
MAX_SUB_COMPOSITIONS = 200
_CHARSET = re.compile(r"""charset\s*=\s*["']?([\w.:-]{1,40})""", re.IGNORECASE)
#: Fetched with the name of a browser: some servers refuse programs without one.
_HEADERS = {"User-Agent": "Mozilla/5.0 (compatible; hyperframes-render)", "Accept": "text/html,*/*;q=0.8"}
#: Maximum characters of an address in an error.
_SHOWN = 120


async def fetch_source(address: str, folder: Path, network: NetworkPolicy) -> Source:
    """Fetch a page or a .zip from `address` into `folder`. A page keeps its address as its base URL.

    `network` must allow the host and every host that it redirects to. Raises InvalidComposition.
    """
    shown = address if len(address) <= _SHOWN else f"{address[: _SHOWN - 3]}..."
    try:
        answer = await fetch_public(address, network=network, headers=_HEADERS)
    except FetchRefused as refused:
        raise InvalidComposition(
            f"html: {shown} could not be fetched: {refused}.",
            "Give a public address that the network policy of this machine or stack allows.",
        ) from None
    if answer.status in (401, 403):
        raise InvalidComposition(
            f"html: {shown} answered {answer.status}: it requires a login or refuses programs.",
            "Give an address that answers 200 without a login, or send the markup.",
        )
    if answer.status != 200:
        raise InvalidComposition(f"html: {shown} answered {answer.status}.", "Give an address that answers 200.")
    kind = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind and kind not in _TYPES:
        raise InvalidComposition(
            f"html: {shown} is {kind[:80]}, neither HTML nor a .zip.", "Give the address of a page or a project."
        )
    if is_archive(answer.body[:4]) or urlsplit(address).path.lower().endswith(".zip"):
        path = folder / "composition.zip"
        path.write_bytes(answer.body)
        return path
    path = folder / "composition.html"
    path.write_bytes(_as_utf8(answer.body, answer.headers.get("content-type", "")))
    return WebPage(_with_fragment(answer.address or address, address), path)


def _as_utf8(body: bytes, content_type: str) -> bytes:
    """A page in UTF-8: its encoding is in the header, else in a meta element of its first kilobyte (WHATWG HTML)."""
    if body.startswith((b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")):
        return body
    named = _CHARSET.search(content_type) or _CHARSET.search(body[:1024].decode("ascii", errors="replace"))
    try:
        name = codecs.lookup(named[1]).name if named else "utf-8"
    except LookupError:
        name = "utf-8"
    # Browsers read these names as Windows-1252, which has letters where the named encodings have control codes.
    name = "cp1252" if name in ("iso8859-1", "ascii") else name
    return body if name == "utf-8" else body.decode(name, errors="replace").encode()


async def fetch_sub_compositions(project: Project, network: NetworkPolicy, budget: FetchBudget) -> None:
    """Fetch the sub-compositions of a page at an address into its folder, at any depth.

    An address in a sub-composition counts from its own file, or as in the official renderer from the page. A file that
    cannot be fetched stays missing, which the compile reports.
    """
    assert project.address is not None
    waiting = [("", host) for host in hosts_of_sub_compositions(Document(project.read_html()))]
    asked: set[str] = set()
    while waiting and len(asked) < MAX_SUB_COMPOSITIONS:
        folder, host = waiting.pop()
        for base in dict.fromkeys((folder, "")):
            name = posixpath.normpath(posixpath.join(base, file_of_host(host)))
            path = project.root / name
            if name in asked or name.startswith("../") or path.exists():
                continue
            asked.add(name)
            body = await _fetch_file(urljoin(project.address, name), network, budget)
            if body is not None:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(body)
                found = hosts_of_sub_compositions(Document(body.decode("utf-8", errors="replace")), of_file=True)
                waiting += [(posixpath.dirname(name), inner) for inner in found]
                break


async def _fetch_file(address: str, network: NetworkPolicy, budget: FetchBudget) -> bytes | None:
    try:
        async with budget.fetched(address, network=network, limit=MAX_HTML_BYTES) as answer:
            if answer.status == 200:
                return _as_utf8(answer.body, answer.headers.get("content-type", ""))
    except FetchRefused:
        pass
    return None


def _with_fragment(final: str, asked: str) -> str:
    """The `final` address after redirects, with the fragment of the `asked` one: fragments are not sent to servers."""
    _, mark, fragment = asked.partition("#")
    return final.partition("#")[0] + mark + fragment
