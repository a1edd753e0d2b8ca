"""Several browsers feed one encoder: they capture blocks of frames in parallel, which are encoded in order."""

from __future__ import annotations

import asyncio
import heapq
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field

from hyperframes_render.browser.capture import CapturedFrame, decode_screenshot
from hyperframes_render.browser.driver import BrowserDriver
from hyperframes_render.formats import even
from hyperframes_render.media.encode import FrameEncoder
from hyperframes_render.media.frame_form import FrameForm
from hyperframes_render.render.chunking import ENCODE_SECONDS_PER_PIXEL
from hyperframes_render.render.plan import FrameRange
from hyperframes_render.render.progress import ProgressMeter
from hyperframes_render.render.worker import FrameWorker

#: Another browser is started if the browsers need this many seconds longer to capture than the encoder to encode.
#: Starting a browser costs about half a second (docs/reference/performance.md), and the encoder needs a processor.
ANOTHER_WORKER_SECONDS = 1.0
#: Frames after which the pace is used for decisions.
PACE_FRAMES = 6
SLOWEST_KEPT = 5
#: An unchanged frame is sent to the encoder again after this many frames: 0.2 s of its work, 1 ms to send.
SEND_AGAIN = 6
#: Frames of the shortest block. Short blocks at the end keep browsers and encoder from waiting, but each block costs
#: a frame of pre-roll.
SHORTEST_BLOCK = 4
#: The brightest luma that counts as black: video black (16) and an encoder's noise.
_BLACK = 18
#: Luma samples that are tested before a whole frame.
_SAMPLES = 2000
#: Blocks whose browser is compared with the one before: the first ones, and then each of these. A look costs one
#: capture, some 3 % of a block.
FIRST_LOOKS, LOOK_EVERY = 4, 8
#: A frame counts as different if more than this share of its samples differ by more than these levels.
DIFFERENT_SHARE, DIFFERENT_LEVELS = 0.0002, 16


def blocks_of(frames: FrameRange, longest: int, workers: int) -> list[FrameRange]:
    """Divide `frames` into blocks for `workers` browsers: `longest` frames at first, fewer towards the end.

    Each browser takes the next block when it has finished one (guided self-scheduling, Polychronopoulos and Kuck 1987).
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
    """The slowest frames (seconds, frame number), and black and frozen stretches of the video."""

    slowest: list[tuple[float, int]] = field(default_factory=list)
    #: When the first frame was captured, by time.monotonic.
    first_frame_at: float | None = None
    #: Stretches of black frames, and of equal frames: the first frame, and the one after the last.
    black: list[list[int]] = field(default_factory=list)
    frozen: list[list[int]] = field(default_factory=list)
    #: Frames that a second browser drew differently.
    different: list[int] = field(default_factory=list)
    _last_black: bool = False

    def add_capture(self, frame: int, seconds: float) -> None:
        """Count a frame that took `seconds` to capture."""
        if self.first_frame_at is None:
            self.first_frame_at = time.monotonic()
        heapq.heappush(self.slowest, (seconds, frame))
        if len(self.slowest) > SLOWEST_KEPT:
            heapq.heappop(self.slowest)

    def add_shown(self, frame: int, *, same: bool, planes: bytes | None, luma_bytes: int) -> None:
        """Extend or begin stretches with `frame`.

        `same` means that it equals the frame before. The first `luma_bytes` of `planes` are luma. `planes` is None if
        the encoder gets another form; then black is not detected.
        """
        if same and self.frozen and self.frozen[-1][1] == frame:
            self.frozen[-1][1] = frame + 1
        else:
            if self.frozen and self.frozen[-1][1] - self.frozen[-1][0] == 1:
                self.frozen.pop()  # a single frame is not a stretch
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
    # A few samples, without a copy of the frame, rule out most frames.
    if max(planes[: luma_bytes : max(1, luma_bytes // _SAMPLES)]) > _BLACK:
        return False
    return not planes[:luma_bytes].strip(bytes(range(_BLACK + 1)))


def differs(one: bytes, two: bytes, form: FrameForm) -> bool:
    """Whether two captures of one frame, in the encoder's form, differ by more than the rounding of edges."""
    if one == two:
        return False
    if form in (FrameForm.JPEG, FrameForm.PNG):
        one, two = decode_screenshot(one), decode_screenshot(two)
    if len(one) != len(two):
        return True
    import numpy as np  # not at the top: it is large, and seldom needed

    both = (np.frombuffer(samples, np.uint8).astype(np.int16) for samples in (one, two))
    return float((np.abs(np.subtract(*both)) > DIFFERENT_LEVELS).mean()) > DIFFERENT_SHARE


