"""The static pass over all files of a project: no browser, nothing of it is run."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hyperframes_render.composition.html import Element, file_of_host
from hyperframes_render.composition.lint.assets import Assets, asset_faults
from hyperframes_render.composition.lint.attributes import attribute_faults
from hyperframes_render.composition.lint.markup import markup_faults
from hyperframes_render.composition.lint.official import official_faults
from hyperframes_render.composition.lint.page import page_faults
from hyperframes_render.composition.lint.scenes import cycle_faults, host_faults, hosts_of, scene_faults, unmounted
from hyperframes_render.composition.lint.script_rules import ScriptRules
from hyperframes_render.composition.lint.scripts import LintedPage, Script, parse, scripts_of
from hyperframes_render.composition.lint.source_file import SourceFile
from hyperframes_render.composition.lint.styles import (
    class_faults,
    hidden_start_faults,
    linked_sheet_faults,
    root_hidden_faults,
    sheets_of,
)
from hyperframes_render.composition.lint.variables import declared_in, variable_faults
from hyperframes_render.problems import Problem

#: Files that are read, and bytes of one: a composition's files are small, and many more are a library's.
MAX_FILES, MAX_BYTES = 300, 2 * 1024**2

#: Faults that explain why no timeline is registered.
_REASONS_WITHOUT_TIMELINE = {
    *("invalid_script_syntax", "gsap_timeline_not_registered", "timeline_registry_push", "unclosed_element"),
    *("blank_root_with_standalone_composition", "missing_local_asset"),
}


def lint_project(root: Path, entry: str, *, scripts: bool = True) -> list[Problem]:
    """The faults that the files of the project in `root` show, with the page `entry`, by file and place.

    Without `scripts`, scripts are not parsed and the official rules are left out: 15 ms instead of 300 ms.
    """
    found = list(dict.fromkeys(_ProjectLint(root, entry, scripts=scripts).faults()))
    if {problem.code for problem in found} & _REASONS_WITHOUT_TIMELINE:
        found = [problem for problem in found if problem.code != "missing_data_no_timeline"]
    return sorted(found, key=lambda problem: (problem.file != entry, problem.file, problem.line, problem.column))


class _ProjectLint:
    def __init__(self, root: Path, entry: str, *, scripts: bool) -> None:
        self._assets = Assets(root)
        self._files: dict[str, SourceFile] = {}
        self._entry = self._read(entry)
        #: The page and the sub-compositions that it shows, at any depth.
        self._shown: list[SourceFile] = []
        #: By the name of each of them, the files that its hosts name.
        self._shows: dict[str, set[str]] = {}
        #: By the identity of a host, its file.
        self._file_of: dict[int, SourceFile] = {}
        self._collect(self._entry)
        #: By the name of each HTML file, the CSS files that it links.
        self._linked = {file.name: self._sheets_linked_by(file) for file in self._shown}
        self._scripts = {file.name: self._scripts_of(file) for file in self._shown}
        every = [script for own in self._scripts.values() for script in own]
        pages = [self._linted(file) for file in self._shown]
        findings = parse(every, pages) if scripts else [[] for _ in pages]
        self._official = dict(zip([file.name for file in self._shown], findings, strict=True))

    def _read(self, name: str) -> SourceFile:
        if name not in self._files:
            path = self._assets.root / name
            small = path.is_file() and path.stat().st_size <= MAX_BYTES and len(self._files) < MAX_FILES
            text = path.read_text("utf-8-sig", errors="replace") if small else ""
            self._files[name] = SourceFile(name, text)
        return self._files[name]

    def _collect(self, file: SourceFile) -> None:
        if file in self._shown:
            return
        self._shown.append(file)
        for host in hosts_of(file, of_scene=file is not self._entry):
            found = self._assets.resolve(file.name, file_of_host(host))
            if found is not None:
                self._shows.setdefault(file.name, set()).add(found)
                self._file_of[id(host)] = self._read(found)
                self._collect(self._read(found))

    def _linted(self, file: SourceFile) -> LintedPage:
        sheets = [(sheet.name, sheet.text) for sheet in self._linked[file.name]]
        return LintedPage(file.text, file is not self._entry, sheets)

    def _sheets_linked_by(self, file: SourceFile) -> list[SourceFile]:
        found: list[SourceFile] = []
        for element in file.document.elements:
            if element.name == "link" and "stylesheet" in element.attributes.get("rel", "").lower():
                name = self._local(file, element, "href")
                if name is not None:
                    found.append(self._read(name))
        return found

    def _local(self, file: SourceFile, element: Element, attribute: str) -> str | None:
        """The project's file that an attribute names."""
        address = element.attributes.get(attribute, "")
        local = address and ":" not in address and not address.startswith("//")
        return self._assets.resolve(file.name, address) if local else None

    def _scripts_of(self, file: SourceFile) -> list[Script]:
        paths: dict[int, str] = {}
        for element in file.document.elements:
            found = self._local(file, element, "src") if element.name == "script" else None
            if found is not None:
                self._read(found)
                paths[id(element)] = found
        return list(scripts_of(file, self._files, paths))

    def faults(self) -> Iterator[Problem]:
        if not self._entry.text:
            return
        everything = "\n".join(file.text for file in self._files.values())
        loaded = " ".join(e.attributes.get("src", "") for e in self._entry.document.elements if e.name == "script")
        loads_gsap = "gsap" in loaded.lower()
        for file in self._shown:
            of_scene = file is not self._entry
            if of_scene:
                yield from scene_faults(file, loaded)
            else:
                own = page_faults(file)
                # A script file may register the timeline.
                registers = "__timelines" in everything
                yield from (p for p in own if not (registers and p.code == "missing_data_no_timeline"))
            yield from markup_faults(file)
            yield from attribute_faults(file)
            yield from host_faults(file, self._assets, of_scene=of_scene)
            yield from asset_faults(file, self._assets, of_scene=of_scene)
            yield from official_faults(file, self._official[file.name])
            yield from cycle_faults(file, self._assets, self._shows, of_scene=of_scene)
            yield from variable_faults(file, self._declared_by_hosts(file))
            sheets = sheets_of(file, self._linked[file.name])
            yield from class_faults(file, sheets, everything)
            yield from root_hidden_faults(file, sheets)
            parsed = [s for s in self._scripts[file.name] if s.facts and not s.facts.get("error")]
            yield from hidden_start_faults(file, sheets, parsed)
            rules = ScriptRules(file, self._scripts[file.name], everything, self._assets, of_scene=of_scene)
            yield from rules.faults(gsap_is_there=of_scene and loads_gsap)
        for sheet in {file.name: file for linked in self._linked.values() for file in linked}.values():
            yield from linked_sheet_faults(sheet, self._assets)
        for name in self._assets.names:
            if name.lower().endswith((".html", ".htm")):
                self._read(name)
        yield from unmounted(self._files, {file.name for file in self._shown}, self._entry)

    def _declared_by_hosts(self, file: SourceFile) -> dict[int, dict[str, dict[str, Any]]]:
        """By the identity of each host in a file, the variables that its sub-composition declares."""
        found = {}
        for host in hosts_of(file, of_scene=file is not self._entry):
            shown = self._file_of.get(id(host))
            declared = declared_in(shown) if shown is not None else None
            if declared is not None:
                found[id(host)] = declared
        return found
