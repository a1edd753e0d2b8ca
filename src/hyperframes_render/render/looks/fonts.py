"""Font families that the page does not have, at the place that names them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from hyperframes_render.composition.lint import Problem
from hyperframes_render.render.looks.look import PageLook
from hyperframes_render.render.looks.places import Sources, problem_of

#: The warning of the compile (composition/fonts/resolve.py).
_FELL_BACK = re.compile(r'^Font "(?P<family>.+)" fell back to ')
_FIX = "Bring the file with an @font-face rule, or name a family that the renderer has."


def of_compile(warning: str, sources: Sources) -> Problem | None:
    """The record of a warning of the compile about a family; None if it is about something else."""
    found = _FELL_BACK.match(warning)
    return _problem(found["family"], warning, sources) if found else None


def family_of(problem: Problem) -> str:
    """The family that a record is about."""
    found = _FELL_BACK.match(problem.message)
    return found["family"] if found else ""


def fallen_back(look: PageLook, known: Sequence[Problem], sources: Sources) -> Iterator[Problem]:
    """A warning for each family of a visible text without a face; `known` are those of the compile."""
    named = " ".join(problem.message.lower() for problem in known)
    for font in look.found["fonts"]:
        family = str(font["family"])
        if f'"{family.lower()}"' not in named:
            text = f'Font "{family}" fell back to the next one: no face of it was loaded.'
            named_at = _problem(family, text, sources)
            # A script may put the name together: then the element that has it is the place.
            yield named_at if named_at.line else problem_of(font, "font_fallback", "warning", text, _FIX)


def _problem(family: str, message: str, sources: Sources) -> Problem:
    name = rf"(?<![\w-]){re.escape(family)}(?![\w-])"
    declared = rf"font[^;{{}}\n]{{0,200}}?{name}"
    return sources.problem_at(declared if sources.find(declared) else name, "font_fallback", "warning", message, _FIX)
