"""Fetches a page or project from a web address, so that it can be opened."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

from hyperframes_render.composition.source import Source, WebPage, is_archive
from hyperframes_render.errors import InvalidComposition
from hyperframes_render.input import NetworkPolicy
from hyperframes_render.network.fetch import FetchRefused, fetch_public

#: Content types that servers send for a page or a project. Some send no type, or a generic one.
_TYPES = (
    *("text/html", "application/xhtml+xml", "text/plain", "application/octet-stream", "binary/octet-stream"),
    *("application/zip", "application/x-zip-compressed", "application/x-zip"),
)
#: Maximum characters of an address in an error.
_SHOWN = 120


async def fetch_source(address: str, folder: Path, network: NetworkPolicy) -> Source:
    """Fetch a page or a .zip from `address` into `folder`. A page keeps its address as its base URL.

    `network` must allow the host and every host that it redirects to. Raises InvalidComposition.
    """
    shown = address if len(address) <= _SHOWN else f"{address[: _SHOWN - 3]}..."
    try:
        answer = await fetch_public(address, network=network)
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
    path.write_bytes(answer.body)
    return WebPage(_with_fragment(answer.address or address, address), path)


def _with_fragment(final: str, asked: str) -> str:
    """The `final` address after redirects, with the fragment of the `asked` one: fragments are not sent to servers."""
    _, mark, fragment = asked.partition("#")
    return final.partition("#")[0] + mark + fragment