@dataclass
class WorkerPool:
    """The browsers of a render: one at first, more if they make it faster."""

    first: FrameWorker
    limit: int
    start_another: Callable[[AsyncExitStack], Awaitable[FrameWorker]]
    stack: AsyncExitStack
    #: Whether to start all browsers at once, because the caller has set their number.
    eager: bool
    driver: BrowserDriver
    workers: list[FrameWorker] = field(default_factory=list)
    starting: int = 0

    def __post_init__(self) -> None:
        self.workers.append(self.first)

    async def close(self) -> None:
        """Close all browsers and stop their driver, after the last frame was captured."""
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
        """`block` is the most frames that a browser takes at a time."""
        self._frames, self._pool, self._encoder = frames, pool, encoder
        self._meter, self._statistics = meter, statistics
        self._blocks = blocks_of(frames, block, pool.limit)
        self._results: list[asyncio.Queue[CapturedFrame | None]] = [asyncio.Queue() for _ in self._blocks]
        # By block: the frame before it, as the block's browser draws it. Another browser captured that frame.
        self._looks: dict[int, bytes] = {}
        self._next_block = 0
        self._done = 0
        self._started = time.monotonic()

    async def run(self) -> None:
        """Capture and encode every frame of the range. The encoder stays open."""
        tasks: list[asyncio.Task[None]] = []
        try:
            async with asyncio.TaskGroup() as group:
                for worker in self._pool.workers:
                    tasks.append(group.create_task(self._capture_blocks(worker)))
                while self._pool.eager and self._may_start_another():
                    self._start_another(group, tasks)
                await self._feed(group, tasks)
                for task in tasks:
                    task.cancel()
        except* asyncio.CancelledError:
            raise
        except* Exception as failures:
            raise _first_failure(failures) from None

    async def _capture_blocks(self, worker: FrameWorker) -> None:
        while self._next_block < len(self._blocks):
            index = self._next_block
            self._next_block += 1
            await self._capture_block(worker, index)

    async def _capture_block(self, worker: FrameWorker, index: int) -> None:
        block, results = self._blocks[index], self._results[index]
        if worker.next_frame != block.first:
            look = index > 0 and (index <= FIRST_LOOKS or index % LOOK_EVERY == 0)
            seen = await worker.capture.pre_roll(max(block.first - 1, 0), look=look)
            if seen is not None:
                self._looks[index] = seen
        for frame in range(block.first, block.end):
            started = time.monotonic()
            captured = await worker.capture.take(
                frame, look_ahead=frame + 1 < block.end, must_have=frame == self._frames.first
            )
            worker.next_frame = frame + 1
            self._statistics.add_capture(frame, time.monotonic() - started)
            results.put_nowait(captured)

    async def _feed(self, group: asyncio.TaskGroup, tasks: list[asyncio.Task[None]]) -> None:
        held: CapturedFrame | None = None
        shown: bytes | None = None
        put_at = last = self._frames.end - 1
        spec = self._encoder.spec
        luma_bytes = even(spec.width) * even(spec.height)
        for index, (block, results) in enumerate(zip(self._blocks, self._results, strict=True)):
            for frame in range(block.first, block.end):
                captured = await results.get()
                if frame == block.first:
                    await self._compare_looks(index, shown)
                data = shown if captured is None else await captured.data
                same, shown = data == shown, data
                if captured is not None:
                    if held is not None:
                        held.release()
                    held = captured
                planes = data if spec.form is FrameForm.PLANES else None
                self._statistics.add_shown(frame, same=same, planes=planes, luma_bytes=luma_bytes)
                # An unchanged frame is sent again at intervals, so that its repetitions are encoded while the next
                # frames are drawn, and not all at once at the next change.
                if data is not None and (captured is not None or frame == last or frame - put_at >= SEND_AGAIN):
                    await asyncio.to_thread(self._encoder.put, frame - self._frames.first, data)
                    put_at = frame
                self._done += 1
                self._meter.frame_done()
                if self._should_start_another():
                    self._start_another(group, tasks)
        if held is not None:
            held.release()

    async def _compare_looks(self, index: int, shown: bytes | None) -> None:
        """Compare the frame before a block as the two browsers drew it: `shown` is what was encoded."""
        seen = self._looks.pop(index, None)
        if seen is None or shown is None:
            return
        if await asyncio.to_thread(differs, seen, shown, self._encoder.spec.form):
            self._statistics.different.append(self._blocks[index].first - 1)

    def _may_start_another(self) -> bool:
        return len(self._pool.workers) + self._pool.starting < self._pool.limit

    def _should_start_another(self) -> bool:
        if not self._may_start_another() or self._done < PACE_FRAMES:
            return False
        captured = sum(worker.capture.report.captured for worker in self._pool.workers)
        pace = (time.monotonic() - self._started) / max(captured, 1)
        spec = self._encoder.spec
        encoding = (self._meter.frames_total - self._meter.frames_done) * spec.width * spec.height
        capturing = pace * (self._moving_frames() - captured)
        return capturing - encoding * ENCODE_SECONDS_PER_PIXEL > ANOTHER_WORKER_SECONDS

    def _moving_frames(self) -> float:
        """Estimate how many frames of the render differ from the one before."""
        page, total = self._pool.first.page, self._meter.frames_total
        return total if page.moving is None else min(total, page.moving * float(page.spec.fps))

    def _start_another(self, group: asyncio.TaskGroup, tasks: list[asyncio.Task[None]]) -> None:
        self._pool.starting += 1
        tasks.append(group.create_task(self._join_in()))

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
