"""The text files of a project that a page uses: style sheets, scripts, data. They may name fonts, and hold text."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from urllib.parse import unquote, urlsplit

from hyperframes_render.composition.html import Document
from hyperframes_render.paths import file_inside

#: Files and bytes that are read of one project.
MAX_FILES = 100
MAX_BYTES = 4 * 1024**2
#: Names that are looked up: a script may have a million.
_MAX_NAMES = 5000

#: A name of a text file in a style sheet, a script, or data.
_NAME = re.compile(
    r"""["'`(]\s*+([^"'`()\s<>\\]{1,200}\.(?:css|m?js|json|txt|csv|vtt|srt|svg|html?)(?:[?#][^"'`()\s]*)?)\s*["'`)]"""
)


@dataclass
class ProjectTexts:
    """The texts by the path below the project folder, and the paths of the files that were left out."""

    texts: dict[str, str] = field(default_factory=dict)
    left_out: list[str] = field(default_factory=list)

    def of_type(self, *suffixes: str) -> Iterator[str]:
        """The texts of the files with this suffix."""
        return (text for name, text in self.texts.items() if name.endswith(suffixes))


def texts_of_project(document: Document, root: Path, entry: str) -> ProjectTexts:
    """The text files below `root` that the page `entry` names, and those that these name, and so on.

    A name counts from the folder of the page (as for `fetch`) and from the folder of the file that has it (as for
    `import` and `@import`). At most MAX_FILES files with MAX_BYTES bytes are read.
    """
    found = ProjectTexts()
    page_folder = posixpath.dirname(entry)
    pending = [(page_folder, name) for name in islice(_names_of_page(document), _MAX_NAMES)]
    seen = {entry}
    room = MAX_BYTES
    for folder, name in pending:  # grows
        path = _path(folder, name)
        if path is None or path in seen:
            continue
        seen.add(path)
        file = file_inside(root, path)
        if file is None:
            continue
        size = file.stat().st_size
        if len(found.texts) >= MAX_FILES or size > room:
            found.left_out.append(path)
            continue
        room -= size
        text = found.texts[path] = file.read_text("utf-8", errors="replace")
        names = dict.fromkeys(_NAME.findall(text))
        for inner in islice(names, max(0, _MAX_NAMES - len(pending))):
            pending += [(posixpath.dirname(path), inner), (page_folder, inner)]
    return found


def _names_of_page(document: Document) -> Iterator[str]:
    for element in document.elements:
        if element.name == "script":
            yield element.attributes.get("src", "")
        elif element.name == "link":
            yield element.attributes.get("href", "")
        if element.name in ("script", "style"):
            yield from dict.fromkeys(_NAME.findall(document.content_of(element)))


def _path(folder: str, address: str) -> str | None:
    """The path below the project folder, None if the address leads elsewhere."""
    try:
        parts = urlsplit(address.strip())
    except ValueError:
        return None
    if parts.scheme or parts.netloc or not parts.path:
        return None
    path = posixpath.normpath(posixpath.join("/", folder, unquote(parts.path))).lstrip("/")
    return path or None
