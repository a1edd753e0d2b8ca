"""Rules on the attributes of HTML files: names, times, volumes, references."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator

from hyperframes_render.composition.html import Element
from hyperframes_render.composition.lint.source_file import SourceFile
from hyperframes_render.problems import Problem

#: Attributes of the format. Others that begin with data- are the author's own.
KNOWN = frozenset(
    {
        *("data-composition-id", "data-composition-src", "data-composition-variables", "data-composition-duration"),
        *("data-variable-values", "data-start", "data-duration", "data-end", "data-track-index", "data-layer"),
        *("data-width", "data-height", "data-fps", "data-volume", "data-playback-start", "data-media-start"),
        *("data-playback-rate", "data-no-timeline", "data-has-audio", "data-fade-in", "data-fade-out"),
        *("data-audio-group", "data-fx-chain", "data-automation", "data-hidden", "data-color-grading", "data-var-src"),
        *(
            "data-requires-webgpu",
            "data-master-chain",
            "data-vfx-chain",
            "data-vfx-for",
            "data-var-text",
            "data-fx-carve",
            "data-composition-file",
        ),
    }
)
#: Names of other tools and of everyday pages that resemble one of the format.
_OTHERS = frozenset(
    {
        *(
            "data-state",
            "data-stat",
            "data-stats",
            "data-star",
            "data-stars",
            "data-stage",
            "data-status",
            "data-static",
        ),
        *(
            "data-date",
            "data-values",
            "data-variable",
            "data-weight",
            "data-ends",
            "data-hide",
            "data-src",
            "data-sort",
        ),
        *(
            "data-target",
            "data-height-max",
            "data-volumes",
            "data-index",
            "data-composition",
            "data-part",
            "data-chart",
        ),
    }
)
#: Names that people expect, far from the one of the format.
_MEANT = {
    "data-var": "data-var-text",
    "data-track": "data-track-index",
    "data-length": "data-duration",
    "data-delay": "data-start",
    "data-rate": "data-playback-rate",
    "data-speed": "data-playback-rate",
    "data-vol": "data-volume",
    "data-trim-start": "data-media-start",
}
_TIMES = (
    "data-start",
    "data-duration",
    "data-end",
    "data-playback-start",
    "data-media-start",
    "data-fade-in",
    "data-fade-out",
)
#: Attributes with a number that is no time: its form, and its name. Volumes in per cent have a rule of their own.
_NUMBERS = {
    "data-track-index": (re.compile(r"-?\d+"), "a whole number"),
    "data-fps": (re.compile(r"\d+(?:\.\d+)?(?:/\d+)?"), "a frame rate such as 30 or 30000/1001"),
    "data-volume": (re.compile(r"(?:\d+(?:\.\d*)?|\.\d+)\s*%?"), "a gain of 0 or more"),
    "data-playback-rate": (re.compile(r"-?(?:\d+(?:\.\d*)?|\.\d+)"), "a number"),
}
_UNIT = re.compile(r"(\d+(?:\.\d+)?|\.\d+)\s*(ms|msec|s|sec|secs|seconds?|milliseconds?)", re.IGNORECASE)
_TIMECODE = re.compile(r"(?:(\d+):)?(\d{1,2}):(\d{1,2}(?:\.\d+)?)")
_COMMA = re.compile(r"(\d+),(\d+)")
_REFERENCE = re.compile(r"([A-Za-z0-9_.:-]+?)(?:\s*[+-]\s*(?:\d+(?:\.\d+)?|\.\d+))?")
#: Attributes that other markup languages and tools use: what is written, and what HTML or the format has.
_JSX = {"classname": "class", "htmlfor": "for"}
_QUOTES = "“”„‟«»"
_OPENING_QUOTES = tuple(_QUOTES)
#: Attributes whose values in braces are JSX; JSON of data- attributes begins with a brace and a quote.
_LITERALS = ("src", "id", "class", "width", "height", "href", "alt")
#: A value in braces that is no JSON.
_BRACED = re.compile(r"\{[^{}:]+\}")
#: Names by which other tools state when an element is seen.
_OTHER_TOOLS = frozenset(
    {
        *("data-in", "data-out", "data-from", "data-to", "data-begin", "data-dur", "data-durationinframes"),
        *("data-duration-in-frames", "data-start-frame", "data-end-frame", "data-start-time", "data-end-time"),
    }
)
#: A volume from here on is meant in per cent: the highest gain that the official renderer documents is 3.98 (12 dB).
_PER_CENT = 5


def attribute_faults(file: SourceFile) -> Iterator[Problem]:
    """The faults of one HTML file's attributes."""
    elements = [e for e in file.document.elements if e.name not in ("script", "style") and not e.within("noscript")]
    ids = {e.attributes["id"] for e in elements if e.attributes.get("id")}
    ids |= {e.attributes["data-composition-id"] for e in elements if e.attributes.get("data-composition-id")}
    yield from _other_tool_faults(file, elements)
    for element in elements:
        quoted = False
        for name in element.attributes:
            yield from _name_faults(file, element, name)
            if not quoted and element.attributes[name][:1] in _OPENING_QUOTES:
                quoted = True
                yield _typographic(file, element, name)
        for name in _TIMES:
            if name in element.attributes and not _is_braced(element.attributes[name]):
                yield from _time_faults(file, element, name, ids)
        yield from _volume_faults(file, element)
        yield from _number_faults(file, element)


