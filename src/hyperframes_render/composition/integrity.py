"""Removes checksums of CDN files that are answered from our packages."""

from __future__ import annotations

from pathlib import Path

from hyperframes_render.composition.html import Document, Element
from hyperframes_render.packages.cdn import find_in_packages, is_page_runtime
from hyperframes_render.packages.font_hosts import is_font_sheet


def remove_checksums(document: Document, packages: Path) -> None:
    """Remove the `integrity` of what is answered from `packages`.

    Ours may be another version's bytes, which the browser would refuse. What comes from elsewhere keeps its own.
    """
    for element in document.elements:
        if "integrity" in element.attributes and _is_ours(_address(element), packages):
            document.set_attributes(element, {"integrity": None})


def _address(element: Element) -> str:
    name = {"script": "src", "link": "href"}.get(element.name, "")
    address = element.attributes.get(name, "").strip()
    return f"https:{address}" if address.startswith("//") else address


def _is_ours(url: str, packages: Path) -> bool:
    try:
        return find_in_packages(url, packages) is not None or is_font_sheet(url) or is_page_runtime(url)
    except ValueError:  # no address at all, such as "https://["
        return False
