"""The weights, styles and variable axes that a page uses, found by text search."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from hyperframes_render.packages.fonts import WEIGHTS, Face

_WEIGHT = re.compile(r"""font-?weight["']?\s*+[:=]\s*+["'`]?(\d{1,4})(?![\d.%a-z]|\s+\d)""", re.IGNORECASE)
_VARIABLE = re.compile(r"--[\w-]{1,60}\s*+:\s*+([1-9]00)\s*[;}\"']")
_SHORTHAND = re.compile(r"""\bfont["']?\s*+[:=]\s*+["'`]?[a-z -]{0,30}?\b([1-9]\d\d)\s""", re.IGNORECASE)
_CANVAS = re.compile(r"""["'`](?:italic |oblique )?([1-9]00)\s+[\d.$]""")
#: The classes of Tailwind (https://tailwindcss.com/docs/font-weight).
_CLASS = re.compile(r"\bfont-(thin|extralight|light|normal|medium|semibold|bold|extrabold|black)\b")
_CLASSES = dict(
    zip(
        ("thin", "extralight", "light", "normal", "medium", "semibold", "bold", "extrabold", "black"),
        WEIGHTS,
        strict=True,
    )
)
_ITALIC = re.compile(r"\b(?:italic|oblique)\b|<(?:em|i|cite|dfn|address)[\s>]", re.IGNORECASE)
_SETTINGS = re.compile(r"font-?variation-?settings", re.IGNORECASE)
#: An axis of such settings: `"wght" 650`, `'wght' var(--w)`, `"'wght' " + weight`.
_AXIS = re.compile(r"""(["'])([A-Za-z]{4})\1\s+(?:[\d.$+"'-]|var\()""")
#: Weights that change in small steps: a transition, key frames, or a tween.
_ANIMATED = re.compile(
    r"transition[^;{}]{0,200}font-weight|@keyframes[^@]{0,1000}font-weight|"
    r"\.(?:to|from|fromTo|animate)\([^;]{0,300}fontWeight",
)


@dataclass(frozen=True)
class Weights:
    """What the texts of a page use of its families."""

    #: Weights from 1 to 1000 that are named.
    named: frozenset[int]
    italic: bool
    #: The axes that the page sets itself (`font-variation-settings`).
    settings: frozenset[str]
    #: Whether weights change in small steps.
    animated: bool

    @property
    def between(self) -> tuple[int, ...]:
        """The weights that only a variable font has."""
        return tuple(sorted(weight for weight in self.named if weight not in WEIGHTS))

    @property
    def varies(self) -> bool:
        """Whether the page uses what only a variable font has."""
        return bool(self.settings or self.between) or self.animated

    @property
    def axes(self) -> frozenset[str]:
        """The axes that the page needs of a variable font."""
        return self.settings | {"wght"}

    def faces_beside(self, weights: Iterable[int]) -> list[Face]:
        """The faces that a family needs besides the upright ones of these weights."""
        upright = {weight for weight in self.named if weight in WEIGHTS}
        faces = [(False, weight) for weight in sorted(upright - set(weights))]
        return faces + [(True, weight) for weight in sorted(upright | {400, 700})] * self.italic


def weights_of(texts: Iterable[str]) -> Weights:
    """Search the page and the text files that it uses."""
    named: set[int] = set()
    settings: set[str] = set()
    italic = animated = False
    for text in texts:
        for pattern in (_WEIGHT, _VARIABLE, _SHORTHAND, _CANVAS):
            named.update(weight for found in pattern.findall(text) if 1 <= (weight := int(found)) <= 1000)
        named.update(_CLASSES[name] for name in _CLASS.findall(text))
        italic = italic or _ITALIC.search(text) is not None
        animated = animated or _ANIMATED.search(text) is not None
        if _SETTINGS.search(text):
            settings.update(tag for _, tag in _AXIS.findall(text))
    return Weights(frozenset(named), italic, frozenset(settings), animated)
