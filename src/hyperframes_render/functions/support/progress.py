"""Progress of a render into the table, and the end of one that is not wanted or has no time left."""

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

#: Seconds between two counts of frames, each of which also asks whether the task is still wanted.
COUNT_SECONDS = 3.0
#: The same where one function renders the whole video: nobody else writes, and its caller watches.
COUNT_SECONDS_WHOLE = 1.0
#: Seconds that a render has to end by itself at its next frame before it is interrupted wherever it is.
_GRACE_SECONDS = 2.0
#: Seconds before it is interrupted again: an event loop ends its tasks at the first time, and at once at the second.
_GRACE_AGAIN_SECONDS = (10.0, 10.0, 10.0)
#: Seconds before the function's own time limit at which a render is ended, so that it can still say so and clean up.
_LAST_SECONDS = 15.0


@dataclass
class ProgressCount:
    """Counts frames in the table from a thread of its own, and ends the render once there is a reason to.

    A page that hangs reports no frame, so the thread asks by itself; where no frame comes to raise in, it interrupts.
    """

    tasks: TaskTable
    task_id: str
    #: The moment (time.monotonic) at which there is no time left; None: never.
    deadline: float | None = None
    pace: float = COUNT_SECONDS
    #: Why the render is to end.
    _reason: RenderError | None = None
    _done: int = 0
    _counted: int = 0
    _finished: bool = False
    _stop: threading.Event = field(default_factory=threading.Event)
    #: Held while an interrupt is sent, and to say that none may be sent any more.
    _gate: threading.Lock = field(default_factory=threading.Lock)
    _interruptible: bool = True

    @classmethod
    def of_call(cls, tasks: TaskTable, task_id: str, context: LambdaContext) -> ProgressCount:
        """For one call of a function, whose time limit `context` knows."""
        left = context.get_remaining_time_in_millis() / 1000 - _LAST_SECONDS
        return cls(tasks, task_id, time.monotonic() + left)

    def listener(self, progress: Any) -> None:
        """What a render calls for each frame. Raises TaskCancelled or FunctionTimedOut."""
        self._done = progress.frames_done
        self.check()

    def check(self, *_: object) -> None:
        """Raise TaskCancelled or FunctionTimedOut where there is a reason to; counts nothing."""
        if self._reason is not None:
            raise self._reason

    @contextlib.contextmanager
    def counting(self) -> Iterator[None]:
        """Count while the block runs; frames of a block that failed are taken back. Raises as `check`."""
        # A shell has what it starts in the background ignore Ctrl-C, and `serve` passes that on to its functions.
        if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
            signal.signal(signal.SIGINT, signal.default_int_handler)
        thread = threading.Thread(target=self._run, name="progress", daemon=True)
        thread.start()
        try:
            try:
                yield
            finally:
                with self._gate:
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
        """The last count, or none at all of a block that will run again."""
        wanted = self._done if self._finished and self._reason is None else 0
        with contextlib.suppress(RenderError):
            if wanted != self._counted:
                self.tasks.add_frames(self.task_id, wanted - self._counted)
                self._counted = wanted

    def _run(self) -> None:
        while not self._stop.wait(self.pace):
            self._reason = self._ask()
            if self._reason is not None:
                self._interrupt()
                return

    def _ask(self) -> RenderError | None:
        """Count what is new; why the render is to end, if it is."""
        if self.deadline is not None and time.monotonic() > self.deadline:
            return FunctionTimedOut(
                f"A function reached its time limit after {self._done} frames.",
                "Ask for a shorter or smaller video, or raise the functions' memory.",
            )
        done = self._done
        try:
            status = self.tasks.add_frames(self.task_id, done - self._counted)
        except NotFound:
            status = TaskStatus.CANCELLED  # deleted: nobody wants it
        except ServiceFailed as failure:
            logger.warning("progress was not counted: %s", failure)
            return None
        self._counted = done
        wanted = status != TaskStatus.CANCELLING and not status.final
        return None if wanted else TaskCancelled("The task was cancelled.")

    def _interrupt(self) -> None:
        for seconds in (_GRACE_SECONDS, *_GRACE_AGAIN_SECONDS):
            if self._stop.wait(seconds):
                return
            with self._gate:
                if self._interruptible:
                    # Our own process's main thread, where the render waits: it cleans up as after Ctrl-C.
                    signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
