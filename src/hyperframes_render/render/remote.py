"""A page or project at an address elsewhere, fetched so that it can be opened."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

from hyperframes_render.composition.source import Source, WebPage, is_archive
from hyperframes_render.errors import InvalidComposition
from hyperframes_render.input import NetworkPolicy
from hyperframes_render.network.fetch import FetchRefused, fetch_public

#: What servers say of a page or a project; some say nothing, or that they do not know.
_TYPES = (
    *("text/html", "application/xhtml+xml", "text/plain", "application/octet-stream", "binary/octet-stream"),
    *("application/zip", "application/x-zip-compressed", "application/x-zip"),
)
#: Characters of an address that an error shows.
_SHOWN = 120


async def fetch_source(address: str, folder: Path, network: NetworkPolicy) -> Source:
    """Fetch what lies at `address` into `folder`: a page, which stays at home at its address, or a .zip.

    `network` must allow its host and every host that it redirects to. Raises InvalidComposition.
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
            f"html: {shown} answered {answer.status}: it wants a login or does not let programs in.",
            "Give an address that answers 200 to anybody, or send the markup itself.",
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
    """The address that answered, with the fragment that was asked for: servers never see it."""
    _, mark, fragment = asked.partition("#")
    return final.partition("#")[0] + mark + fragment
