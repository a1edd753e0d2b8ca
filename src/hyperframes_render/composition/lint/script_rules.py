"""Rules on scripts: they parse, load what they use, register their timelines, and move what is there."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Sequence
from typing import Any

from hyperframes_render.composition.html import Element, read_json
from hyperframes_render.composition.lint.assets import Assets
from hyperframes_render.composition.lint.scripts import Script
from hyperframes_render.composition.lint.source_file import SourceFile
from hyperframes_render.packages.cdn import find_in_packages
from hyperframes_render.packages.root import packages_root
from hyperframes_render.problems import Problem, Severity

#: What a tween's property or a class needs: the name in the address of its script.
_PLUGINS = {
    "scrollTrigger": "ScrollTrigger",
    "motionPath": "MotionPathPlugin",
    "drawSVG": "DrawSVGPlugin",
    "morphSVG": "MorphSVGPlugin",
    **{name: name for name in ("ScrollTrigger", "SplitText", "Flip", "CustomEase", "Draggable", "ScrollSmoother")},
}
_NPM = "https://cdn.jsdelivr.net/npm"
_CDN = f"{_NPM}/gsap@3/dist"
#: A tag of JSX: what a browser does not read as JavaScript.
_JSX_TAG = re.compile(r"(?:[(=>?:,]|return)\s*<[A-Za-z>]")
#: An empty timeline is mentioned where it is made and where it is registered.
_MENTIONS_WHEN_EMPTY = 2
#: An id or class that a script puts together: by a template text, by joining texts, or from a variable.
_MADE_NAME = re.compile(
    r"""(?:\bid|\bclass)\s*=\s*["']?[^"'\s>]{0,80}(?:\$\{|["']\s*\+)|["'](?:id|class)["']\s*,\s*(?!["'][^"']*["']\s*\))"""
    r"""|\.(?:id|className)\s*=\s*(?!["'][^"']*["']\s*[;\n])|classList\.add\(\s*(?!["'])"""
)
#: How alike a name and its misspelling are.
_MISSPELT = 0.75
_SIMPLE = re.compile(r"[#.][A-Za-z_][\w-]*")
_NEVER = {"click": "clicks", "dblclick": "clicks", "scroll": "scrolls", "wheel": "scrolls", "mouseenter": "hovers"}


