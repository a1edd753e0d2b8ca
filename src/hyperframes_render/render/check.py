"""`check`: opens a composition without rendering it, and reports its declarations, its clips and its problems."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from hyperframes_render.browser.bridge import ClipTimes, page_answers
from hyperframes_render.composition.html import Document
from hyperframes_render.composition.lint import Problem, Severity, lint
from hyperframes_render.composition.source import Source, WebPage, open_project
from hyperframes_render.errors import MachineError, RenderError
from hyperframes_render.input import RenderInput
from hyperframes_render.render.opened import OpenComposition
from hyperframes_render.render.progress import ProgressMeter
from hyperframes_render.render.session import open_session

#: Severities of assumptions, by code. Others are notices.
_ASSUMPTION_SEVERITY: dict[str, Severity] = {"length_by_default": "warning"}
#: Width of the timeline chart in characters.
_BAR_WIDTH = 60


@dataclass(frozen=True)
class CheckReport:
    """The findings of `check`. `declared` and `clips` are empty if the page could not be opened. Times in seconds."""

    source: str
    declared: dict[str, Any]
    duration: float
    frames: int
    timelines: tuple[str, ...]
    clips: tuple[ClipTimes, ...]
    sounds: tuple[str, ...]
    problems: tuple[Problem, ...]

    @property
    def ok(self) -> bool:
        """Whether there is no error among the problems."""
        return not any(problem.severity == "error" for problem in self.problems)

    def as_dict(self) -> dict[str, Any]:
        """The report as a dict for JSON, with `ok`."""
        return {**asdict(self), "ok": self.ok}


async def check(source: Source, request: RenderInput) -> CheckReport:
    """Open the composition and inspect it. Errors of the composition become problems of the report.

    Raises a MachineError if this machine cannot open compositions.
    """
    problems: list[Problem] = []

    try:
        async with open_session(source, request, ProgressMeter(None), workers=1) as session:
            return await session.run(lambda composition: _inspect(composition, problems))
    except MachineError:
        raise
    except RenderError as error:
        problems.extend(_static_problems(source, request))
        problems.append(Problem(error.code, "error", error.message, error.action))
        return CheckReport(str(source), {}, 0.0, 0, (), (), (), _sorted_unique(problems))


def _static_problems(source: Source, request: RenderInput) -> list[Problem]:
    """The problems of the markup of a page that could not be opened. An archive is not unpacked again."""
    if isinstance(source, WebPage) or source.suffix.lower() == ".zip":
        return []
    try:
        project = open_project(source, unpack_to=source, composition=request.composition)
        return lint(Document(project.read_html()))
    except (RenderError, OSError):
        return []


async def _inspect(composition: OpenComposition, problems: list[Problem]) -> CheckReport:
    problems.extend(lint(Document(composition.compiled.project.read_html())))
    page = composition.first_page
    with page_answers():
        status, clips = await page.bridge.status(), await page.bridge.clips()
    plan = composition.make_plan()
    problems.extend(_page_problems(composition))
    declared = {
        "composition": composition.compiled.declared.composition_id,
        "title": composition.compiled.declared.title,
        "width": composition.spec.width,
        "height": composition.spec.height,
        "fps": str(composition.spec.fps),
        "duration": composition.compiled.declared.duration,
    }
    return CheckReport(
        source=str(composition.session.source),
        declared=declared,
        duration=plan.duration,
        frames=plan.frames,
        timelines=tuple(sorted(status.timelines)),
        clips=clips,
        sounds=tuple(
            f"{clip.label} from {clip.start:g} s, volume {clip.volume:g}, rate {clip.rate:g}"
            for clip in page.sounds.clips()
        ),
        problems=_sorted_unique(problems),
    )


def _page_problems(composition: OpenComposition) -> list[Problem]:
    page, session = composition.first_page, composition.session
    return [
        *(Problem(code, _ASSUMPTION_SEVERITY.get(code, "notice"), text) for code, text in composition.assumptions()),
        *(Problem("page_error", "error", f"A script of the page failed: {text}") for text in page.errors),
        *(Problem("missing_local_asset", "error", text) for text in session.log.missing.values()),
        *(Problem("inaccessible_media_url", "error", text) for text in session.media.warnings.values()),
        *(Problem("request_failed", "error", text) for text in session.log.refused.values()),
        *(Problem("other_version", "warning", text) for text in session.log.substituted.values()),
        *(Problem("composition", "warning", text) for text in (*composition.compiled.page.warnings, *page.warnings)),
        *(Problem("console", "warning", text) for text in page.console),
    ]


def _sorted_unique(problems: Sequence[Problem]) -> tuple[Problem, ...]:
    order = {"error": 0, "warning": 1, "notice": 2}
    return tuple(sorted(dict.fromkeys(problems), key=lambda problem: order[problem.severity]))


def as_text(report: CheckReport) -> str:
    """The report for people: declarations, the timeline as a chart and as a table, sounds, problems."""
    lines = [f"{report.source}"]
    if report.declared:
        declared = report.declared
        lines += [
            f'composition "{declared["composition"]}", {declared["width"]}x{declared["height"]}, '
            f"{declared['fps']} fps, {report.duration:g} s, {report.frames} frames",
            f"timelines: {', '.join(report.timelines) or 'none'}",
            "",
            *_chart(report),
            "",
            *_table(report),
        ]
        lines += [f"sound: {sound}" for sound in report.sounds]
    lines.append("")
    for problem in report.problems:
        where = f" ({problem.element}, line {problem.line})" if problem.line else ""
        lines.append(f"{problem.severity}: {problem.code}: {problem.message}{where} {problem.action}".rstrip())
    errors = sum(problem.severity == "error" for problem in report.problems)
    warnings = sum(problem.severity == "warning" for problem in report.problems)
    lines.append(f"{errors} errors, {warnings} warnings")
    return "\n".join(lines)


def _chart(report: CheckReport) -> list[str]:
    """A bar over time for each clip, in the order of the report's clips."""
    width = max((len(clip.name) for clip in report.clips), default=4)
    scale = _BAR_WIDTH / max(report.duration, 1e-9)
    lines = [f"{'track':>5} {'clip':<{width}} 0{'':<{_BAR_WIDTH - 8}}{report.duration:>7.2f}s"]
    for clip in report.clips:
        first = min(_BAR_WIDTH - 1, max(0, round(clip.start * scale)))
        end = report.duration if clip.end is None else clip.end
        last = min(_BAR_WIDTH, max(first + 1, round(end * scale)))
        bar = "." * first + "#" * (last - first) + "." * (_BAR_WIDTH - last)
        lines.append(f"{clip.track:>5} {clip.name:<{width}} {bar}")
    return lines


def _table(report: CheckReport) -> list[str]:
    lines = [f"{'start':>9} {'end':>9} {'track':>5}  clip"]
    for clip in report.clips:
        end = "end" if clip.end is None else f"{clip.end:.3f}"
        source = f" {clip.source}" if clip.source else ""
        lines.append(
            f"{clip.start:>9.3f} {end:>9} {clip.track:>5}  {clip.name} ({clip.kind} in {clip.composition}){source}"
        )
    return lines
