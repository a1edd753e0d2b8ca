"""Rules on the text of HTML files: what stands outside the document, and markup that swallows what follows."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from html import unescape

from hyperframes_render.composition.html import Element
from hyperframes_render.composition.lint.source_file import SourceFile
from hyperframes_render.problems import Problem

#: Elements that HTML has no end tag for, or that foreign markup may close by itself.
_VOID = _MAY_CLOSE_ITSELF = frozenset(
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
#: Elements whose end tag HTML lets out.
_MAY_STAY_OPEN = frozenset(
    {"p", "li", "dt", "dd", "tr", "td", "th", "option", "html", "head", "body", "tbody", "thead"}
)
_CONFLICT = re.compile(r"^(?:<{7} |={7}$|>{7} )", re.MULTILINE)
_FENCE = re.compile(r"^[ \t]*```", re.MULTILINE)
#: The beginning of a page with entities, or of a JSON string.
_ESCAPED = re.compile(r'["\']?(?:&lt;|\\?u003c|<[^>]*\\")|"<[^"\n]{1,400}?(?:\\n|\\")', re.IGNORECASE)
_PLACEHOLDER = re.compile(r"\{\{\s*([\w.-]+)\s*\}\}")
#: "… rest unchanged …" in an HTML, CSS or JavaScript comment.
_ELIDED = re.compile(
    r"""(?:<!--|/\*|//)[ \t]*(?:\.\.\.|…)?[ \t]*\(?
    (?: (?:the[ ])?(?:rest|remaining|remainder|existing|previous|other)\b[^\n]{0,60}?
        \b(?:unchanged|same|here|omitted|before|code|scenes?|clips?|above)\b[^\n]{0,30}?(?:\.\.\.|…)
      | [^\n]{0,60}?\b(?:unchanged|omitted[ ]for[ ]brevity|(?:stay|remain)s?[ ]the[ ]same)\b
        [^\n]{0,20}?(?:\.\.\.|…|-->|\*/|$)
      | (?:repeat|same|similar)(?:ly)?[ ](?:for|as)\b[^\n]{0,60}(?:\.\.\.|…|-->)
    )""",
    re.IGNORECASE | re.MULTILINE | re.VERBOSE,
)
_JSON_TYPE = re.compile(r"importmap|speculationrules|application/(?:[\w.+-]+\+)?json")
_RAW = ("script", "style", "title", "textarea")


def markup_faults(file: SourceFile) -> Iterator[Problem]:
    """The faults of one HTML file's text."""
    yield from _outside(file)
    yield from _swallowing(file)
    yield from _unclosed_clips(file)
    yield from _elided(file)
    yield from _json_faults(file)
    yield from _placeholders(file)


def _outside(file: SourceFile) -> Iterator[Problem]:
    text = file.text
    if (conflict := _CONFLICT.search(text)) and text[conflict.start()] == "<":
        yield file.problem(
            conflict.start(), "merge_conflict", "error", "The file has merge conflict markers.", "Resolve the conflict."
        )
    start = len(text) - len(text.lstrip("\ufeff \t\r\n"))
    first = re.search(r"<!doctype|<html\b", text, re.IGNORECASE)
    if _ESCAPED.match(text, start):
        plain = _unescaped(text[start:])
        yield file.problem(
            start,
            "escaped_source",
            "error",
            "The page's source is escaped: the browser shows it as text.",
            "Unescape it.",
            patch=(0, len(text), plain) if plain else None,
        )
    elif first and text[start : first.start()].strip() and not text[start:].startswith("<!--") and text[start] != "<":
        fence = _FENCE.search(text)
        what = "A Markdown fence" if fence and fence.start() <= first.start() else "Text"
        yield _text_outside(file, start, what, first.start())
    elif start < len(text) and text.startswith("```", start):
        yield _text_outside(file, start, "A Markdown fence", text.find("<", start))
    documents = [m.start() for m in re.finditer(r"<!doctype\s+html", text, re.IGNORECASE)]
    if len(documents) > 1 and not any(e.start < documents[1] < e.end for e in file.document.elements if e.name in _RAW):
        yield file.problem(
            documents[1],
            "second_document",
            "error",
            "A second document begins in this file.",
            "Give it a file of its own.",
        )


def _text_outside(file: SourceFile, at: int, what: str, first: int) -> Problem:
    """Text before the document, which begins at `first`. The patch keeps the document up to the fence after it."""
    fence = _FENCE.search(file.text, first) if first >= 0 else None
    kept = file.text[first : fence.start() if fence else None].rstrip() + "\n"
    message = f"{what} stands before the document."
    patch = (0, len(file.text), kept) if first >= 0 else None
    return file.problem(at, "text_outside_document", "error", message, "Remove it.", patch=patch)


def _unescaped(text: str) -> str | None:
    """A page from its source as a JSON string or with entities; None if the result does not begin with a tag."""
    plain = text.strip()
    if "&lt;" not in plain[:8]:
        quoted = plain if plain.startswith('"') else f'"{plain}"'
        try:
            plain = str(json.loads(quoted, strict=False))
        except ValueError:
            return None
    else:
        plain = unescape(plain.strip("\"'"))
    return plain if plain.lstrip().startswith("<") else None


def _unclosed_clips(file: SourceFile) -> Iterator[Problem]:
    """Timed elements without an end tag that the next timed element stands in: both are hidden with the first."""
    document = file.document
    first_timed: dict[int, Element] = {}
    for element in document.elements:
        if element.parent is not None and _is_clip(element):
            first_timed.setdefault(id(element.parent), element)
    #: By name, where an element ends that has no end tag: one of those in it took the end tag.
    open_ends: dict[str, int] = {}
    for element in document.elements:
        if element.name in _VOID or element.within("svg") or document.tag_of(element).endswith("/>"):
            continue
        if element.close_start == element.end and element.name not in _MAY_STAY_OPEN:
            open_ends[element.name] = max(element.end, open_ends.get(element.name, 0))
        inner = first_timed.get(id(element))
        if inner is None or not _is_clip(element) or element.end > open_ends.get(element.name, -1):
            continue
        yield file.problem(
            element.start,
            "unclosed_clip",
            "error",
            f"The <{element.name}> of this clip is not closed: the next clip stands in it, and is hidden with it.",
            f"Close it with </{element.name}> before the next clip.",
            element=element,
            patch=(inner.start, inner.start, f"</{element.name}>\n"),
        )
        return


def _is_clip(element: Element) -> bool:
    return "data-start" in element.attributes and "data-composition-id" not in element.attributes


def _json_faults(file: SourceFile) -> Iterator[Problem]:
    """Script elements that hold JSON, and do not parse."""
    for element in file.document.elements:
        kind = element.attributes.get("type", "").strip().lower()
        if element.name != "script" or "src" in element.attributes or not _JSON_TYPE.fullmatch(kind):
            continue
        try:
            json.loads(file.document.content_of(element))
        except json.JSONDecodeError as error:
            yield file.problem(
                element.open_end + error.pos,
                "invalid_json",
                "error",
                f"The JSON of the <script> does not parse: {error.msg}.",
                "Write JSON: names and texts in double quotes, no comma after the last entry, no comments.",
                element=element,
            )
        except RecursionError:
            continue


def _elided(file: SourceFile) -> Iterator[Problem]:
    """Comments that stand for code which somebody left out."""
    for found in _ELIDED.finditer(file.text):
        yield file.problem(
            found.start(),
            "elided_code",
            "warning",
            f"The comment stands for code that is not there: {' '.join(found[0].split())[:80]}",
            "Write the code out.",
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
                patch=_end_of(file, element),
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


def _end_of(file: SourceFile, element: Element) -> tuple[int, int, str] | None:
    """A patch that closes a script or style where only its own kind, or the end of the head or body, can follow."""
    following = rf"</head>|</body>|<{element.name}[\s>]" + ("|<body[\\s>]" if element.name == "style" else "")
    found = re.compile(following, re.IGNORECASE).search(file.text, element.open_end)
    return (found.start(), found.start(), f"</{element.name}>\n") if found else None


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
                "Declare a variable (data-composition-variables) and bind it with data-var-text, or write the text.",
            )
