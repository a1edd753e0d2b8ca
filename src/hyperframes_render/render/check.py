"""`check`: opens a composition without rendering it, and reports its declarations, its clips and its problems."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any
from urllib.parse import unquote, urlsplit

from hyperframes_render.browser.bridge import ClipTimes, page_answers
from hyperframes_render.composition.declared import root_of
from hyperframes_render.composition.lint import Problem
from hyperframes_render.composition.lint.source_file import SourceFile
from hyperframes_render.composition.source import Source, WebPage, open_project
from hyperframes_render.errors import MachineError, RenderError
from hyperframes_render.input import NetworkPolicy, RenderInput
from hyperframes_render.problems import with_place
from hyperframes_render.render.looks import PageLook, look_at_page
from hyperframes_render.render.looks.blank import blank_stretches, empty_clips, is_one_colour, one_colour
from hyperframes_render.render.looks.fonts import fallen_back, family_of, of_compile
from hyperframes_render.render.looks.heard import unheard
from hyperframes_render.render.looks.places import Sources, problem_of
from hyperframes_render.render.looks.slow import slow_problem
from hyperframes_render.render.looks.text_cut import text_cuts
from hyperframes_render.render.looks.unseen import unseen
from hyperframes_render.render.opened import ASSUMPTION_SEVERITY, OpenComposition
from hyperframes_render.render.progress import ProgressMeter
from hyperframes_render.render.session import open_session
from hyperframes_render.render.static import problems_of_project, static_problems, without_followers

#: The version of the report's shape.
SCHEMA = 1
#: Errors that are no reason for something not to be seen.
_NOT_SEEN = {
    *("volume_in_per_cent", "duplicate_media_id", "video_audio_double_source", "invalid_automation_json"),
    *("in_point_after_end",),
}
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

    @property
    def has_warnings(self) -> bool:
        """Whether there is a warning among the problems."""
        return any(problem.severity == "warning" for problem in self.problems)

    def as_dict(self) -> dict[str, Any]:
        """The report as a dict for JSON, with `schema` and `ok`."""
        problems = [problem.as_dict() for problem in self.problems]
        return {"schema": SCHEMA, **asdict(self), "problems": problems, "ok": self.ok}


async def check(source: Source, request: RenderInput, *, ceiling: NetworkPolicy = "public") -> CheckReport:
    """Open the composition and inspect it. Errors of the composition become problems of the report.

    `ceiling` limits what the page may load, whatever the request says.

    Raises a MachineError if this machine cannot open compositions.
    """
    problems: list[Problem] = []

    try:
        async with open_session(
            source, request, ProgressMeter(None), workers=1, ceiling=ceiling, marks=True
        ) as session:
            return await session.run(lambda composition: _inspect(composition, problems))
    except MachineError:
        raise
    except RenderError as error:
        static = await asyncio.to_thread(static_problems, source, request)
        own = with_place(Problem(error.code, "error", error.message, error.action))
        if not own.file:
            own = await asyncio.to_thread(_at_root, own, source, request)
        problems.extend(without_followers(static, [*problems, own]))
        return CheckReport(str(source), {}, 0.0, 0, (), (), (), _sorted_unique(problems))


def _at_root(problem: Problem, source: Source, request: RenderInput) -> Problem:
    """The problem with the place of the composition's root, or of the page that stands in the project's folder."""
    if isinstance(source, WebPage) or source.suffix.lower() == ".zip":
        return problem
    try:
        project = open_project(source, unpack_to=source, composition=request.composition)
        file = SourceFile(project.part or project.entry, project.read_html())
    except (RenderError, OSError):
        pages = sorted(source.glob("*.html")) if source.is_dir() else []
        return replace(problem, file=pages[0].name, line=1, column=1) if pages else problem
    root = root_of(file.document)
    line, column = file.place(root.start if root is not None else 0)
    return replace(problem, file=file.name, line=line, column=column)


async def _inspect(composition: OpenComposition, problems: list[Problem]) -> CheckReport:
    # The parser of scripts runs beside the browser.
    reading = asyncio.create_task(asyncio.to_thread(problems_of_project, composition.compiled.project))
    page = composition.first_page
    with page_answers():
        status, clips = await page.bridge.status(), await page.bridge.clips()
    plan = composition.make_plan()
    look = await look_at_page(composition, plan, clips)
    project = composition.compiled.project
    sources = Sources(project.root, project.entry)
    opened = [with_place(problem) for problem in _page_problems(composition, look, sources)]
    seen = await asyncio.to_thread(_of_look, composition, look, sources)
    static = await reading
    opened += [] if _is_followed(static, opened) else seen
    problems.extend(without_followers(static, opened))
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


def _page_problems(composition: OpenComposition, look: PageLook, sources: Sources) -> list[Problem]:
    page, session = composition.first_page, composition.session
    fell_back = {text: of_compile(text, sources) for text in composition.compiled.page.warnings}
    names = [text.split()[0] for text in (*session.log.missing.values(), *session.log.refused.values())]
    of_page = [text for text in page.warnings if not (text.startswith("The image ") and any(n in text for n in names))]
    warnings = [*(text for text, problem in fell_back.items() if problem is None), *of_page]
    fonts = [problem for problem in fell_back.values() if problem is not None]
    missing_fonts = list(fallen_back(look, fonts, sources))
    unloaded = {f"The font {family} cannot be loaded." for family in map(family_of, missing_fonts)}
    warnings = [text for text in warnings if text not in unloaded]
    return [
        *(Problem(code, ASSUMPTION_SEVERITY.get(code, "notice"), text) for code, text in composition.assumptions()),
        *(Problem("page_error", "error", _of_script(text, look), _SCRIPT_FIX) for text in page.errors),
        *(
            sources.problem_at(_asked(address), "missing_local_asset", "error", text, _ASSET_FIX)
            for address, text in session.log.missing.items()
            if not address.endswith(_OF_RUNTIME)
        ),
        *(Problem("inaccessible_media_url", "error", text) for text in session.media.warnings.values()),
        *(
            sources.problem_at(_asked(address), "request_failed", "error", text, _REQUEST_FIX)
            for address, text in session.log.refused.items()
        ),
        *(Problem("other_version", "notice", text) for text in session.log.substituted.values()),
        *_outside_addresses(session.log.answered),
        *(_warning(text, look) for text in warnings),
        *(Problem("console", "warning", text) for text in page.console),
        *fonts,
        *missing_fonts,
    ]


def _outside_addresses(answered: Mapping[str, str]) -> list[Problem]:
    """One notice that names what answers each address outside the project. Several files of a package count once."""
    if not answered:
        return []
    first: dict[str, str] = {}
    for address, by in answered.items():
        first.setdefault(address if by == "the network" else by, f"{address} by {by}")
    named = list(first.values())
    more = f"; and {len(named) - _MAX_ADDRESSES} more" if len(named) > _MAX_ADDRESSES else ""
    text = f"Addresses outside the project are answered: {'; '.join(named[:_MAX_ADDRESSES])}{more}."
    return [Problem("outside_addresses", "notice", text)]


#: Addresses that the notice of outside addresses names.
_MAX_ADDRESSES = 30
#: Files that the page runtime asks for, and that a project need not have.
_OF_RUNTIME = ("caption-overrides.json",)
_SCRIPT_FIX = "Correct the script: what a page draws after an error cannot be trusted."
_ASSET_FIX = "Add the file, or correct the path: it is relative to the HTML file."
_REQUEST_FIX = "Put the file into the project, or allow its host with --network."


def _of_script(text: str, look: PageLook) -> str:
    """What is said of a script's error, with the time at which it was raised where the video had begun."""
    at = f" at {look.errors[text]:.2f} s" if look.errors.get(text) else ""
    return f"A script of the page failed{at}: {text}"


