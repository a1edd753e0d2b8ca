"""How many cases of each kind are tried, and that none of them hangs.

`make test` tries a few, the same each time. `make fuzz CASES=… SEED=…` tries as many as it is told, in the same
proportions, each time others.
"""

from __future__ import annotations

import faulthandler
import math
import os
import signal
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

#: Cases of each kind in `make test`.
FEW = {
    "archive": 100,
    "project": 48,
    "sidecar": 100,
    "run body": 100,
    "render input": 100,
    "variables": 40,
    "markup": 32,
    "style sheet": 40,
    "webhook address": 60,
    "page address": 60,
    "redirect": 24,
    "Retry-After": 40,
    "environment": 24,
    "failure of a workflow": 40,
    "drop event": 12,
    "dropped file": 10,
    "notify event": 12,
    "workflow event": 12,
    "API Gateway event": 16,
    "streaming event": 12,
    "HTTP body": 32,
    "OpenAPI, fitting": 24,
    "OpenAPI, not fitting": 24,
}
#: Cases in all, where more than a few are wanted.
CASES = int(os.environ.get("FUZZ_CASES", "0"))
#: Seconds after which a case counts as a hang: far beyond what any takes on a loaded machine.
HANG_SECONDS = 60

#: Cases that were tried in this run, by kind.
tried: Counter[str] = Counter()


class Hang(BaseException):
    """A case did not end. No Exception: what is tested must not swallow it."""


def cases(kind: str) -> int:
    """How many cases of `kind` are wanted."""
    return max(FEW[kind], math.ceil(CASES * FEW[kind] / sum(FEW.values())))


@contextmanager
def bounded() -> Iterator[None]:
    """The block ends within HANG_SECONDS, or raises AssertionError."""

    def give_up(number: int, frame: FrameType | None) -> None:
        raise Hang(f"not ended after {HANG_SECONDS} s")

    before = signal.signal(signal.SIGALRM, give_up)
    signal.alarm(HANG_SECONDS)
    # One call into C that does not come back lets no signal through: then the run ends, and says where.
    faulthandler.dump_traceback_later(2 * HANG_SECONDS, exit=True)
    try:
        yield
    except Hang as hang:
        raise AssertionError(str(hang)) from hang
    finally:
        signal.alarm(0)
        faulthandler.cancel_dump_traceback_later()
        signal.signal(signal.SIGALRM, before)


@contextmanager
def case(kind: str) -> Iterator[None]:
    """One case of `kind`: counted, and ended where it hangs."""
    tried[kind] += 1
    with bounded():
        yield


def fuzz(what: str, count: int | None = None, /, **given_by: st.SearchStrategy[Any]) -> Callable[[Any], Any]:
    """A test of many cases of the kind `what` (or of `count`). Its arguments beside `given_by` are fixtures."""

    def decorate(test: Any) -> Any:
        effort = settings(
            max_examples=count or cases(what),
            deadline=None,
            database=None,
            derandomize=not CASES,
            suppress_health_check=list(HealthCheck),
        )
        return effort(given(**given_by)(test))

    return decorate
