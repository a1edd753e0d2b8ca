"""Writes the progress of a render to the task table. Stops a render that was cancelled or is out of time."""

from __future__ import annotations

import contextlib
import signal
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from hyperframes_render.errors import FunctionTimedOut, NotFound, RenderError, ServiceFailed, TaskCancelled
from hyperframes_render.functions.support.observability import logger
from hyperframes_render.tasks.model import TaskStatus
from hyperframes_render.tasks.ports import TaskTable

#: Seconds between two updates of the frame count. Each update also checks whether the task was cancelled.
COUNT_SECONDS = 3.0
#: The same if one function renders the whole video: no other function writes, and callers follow it.
COUNT_SECONDS_WHOLE = 1.0
#: Seconds in which a render can stop at its next frame before it is interrupted.
_GRACE_SECONDS = 2.0
#: Seconds before each further interrupt. An event loop cancels its tasks at the first and stops at the second.
_GRACE_AGAIN_SECONDS = (10.0, 10.0, 10.0)
#: Seconds before the function's time limit at which a render is stopped, to leave time to report and clean up.
_LAST_SECONDS = 15.0


@dataclass
class ProgressCount:
    """Counts frames in the task table from a thread, and stops the render if it is cancelled or out of time.

    A page that hangs reports no frame. The thread therefore checks the task's status at intervals, and interrupts the
    main thread if no frame comes in which the listener could raise.
    """

    tasks: TaskTable
    task_id: str
    #: The time (time.monotonic, seconds) at which the render must stop; None: no limit.
    deadline: float | None = None
    #: Seconds between two updates.
    interval: float = COUNT_SECONDS
    #: Why the render must stop; None: it may go on.
    _reason: RenderError | None = None
    _done: int = 0
    _counted: int = 0
    _finished: bool = False
    _stop: threading.Event = field(default_factory=threading.Event)
    #: Held while an interrupt is sent and while `_interruptible` changes.
    _interrupt_lock: threading.Lock = field(default_factory=threading.Lock)
    _interruptible: bool = True

    @classmethod
    def of_call(cls, tasks: TaskTable, task_id: str, context: LambdaContext) -> ProgressCount:
        """A counter for one call of a function. `context` reports the call's time limit."""
        left = context.get_remaining_time_in_millis() / 1000 - _LAST_SECONDS
        return cls(tasks, task_id, time.monotonic() + left)

    def listener(self, progress: Any) -> None:
        """Called by the render for each frame. Raises TaskCancelled or FunctionTimedOut."""
        self._done = progress.frames_done
        self.check()

    def check(self, *_: object) -> None:
        """Raise TaskCancelled or FunctionTimedOut if the render must stop. Does not count frames."""
        if self._reason is not None:
            raise self._reason

    @contextlib.contextmanager
    def counting(self) -> Iterator[None]:
        """Count frames while the block runs. Frames of a block that fails are subtracted again. Raises like `check`."""
        # Background jobs of a shell ignore Ctrl-C, and the functions of `serve` inherit that: restore the handler.
        if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
            signal.signal(signal.SIGINT, signal.default_int_handler)
        thread = threading.Thread(target=self._run, name="progress", daemon=True)
        thread.start()
        try:
            try:
                yield
            finally:
                with self._interrupt_lock:
                    self._interruptible = False
            self._finished = True
        except KeyboardInterrupt:
            self.check()
            raise
        finally:
            self._stop.set()
            thread.join()
            self._settle()
        self.check()

    def _settle(self) -> None:
        """Write the final count; zero if the block failed, because it will run again."""
        wanted = self._done if self._finished and self._reason is None else 0
        with contextlib.suppress(RenderError):
            if wanted != self._counted:
                self.tasks.add_frames(self.task_id, wanted - self._counted)
                self._counted = wanted

    def _run(self) -> None:
        while not self._stop.wait(self.interval):
            self._reason = self._update()
            if self._reason is not None:
                self._interrupt()
                return

    def _update(self) -> RenderError | None:
        """Write the new frames. Returns the reason why the render must stop, else None."""
        if self.deadline is not None and time.monotonic() > self.deadline:
            return FunctionTimedOut(
                f"A function reached its time limit after {self._done} frames.",
                "Ask for a shorter or smaller video, or raise the functions' memory.",
            )
        done = self._done
        try:
            status = self.tasks.add_frames(self.task_id, done - self._counted)
        except NotFound:
            status = TaskStatus.CANCELLED  # the task was deleted
        except ServiceFailed as failure:
            logger.warning("progress was not written: %s", failure)
            return None
        self._counted = done
        wanted = status != TaskStatus.CANCELLING and not status.final
        return None if wanted else TaskCancelled("The task was cancelled.")

    def _interrupt(self) -> None:
        for seconds in (_GRACE_SECONDS, *_GRACE_AGAIN_SECONDS):
            if self._stop.wait(seconds):
                return
            with self._interrupt_lock:
                if self._interruptible:
                    # The render runs in the main thread: it cleans up as after Ctrl-C.
                    signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
