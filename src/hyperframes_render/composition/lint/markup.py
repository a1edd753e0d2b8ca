"""Rules on the text of HTML files: what stands outside the document, and markup that swallows what follows."""

from __future__ import annotations

import re
from collections.abc import Iterator

from hyperframes_render.composition.html import Element
from hyperframes_render.composition.lint.problem import Problem
from hyperframes_render.composition.lint.source_file import SourceFile

#: Elements that HTML has no end tag for, or that foreign markup may close by itself.
_MAY_CLOSE_ITSELF = frozenset(
    {
        *(
            "area",
            "base",
            "br",
            "col",
            "embed",
            "hr",
            "img",
            "input",
            "link",
            "meta",
            "source",
            "track",
            "wbr",
            "param",
        ),
    }
)
_CONFLICT = re.compile(r"^(?:<{7} |={7}$|>{7} )", re.MULTILINE)
_FENCE = re.compile(r"^[ \t]*```", re.MULTILINE)
_PLACEHOLDER = re.compile(r"\{\{\s*([\w.-]+)\s*\}\}")
_RAW = ("script", "style", "title", "textarea")


def markup_faults(file: SourceFile) -> Iterator[Problem]:
    """The faults of one HTML file's text."""
    yield from _outside(file)
    yield from _swallowing(file)
    yield from _placeholders(file)


def _outside(file: SourceFile) -> Iterator[Problem]:
    text = file.text
    if (conflict := _CONFLICT.search(text)) and text[conflict.start()] == "<":
        yield file.problem(
            conflict.start(), "merge_conflict", "error", "The file has merge conflict markers.", "Resolve the conflict."
        )
    start = len(text) - len(text.lstrip("\ufeff \t\r\n"))
    first = re.search(r"<!doctype|<html\b", text, re.IGNORECASE)
    if re.match(r'["\']?(?:&lt;|\\?u003c|<[^>]*\\")', text[start : start + 400], re.IGNORECASE):
        yield file.problem(
            start,
            "escaped_source",
            "error",
            "The page's source is escaped: the browser shows it as text.",
            "Unescape it.",
        )
    elif first and text[start : first.start()].strip() and not text[start:].startswith("<!--") and text[start] != "<":
        fence = _FENCE.search(text)
        what = "A Markdown fence" if fence and fence.start() <= first.start() else "Text"
        yield file.problem(start, "text_outside_document", "error", f"{what} stands before the document.", "Remove it.")
    elif start < len(text) and text.startswith("```", start):
        yield file.problem(
            start, "text_outside_document", "error", "A Markdown fence stands before the document.", "Remove it."
        )
    documents = [m.start() for m in re.finditer(r"<!doctype\s+html", text, re.IGNORECASE)]
    if len(documents) > 1 and not any(e.start < documents[1] < e.end for e in file.document.elements if e.name in _RAW):
        yield file.problem(
            documents[1],
            "second_document",
            "error",
            "A second document begins in this file.",
            "Give it a file of its own.",
        )


def _swallowing(file: SourceFile) -> Iterator[Problem]:
    document = file.document
    for element in document.elements:
        if (
            element.around & {"svg", "math"}
            or element.name in ("svg", "math")
            or (element.hidden and not element.within("template"))
        ):
            continue
        tag = document.tag_of(element)
        if tag.endswith("/>") and element.name not in _MAY_CLOSE_ITSELF and "-" not in element.name:
            end = element.start + len(tag)
            yield file.problem(
                element.start,
                "self_closing_tag",
                "error",
                f"<{element.name} … /> does not end the element in HTML: all that follows stands in it.",
                f"Write <{element.name} …></{element.name}>.",
                element=element,
                patch=(end - 2, end, f"></{element.name}>"),
            )
        if element.name in ("script", "style") and _is_open(document.text, element):
            yield file.problem(
                element.start,
                "unclosed_element",
                "error",
                f"The <{element.name}> never ends: the file ends in the middle of it.",
                "Complete the file.",
                element=element,
            )
    opened = file.text.rfind("<!--")
    if (
        opened >= 0
        and file.text.find("-->", opened) < 0
        and not any(e.start < opened < e.end for e in document.elements if e.name in _RAW)
    ):
        yield file.problem(opened, "unclosed_comment", "error", "The comment never ends.", "Close it with -->.")
    tail = re.search(r"<[a-zA-Z][^<>]*\Z", file.text[-2000:])
    if tail and not any(e.name in _RAW and e.end == len(file.text) for e in document.elements[-1:]):
        at = len(file.text) - len(tail[0])
        yield file.problem(at, "unclosed_tag", "error", "The file ends in the middle of a tag.", "Complete the file.")


def _comments(text: str) -> list[tuple[int, int]]:
    """The offsets of comments. One that never ends is reported by itself."""
    found, start = [], text.find("<!--")
    while start >= 0:
        end = text.find("-->", start)
        if end < 0:
            break
        found.append((start, end))
        start = text.find("<!--", end)
    return found


def _is_open(text: str, element: Element) -> bool:
    return element.end == len(text) and not re.search(rf"</{element.name}\s*>\s*\Z", text[-200:], re.IGNORECASE)


def _placeholders(file: SourceFile) -> Iterator[Problem]:
    document = file.document
    if "{{" not in file.text:
        return
    raw = [(e.open_end, e.close_start) for e in document.elements if e.name in _RAW]
    raw += _comments(file.text)
    for found in _PLACEHOLDER.finditer(file.text):
        if any(start <= found.start() < end for start, end in raw):
            continue
        before = file.text.rfind("<", 0, found.start()), file.text.rfind(">", 0, found.start())
        if before[0] <= before[1]:
            yield file.problem(
                found.start(),
                "template_placeholder",
                "warning",
                f"{found[0]} is shown as it stands.",
                "Declare a variable (data-composition-variables) and bind it with data-var, or write the text.",
            )
