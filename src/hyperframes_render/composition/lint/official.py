"""Findings of the official lint as problems: the rules that hold here, with their place in the author's file."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from hyperframes_render.composition.html import Element
from hyperframes_render.composition.lint.source_file import SourceFile
from hyperframes_render.problems import Problem, Severity

RULES = Path(__file__).with_name("official_rules.toml")
#: Characters of a finding's quotation that are looked for: the official lint cuts it.
_QUOTED = 60
_SENTENCE = 400
_IN_SHEET = re.compile(r"<css input>:(\d+):(\d+): ")
#: Findings whose quotation is a whole script: what to look for instead, from the message.
_NAMED: dict[str, Callable[[str], str]] = {
    "gsap_repeat_floor_unclamped": lambda _: r"\brepeat\s*:",
    "gsap_timeline_return_used_as_tween": lambda message: _first_quoted(message),
    "missing_lottie_script": lambda _: r"\blottie\.",
    "missing_three_script": lambda _: r"\bTHREE\.",
    "svg_measure_before_path_d": lambda _: r"\w+\.getTotalLength\(",
}
#: Hints in place of those that name commands of another program.
_FIXES = {"root_dimensions_mismatch": "Give html and body the size of the root in the CSS."}
#: For findings without a hint.
_FIX = "Correct it at this place."


@cache
def rules() -> Mapping[str, Mapping[str, Any]]:
    """The official rules by code: `kept` (severity here and meaning), `replaced` (our code), `left_out` (why)."""
    return tomllib.loads(RULES.read_text("utf-8"))


def severity_of(code: str) -> Severity | None:
    """The severity here of an official rule; None if it is not kept."""
    found: Severity | None = rules()["kept"].get(code, (None,))[0]
    return found


def official_faults(file: SourceFile, findings: list[dict[str, Any]]) -> Iterator[Problem]:
    """The problems of one HTML file from the findings of the official lint."""
    for finding in findings:
        code = str(finding.get("code"))
        severity = severity_of(code)
        if severity is None:
            continue
        element = _element_of(file, finding)
        yield file.problem(
            _place_of(file, finding, element),
            code,
            severity,
            _sentence(_IN_SHEET.sub("", str(finding.get("message")))),
            _FIXES.get(code) or _sentence(finding.get("fixHint")) or _FIX,
            element=element,
        )


def _sentence(text: object) -> str:
    plain = " ".join(str(text or "").split())
    return plain if len(plain) <= _SENTENCE else f"{plain[: _SENTENCE - 1]}…"


def _element_of(file: SourceFile, finding: Mapping[str, Any]) -> Element | None:
    name = finding.get("elementId")
    return next((e for e in file.document.elements if name and e.attributes.get("id") == name), None)


def _place_of(file: SourceFile, finding: Mapping[str, Any], element: Element | None) -> int:
    """The offset of what a finding names: a place in a sheet, a name in a script, what it quotes, or its element."""
    message = str(finding.get("message"))
    if (at := _IN_SHEET.search(message)) and (place := _place_in_sheet(file, int(at[1]), int(at[2]))) is not None:
        return place
    name = _NAMED.get(str(finding.get("code")))
    if name and (found := re.search(name(message), file.text)):
        return found.start()
    quoted = re.sub(r"(?:\.\.\.|…)$", "", str(finding.get("snippet") or "").strip())[:_QUOTED].split()
    if quoted and (found := re.search(r"\s*".join(map(re.escape, quoted)), file.text)):
        return found.start()
    selector = str(finding.get("selector") or "")
    if selector and (at_selector := file.text.find(selector)) >= 0:
        return at_selector
    if element is not None:
        return element.start
    root = next((e for e in file.document.elements if "data-composition-id" in e.attributes), None)
    return root.start if root is not None else 0


def _place_in_sheet(file: SourceFile, line: int, column: int) -> int | None:
    """The offset of a line and column of the first style element that has so many lines."""
    for element in file.document.elements:
        lines = file.document.content_of(element).splitlines(keepends=True)
        if element.name == "style" and len(lines) >= line:
            return element.open_end + sum(map(len, lines[: line - 1])) + column - 1
    return None


def _first_quoted(message: str) -> str:
    found = re.search(r"`([\w$]+)`", message)
    return rf"\b{re.escape(found[1])}\b" if found else r"(?!)"
