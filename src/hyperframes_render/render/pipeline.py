"""Several browsers feed one encoder: blocks of frames are captured side by side and encoded in order."""

from __future__ import annotations

import asyncio
import heapq
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field

from hyperframes_render.browser.capture import Picture
from hyperframes_render.browser.driver import BrowserDriver
from hyperframes_render.formats import even
from hyperframes_render.media.encode import FrameEncoder
from hyperframes_render.media.pictures import PictureForm
from hyperframes_render.render.chunking import ENCODE_SECONDS_PER_PIXEL
from hyperframes_render.render.plan import FrameRange
from hyperframes_render.render.progress import ProgressMeter
from hyperframes_render.render.worker import FrameWorker

#: Another browser pays where capturing takes one browser this many seconds longer than the encoder needs, which
#: wants a processor of its own: starting a browser costs about half a second (docs/reference/performance.md).
WORTH_ANOTHER_WORKER = 1.0
#: Frames before the pace is believed.
PACE_FRAMES = 6
SLOWEST_KEPT = 5
#: Frames after which a picture that stands is sent to the encoder again: 0.2 s of its work, 1 ms to send.
SEND_AGAIN = 6
#: Frames of the last blocks: a browser that is done waits for this many at most, and so does the encoder, whereas each
#: block costs the frame that is rolled in before it.
SHORTEST_BLOCK = 4
_BLACK, _SAMPLES = 18, 2000


def blocks_of(frames: FrameRange, longest: int, workers: int) -> list[FrameRange]:
    """The shares that are handed out to `workers` browsers: `longest` frames at first, shorter ones towards the end.

    Every browser gets another share after that (guided self-scheduling, Polychronopoulos and Kuck 1987).
    """
    blocks = []
    first = frames.first
    while first < frames.end:
        share = (frames.end - first) // (workers + 1)
        length = min(longest, max(SHORTEST_BLOCK, share), frames.end - first)
        blocks.append(FrameRange(first, length))
        first += length
    return blocks


@dataclass
class FrameStatistics:
    """How long frames took to capture, in seconds; the slowest are kept."""

    slowest: list[tuple[float, int]] = field(default_factory=list)
    first_picture_at: float | None = None
    #: Stretches of black frames, and of frames that show one picture: first, and the one after the last.
    black: list[list[int]] = field(default_factory=list)
    frozen: list[list[int]] = field(default_factory=list)
    _last_black: bool = False

    def note(self, frame: int, seconds: float) -> None:
        """One frame was captured."""
        if self.first_picture_at is None:
            self.first_picture_at = time.monotonic()
        heapq.heappush(self.slowest, (seconds, frame))
        if len(self.slowest) > SLOWEST_KEPT:
            heapq.heappop(self.slowest)

    def shown(self, frame: int, *, same: bool, planes: bytes | None, luma_bytes: int) -> None:
        """`frame` shows a picture: the `same` as the frame before, or `planes`, whose first `luma_bytes` are luma.

        None: it is not planes that are encoded, and black is not looked for.
        """
        if same and self.frozen and self.frozen[-1][1] == frame:
            self.frozen[-1][1] = frame + 1
        else:
            if self.frozen and self.frozen[-1][1] - self.frozen[-1][0] == 1:
                self.frozen.pop()  # a picture of one frame moves
            self.frozen.append([frame, frame + 1])
        if planes is None:
            return
        black = self._last_black if same else is_black(planes, luma_bytes)
        self._last_black = black
        if not black:
            return
        if self.black and self.black[-1][1] == frame:
            self.black[-1][1] = frame + 1
        else:
            self.black.append([frame, frame + 1])