def _asked(address: str) -> str:
    """A regular expression for what asks for an address: as it is written, or its last part."""
    path = unquote(urlsplit(address).path).lstrip("/")
    names = dict.fromkeys([address, path, path.rsplit("/", 1)[-1]])
    return "|".join(re.escape(name) for name in names if name) or r"(?!)"


def _warning(text: str, look: PageLook) -> Problem:
    """A warning of the page; that of a missing timeline stands at the root."""
    if text.startswith("No timeline is registered"):
        return problem_of(look.found["root"], "composition", "warning", text, _TIMELINE_FIX)
    return Problem("composition", "warning", text)


_TIMELINE_FIX = "Register one on window.__timelines, or give the root data-no-timeline."


def _of_look(composition: OpenComposition, look: PageLook, sources: Sources) -> list[Problem]:
    """What was seen and heard. Where the whole video is one colour, its cause says all that can be said."""
    sounds = composition.first_page.sounds
    heard = list(unheard(look, sounds.clips()))
    if is_one_colour(look, sounds=bool(sounds.members)):
        return [one_colour(look, sources), *heard]
    hidden = list(unseen(look, sources))
    slow = [slow_problem(look.slow, composition.spec.fps, look.found["root"])] if look.slow else []
    return [*hidden, *text_cuts(look), *blank_stretches(look), *empty_clips(look, hidden), *heard, *slow]


def _is_followed(static: Sequence[Problem], opened: Sequence[Problem]) -> bool:
    """Whether an error is known that may be the reason for what is not seen."""
    errors = {problem.code for problem in (*static, *opened) if problem.severity == "error"}
    return bool(errors - _NOT_SEEN)


def _sorted_unique(problems: Sequence[Problem]) -> tuple[Problem, ...]:
    order = {"error": 0, "warning": 1, "notice": 2}
    return tuple(sorted(dict.fromkeys(problems), key=lambda problem: order[problem.severity]))


def as_text(report: CheckReport) -> str:
    """What the page is, for people: declarations, the timeline as a chart and as a table, sounds."""
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
