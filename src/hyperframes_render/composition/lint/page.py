"""What a composition's markup says that will not come out as meant. Codes are those of the official `lint`.

Only faults that change a picture or sound here are looked for; matters of taste and of other tools are not.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator

from hyperframes_render.composition.declared import leading_integer
from hyperframes_render.composition.html import Document, Element, read_json
from hyperframes_render.composition.lint.source_file import SourceFile
from hyperframes_render.problems import Problem, Severity

_TIMED_MEDIA = ("video", "audio")
#: Seconds by which a clip may end after the composition without a warning: about a frame.
_END_SLACK = 0.05
#: A start from here on may be meant in milliseconds: few videos are longer than 100 s.
_MILLISECONDS = 100
_JSON_ATTRIBUTES = {
    "data-automation": ("invalid_automation_json", dict),
}


def lint(document: Document) -> list[Problem]:
    """The faults in the markup of one page, in the order of the text."""
    return page_faults(SourceFile("", document.text, document))


def page_faults(file: SourceFile) -> list[Problem]:
    """The faults in the markup of a composition's main file, in the order of the text.

    Rules about the root are left out where a page has none.
    """
    page = _Page(file)
    found = [
        *page.root_faults(),
        *page.host_faults(),
        *page.clip_faults(),
        *page.track_faults(),
        *page.media_faults(),
        *page.script_faults(),
    ]
    return sorted(found, key=lambda problem: problem.line)


class _Page:
    def __init__(self, file: SourceFile) -> None:
        self._file, document = file, file.document
        self.elements = [element for element in document.elements if not element.within("template")]
        self.compositions = [e for e in self.elements if "data-composition-id" in e.attributes]
        self.root = self.compositions[0] if self.compositions else None
        #: The composition around each element, by the element's identity. Elements may be nested by the thousand, so
        #: that each takes its parent's instead of going up: parents come first.
        self._owners: dict[int, Element | None] = {}
        for element in self.elements:
            self._owners[id(element)] = self._owner_below(element.parent)
        self.scripts = "\n".join(
            document.content_of(e) for e in self.elements if e.name == "script" and "src" not in e.attributes
        )

    def _at(self, element: Element | None, code: str, severity: Severity, message: str, fix: str = "") -> Problem:
        at = element.start if element is not None else 0
        return self._file.problem(at, code, severity, message, fix, element=element)

    def _owner_below(self, parent: Element | None) -> Element | None:
        """The composition that encloses the children of `parent`."""
        if parent is None or "data-composition-id" in parent.attributes:
            return parent
        return self._owners[id(parent)]

    def root_faults(self) -> Iterator[Problem]:
        root = self.root
        if root is None:
            return
        if not all(leading_integer(root.attributes.get(name, "")) for name in ("data-width", "data-height")):
            yield self._without_size(root)
        # A canvas that stands beside the root holds no clips.
        beside = [
            e for e in self.compositions[1:] if self._owners[id(e)] is None and "canvas" not in (e.name, root.name)
        ]
        for other in beside:
            yield self._at(
                other,
                "multiple_root_compositions",
                "error",
                "There is a second root composition.",
                "Only the first is rendered: put the other into it.",
            )
        # HyperShader.init makes and registers one where it is not given one.
        registered = "__timelines" in self.scripts or "HyperShader.init" in self.scripts
        if "data-no-timeline" not in root.attributes and not registered:
            yield self._at(
                root,
                "missing_data_no_timeline",
                "warning",
                "No timeline is registered, and the root does not say so.",
                "Register one on window.__timelines, or give the root data-no-timeline.",
            )

    def _without_size(self, root: Element) -> Problem:
        sizes = {name: root.attributes.get(name, "") for name in ("width", "height")}
        known = all(size.isdigit() for size in sizes.values())
        text = "".join(f' data-{name}="{size}"' for name, size in sizes.items())
        at = root.start + len("<") + len(root.name)
        return self._file.problem(
            root.start,
            "root_missing_dimensions",
            "error",
            "The root has no data-width and data-height.",
            f"Add{text}." if known else "Without them the video is 1920 by 1080.",
            element=root,
            patch=(at, at, text) if known else None,
        )

    def host_faults(self) -> Iterator[Problem]:
        for element in self.elements:
            if "data-composition-src" in element.attributes and not element.attributes.get("data-composition-id"):
                yield self._at(
                    element,
                    "host_missing_composition_id",
                    "notice",
                    "A sub-composition's host has no data-composition-id: it takes the one of its file.",
                    "Give it the id that its file declares.",
                )
            for name, (code, kind) in _JSON_ATTRIBUTES.items():
                if name in element.attributes and not isinstance(read_json(element.attributes[name]), kind):
                    what = "object" if kind is dict else "list"
                    message = f"{name} is not a JSON {what}: it is ignored."
                    yield self._at(element, code, "error", message, "Write JSON: names and texts in double quotes.")

    def clip_faults(self) -> Iterator[Problem]:
        root = self.root
        length = _number(root, "data-duration") if root else None
        in_milliseconds = self._in_milliseconds(length) if root and length else None
        if in_milliseconds:
            yield in_milliseconds
        for element in self.elements:
            attributes = element.attributes
            if "data-end" in attributes:
                yield self._at(element, "deprecated_data_end", "warning", "data-end is old.", "Use data-duration.")
            if "data-layer" in attributes:
                yield self._at(
                    element, "deprecated_data_layer", "warning", "data-layer is old.", "Use data-track-index."
                )
            start, duration = _number(element, "data-start"), _number(element, "data-duration")
            end = start + duration if start is not None and duration else 0.0
            of_root = root is not None and self._owners[id(element)] is root
            if of_root and length and start is not None and start >= length:
                if not in_milliseconds:
                    yield self._starts_late(element, start, length)
            elif of_root and length and end > length + _END_SLACK:
                yield self._at(
                    element,
                    "clip_ends_past_root_duration",
                    "warning",
                    f"The clip ends at {end:g} s, the composition at {length:g} s: the rest is cut.",
                    "Make the composition longer, or the clip shorter.",
                )
            if "data-start" in attributes and attributes["data-start"].strip().startswith("-"):
                yield self._at(element, "negative_start", "warning", "A start before 0 counts as 0.")

    def _starts_late(self, element: Element, start: float, length: float) -> Problem:
        return self._at(
            element,
            "clip_starts_after_end",
            "error",
            f"The clip starts at {start:g} s, the composition ends at {length:g} s: it is never seen.",
            "Make the composition longer, or start the clip earlier.",
        )

    def _in_milliseconds(self, length: float) -> Problem | None:
        """One fault for all clips of the root, if their times fit into its length as milliseconds only."""
        clips = [e for e in self.elements if self._owners[id(e)] is self.root and _number(e, "data-start") is not None]
        starts = [_number(e, "data-start") or 0 for e in clips]
        lengths = [_number(e, "data-duration") or 0 for e in clips]
        late = next((e for e, start in zip(clips, starts, strict=True) if start >= length), None)
        if late is None or max(starts) < _MILLISECONDS or any(0 < span < length for span in lengths):
            return None
        if any((start + span) / 1000 > length + _END_SLACK for start, span in zip(starts, lengths, strict=True)):
            return None
        spans = [
            span
            for e in clips
            for name in ("data-start", "data-duration")
            if _number(e, name) is not None and (span := self._file.value_range(e, name))
        ]
        start, end = min(a for a, _ in spans), max(b for _, b in spans)
        text = self._file.text
        for a, b in sorted(spans, reverse=True):
            text = text[:a] + f"{float(text[a:b]) / 1000:g}" + text[b:]
        new = text[start : len(text) - (len(self._file.text) - end)]
        return self._file.problem(
            late.start,
            "clip_starts_after_end",
            "error",
            f"The clip starts at {late.attributes['data-start']} s, the composition ends at {length:g} s: "
            "it is never seen. Are its times in milliseconds? They are seconds.",
            "Divide the times of all clips by 1000.",
            element=late,
            patch=(start, end, new),
        )

    def track_faults(self) -> Iterator[Problem]:
        """Clips of one track that are on at the same time. Sounds may overlap."""
        last: dict[tuple[str, int], tuple[float, Element]] = {}
        timed = [
            e
            for e in self.elements
            if e.attributes.get("data-track-index", "").strip()
            and e.name != "audio"
            and self._owners[id(e)] is self.root
        ]
        for element in sorted(timed, key=lambda e: _number(e, "data-start") or 0):
            start, span = _number(element, "data-start"), _number(element, "data-duration")
            if start is None or span is None:
                continue
            track = element.attributes["data-track-index"].strip()
            place = (track, id(element.parent))
            before = last.get(place)
            if before is not None and before[0] > start + _END_SLACK:
                names = [e.attributes.get("id", e.name) for e in (before[1], element)]
                yield self._at(
                    element,
                    "clips_overlap_on_track",
                    "warning",
                    f"{names[1]} starts at {start:g} s, and {names[0]} is on track {track[:20]} until {before[0]:g} s.",
                    "Give one of them another data-track-index, or another time.",
                )
            if before is None or start + span > before[0]:
                last[place] = (start + span, element)

    def media_faults(self) -> Iterator[Problem]:
        media = [e for e in self.elements if e.name in _TIMED_MEDIA]
        ids = Counter(e.attributes["id"] for e in media if e.attributes.get("id"))
        with_sources = {id(e.parent) for e in self.elements if e.name == "source"}
        for element in media:
            attributes = element.attributes
            sources = attributes.get("src") or attributes.get("data-var-src") or id(element) in with_sources
            if not sources:
                yield self._at(element, "media_missing_src", "error", f"The {element.name} names no file.")
            if "id" not in attributes and self.root:
                yield self._at(
                    element, "media_missing_id", "notice", f"The {element.name} has no id: timelines cannot name it."
                )
            elif ids[attributes.get("id", "")] > 1:
                yield self._at(
                    element, "duplicate_media_id", "error", f'Two media elements have the id "{attributes["id"]}".'
                )
            if "data-start" not in attributes and self.root:
                yield self._at(
                    element,
                    "media_missing_data_start",
                    "notice",
                    f"The {element.name} has no data-start: it begins with its composition.",
                )
            if element.name == "video" and "muted" not in attributes and "data-has-audio" not in attributes:
                yield self._at(
                    element,
                    "video_missing_muted",
                    "notice",
                    "The video says neither muted nor data-has-audio: it is heard.",
                )
        heard = {
            e.attributes.get("src")
            for e in media
            if e.name == "video" and e.attributes.get("data-has-audio") == "true" and "muted" not in e.attributes
        }
        for element in media:
            if element.name == "audio" and (source := element.attributes.get("src")) is not None and source in heard:
                yield self._at(
                    element,
                    "video_audio_double_source",
                    "error",
                    "The sound of this file is heard twice: from its video too.",
                    "Mute the video or leave the audio out.",
                )

    def script_faults(self) -> Iterator[Problem]:
        root = self.root
        endless = re.search(r"\brepeat\s*:\s*-1\b", self.scripts)
        if endless and root is not None and not _number(root, "data-duration"):
            yield self._at(
                root,
                "gsap_infinite_repeat",
                "error",
                "A tween repeats for ever (repeat: -1): its timeline has no length.",
                "Give the root a data-duration.",
            )


def _number(element: Element, name: str) -> float | None:
    try:
        value = float(element.attributes.get(name, ""))
    except ValueError:
        return None
    return value if math.isfinite(value) else None