def _other_tool_faults(file: SourceFile, elements: list[Element]) -> Iterator[Problem]:
    """Attributes of another tool on a page that has no times of the format: one report, at the first."""
    timed = [e for e in elements if "data-start" in e.attributes and "data-composition-id" not in e.attributes]
    if timed or not any("data-composition-id" in e.attributes for e in elements):
        return
    for element in elements:
        names = [name for name in element.attributes if name in _OTHER_TOOLS]
        if names:
            yield file.problem(
                file.attribute_offset(element, names[0]),
                "attributes_of_another_tool",
                "error",
                f"{', '.join(names)}: no attribute of the format. No clip of the page has a time.",
                "Write data-start and data-duration, in seconds.",
                element=element,
            )
            return


def _is_braced(value: str) -> bool:
    return _BRACED.fullmatch(value) is not None


def _typographic(file: SourceFile, element: Element, name: str) -> Problem:
    tag = file.document.tag_of(element)
    plain = re.sub(f"[{_QUOTES}]", '"', tag)
    return file.problem(
        file.attribute_offset(element, name),
        "typographic_quotes",
        "error",
        f"The quotes of {name} are typographic: they become part of the value.",
        'Use plain quotes: ".',
        element=element,
        patch=(element.start, element.start + len(tag), plain),
    )


def near(name: str, known: frozenset[str] | set[str], cutoff: float = 0.86) -> str | None:
    """The known name that `name` is most likely meant to be."""
    plain = name.replace("_", "-")
    if plain in known:
        return plain
    found = difflib.get_close_matches(plain, sorted(known), 1, cutoff)
    return found[0] if found else None


def _name_faults(file: SourceFile, element: Element, name: str) -> Iterator[Problem]:
    at = file.attribute_offset(element, name)
    patch = (at, at + len(name))
    value = element.attributes[name]
    if name.startswith(("data-", "data_")) and name not in KNOWN | _OTHERS:
        # Pages without a composition have such names, too: of a format element they are meant for the format.
        of_format = bool(KNOWN & element.attributes.keys()) or "clip" in element.attributes.get("class", "").split()
        meant = near(name, KNOWN) or (_MEANT.get(name) if of_format else None)
        if meant is not None and meant not in element.attributes:
            yield file.problem(
                at,
                "unknown_attribute",
                "error",
                f"{name} is not an attribute of the format: it has no effect.",
                f"Did you mean {meant}?",
                element=element,
                patch=(*patch, meant),
            )
    if (right := _JSX.get(name)) is not None:
        yield file.problem(
            at,
            "jsx_attribute",
            "error",
            f"{name} is JSX: HTML has {right}.",
            "Write HTML.",
            element=element,
            patch=(*patch, right),
        )
    if _is_braced(value) and (name.startswith("data-") or name in _LITERALS):
        span, literal = file.value_range(element, name), value[1:-1].strip().strip("\"'`")
        simple = re.fullmatch(r"[\w .%#-]+", literal) is not None
        yield file.problem(
            at,
            "jsx_attribute",
            "error",
            f"{name}={value[:60]} is JSX: HTML has no braces around values.",
            f'Write {name}="{literal}".' if simple else "Write HTML.",
            element=element,
            patch=(*span, f'"{literal}"' if file.text[span[0] - 1] == "=" else literal) if span and simple else None,
        )
    elif name == "style" and value.lstrip().startswith("{{"):
        yield file.problem(
            at,
            "jsx_attribute",
            "error",
            "style={{…}} is JSX: HTML has a text of CSS there.",
            "Write CSS.",
            element=element,
        )