class ScriptRules:
    """The rules for the scripts of one page or sub-composition."""

    def __init__(
        self, page: SourceFile, scripts: Sequence[Script], everything: str, assets: Assets, *, of_scene: bool
    ) -> None:
        """`everything`: the text of all files of the project, in which an id may be made by a script."""
        self._page, self._scripts, self._everything, self._of_scene = page, scripts, everything, of_scene
        self._assets = assets
        #: Whether scripts make ids or classes from parts.
        self._makes_names = _MADE_NAME.search(everything) is not None
        self._elements = page.document.elements
        self._compositions = [e for e in self._elements if e.attributes.get("data-composition-id")]
        self._addresses = [
            (e, e.attributes["src"]) for e in self._elements if e.name == "script" and e.attributes.get("src")
        ]

    def faults(self, *, gsap_is_there: bool) -> Iterator[Problem]:
        """All faults. `gsap_is_there`: the page that shows this sub-composition loads GSAP."""
        for script in self._scripts:
            if script.facts.get("error"):
                yield self._syntax(script)
        parsed = [script for script in self._scripts if script.facts and not script.facts.get("error")]
        yield from self._imports(parsed)
        yield from self._gsap(parsed, gsap_is_there)
        yield from self._registrations(parsed)
        yield from self._late_tweens(parsed)
        yield from self._targets(parsed)
        yield from self._ids(parsed)
        yield from self._fetches(parsed)
        yield from self._waiting(parsed)
        yield from self._babel()

    def _babel(self) -> Iterator[Problem]:
        """Scripts of a type that only Babel runs, in a page without Babel."""
        if any("babel" in address for _, address in self._addresses):
            return
        for element in self._elements:
            kind = element.attributes.get("type", "").strip().lower()
            if element.name != "script" or kind not in ("text/babel", "text/jsx"):
                continue
            text = self._page.document.content_of(element)
            at, span = self._page.attribute_offset(element, "type"), self._page.value_range(element, "type")
            plain = span is not None and text.strip() and not _JSX_TAG.search(text) and "import " not in text
            yield self._page.problem(
                element.start,
                "babel_without_babel",
                "error",
                "The script never runs: its type is for Babel, which no script loads.",
                "Load @babel/standalone before it, or drop the type.",
                element=element,
                patch=(at, span[1] + 1, "") if plain and span else None,
            )

    def _at(
        self,
        script: Script,
        fact: dict[str, Any],
        code: str,
        severity: Severity,
        message: str,
        fix: str = "",
        **more: Any,
    ) -> Problem:
        return script.file.problem(script.place_of(fact), code, severity, message, fix, **more)

    def _syntax(self, script: Script) -> Problem:
        error = script.facts["error"]
        message, patch = error["message"], None
        fix = "Correct the script: it does not run at all."
        if "sourceType: module" in message and not script.module:
            fix = 'Give the script type="module".'
            at = script.element.start + len("<script")
            patch = (at, at, ' type="module"') if script.file is script.page else None
        elif message == "Unexpected token" and re.match(r"\s*<[A-Za-z]", script.text[self._offset_in(script, error) :]):
            fix = "This is JSX: a browser does not read it. Write plain JavaScript, or use @babel/standalone."
        return self._at(script, error, "invalid_script_syntax", "error", f"SyntaxError: {message}.", fix, patch=patch)

    def _offset_in(self, script: Script, fact: dict[str, Any]) -> int:
        return script.place_of(fact) - script.offset

    def _imports(self, scripts: Sequence[Script]) -> Iterator[Problem]:
        maps = [
            read_json(self._page.document.content_of(e))
            for e in self._elements
            if e.attributes.get("type") == "importmap"
        ]
        known = {name for found in maps if isinstance(found, dict) for name in found.get("imports", {})}
        for script in scripts:
            for found in script.facts["imports"]:
                source = found["source"]
                known_module = find_in_packages(f"{_NPM}/{source}/+esm", packages_root()) is not None
                bare = not re.match(r"\.{0,2}/|[a-z][a-z0-9+.-]*:", source, re.IGNORECASE)
                if bare and not any(
                    source == name or (name.endswith("/") and source.startswith(name)) for name in known
                ):
                    yield self._at(
                        script,
                        found,
                        "bare_module_import",
                        "error",
                        f'A browser does not know the module "{source[:80]}".',
                        f'Import an address ("{_NPM}/{source[:80]}/+esm"), or add an import map.',
                        patch=self._address_patch(script, found) if known_module else None,
                    )

    def _address_patch(self, script: Script, fact: dict[str, Any]) -> tuple[int, int, str] | None:
        """A patch that puts the module's address in place of its bare name."""
        start = self._offset_in(script, fact)
        found = re.compile(rf"""(["'])({re.escape(fact["source"])})\1""").search(script.text, start)
        if found is None:
            return None
        at = script.offset + found.start(2)
        return at, at + len(fact["source"]), f"{_NPM}/{fact['source']}/+esm"

    def _gsap(self, scripts: Sequence[Script], gsap_is_there: bool) -> Iterator[Problem]:
        used = [(script, fact) for script in scripts for fact in script.facts["globals"] if fact["name"] == "gsap"]
        imported = any("gsap" in found["source"].lower() for s in scripts for found in s.facts["imports"])
        own = any("window.gsap" in s.text or re.search(r"\b(?:const|let|var)\s+gsap\b", s.text) for s in scripts)
        loading = next((e for e, address in self._addresses if "gsap" in address.lower()), None)
        if used and loading is None and not (imported or own or gsap_is_there):
            script, fact = used[0]
            at = self._page.document.head_start
            yield self._at(
                script,
                fact,
                "missing_gsap_script",
                "error",
                "A script uses GSAP, and no script loads it.",
                f'Add <script src="{_CDN}/gsap.min.js"></script> to the head.',
                patch=(at, at, f'<script src="{_CDN}/gsap.min.js"></script>') if script.file is self._page else None,
            )
        elif used and loading is not None and not gsap_is_there:
            script, fact = used[0]
            late = (
                script.element.start < loading.start and not script.module and "defer" not in script.element.attributes
            )
            if late and not self._of_scene:
                yield self._at(
                    script,
                    fact,
                    "gsap_loaded_after_use",
                    "error",
                    "GSAP is loaded after this script.",
                    "Load it before.",
                    patch=self._loaded_before(script.element, loading),
                )
        yield from self._plugins(scripts, imported, loading)

    def _loaded_before(self, user: Element, loading: Element) -> tuple[int, int, str]:
        """A patch that moves the script element `loading` before the one that uses it."""
        text = self._page.text
        tag = text[loading.start : loading.end]
        return user.start, loading.end, f"{tag}\n{text[user.start : loading.start]}"

    def _plugins(self, scripts: Sequence[Script], imported: bool, loading: Element | None) -> Iterator[Problem]:
        for script in scripts:
            keys = [*script.facts["plugins"], *({"key": f["name"], **f} for f in script.facts["globals"])]
            seen: set[str] = set()
            for found in keys:
                name = _PLUGINS.get(found["key"])
                if name is None or name in seen or imported:
                    continue
                seen.add(name)
                if name.lower() not in " ".join(
                    address for _, address in self._addresses
                ).lower() and name not in _made(scripts):
                    yield self._at(
                        script,
                        found,
                        "missing_gsap_plugin",
                        "error",
                        f"A script uses {name}, and no script loads it.",
                        f'Add <script src="{_CDN}/{name}.min.js"></script> after GSAP, and register it.',
                        patch=(loading.end, loading.end, f'<script src="{_CDN}/{name}.min.js"></script>')
                        if loading is not None and script.file is self._page
                        else None,
                    )

    def _registrations(self, scripts: Sequence[Script]) -> Iterator[Problem]:
        ids = {e.attributes["data-composition-id"] for e in self._compositions}
        registered = [(script, fact) for script in scripts for fact in script.facts["registrations"]]
        misspelt = [(script, fact) for script in scripts for fact in script.facts["misspelt"]]
        if misspelt and not registered:
            yield from self._misspelt(misspelt)
            return
        for script, fact in registered:
            if fact["kind"] == "push" and ids and not self._of_scene:
                name = next(iter(sorted(ids)))
                start = script.offset + fact["start"]
                value = fact["value"]
                yield self._at(
                    script,
                    fact,
                    "timeline_registry_push",
                    "error",
                    "window.__timelines is an object with composition ids as keys, not a list.",
                    f'Write window.__timelines["{name}"] = {value or "tl"}.',
                    patch=(start, script.offset + fact["end"], f'window.__timelines["{name}"] = {value}')
                    if value
                    else None,
                )
            elif fact["key"] is not None and ids and fact["key"] not in ids:
                meant = self._meant(fact["key"], ids, {f["key"] for _, f in registered})
                yield self._at(
                    script,
                    fact,
                    "timeline_id_mismatch",
                    "error",
                    f'A timeline is registered as "{fact["key"][:80]}", which is no composition of this file.',
                    f'Did you mean "{meant}"?' if meant else f"Use one of the ids {', '.join(sorted(ids)[:10])}.",
                    patch=self._key_patch(script, fact, meant),
                )
        yield from self._empty_timelines(scripts, registered)
        if registered or not self._compositions:
            return
        text = "\n".join(script.text for script in scripts)
        for script in scripts:
            for found in script.facts["timelines"]:
                if found["paused"] and not re.search(
                    rf"\.add\(\s*{re.escape(found['name'])}\b|return\s+{re.escape(found['name'])}\b", text
                ):
                    name = self._compositions[0].attributes["data-composition-id"]
                    if "__timelines" in text:
                        continue
                    yield self._at(
                        script,
                        found,
                        "gsap_timeline_not_registered",
                        "error",
                        f"The timeline {found['name']} is paused and never registered: nothing moves it.",
                        f'Add window.__timelines = {{ "{name}": {found["name"]} }}; after it.',
                        patch=self._registered(script, found, name),
                    )
                    return

    def _misspelt(self, found: Sequence[tuple[Script, dict[str, Any]]]) -> Iterator[Problem]:
        """Timelines that are put into an object of nearly the registry's name."""
        for script, fact in found:
            quoted = script.text[fact["start"]] in "\"'`"
            start, end = script.offset + fact["start"], script.offset + fact["end"]
            yield self._at(
                script,
                fact,
                "timeline_registry_misspelt",
                "error",
                f"window.{fact['name']} is not the registry of timelines: nothing moves them.",
                "Did you mean window.__timelines?",
                patch=(start + quoted, end - quoted, "__timelines"),
            )

    def _registered(self, script: Script, fact: dict[str, Any], name: str) -> tuple[int, int, str] | None:
        """A patch that registers a timeline of a script's top level, at the script's end."""
        if not fact["top"]:
            return None
        end = script.offset + len(script.text.rstrip())
        new = f'\nwindow.__timelines = window.__timelines || {{}};\nwindow.__timelines["{name}"] = {fact["name"]};\n'
        return end, end, new

    def _empty_timelines(
        self, scripts: Sequence[Script], registered: Sequence[tuple[Script, dict[str, Any]]]
    ) -> Iterator[Problem]:
        """Timelines that are registered without a tween, where one with tweens is not registered."""
        text = "\n".join(script.text for script in scripts)
        made = [fact for script in scripts for fact in script.facts["timelines"]]
        moving = {fact["root"] for script in scripts for fact in script.facts["tweens"]}
        moving |= {name for name in {f["name"] for f in made} if re.search(rf"\b{re.escape(name)}\s*\.add\(", text)}
        values = {fact["value"] for _, fact in registered}
        idle = [f for f in made if f["name"] in moving and f["name"] not in values and f["top"]]
        idle = [f for f in idle if not re.search(rf"\.add\(\s*{re.escape(f['name'])}\b", text)]
        for script, fact in registered:
            name = fact["value"]
            plain = fact["made"] or any(f["name"] == name and not f["chained"] for f in made)
            if not plain or name in moving or len(idle) != 1:
                continue
            if name is not None and len(re.findall(rf"\b{re.escape(name)}\b", text)) > _MENTIONS_WHEN_EMPTY:
                continue
            other = idle[0]["name"]
            yield self._at(
                script,
                fact,
                "gsap_empty_timeline_registered",
                "error",
                f"The timeline that is registered has no tween; {other} has some and is not registered.",
                f"Register {other}.",
                patch=self._other_value(script, fact, other),
            )

    def _other_value(self, script: Script, fact: dict[str, Any], other: str) -> tuple[int, int, str] | None:
        """A patch that registers `other` in place of a timeline: only where `other` exists by then."""
        text = script.text[fact["start"] : fact["end"]]
        found = re.search(rf"(?<=[:=])\s*{re.escape(fact['value'])}\s*$", text) if fact["value"] else None
        later = re.search(rf"\b{re.escape(other)}\s*=\s*gsap\.timeline", script.text[fact["end"] :])
        if found is None or later:
            return None
        start = script.offset + fact["start"]
        return start + found.start(), start + found.end(), f" {other}"

    def _late_tweens(self, scripts: Sequence[Script]) -> Iterator[Problem]:
        """Tweens of the page's timelines that begin after the composition's end."""
        if self._of_scene or not self._compositions:
            return
        text = self._compositions[0].attributes.get("data-duration", "")
        length = float(text) if re.fullmatch(r"\d+(?:\.\d+)?", text.strip()) else 0.0
        nested = any(re.search(r"\.add\(", script.text) for script in scripts)
        for script in scripts:
            for tween in script.facts["tweens"]:
                position = tween["position"]
                if length and position is not None and position > length and tween["root"] != "gsap" and not nested:
                    yield self._at(
                        script,
                        tween,
                        "tween_after_end",
                        "warning",
                        f"The tween starts at {position:g} s, the composition ends at {length:g} s: it is never seen.",
                        "Start it earlier, or make the composition longer.",
                    )

    def _meant(self, key: str, ids: set[str], registered: set[str | None]) -> str | None:
        free = ids - registered
        if len(free) == 1:
            return next(iter(free))
        close = difflib.get_close_matches(key, sorted(free), 1, 0.6)
        return close[0] if close else None

    def _key_patch(self, script: Script, fact: dict[str, Any], meant: str | None) -> tuple[int, int, str] | None:
        if meant is None:
            return None
        text = script.text[fact["start"] : fact["end"]]
        found = re.search(
            rf"""(["'`]){re.escape(fact["key"])}\1|(?<=\.){re.escape(fact["key"])}\b|^{re.escape(fact["key"])}\b""",
            text,
        )
        if found is None or "." in found[0]:
            return None
        start = script.offset + fact["start"] + found.start()
        new = f"{found[1]}{meant}{found[1]}" if found[1] else f'"{meant}"'
        if not found[1] and fact["kind"] == "key":
            return (start - 1, start + len(found[0]), f'["{meant}"]')
        return (start, start + len(found[0]), new)

    def _targets(self, scripts: Sequence[Script]) -> Iterator[Problem]:
        ids = {e.attributes["id"] for e in self._elements if e.attributes.get("id")}
        classes = {name for e in self._elements for name in e.attributes.get("class", "").split()}
        for script in scripts:
            for tween in script.facts["tweens"]:
                selector = tween["selector"]
                if selector is None:
                    continue
                for part in selector.split(","):
                    missing = self._missing_name(part.strip(), ids, classes)
                    if missing is None:
                        continue
                    kind = ids if missing[0] == "#" else classes
                    close = difflib.get_close_matches(missing[1:], sorted(kind), 1, 0.6)
                    yield self._at(
                        script,
                        tween,
                        "tween_target_missing",
                        "warning",
                        f'"{part.strip()[:80]}" matches no element: the tween moves nothing.',
                        f"Did you mean {missing[0]}{close[0]}?" if close else "Correct the selector.",
                    )
                    break

    def _missing_name(self, selector: str, ids: set[str], classes: set[str]) -> str | None:
        """The id or class of a selector that no element has, and that nothing else in the project mentions."""
        if not _SIMPLE.fullmatch(selector.split()[-1] if selector else ""):
            return None
        for name in _SIMPLE.findall(selector):
            there = ids if name[0] == "#" else classes
            if name[1:] in there:
                continue
            mentions = len(re.findall(rf"(?<![\w#.-]){re.escape(name[1:])}(?![\w-])", self._everything))
            made = self._makes_names and not difflib.get_close_matches(name[1:], sorted(there), 1, _MISSPELT)
            if mentions == 0 and not made:
                return str(name)
        return None

    def _ids(self, scripts: Sequence[Script]) -> Iterator[Problem]:
        """Ids of several elements that tweens name: a selector moves them all, getElementById finds the first."""
        named = {name[1:] for s in scripts for t in s.facts["tweens"] for name in _SIMPLE.findall(t["selector"] or "")}
        seen: set[str] = set()
        for element in self._elements:
            name = element.attributes.get("id", "")
            if name and name in seen and name in named:
                yield self._page.problem(
                    element.start,
                    "duplicate_id",
                    "warning",
                    f'Another element has the id "{name[:80]}", which a tween names.',
                    "Give each element an id of its own, or use a class.",
                    element=element,
                )
            seen.add(name)

    def _fetches(self, scripts: Sequence[Script]) -> Iterator[Problem]:
        for script in scripts:
            for found in script.facts["fetches"]:
                address = found["address"]
                if re.match(r"[a-z][a-z0-9+.-]*:|//", address, re.IGNORECASE) or not address:
                    continue
                if self._assets.resolve(self._page.name, address) is None:
                    near = self._assets.like(self._page.name, address)
                    yield self._at(
                        script,
                        found,
                        "missing_local_asset",
                        "error",
                        f"{address[:120]} is not in the project: the script fetches it.",
                        f"Did you mean {near}?" if near else "Add the file, or correct the name.",
                    )

    def _waiting(self, scripts: Sequence[Script]) -> Iterator[Problem]:
        for script in scripts:
            for found in script.facts["plugins"]:
                if found["key"] == "scrollTrigger":
                    yield self._at(
                        script,
                        found,
                        "waits_for_scrolling",
                        "error",
                        "The animation waits for scrolling: nobody scrolls in a video.",
                        "Put it into a paused timeline and register that.",
                    )
            for found in script.facts["listeners"]:
                if (what := _NEVER.get(found["name"])) is not None:
                    yield self._at(
                        script,
                        found,
                        "waits_for_a_viewer",
                        "warning",
                        f'The script listens for "{found["name"]}": nobody {what} in a video.',
                        "Start what it does in the timeline.",
                    )


def _made(scripts: Sequence[Script]) -> str:
    """The text of declarations in scripts: what they make is not missing."""
    return " ".join(name for s in scripts for name in re.findall(r"\b(?:class|const|let|var|function)\s+(\w+)", s.text))
