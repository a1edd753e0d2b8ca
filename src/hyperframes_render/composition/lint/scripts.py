"""The scripts of a project's files, and what a parser finds in them."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import playwright

from hyperframes_render.composition.html import Element
from hyperframes_render.composition.lint.source_file import SourceFile
from hyperframes_render.composition.scripts import CLASSIC_TYPES
from hyperframes_render.packages.root import packages_root

_PARSER = Path(__file__).with_name("script_facts.mjs")
#: Seconds and megabytes for the parser: 10 MB of scripts take it 2 s and 300 MB.
_TIMEOUT, _MEMORY = 20, 512


@dataclass
class Script:
    """A script: inline in an HTML file, or a file of its own. `offset` is where its text begins in `file`."""

    file: SourceFile
    offset: int
    text: str
    module: bool
    #: The script element; of a script file, the one that loads it.
    element: Element
    #: The HTML file that runs it.
    page: SourceFile
    facts: dict[str, Any]

    def place_of(self, fact: dict[str, Any]) -> int:
        """The offset in `file` of a fact's line and column."""
        lines = self.text.splitlines(keepends=True)
        return self.offset + sum(map(len, lines[: int(fact["line"]) - 1])) + int(fact["column"]) - 1


def scripts_of(page: SourceFile, files: dict[str, SourceFile], paths: dict[int, str]) -> Iterator[Script]:
    """The scripts that a page runs: inline ones, and the files that `paths` names by the identity of the element."""
    for element in page.document.elements:
        kind = element.attributes.get("type", "").strip().lower()
        if element.name != "script" or not (kind in CLASSIC_TYPES or kind == "module"):
            continue
        if element.within("noscript") or element.within("textarea"):
            continue
        if "src" not in element.attributes:
            text = page.document.content_of(element)
            yield Script(page, element.open_end, text, kind == "module", element, page, {})
        elif (file := files.get(paths.get(id(element), ""))) is not None:
            yield Script(file, 0, file.text, kind == "module", element, page, {})


@dataclass(frozen=True)
class LintedPage:
    """An HTML file for the official lint. `sheets` are the names and texts of the CSS files that it links."""

    html: str
    of_scene: bool
    sheets: Sequence[tuple[str, str]]

    def as_dict(self) -> dict[str, Any]:
        """The arguments of the official `lintHyperframeHtml`."""
        sheets = [{"href": name, "content": text} for name, text in self.sheets]
        return {"html": self.html, "options": {"isSubComposition": self.of_scene, "externalStyles": sheets}}


def parse(scripts: Sequence[Script], pages: Sequence[LintedPage]) -> list[list[dict[str, Any]]]:
    """Fill the facts of scripts; the official findings of each page.

    Facts and findings are empty where the parser fails, as for a text that is nested too deeply.
    """
    packages = packages_root().resolve()
    program = _PARSER.resolve()
    node = Path(playwright.__file__).with_name("driver") / "node"
    asked = {
        "scripts": [{"text": script.text, "module": script.module} for script in scripts],
        "pages": [page.as_dict() for page in pages],
    }
    # The texts come from callers, and the rules are other people's code: nothing but these files may be read.
    allowed = ["--permission", f"--allow-fs-read={program.parent}/*", f"--allow-fs-read={packages}/*"]
    command = [str(node), *allowed, f"--max-old-space-size={_MEMORY}", str(program), str(packages)]
    try:
        ended = subprocess.run(
            command,
            input=json.dumps(asked),
            capture_output=True,
            text=True,
            timeout=_TIMEOUT,
            check=True,
            env={"LANG": "C.UTF-8"},
        )
        found = json.loads(ended.stdout)
    except (OSError, subprocess.SubprocessError, ValueError):
        return [[] for _ in pages]
    for script, facts in zip(scripts, found["scripts"], strict=True):
        script.facts = facts or {}
    return [findings or [] for findings in found["pages"]]
