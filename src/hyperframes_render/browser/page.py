"""A composition in the browser: loaded, ready, and seekable frame by frame."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import wave
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import unquote, urlsplit

from playwright.async_api import ConsoleMessage, Error, Request

from hyperframes_render.browser.bridge import Graph, PageBridge, PageStatus, SeekAnswer, page_answers
from hyperframes_render.browser.chromium import FRAME_TIMEOUT, LOAD_CLOCK_START, Chromium
from hyperframes_render.browser.interceptor import ORIGIN, OWN_PREFIX, RequestInterceptor
from hyperframes_render.browser.media import PageVideos
from hyperframes_render.browser.scripts import script_text
from hyperframes_render.composition.compile import PageSpec
from hyperframes_render.composition.declared import PAGE_ID, needs_webgpu
from hyperframes_render.composition.scripts import PLACE_SCHEME
from hyperframes_render.errors import (
    BrowserFailed,
    CodeUnavailable,
    PageNotReady,
    PageScriptFailed,
    PageUnresponsive,
)
from hyperframes_render.formats import Content
from hyperframes_render.media.sound_clip import SoundBus, SoundClip
from hyperframes_render.paths import file_inside

#: Seconds for the document and its scripts to load, and for the page runtime to say that it is ready.
LOAD_TIMEOUT = 45.0
#: What libraries say of their own builds: of no interest for a video.
_OF_LIBRARY = re.compile(r"should not be used in production|in-browser Babel transformer|development build of Vue")
#: Seconds to wait for images and fonts once the page is ready.
SETTLE_TIMEOUT = 45.0
#: Seconds without open requests to wait for scripts that register a timeline late. Scripts that never mention one are
#: not waited for.
LATE_TIMELINE = 3.0
#: The same if some compositions have a timeline and others do not, which is legal.
QUIET = 0.3
#: Maximum animation frames at time 0 for a page that registers a timeline late: some pages register it in an animation
#: frame, or in a nested one, once everything is loaded.
SET_UP_FRAMES = 10
#: Maximum rounds of timers that register a timeline, or set another timer that does.
SET_UP_ROUNDS = 5
#: Animation frames in which a page may begin to move, if its length is unknown otherwise: a class that is set in a
#: nested animation frame starts a CSS animation.
FIRST_MOVE_FRAMES = 2
#: Maximum seconds that one poll of the page adds to the quiet time: a busy machine must poll as often as an idle one.
_QUIET_STEP = 0.05
#: While a page loads it gets animation ticks at this interval (milliseconds).
TICK_MS = 33.0
#: Milliseconds that the frame clock moves in each of these ticks: hardly, since the browser's animations must not run
#: before the video begins.
TICK_STEP = 0.002
#: The frame clock at frame 0, in milliseconds: later than any tick of the loading, and the same in every browser, so
#: that a frame does not depend on which browser draws it.
FRAME_CLOCK_START = LOAD_CLOCK_START + 1_000.0
MAX_CONSOLE_LINES = 20
MAX_ERRORS = 50
#: Maximum project scripts that are searched for timelines, and maximum bytes of one.
MAX_SCRIPTS_READ = 100
MAX_SCRIPT_BYTES = 4 * 1024**2
#: Samples of a Web Audio graph that are read in one call.
GRAPH_PIECE = 480_000
#: Mean characters of a line above which a script counts as minified.
MAX_MEAN_LINE = 300
#: A script that makes a sound, and one that plays something.
_NEW_SOUND = re.compile(
    r"\bnew\s+(?:window\.)?Audio\b|\bcreateElement\(\s*[\"'`](?:audio|video)\b|\bHowl\b|AudioContext\b"
)
_PLAY = re.compile(r"\.play\s*\(")
#: Scripts that run before any script of the page, in this order; bridge.js follows.
_SCRIPTS = (
    *("transitions", "elements", "grading", "clock", "timers", "scope", "animations", "animation-api", "lanes"),
    *(
        "media-elements",
        "timing",
        "playback",
        "video-frames",
        "sounds",
        "clips",
        "tweens",
        "edits",
        "length",
        *("loading", "outside", "web-audio"),
    ),
)
#: The addresses in the lines of an error's stack.
_STACK_PLACE = re.compile(rf"^\s+at .*?((?:https?:|blob:|data:|{PLACE_SCHEME})[^\s)]*)", re.MULTILINE)


def _project_place(origin: str) -> re.Pattern[str]:
    """Matches project addresses in a stack: a file that the page loaded, or an inline script that runs late."""
    late = rf"{PLACE_SCHEME}(?P<file>[^\s@)]*)@(?P<first>\d+):(?P<line>\d+):(?P<column>\d+)"
    return re.compile(rf"{re.escape(origin)}/(?P<loaded>[^\s)]+)|{late}")


#: What the browser puts before the message if the page runtime inserted the script.
_INSERTED = re.compile(r"^Failed to execute '\w+' on '\w+': ")
_PHOTOGRAPH_INLINE = re.compile(r"data:image/(jpe?g|webp|avif)[;,]")


@dataclass
class CompositionPage:
    """A page that is ready: `seek` moves it to a frame; `duration` is its length in seconds (0: unknown)."""

    chromium: Chromium
    interceptor: RequestInterceptor
    spec: PageSpec
    duration: float = 0.0
    #: The source of the length if neither composition nor caller declares it: clips, timelines or animations.
    length_from: str = ""
    #: Seconds in which a tween runs; None: unknown. The page is likely to stand still in the others.
    moving: float | None = None
    #: (start, end) ranges in seconds in which an element is tweened.
    tweened: tuple[tuple[float, float], ...] = ()
    #: Kind of the frames' content; it selects the encoder profile.
    content: Content = Content.GRAPHICS
    warnings: list[str] = field(default_factory=list)
    console: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    #: Paths of the requested project scripts, relative to the project folder.
    script_files: set[str] = field(default_factory=set)
    #: Whether HTML is drawn into canvases: drawings of their paint events appear in the next frame.
    draws_elements: bool = False
    #: Whether scripts wait for something that the last seek made them request.
    loading: bool = False
    #: The sounds of the video.
    sounds: SoundBus = field(default_factory=SoundBus)
    #: Whether scripts may play sounds: `played_sounds` finds when.
    plays_sounds: bool = False
    #: Whether a script has played one since the video began.
    played_late: bool = False
    bridge: PageBridge = field(init=False)
    videos: PageVideos = field(init=False)

    def __post_init__(self) -> None:
        self.bridge = PageBridge(self.chromium)
        self.videos = PageVideos(self.interceptor.media, self.spec.fps, self.warn)

    def warn(self, text: str) -> None:
        """Keep a warning, once."""
        if text not in self.warnings:
            self.warnings.append(text)

    async def seek(self, frame: int) -> list[str]:
        """Move the page and its videos to the time of `frame`; return the errors that its scripts raised.

        Raises PageScriptFailed or BrowserFailed.
        """
        seconds = float(frame / self.spec.fps)
        with page_answers():
            answer = await self.bridge.seek(seconds)
            while answer.unfinished:
                await self._pause(answer)
                answer = await self.bridge.seek(seconds)
            if answer.videos:
                images = await self.videos.images(answer.videos)
                answer = await self.bridge.show(images, seconds)
            self.check_requests()
            self.loading = answer.loading
            self.played_late = self.played_late or answer.played
            for text in answer.warnings:
                self.warn(text)
            return list(answer.errors)

    async def glance(self, frame: int) -> None:
        """Move the page to the time of `frame`, which may be an earlier one, without new images of its videos.

        For a look at elements: nothing may be captured afterwards. Raises PageScriptFailed or BrowserFailed.
        """
        seconds = float(frame / self.spec.fps)
        with page_answers():
            answer = await self.bridge.seek(seconds)
            while answer.unfinished:
                await self._pause(answer)
                answer = await self.bridge.seek(seconds)
            if answer.videos:
                await self.bridge.show([], seconds)

    def check_requests(self) -> None:
        """Raise an error if a request makes what the page shows from then on wrong.

        PageScriptFailed: it tried to open another page. CodeUnavailable: a script, module or style sheet from outside
        could not be loaded, also one that a script added while the video ran.
        """
        if self.interceptor.log.code and not self.spec.lenient_scripts:
            _raise_missing_code(self)
        if self.interceptor.left_for and not self.spec.lenient_scripts:
            raise PageScriptFailed(
                self.interceptor.left_for, "Remove the script or link that opens another page, or render that page."
            )

    async def _pause(self, stop: SeekAnswer) -> None:
        """On the way to a frame: let the browser send its events, and wait for what the page asked for."""
        ahead = self.ticks(stop.time * self.spec.fps) - self.chromium.ticks
        if ahead >= TICK_STEP:  # the browser waits for ever for a time that is no later
            await self.chromium.tick(ahead)
        if stop.loading or self.interceptor.open_requests:
            await self.settled()

    def ticks(self, frame: float) -> float:
        """The frame clock at `frame`, in milliseconds."""
        return FRAME_CLOCK_START + frame * float(1000 / self.spec.fps)

    async def played_sounds(self, last: int, heartbeat: Callable[[], None]) -> SoundBus:
        """Run the page through the video up to frame `last`; return its sounds, with those that scripts played.

        The frames are not drawn, and the page cannot be used for earlier frames afterwards. `heartbeat` is called to
        report progress. Raises PageScriptFailed or BrowserFailed.
        """
        seconds = float(last / self.spec.fps)
        with page_answers():
            answer = await self.bridge.seek(seconds)
            while answer.unfinished:
                heartbeat()
                await self._pause(answer)
                answer = await self.bridge.seek(seconds)
            if answer.videos:
                answer = await self.bridge.show([], seconds)
            if answer.loading or self.interceptor.open_requests:
                await self.settled()
            played = await self.bridge.played(float((last + 1) / self.spec.fps), self.interceptor.media.path)
            graphs = [await self._graph(index, graph) for index, graph in enumerate(played.graphs)]
        for text in played.warnings:
            self.warn(text)
        return replace(played.sounds, members=(*played.sounds.members, *graphs))

    async def _graph(self, index: int, graph: Graph) -> SoundClip:
        """The sound of a Web Audio graph as a file."""
        folder = self.interceptor.media.folder
        folder.mkdir(exist_ok=True)
        path = folder / f"web-audio-{index}.wav"
        with wave.open(str(path), "wb") as file:
            file.setnchannels(2)
            file.setsampwidth(2)
            file.setframerate(graph.rate)
            for first in range(0, graph.count, GRAPH_PIECE):
                data = await self.bridge.samples(index, first, min(first + GRAPH_PIECE, graph.count))
                await asyncio.to_thread(file.writeframes, data)
        return SoundClip(path, start=graph.start, name="Web Audio")

    async def painted(self) -> bool:
        """Finish what waits for the paint after a seek, if HTML is drawn into canvases.

        True: the frame is complete only after another paint, and `blend`. Raises PageScriptFailed.
        """
        with page_answers():
            return await self.bridge.painted()

    async def blend(self) -> None:
        """Draw a shader transition from its two painted scenes. Raises PageScriptFailed."""
        with page_answers():
            await self.bridge.blend()

    async def settled(self) -> None:
        """Wait until everything that the last seek requested has arrived."""
        await self.interceptor.idle(SETTLE_TIMEOUT)
        await self.bridge.settled()
        self.loading = False


async def open_composition(chromium: Chromium, interceptor: RequestInterceptor, spec: PageSpec) -> CompositionPage:
    """Load the composition that `interceptor` serves and wait until it can be seeked.

    Raises PageScriptFailed, PageNotReady or BrowserFailed.
    """
    page = CompositionPage(chromium, interceptor, spec)
    _listen(page)
    await interceptor.guard(chromium.context)
    for part in (*(("marks",) if spec.marks else ()), *_SCRIPTS):
        await chromium.context.add_init_script(script_text(f"{part}.js"))
    known_length = float(spec.duration or spec.declared_duration or 0)
    if spec.rootless:
        known = {"id": PAGE_ID, "duration": spec.duration or spec.declared_duration}
        await chromium.context.add_init_script(f"({script_text('rootless.js')})({json.dumps(known)})")
    await chromium.context.add_init_script(f"({script_text('bridge.js')})({float(spec.fps)!r}, {known_length!r})")
    try:
        async with _ticking(chromium):
            with page_answers():
                await _load(page)
                await _wait_until_ready(page)
                await _settle(page)
                await _register_late_timelines(page)
                await _measure(page)
                spans = await page.bridge.moving_spans(elements_only=False)
                page.moving = None if spans is None else sum(end - start for start, end in spans)
                page.tweened = await page.bridge.moving_spans(elements_only=True) or ()
                page.content = await _content(page)
                page.sounds = await page.bridge.sounds(interceptor.media.path)
                page.plays_sounds = await _plays_sounds(page)
    except PageUnresponsive:
        if page.errors:
            _raise_script_error(page)
        raise PageNotReady(
            f"The page did not respond within {LOAD_TIMEOUT:g} s while it got ready.",
            "Look for an endless loop in its scripts.",
        ) from None
    return page


def _listen(page: CompositionPage) -> None:
    def on_console(message: ConsoleMessage) -> None:
        # The interceptor reports what it refused.
        known = message.text.startswith("Failed to load resource") or _OF_GL.search(message.text)
        known = known or _OF_LIBRARY.search(message.text)
        if message.type in ("error", "warning") and not known and len(page.console) < MAX_CONSOLE_LINES:
            page.console.append(f"console {message.type}: {_without_origin(message.text, page)}")

    def on_error(error: Error) -> None:
        if _does_not_parse(error, page):
            return  # on_exception knows the place
        if why := _why_harmless(error, page):
            if len(page.warnings) < MAX_ERRORS:
                page.warn(f"{why}: {_describe(error, page)}.")
        elif len(page.errors) < MAX_ERRORS:
            page.errors.append(_describe(error, page))

    def on_request(request: Request) -> None:
        path = unquote(urlsplit(request.url).path)
        of_project = page.interceptor.address is None and request.url.startswith(ORIGIN)
        if request.resource_type == "script" and of_project and not path.startswith(OWN_PREFIX):
            page.script_files.add(path.removeprefix("/"))

    def on_exception(event: dict[str, Any]) -> None:
        if (found := _syntax_error(event["exceptionDetails"], page)) and len(page.errors) < MAX_ERRORS:
            page.warn(f"A script of the page failed: {found}.") if page.spec.lenient_scripts else page.errors.append(
                found
            )

    page.chromium.devtools.on("Runtime.exceptionThrown", on_exception)
    page.chromium.page.on("request", on_request)
    page.chromium.page.on("console", on_console)
    page.chromium.page.on("pageerror", on_error)
    page.chromium.page.on("dialog", lambda dialog: dialog.dismiss())


@contextlib.asynccontextmanager
async def _ticking(chromium: Chromium) -> AsyncIterator[None]:
    """Advance the frame clock in the background: some libraries wait for a frame before they are ready."""

    stop = asyncio.Event()

    async def tick() -> None:
        while not stop.is_set():
            await chromium.tick(TICK_STEP)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), TICK_MS / 1000)

    ticking = asyncio.create_task(tick())
    try:
        yield
        # A frame must not begin during a tick, so wait for the last tick.
        stop.set()
        await asyncio.wait({ticking}, timeout=FRAME_TIMEOUT)
    finally:
        ticking.cancel()
        with contextlib.suppress(asyncio.CancelledError, Error):
            await ticking


async def _load(page: CompositionPage) -> None:
    try:
        await page.chromium.devtools.send("Runtime.enable")
        await page.chromium.page.goto(page.interceptor.url, wait_until="domcontentloaded", timeout=LOAD_TIMEOUT * 1000)
    except Error as error:
        if page.errors:
            _raise_script_error(page)
        if "Timeout" in str(error):
            raise PageNotReady(
                f"The page was not ready in time: it did not load within {LOAD_TIMEOUT:g} s.",
                "Look for an endless loop in its scripts.",
            ) from None
        if not page.chromium.browser.is_connected() or "crash" in str(error).lower():
            raise BrowserFailed("The browser died while the page loaded.", "Try again.") from error
        raise PageNotReady(f"The page could not be loaded: {str(error).splitlines()[0][:200]}.") from error


async def _wait_until_ready(page: CompositionPage) -> None:
    """Poll until the page runtime is ready and every expected timeline is registered, or has had its time."""
    loop = asyncio.get_running_loop()
    started = looked = loop.time()
    quiet = 0.0
    grace: float | None = None
    set_up = 0
    status: PageStatus | None = None
    while loop.time() - started < LOAD_TIMEOUT:
        status = await _status(page)
        still = _is_still(page, status)
        passed, looked = loop.time() - looked, loop.time()
        quiet += min(passed, _QUIET_STEP) if still else 0
        if status.player and status.ready and not status.blocked:
            if not status.missing:
                return
            if still and grace is None:
                grace, quiet = await _grace(page, status), 0.0
            if still and grace == LATE_TIMELINE and set_up < SET_UP_FRAMES and status.frame_wanted:
                set_up += 1
                await page.bridge.draw_first_frame(timeout=LOAD_TIMEOUT)
            if still and grace is not None and quiet >= grace:
                if not status.timelines and not page.spec.rootless:
                    page.warnings.append(_no_timeline(status))
                return
        if still and grace == LATE_TIMELINE and status.next_timer is not None:
            await page.bridge.pass_time(status.time + passed * 1000, timeout=LOAD_TIMEOUT)
        await asyncio.sleep(0.01)
    raise PageNotReady(f"The page was not ready within {LOAD_TIMEOUT:g} s: {_what_is_missing(status, page)}.")


async def _register_late_timelines(page: CompositionPage) -> None:
    """Run the timers that register further timelines, where the page is ready without them."""
    for _ in range(SET_UP_ROUNDS):
        if not await page.bridge.run_set_up_timers(timeout=LOAD_TIMEOUT):
            return
        await page.interceptor.idle(SETTLE_TIMEOUT)
        await page.bridge.settled()
        await _settle(page)


async def _measure(page: CompositionPage) -> None:
    """Find the length of the page from its content.

    A page without a composition root whose length is unknown gets a few animation frames: many begin to move in one.
    """
    length = await page.bridge.length()
    known = page.spec.duration or page.spec.declared_duration or length.seconds
    if page.spec.rootless and not known:
        for _ in range(FIRST_MOVE_FRAMES):
            await page.bridge.draw_first_frame(timeout=LOAD_TIMEOUT)
        await _settle(page)
        length = await page.bridge.length()
    page.duration, page.length_from = length.seconds, length.source


async def _status(page: CompositionPage) -> PageStatus:
    """How far the page has come. Raises PageScriptFailed if one of its scripts failed, or InvalidComposition."""
    status = await page.bridge.status(timeout=LOAD_TIMEOUT)
    if status.webgpu:
        raise needs_webgpu(f"The sub-composition {status.webgpu[:60]}")
    page.check_requests()
    if page.errors:
        _raise_script_error(page, gsap=status.gsap)
    return status


def _raise_missing_code(page: CompositionPage) -> NoReturn:
    """Raise CodeUnavailable for the scripts and style sheets from outside that could not be loaded."""
    lines = list(page.interceptor.log.code.values())
    more = f" {len(lines) - 1} more are missing, too." if len(lines) > 1 else ""
    raise CodeUnavailable(
        f"A script or style sheet of the page could not be loaded: {lines[0]}{more}",
        "Use a library of docs/reference/libraries.md, put the file into the project, or allow its host (network).",
    )


def _is_still(page: CompositionPage, status: PageStatus) -> bool:
    """Whether the document is loaded and no request is open."""
    return status.document_complete and page.interceptor.open_requests == 0 and not status.loading


async def _scripts(page: CompositionPage) -> list[str]:
    """The text of the scripts in the page that mention timelines, and of the script files of its project or origin."""
    inline = await page.bridge.timeline_scripts()
    in_files = await asyncio.to_thread(_texts, page.interceptor.root, sorted(page.script_files))
    return [inline, *in_files, *page.interceptor.timeline_scripts]


async def _grace(page: CompositionPage, status: PageStatus) -> float:
    """Seconds to wait for the missing timelines: longer if a script mentions them."""
    scripts = await _scripts(page)
    if not status.timelines:
        return LATE_TIMELINE if any("__timelines" in text for text in scripts) else 0.0
    names = "|".join(re.escape(name) for name in status.missing)
    promised = re.compile(rf"""__timelines\s*(?:\.\s*|\[\s*["'`])(?:{names})(?:["'`]\s*\]|\b)\s*=(?!=)""")
    return LATE_TIMELINE if any(promised.search(text) for text in scripts) else QUIET


async def _plays_sounds(page: CompositionPage) -> bool:
    """Whether scripts may play a sound that no clip describes."""
    if await page.bridge.plays_sounds():
        return True
    texts = await asyncio.to_thread(_texts, page.interceptor.root, sorted(page.script_files))
    # Minified libraries mention everything.
    texts = [text for text in texts if len(text) < (text.count("\n") + 1) * MAX_MEAN_LINE]
    if any(_NEW_SOUND.search(text) for text in texts):
        return True
    return any(_PLAY.search(text) for text in texts) and await page.bridge.has_free_media()


def _texts(root: Path, names: list[str]) -> list[str]:
    files = (file_inside(root, name) for name in names[:MAX_SCRIPTS_READ])
    return [
        file.read_text("utf-8", errors="replace")
        for file in files
        if file is not None and file.stat().st_size <= MAX_SCRIPT_BYTES
    ]


async def _content(page: CompositionPage) -> Content:
    if page.interceptor.photographs or _PHOTOGRAPH_INLINE.search(page.interceptor.html):
        return Content.PHOTOGRAPHIC
    return Content.PHOTOGRAPHIC if await page.bridge.has_canvas_or_video() else Content.GRAPHICS


def _no_timeline(status: PageStatus) -> str:
    if status.animated:
        return "No timeline is registered on window.__timelines: only CSS and Web Animations move."
    return "No timeline is registered on window.__timelines: only the clips' start and end times change the video."


def _what_is_missing(status: PageStatus | None, page: CompositionPage) -> str:
    if page.interceptor.open_requests:
        return f"{page.interceptor.open_requests} of its requests are still open"
    if status is None or not status.player:
        return "the page runtime did not start"
    if status.pending_media:
        return f"{status.pending_media} of its videos and sounds are not loaded"
    if status.pending_parts:
        return f"{status.pending_parts} sub-compositions are not inserted"
    if status.pending_transitions:
        return "its shader transitions did not start"
    return "the page runtime did not say that it is ready"


async def _settle(page: CompositionPage) -> None:
    """Wait until images are decoded and fonts are loaded. Failures are warnings."""
    try:
        settled = await page.bridge.settle(timeout=SETTLE_TIMEOUT)
    except PageUnresponsive:
        page.warn(f"Images or fonts were not ready within {SETTLE_TIMEOUT:g} s; rendered without them.")
        return
    page.draws_elements = settled.draws_elements
    for source in settled.failed_images:
        page.warn(f"The image {_without_origin(source, page)} cannot be shown.")
    for family in settled.failed_fonts:
        page.warn(f"The font {family} cannot be loaded.")
    if page.errors:
        _raise_script_error(page)


#: Harmless WebGL messages: capture reads WebGL's pixels back, and a video has no image before its first frame.
_OF_GL = re.compile(r"GL Driver Message|texImage2D: no video")

#: Errors of scripts that use a missing GSAP. The page runtime defines the name `gsap`, so they find undefined and not a
#: missing name.
_GSAP_WAS_USED = re.compile(r"of undefined \(reading '(timeline|to|from|fromTo|set|registerPlugin|defaults|utils)'\)")


def _raise_script_error(page: CompositionPage, *, gsap: bool = True) -> None:
    first = page.errors[0]
    if not gsap:
        first = _GSAP_WAS_USED.sub(r"of gsap, which is not defined (reading '\1')", first)
    action = "Render stopped: what a page draws after an error cannot be trusted."
    if missing := re.search(r"(\w+)(?:, which)? is not defined", first):
        name = missing[1]
        absent = [line for line in page.interceptor.log.warnings() if name.lower() in line.lower()]
        action = absent[0] if absent else f"Load the library that defines {name} before the script that uses it."
    raise PageScriptFailed(f"A script of the page failed: {first}.", action)


def _why_harmless(error: Error, page: CompositionPage) -> str | None:
    """The warning for an error after which the render continues, as in the official renderer.

    None: a script of the project failed, or the origin of the error is unknown.
    """
    stack = error.stack or ""
    if page.spec.lenient_scripts:
        return "A script of the page failed"
    if error.message.endswith("has already been declared"):
        return None  # the script did not start, so its error has no stack
    if error.name and not stack:
        # Errors of scripts have a stack; promises that the browser rejects have none.
        return "Something that the page asked the browser for failed, and no script took notice"
    places = _STACK_PLACE.findall(stack)
    if places and all(_is_foreign(place, page.interceptor.origin) for place in places):
        return "A script that is not of the project failed"
    return None


def _does_not_parse(error: Error, page: CompositionPage) -> bool:
    """Whether a script could not be parsed: no script of the project is in the error's stack."""
    return error.name == "SyntaxError" and not _project_place(page.interceptor.origin).search(error.stack or "")


def _syntax_error(details: dict[str, Any], page: CompositionPage) -> str | None:
    """A SyntaxError of a script of the project that does not parse, with its place. None: it is another error.

    `details` is DevTools' Runtime.ExceptionDetails, with lines and columns from 0.
    """
    description = str(details.get("exception", {}).get("description", ""))
    frames = details.get("stackTrace", {}).get("callFrames", ())
    of_project = [frame for frame in frames if not _is_foreign(str(frame["url"]), page.interceptor.origin)]
    url = str(details.get("url", ""))
    if not description.startswith("SyntaxError: ") or details.get("text") != "Uncaught" or of_project:
        return None
    if not url or _is_foreign(url, page.interceptor.origin):
        return None
    message = _INSERTED.sub("", description.removeprefix("SyntaxError: ").splitlines()[0])
    place = f"{url}:{int(details['lineNumber']) + 1}:{int(details['columnNumber']) + 1}"
    return _describe_at(f"SyntaxError: {message}", f"    at {place}", page)


def _is_foreign(address: str, origin: str) -> bool:
    return address.startswith("http") and (
        not address.startswith(f"{origin}/") or address.startswith(f"{origin}{OWN_PREFIX}")
    )


def _describe(error: Error, page: CompositionPage) -> str:
    """The error's message and the file, line and column where it was raised."""
    return _describe_at((error.message or str(error)).splitlines()[0], error.stack or "", page)


def _describe_at(message: str, stack: str, page: CompositionPage) -> str:
    message = message[:160]
    place = _project_place(page.interceptor.origin).search(stack)
    if place is None:
        return message
    if place["loaded"]:
        return f"{message} (in {_without_origin(place['loaded'], page)})"
    file = place["file"] or urlsplit(page.interceptor.url).path.lstrip("/")
    line = int(place["first"]) + int(place["line"]) - 1
    return f"{message} (in {unquote(file)[:200]}:{line}:{place['column']})"


def _without_origin(text: str, page: CompositionPage) -> str:
    return text.replace(page.interceptor.origin + "/", "")[:200]
