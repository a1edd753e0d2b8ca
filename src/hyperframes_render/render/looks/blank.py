"""Times in which nothing but the background is seen, and clips that show nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hyperframes_render.composition.lint import Problem
from hyperframes_render.render.looks.look import PageLook, Sample
from hyperframes_render.render.looks.places import Sources, problem_of
from hyperframes_render.render.looks.unseen import FIXES, at_rule, reason

#: Seconds without anything but the background that are reported: less is a pause.
BLANK_SECONDS = 1.0
#: Looks that must find a clip empty.
_LEAST_LOOKS = 2
#: Levels of 255 by which two colours differ at least.
_OTHER_COLOUR = 8


@dataclass(frozen=True)
class Stretch:
    """Seconds from the first to the last look that found nothing but the background."""

    start: float
    end: float


def is_one_colour(look: PageLook, *, sounds: bool) -> bool:
    """Whether every frame that was drawn has the same colour, and something else was meant. `sounds`: it has some."""
    drawn = [sample.image for sample in look.samples if sample.image is not None]
    if len(drawn) < 2 or any(image.colour is None or not _same(image.colour, drawn[0].colour) for image in drawn):
        return False
    if any(sample.shows == "shapes" for sample in look.samples):
        return False
    if any(cause["why"] == "frame" for cause in look.found["unseen"]):
        return False  # something is drawn, elsewhere: the warning about it says all
    return bool(look.found["contents"]) or not sounds


def one_colour(look: PageLook, sources: Sources) -> Problem:
    """The error for a video of one colour, at the element that is the cause if one is known, else at the root."""
    message = "The video shows one colour throughout"
    causes = look.found["unseen"]
    if not causes:
        where = look.found["root"]
        return problem_of(where, "one_colour", "error", f"{message}.", "Let something be seen over the background.")
    message = f"{message}: {causes[0]['selector']} is never seen, since {reason(causes[0])}."
    placed = problem_of(causes[0], "one_colour", "error", message, FIXES[causes[0]["why"]])
    return at_rule(placed, causes[0], sources) or placed


def stretches(samples: Sequence[Sample], duration: float) -> list[Stretch]:
    """The times of a second and more that only the background fills. The beginning of a video may be empty."""
    found: list[Stretch] = []
    run: list[Sample] = []
    for index, sample in enumerate([*samples, None]):
        if sample is not None and _is_blank(sample, samples, index) and (not run or _continues(run[-1], sample)):
            run.append(sample)
            continue
        if run and run[0] is not samples[0]:
            last = run[-1] is samples[-1]
            stretch = Stretch(run[0].seconds, duration if last else run[-1].seconds)
            if stretch.end - stretch.start >= BLANK_SECONDS and len(run) > 1:
                found.append(stretch)
        run = [sample] if sample is not None and _is_blank(sample, samples, index) else []
    return found


def _is_blank(sample: Sample, samples: Sequence[Sample], index: int) -> bool:
    """Whether only the background is seen: one colour, or a background that stands still and nothing over it."""
    if sample.image is None:
        return False
    if sample.image.colour is not None:
        return sample.shows in ("", "text")
    near = [other.image for other in samples[max(0, index - 1) : index + 2] if other is not sample]
    return not sample.shows and any(image is not None and image.looks_like(sample.image) for image in near)


def _continues(before: Sample, sample: Sample) -> bool:
    assert before.image is not None and sample.image is not None
    return before.image.looks_like(sample.image)


def _same(one: tuple[int, int, int], other: tuple[int, int, int] | None) -> bool:
    return other is not None and all(abs(a - b) < _OTHER_COLOUR for a, b in zip(one, other, strict=True))


def blank_stretches(look: PageLook) -> Iterator[Problem]:
    """A warning for each time of a second and more in which only the background is seen, at the clip of that time."""
    for stretch in stretches(look.samples, look.duration):
        element = _around(look, stretch)
        message = f"Only the background is seen from {stretch.start:.2f} s to {stretch.end:.2f} s."
        fix = "Show something in that time, or move the clips together."
        yield problem_of(element, "blank_stretch", "warning", message, fix)


def _around(look: PageLook, stretch: Stretch) -> Mapping[str, Any]:
    """The innermost clip that is on then, else the last one that ended before, else the root."""
    spans = look.found["spans"]
    on = [span for span in spans if span["from"] <= stretch.start + 0.01 and span["to"] >= stretch.end - 0.01]
    before = [span for span in spans if span["to"] <= stretch.start + 0.01]
    found = on[-1] if on else max(before, key=lambda span: span["to"]) if before else look.found["root"]
    return dict(found)


def empty_clips(look: PageLook, unseen: Sequence[Problem]) -> Iterator[Problem]:
    """A warning for each clip that shows nothing while it is on; `unseen` are those whose reason is known."""
    known = {(problem.file, problem.line) for problem in unseen}
    for clip in look.found["clips"]:
        placed = problem_of(
            clip,
            "clip_shows_nothing",
            "warning",
            f"{clip['selector']} shows nothing while it is on, from {clip['from']:.2f} s to {clip['to']:.2f} s.",
            "Put something into it, or remove it.",
        )
        if clip["looks"] >= _LEAST_LOOKS and (placed.file, placed.line) not in known:
            yield placed
