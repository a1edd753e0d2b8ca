"""Renders one sub-composition: the project's page with this sub-composition and nothing else."""

from __future__ import annotations

import re

from hyperframes_render.composition.html import Document, Element, file_of_host, with_attributes


def is_part(html: str) -> bool:
    """Whether a file is a sub-composition only: a template, which no browser shows."""
    return re.match(r"\s*(?:<!--.*?-->\s*)*<template\b", html, re.IGNORECASE | re.DOTALL) is not None


def page_of_sub_composition(page: str, part: str, part_html: str) -> str | None:
    """The project's `page` with its first host of the file `part` alone, from the beginning of the video, as long as
    the part or its host says; with the page's styles and those scripts that are files. None where no host shows it.
    """
    elements = Document(page).elements
    host = next((e for e in elements if not e.within("template") and file_of_host(e) == part), None)
    root = next((e for e in elements if "data-composition-id" in e.attributes and not e.within("template")), None)
    if host is None or root is None:
        return None
    inner = next((e for e in Document(part_html).elements if "data-composition-id" in e.attributes), None)
    length = (inner.attributes.get("data-duration") if inner else None) or host.attributes.get("data-duration")
    body = next((e for e in elements if e.name == "body"), None)
    start, end = (body.open_end, body.close_start) if body else (root.start, len(page))
    files = [e for e in elements if e.name == "script" and "src" in e.attributes and start <= e.start < end]
    kept = "".join(page[script.start : script.end] for script in files)
    shown = f"{_tag(page, host, {'data-start': '0'})}</{host.name}>"
    if root is not host:
        shown = f"{_tag(page, root, {'data-duration': length, 'data-no-timeline': ''})}{shown}</{root.name}>"
    return page[:start] + kept + shown + page[end:]


def _tag(page: str, element: Element, values: dict[str, str | None]) -> str:
    return with_attributes(page[element.start : element.open_end], element.name, values)