def is_black(planes: bytes, luma_bytes: int) -> bool:
    """Whether no pixel is brighter than video black (16) by more than an encoder's noise."""
    # A sample first, without a copy of the rest: most pictures are not black, and show it at once.
    if max(planes[: luma_bytes : max(1, luma_bytes // _SAMPLES)]) > _BLACK:
        return False
    return not planes[:luma_bytes].strip(bytes(range(_BLACK + 1)))


@dataclass
class WorkerPool:
    """The browsers of a render: one at first, more where the work is worth it."""

    first: FrameWorker
    limit: int
    start_another: Callable[[AsyncExitStack], Awaitable[FrameWorker]]
    stack: AsyncExitStack
    #: Start them all at once, because the caller gave their number.
    eager: bool
    driver: BrowserDriver
    workers: list[FrameWorker] = field(default_factory=list)
    starting: int = 0

    def __post_init__(self) -> None:
        self.workers.append(self.first)

    async def close(self) -> None:
        """End all browsers and their driver: the last frame is captured."""
        await self.stack.aclose()
        await self.driver.stop()


class RangeRender:
    """Renders one range of frames into one encoder."""

    def __init__(
        self,
        frames: FrameRange,
        pool: WorkerPool,
        encoder: FrameEncoder,
        meter: ProgressMeter,
        statistics: FrameStatistics,
        block: int,
    ) -> None:
        """`block`: frames that a browser takes at a time, at most."""
        self._frames, self._pool, self._encoder = frames, pool, encoder
        self._meter, self._statistics = meter, statistics
        self._blocks = blocks_of(frames, block, pool.limit)
        self._results: list[asyncio.Queue[Picture | None]] = [asyncio.Queue() for _ in self._blocks]
        self._next_block = 0
        self._done = 0
        self._started = time.monotonic()

    async def run(self) -> None:
        """Capture and encode every frame of the range. The encoder is left open."""
        helpers: list[asyncio.Task[None]] = []
        try:
            async with asyncio.TaskGroup() as group:
                for worker in self._pool.workers:
                    helpers.append(group.create_task(self._capture_blocks(worker)))
                while self._pool.eager and self._room_for_another():
                    self._call_another(group, helpers)
                await self._feed(group, helpers)
                for helper in helpers:
                    helper.cancel()
        except* asyncio.CancelledError:
            raise
        except* Exception as failures:
            raise _first_failure(failures) from None

    async def _capture_blocks(self, worker: FrameWorker) -> None:
        while self._next_block < len(self._blocks):
            index = self._next_block
            self._next_block += 1
            await self._capture_block(worker, self._blocks[index], self._results[index])

    async def _capture_block(
        self, worker: FrameWorker, block: FrameRange, results: asyncio.Queue[Picture | None]
    ) -> None:
        if worker.next_frame != block.first:
            await worker.capture.pre_roll(max(block.first - 1, 0))
        for frame in range(block.first, block.end):
            started = time.monotonic()
            picture = await worker.capture.take(
                frame, look_ahead=frame + 1 < block.end, must_have=frame == self._frames.first
            )
            worker.next_frame = frame + 1
            self._statistics.note(frame, time.monotonic() - started)
            results.put_nowait(picture)

    async def _feed(self, group: asyncio.TaskGroup, helpers: list[asyncio.Task[None]]) -> None:
        held: Picture | None = None
        shown: bytes | None = None
        put_at = last = self._frames.end - 1
        spec = self._encoder.spec
        luma_bytes = even(spec.width) * even(spec.height)
        for block, results in zip(self._blocks, self._results, strict=True):
            for frame in range(block.first, block.end):
                picture = await results.get()
                data = shown if picture is None else await picture.data
                same, shown = data == shown, data
                if picture is not None:
                    if held is not None:
                        held.release()
                    held = picture
                planes = data if spec.form is PictureForm.PLANES else None
                self._statistics.shown(frame, same=same, planes=planes, luma_bytes=luma_bytes)
                # A picture that stands is sent again now and then: its repetitions are encoded while the next frames
                # are drawn, and not all at once when something moves again.
                if data is not None and (picture is not None or frame == last or frame - put_at >= SEND_AGAIN):
                    await asyncio.to_thread(self._encoder.put, frame - self._frames.first, data)
                    put_at = frame
                self._done += 1
                self._meter.frame_done()
                if self._worth_another():
                    self._call_another(group, helpers)
        if held is not None:
            held.release()

    def _room_for_another(self) -> bool:
        return len(self._pool.workers) + self._pool.starting < self._pool.limit

    def _worth_another(self) -> bool:
        if not self._room_for_another() or self._done < PACE_FRAMES:
            return False
        captured = sum(worker.capture.report.captured for worker in self._pool.workers)
        pace = (time.monotonic() - self._started) / max(captured, 1)
        spec = self._encoder.spec
        encoding = (self._meter.frames_total - self._meter.frames_done) * spec.width * spec.height
        capturing = pace * (self._moving_frames() - captured)
        return capturing - encoding * ENCODE_SECONDS_PER_PIXEL > WORTH_ANOTHER_WORKER

    def _moving_frames(self) -> float:
        """How many frames of the render are likely to differ from the one before."""
        page, total = self._pool.first.page, self._meter.frames_total
        return total if page.moving is None else min(total, page.moving * float(page.spec.fps))

    def _call_another(self, group: asyncio.TaskGroup, helpers: list[asyncio.Task[None]]) -> None:
        self._pool.starting += 1
        helpers.append(group.create_task(self._join_in()))

    async def _join_in(self) -> None:
        pool = self._pool
        try:
            worker = await pool.start_another(pool.stack)
        finally:
            pool.starting -= 1
        pool.workers.append(worker)
        await self._capture_blocks(worker)


def _first_failure(failures: BaseExceptionGroup[Exception]) -> BaseException:
    failure: BaseException = failures
    while isinstance(failure, BaseExceptionGroup):
        failure = failure.exceptions[0]
    return failure
