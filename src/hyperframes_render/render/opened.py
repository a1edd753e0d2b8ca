"""A composition that is open in a browser. It renders chunks, mixes sound, and makes plan and record."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from hyperframes_render.browser.capture import FrameCapture
from hyperframes_render.browser.page import CompositionPage
from hyperframes_render.composition.compile import CompiledPage, PageSpec
from hyperframes_render.composition.declared import Declared
from hyperframes_render.composition.source import Project
from hyperframes_render.media.encode import EncodeSpec, FrameEncoder
from hyperframes_render.media.sound_clip import SoundBus, SoundClip
from hyperframes_render.packages.root import packages_root
from hyperframes_render.problems import Problem, Severity
from hyperframes_render.render.pipeline import FrameStatistics, RangeRender, WorkerPool
from hyperframes_render.render.plan import Chunk, Plan, about_rootless, frames_to_render, length_of, whole_plan
from hyperframes_render.render.result import CaptureFacts, CaptureRecord
from hyperframes_render.render.sound import mix_for
from hyperframes_render.render.static import without_followers
from hyperframes_render.render.versions import versions
from hyperframes_render.render.worker import block_frames, start_worker
from hyperframes_render.sandbox.processes import processor_seconds

if TYPE_CHECKING:
    from hyperframes_render.media.sound_effects import Processor
    from hyperframes_render.render.session import Session

#: Severities of assumptions, by code. Others are notices.
ASSUMPTION_SEVERITY: dict[str, Severity] = {"length_by_default": "warning"}
#: Frames that one warning names.
MAX_NAMED_FRAMES = 5
#: Seconds of black that are reported. Less is a cut or a fade.
BLACK_SECONDS = 1
#: Seconds without a change during a tween that are reported. Less may be a slow tween or a gentle ease.
FROZEN_SECONDS = 1
#: The warning for a sound that a script played and that no script of the page announced.
_UNEXPECTED_SOUND = (
    "A script played a sound that was not expected, so it is not heard: create it with `new Audio` in a script of the "
    "page, or give the element a data-start."
)


@dataclass(frozen=True)
class CompiledProject:
    """A project whose page was compiled, with its declarations, the page's parameters, and the markup to serve."""

    project: Project
    declared: Declared
    spec: PageSpec
    page: CompiledPage
    #: What the files show without a browser, as far as no script is parsed.
    static: tuple[Problem, ...] = ()


