"""Completes a page's markup: a document around a fragment, no template around the whole page, the root's attributes."""

from __future__ import annotations

import re
from collections.abc import Mapping

from hyperframes_render.composition.declared import PAGE_ID, box_of_page, root_of
from hyperframes_render.composition.html import Document

_LEADING_COMMENTS = r"\s*(?:<!--.*?-->\s*)*"
_DOCUMENT = r"<(?:!doctype\s+html|html)"


def without_outer_template(html: str) -> str:
    """`html` without a <template> around all of it, which a browser would not show. Offsets stay.

    A sub-composition's file, whose template holds a composition root, is left as it is.
    """
    if re.match(rf"{_LEADING_COMMENTS}<template\b", html, re.IGNORECASE | re.DOTALL) is None:
        return html
    document = Document(html)
    template = document.first("template")
    if template is None or html[template.end :].strip():
        return html
    if any("data-composition-id" in element.attributes for element in document.elements):
        return html
    for start, end in ((template.start, template.open_end), (template.close_start, template.end)):
        document.replace(start, end, " " * (end - start))
    return document.result()


#: The document that the official renderer (0.8.170) puts around a fragment.
_FRAGMENT_STYLE = (
    "*{margin:0;padding:0;box-sizing:border-box}body{overflow:hidden;background:#000;font-family:Inter,sans-serif}"
)


def whole_document(document: Document, *, rootless: bool = False) -> Document:
    """The document itself where it begins as one does; else its markup as the body of a document: black, without
    margins, in Inter.

    A page without a composition root looks as in a browser: it gets a head for its fonts, and nothing else.
    """
    html = document.text
    if rootless:
        return _with_head(document)
    if re.match(rf"\s*{_DOCUMENT}", html, re.IGNORECASE):
        return document
    # The body's own style wins over the markup's rules, as in the official renderer.
    return Document(
        f'<!doctype html><html><head><meta charset="utf-8"><style>{_FRAGMENT_STYLE}</style></head>'
        f'<body style="margin:0;overflow:hidden">{html}'
    )


def _with_head(document: Document) -> Document:
    if document.first("head") is None:
        # The browser moves elements that belong in a head into it.
        document.insert(document.head_start, "<head></head>")
    return document.applied()


def mark_page_root(document: Document) -> None:
    """Give the outermost element of a page without a composition root the page's id, where it is the root in all but
    that. Where the body is to be the root, the page's own scripts of the renderer make it that: a body needs no tag.
    """
    if (box := box_of_page(document)) is not None:
        document.set_attributes(box, {"data-composition-id": PAGE_ID})


def set_root_attributes(document: Document, values: Mapping[str, str]) -> None:
    """Set these attributes of the composition root."""
    if (root := root_of(document)) is not None:
        document.set_attributes(root, values)
