"""Texts that are cut by the frame or by a box while they rest."""

from __future__ import annotations

from collections.abc import Iterator

from hyperframes_render.composition.lint import Problem
from hyperframes_render.render.looks.look import PageLook
from hyperframes_render.render.looks.places import problem_of, what


def text_cuts(look: PageLook) -> Iterator[Problem]:
    """A warning for each text that is never whole, with pixels and side."""
    for cut in look.found["cuts"]:
        by = "its own box" if cut["own"] else (cut["by"] or "the frame")
        pixels = f"{cut['pixels']} pixels at the {cut['side']}"
        message = f"{what(cut)} is cut by {by}: {pixels}, from {cut['from']:.2f} s to {cut['to']:.2f} s."
        yield problem_of(cut, "text_cut", "warning", message, "Make the text smaller or shorter, or its place larger.")