@dataclass
class OpenComposition:
    """A composition that is open in its first browser: frames can be captured, sound can be mixed."""

    session: Session
    compiled: CompiledProject
    pool: WorkerPool
    #: Processor seconds of this process and its children before the browser was started.
    processor_before: float
    statistics: FrameStatistics = field(default_factory=FrameStatistics)

    @property
    def spec(self) -> PageSpec:
        """Size, frame rate and length of the page."""
        return self.compiled.spec

    @property
    def first_page(self) -> CompositionPage:
        """The page of the first browser. Length, content and sounds of the composition are read from it."""
        return self.pool.first.page

    @property
    def first_capture(self) -> FrameCapture:
        """The capture of the first browser."""
        return self.pool.first.capture

    async def render_chunk(self, plan: Plan, chunk: Chunk, path: Path, *, last: bool) -> None:
        """Capture and encode one chunk to `path`. With `last`, the browsers close while the encoder finishes."""
        spec = EncodeSpec(
            width=self.spec.device_width,
            height=self.spec.device_height,
            fps=plan.fps,
            frames=chunk.frames.count,
            content=plan.content,
            form=self.first_capture.form,
            first=chunk.frames.first,
            codec=plan.codec,
            quality=plan.quality,
            transparent=plan.transparent,
            video_size=(plan.width, plan.height),
            tags=self.tags(),
        )
        encoder = await asyncio.to_thread(FrameEncoder, spec, path, job=self.session.folder)
        block = block_frames(self.spec.device_width, self.spec.device_height, spec.form)
        try:
            await RangeRender(plan.seeks(chunk), self.pool, encoder, self.session.meter, self.statistics, block).run()
            closing = [self.pool.close()] if last else []
            await asyncio.gather(asyncio.to_thread(encoder.finish), *closing)
        except BaseException:
            encoder.abort()
            raise

    def _suspicious_stretches(self) -> Iterator[tuple[str, str]]:
        """Black stretches, and stretches without a change during a tween: code and sentence."""
        fps = self.spec.fps
        for first, end in self.statistics.black:
            if (end - first) / fps >= BLACK_SECONDS:
                yield (
                    "black_stretch",
                    f"The video is black from {float(first / fps):.2f} s to {float(end / fps):.2f} s.",
                )
        if self.statistics.different:
            frames = ", ".join(map(str, self.statistics.different[:MAX_NAMED_FRAMES]))
            yield (
                "browsers_differ",
                f"Two browsers drew frame {frames} differently: something in the page does not follow the video's time "
                "(docs/reference/clock.md). One browser (--workers 1) draws a video without jumps.",
            )
        for first, end in self.statistics.frozen:
            for start, to in self.first_page.tweened:
                # The first frame of a tween still shows the state before it, and the last frame the state after it.
                since, until = max(float((first + 1) / fps), start), min(float((end - 1) / fps), to)
                if until - since >= FROZEN_SECONDS:
                    yield (
                        "frozen_stretch",
                        f"Nothing moves from {since:.2f} s to {until:.2f} s, although a timeline has a tween then.",
                    )

    @property
    def has_effects(self) -> bool:
        """Whether the mix needs the browser: for effects on sounds, or to find when scripts play sounds."""
        return self.first_page.sounds.has_effects() or self.first_page.plays_sounds

    async def mix(self, plan: Plan, path: Path) -> Path | None:
        """Mix the sound of the whole video into `path` (.wav or .flac). Returns None if there is no sound."""
        sounds = await self._sounds(plan)
        audio = (SoundClip(self.session.audio, name="audio_url"),) if self.session.audio is not None else ()
        process: Processor | None = None
        if sounds.has_effects():
            # Imported here, because it imports numpy, as the mix does.
            from hyperframes_render.browser.effects import EffectsPage

            process = EffectsPage(self.first_page.chromium.browser, packages_root(), self.session.meter.heartbeat)
        members = (*((sounds,) if sounds.members else ()), *audio)
        mixed = await asyncio.to_thread(mix_for, plan, members, path, process)
        if mixed is None:
            return None
        for text in mixed.warnings:
            self.session.warn("sound", text)
        return mixed.path

    async def _sounds(self, plan: Plan) -> SoundBus:
        """The sounds of the video. Where scripts may play some, another browser runs the page to find when."""
        if not self.first_page.plays_sounds or plan.format.sound is None:
            return self.first_page.sounds
        session = self.session
        spec = session.worker_spec(self.compiled, await session.driver.ready())
        async with AsyncExitStack() as stack:
            worker = await start_worker(replace(spec, use_surface=False), stack, form=None)
            sounds = await worker.page.played_sounds(plan.first + plan.frames - 1, session.meter.heartbeat)
            for text in worker.page.warnings:
                session.warn("composition", text)
            return sounds

    def make_plan(self) -> Plan:
        """The plan of the whole video as one chunk."""
        opened = self.first_page
        frames = frames_to_render(self.spec, self.compiled.declared, opened.duration, self.session.request)
        return whole_plan(self.spec, self.session.request, frames, opened.content)

    def assumptions(self) -> tuple[tuple[str, str], ...]:
        """The assumptions about a page without a composition root, as (code, sentence)."""
        if not self.compiled.declared.rootless:
            return ()
        opened = self.first_page
        return tuple(about_rootless(length_of(self.spec, self.compiled.declared, opened.duration, opened.length_from)))

    def tags(self) -> tuple[tuple[str, str], ...]:
        """Title and comment of the file. The comment names the versions that reproduce it."""
        made_with = ", ".join(f"{name} {version}" for name, version in self.versions().items())
        title = (("title", self.compiled.declared.title[:200]),) if self.compiled.declared.title else ()
        return (*title, ("comment", made_with))

    def versions(self) -> dict[str, str]:
        """Versions of the programs that determine the frames."""
        return versions(packages_root(), self.first_page.chromium.browser.version)

    def _warn(self) -> None:
        """Add all warnings about the frames so far to the session, with the codes of `check`."""
        session = self.session
        for code, text in self.assumptions():
            session.warn(code, text, ASSUMPTION_SEVERITY.get(code, "notice"))
        for text in self.compiled.page.warnings:
            session.warn("composition", text)
        for worker in self.pool.workers:
            for text in worker.page.warnings:
                session.warn("composition", text)
            for text in worker.page.console:
                session.warn("console", text)
            for text in worker.page.errors:
                session.warn("page_error", f"A script of the page failed{self._when(text)}: {text}", "error")
            if worker.page.played_late and not self.first_page.plays_sounds:
                session.warn("sound", _UNEXPECTED_SOUND)
        reported = [text for worker in self.pool.workers for text in worker.page.errors]
        for text, frame in session.failed_at.items():
            if not any(other.startswith(text) for other in reported):
                session.warn("page_error", f"A script of the page failed at frame {frame}: {text}", "error")
        for lines, code, severity in _request_lines(session):
            for text in lines.values():
                session.warn(code, text, severity)
        for code, text in self._suspicious_stretches():
            session.warn(code, text)

    def _with_static(self, warnings: list[Problem]) -> tuple[Problem, ...]:
        """The warnings with the errors and warnings of the project's files, without those that follow from them."""
        static = [problem for problem in self.compiled.static if problem.severity != "notice"]
        return tuple(without_followers(static, warnings))

    def _when(self, error: str) -> str:
        """At which frame a script's error was raised, if a seek raised it."""
        frame = next((frame for text, frame in self.session.failed_at.items() if error.startswith(text)), None)
        return "" if frame is None else f" at frame {frame}"

    def record(self) -> CaptureRecord:
        """The frames captured so far, with capture paths, timings, warnings and versions."""
        session, browsers = self.session, self.pool.workers
        self._warn()
        meter = session.meter
        timings = {**meter.phases, "total": time.monotonic() - meter.started}
        if self.statistics.first_frame_at is not None:
            timings["first_frame"] = self.statistics.first_frame_at - meter.started
        reports = [worker.capture.report for worker in browsers]
        return CaptureRecord(
            capture=tuple(CaptureFacts(r.path.value, r.reason, r.captured, r.repeated, r.checks) for r in reports),
            timings={name: round(value, 3) for name, value in timings.items()},
            processor_seconds=round(processor_seconds() - self.processor_before, 2),
            slowest_frames=tuple(
                (frame, round(value, 3)) for value, frame in sorted(self.statistics.slowest, reverse=True)
            ),
            warnings=self._with_static(session.warnings),
            versions=self.versions(),
        )


def _request_lines(session: Session) -> tuple[tuple[Mapping[str, str], str, Severity], ...]:
    """The sentences about requests, by address, with the code and severity of each kind."""
    return (
        (session.log.missing, "missing_local_asset", "error"),
        (session.log.refused, "request_failed", "error"),
        (session.media.warnings, "inaccessible_media_url", "error"),
        (session.log.substituted, "other_version", "notice"),
    )
