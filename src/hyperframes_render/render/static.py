"""The static pass over a project's files as renders and checks use it, and repairs by the patches of its problems."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from hyperframes_render.composition.lint import lint_project
from hyperframes_render.composition.lint.repair import apply_patches
from hyperframes_render.composition.source import Project, Source, WebPage, open_project
from hyperframes_render.errors import InvalidOption, RenderError
from hyperframes_render.input import RenderInput
from hyperframes_render.problems import Problem

#: Rounds of patches: a patch may show what was hidden before it, as the end of a comment does.
MAX_REPAIRS = 5
#: Faults of the files after which the page fails or stands still in a way that says nothing more.
_CAUSES = {
    "page_script_failed": frozenset(
        {"invalid_script_syntax", "missing_gsap_script", "gsap_loaded_after_use", "missing_gsap_plugin"}
    ),
    "page_error": frozenset({"invalid_script_syntax", "missing_gsap_script"}),
    "invalid_composition": frozenset({"missing_or_empty_sub_composition", "blank_root_with_standalone_composition"}),
    "duration_unknown": frozenset(
        {"invalid_time", "unknown_attribute", "gsap_infinite_repeat", "invalid_script_syntax"}
    ),
    "page_not_ready": frozenset({"invalid_script_syntax", "unclosed_element"}),
}
#: Faults of a file that the markup names, and the codes that the opened page reports for such a file.
_OF_FILES = ("missing_local_asset", "unusable_file", "placeholder_media_url", "local_server_address", "path_of_a_disk")
_NAME_FILES = ("missing_local_asset", "inaccessible_media_url", "request_failed", "composition")
_NO_TIMELINE = frozenset(
    {
        "invalid_script_syntax",
        "gsap_timeline_not_registered",
        "timeline_registry_push",
        "timeline_id_mismatch",
        "missing_gsap_script",
        "missing_data_no_timeline",
    }
)


def repair(source: Source, request: RenderInput) -> list[Problem]:
    """Apply the patches of the problems in the files of a project; the problems that were repaired.

    Raises InvalidOption if the files cannot be changed: those of an archive or of a web page.
    """
    if isinstance(source, WebPage) or source.suffix.lower() == ".zip":
        raise InvalidOption("--fix changes files: it needs a folder or an HTML file.", "Unpack the archive first.")
    project = open_project(source, unpack_to=source, composition=request.composition)
    return _repair(project)


def static_problems(source: Source, request: RenderInput) -> list[Problem]:
    """The problems of the files of a page that could not be opened. An archive is not unpacked again."""
    if isinstance(source, WebPage) or source.suffix.lower() == ".zip":
        return []
    try:
        project = open_project(source, unpack_to=source, composition=request.composition)
    except (RenderError, OSError):
        return []
    return problems_of_project(project)


def problems_of_project(project: Project, *, scripts: bool = True) -> list[Problem]:
    """The problems of a project's files; without `scripts`, those that need no parser of JavaScript."""
    if project.address is not None:
        return []
    return lint_project(project.root, project.part or project.entry, scripts=scripts)


def without_followers(static: Sequence[Problem], opened: Sequence[Problem]) -> list[Problem]:
    """All problems, without those of the opened page that only follow from one of the files'."""
    codes = {problem.code for problem in static if problem.severity == "error" or problem.code in _NO_TIMELINE}
    files = {problem.message.split()[0] for problem in static if problem.code in _OF_FILES}
    return [*static, *(problem for problem in opened if not _follows(problem, codes, files))]


def _follows(problem: Problem, codes: set[str], files: set[str]) -> bool:
    """Whether the problem follows from an error with one of `codes`, or from a fault of one of `files`."""
    if _CAUSES.get(problem.code, frozenset()) & codes:
        return True
    if problem.code == "composition" and "No timeline is registered" in problem.message:
        return bool(codes & _NO_TIMELINE)
    return problem.code in _NAME_FILES and any(name in problem.message for name in files)


def repaired_copy(project: Project, folder: Path) -> tuple[Project, list[Problem]]:
    """A copy of the project in `folder` with all patches applied, and the problems that were repaired.

    Files are hard links where the file system allows it: media are not copied.
    """
    if project.address is not None:
        return project, []
    shutil.copytree(project.root, folder, copy_function=_link, ignore_dangling_symlinks=True)
    copy = replace(project, root=folder.resolve())
    return copy, _repair(copy)


def _link(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def _repair(project: Project) -> list[Problem]:
    repaired: list[Problem] = []
    for _ in range(MAX_REPAIRS):
        found = apply_patches(project.root, problems_of_project(project))
        repaired += found
        if not found:
            break
    return repaired
