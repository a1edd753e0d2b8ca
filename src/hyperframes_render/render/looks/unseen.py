"""Elements with content of their own that are never seen, with the reason."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from hyperframes_render.composition.lint import Patch, Problem
from hyperframes_render.render.looks.look import PageLook
from hyperframes_render.render.looks.places import Sources, problem_of, what

#: Looks at an element that must all find it unseen; one is enough for what is outside the frame.
_LEAST_LOOKS = 2
_REASONS = {
    "display": "display: none hides it",
    "visibility": "visibility: hidden hides it",
    "opacity": "its opacity is 0",
    "size": "it has no size",
    "frame": "it is outside the frame",
    "clipped": "{by} cuts all of it off",
    "covered": "{by} covers it",
    "colour": "its text has the colour of its background",
}
FIXES = {
    "display": "Remove display: none.",
    "visibility": "Remove visibility: hidden, or let the timeline set it.",
    "opacity": "Set its opacity, or let a tween end at opacity 1: from() ends at the value that the style says.",
    "size": "Give it a size.",
    "frame": "Move it into the frame.",
    "clipped": "Move it into that box, or let the box show what overflows.",
    "covered": "Move it later in the document, or give it a higher z-index.",
    "colour": "Give it another colour.",
}


def unseen(look: PageLook, sources: Sources) -> Iterator[Problem]:
    """A warning for each element that hides content at all times."""
    groups: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for element in look.found["unseen"]:
        if element["looks"] >= _LEAST_LOOKS or element["why"] == "frame":
            groups.setdefault((element["place"], element["why"]), []).append(element)
    for group in groups.values():  # of one place where a script makes many
        yield _problem(group[0], len(group) - 1, sources)


def reason(element: Mapping[str, Any]) -> str:
    """Why an unseen element is not seen, as the end of a sentence."""
    return _REASONS[element["why"]].format(by=element["by"])


def _problem(element: Mapping[str, Any], others: int, sources: Sources) -> Problem:
    named = f"{what(element)} and {others} like it" if others else what(element)
    verb = "are" if others else "is"
    if element["why"] == "frame":
        message = f"{named} {verb} outside the frame at all times: {'they are' if others else 'it is'} never seen."
        return problem_of(element, "never_in_frame", "warning", message, FIXES["frame"])
    span = f"from {element['from']:.2f} s to {element['to']:.2f} s"
    message = f"{named} {verb} never seen, {span}: {reason(element)}."
    placed = problem_of(element, "never_visible", "warning", message, FIXES[element["why"]])
    return at_rule(placed, element, sources) or placed


def at_rule(problem: Problem, element: Mapping[str, Any], sources: Sources) -> Problem | None:
    """The problem at the rule that hides the element, if it is found in the author's files."""
    if not element["rule"]:
        return None
    selector = re.sub(r"(?:\\? )+", r"\\s+", re.escape(element["rule"])).replace('"', "[\"']")
    name = "display" if element["why"] == "display" else "opacity"
    value = "none" if name == "display" else r"0(?:\.0*)?"
    found = sources.find(
        rf"{selector}[^{{}}]*{{[^{{}}]*?(?P<said>\b{name}\s*:\s*{value}\s*(?:!important\s*)?(?:;|(?=}})))"
    )
    if found is None:
        return None
    file, match = found
    placed = file.problem(match.start("said"), problem.code, problem.severity, problem.message, problem.fix)
    patch = Patch(file.name, *match.span("said"), "") if name == "display" else None
    line, column = file.place(match.start())
    return Problem(
        placed.code, placed.severity, placed.message, placed.fix, file.name, line, column, problem.selector, patch
    )