def _time_faults(file: SourceFile, element: Element, name: str, ids: set[str]) -> Iterator[Problem]:
    text = element.attributes[name].strip()
    at = file.attribute_offset(element, name)
    try:
        value = float(text)
    except ValueError:
        yield from _text_faults(file, element, name, text, ids)
        return
    if name == "data-duration" and value <= 0 and "data-start" in element.attributes:
        yield file.problem(
            at,
            "clip_without_length",
            "error",
            f"The clip lasts {text} s: it is never seen.",
            "Give it a length above 0.",
            element=element,
        )


def _text_faults(file: SourceFile, element: Element, name: str, text: str, ids: set[str]) -> Iterator[Problem]:
    at = file.attribute_offset(element, name)
    seconds = _seconds(text) if text not in ids else None
    if seconds is not None:
        span = file.value_range(element, name)
        yield file.problem(
            at,
            "invalid_time",
            "error",
            f'{name}="{text}" is not a number of seconds: it is not read.',
            f'Write {name}="{seconds:g}".',
            element=element,
            patch=(*span, f"{seconds:g}") if span else None,
        )
        return
    reference = _REFERENCE.fullmatch(text) if name == "data-start" else None
    if reference is None:
        yield file.problem(
            at,
            "invalid_time",
            "error",
            f'{name}="{text[:60]}" is not a number of seconds.',
            "Write a number.",
            element=element,
        )
    elif text not in ids and reference[1] not in ids:
        meant = near(reference[1], ids, 0.7)
        listed = ", ".join(sorted(ids)[:10])
        yield file.problem(
            at,
            "unknown_reference",
            "error",
            f'data-start="{text[:60]}" names no clip of this file: it counts as 0.',
            f"Did you mean {meant}?" if meant else f"The ids are {listed}." if listed else "Write a number of seconds.",
            element=element,
        )


def _seconds(text: str) -> float | None:
    """The seconds of a text with a unit, of a timecode, or with a decimal comma."""
    if unit := _UNIT.fullmatch(text):
        return float(unit[1]) / (1000 if unit[2].lower().startswith("m") else 1)
    if code := _TIMECODE.fullmatch(text):
        return 3600 * int(code[1] or 0) + 60 * int(code[2]) + float(code[3])
    if comma := _COMMA.fullmatch(text):
        return float(f"{comma[1]}.{comma[2]}")
    return None


def _number_faults(file: SourceFile, element: Element) -> Iterator[Problem]:
    """Attributes of the format that need a number and have another text."""
    for name, (pattern, what) in _NUMBERS.items():
        text = element.attributes.get(name, "").strip()
        if text and not _is_braced(text) and not pattern.fullmatch(text):
            yield file.problem(
                file.attribute_offset(element, name),
                "invalid_number",
                "error",
                f'{name}="{text[:60]}" is not {what}: it is not read.',
                f"Write {what}.",
                element=element,
            )


def _volume_faults(file: SourceFile, element: Element) -> Iterator[Problem]:
    text = element.attributes.get("data-volume", "").strip()
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(%?)", text)
    if not found or not (found[2] or float(found[1]) >= _PER_CENT):
        return
    span = file.value_range(element, "data-volume")
    gain = float(found[1]) / 100
    yield file.problem(
        file.attribute_offset(element, "data-volume"),
        "volume_in_per_cent",
        "error",
        f'data-volume="{text}": a volume is a gain, where 1 is the sound as it is.',
        f'Write data-volume="{gain:g}".',
        element=element,
        patch=(*span, f"{gain:g}") if span else None,
    )
