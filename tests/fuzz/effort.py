"""Sets the number of fuzz cases of each kind, and a timeout for each case.

`make test` runs a few cases, always the same. `make fuzz CASES=… SEED=…` runs the given number of cases in the same
proportions, different ones for each seed.
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
#: Total number of cases in `make fuzz`, 0 in `make test`.
CASES = int(os.environ.get("FUZZ_CASES", "0"))
#: Timeout of a case in seconds, much longer than any case takes on a busy machine.
HANG_SECONDS = 60

#: Number of cases in this run, by kind.
tried: Counter[str] = Counter()


class Hang(BaseException):
    """A case did not end. It is not an Exception, so that the tested code does not catch it."""


def cases(kind: str) -> int:
    """Number of cases of `kind` to run."""
    return max(FEW[kind], math.ceil(CASES * FEW[kind] / sum(FEW.values())))


@contextmanager
def bounded() -> Iterator[None]:
    """Raise AssertionError if the block does not end within HANG_SECONDS."""

    def give_up(number: int, frame: FrameType | None) -> None:
        raise Hang(f"not ended after {HANG_SECONDS} s")

    before = signal.signal(signal.SIGALRM, give_up)
    signal.alarm(HANG_SECONDS)
    # A signal cannot interrupt a call into C. Then faulthandler ends the run with a traceback.
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
    """Count one case of `kind`, and end it if it hangs."""
    tried[kind] += 1
    with bounded():
        yield


def fuzz(kind: str, count: int | None = None, /, **strategies: st.SearchStrategy[Any]) -> Callable[[Any], Any]:
    """Run a test with many cases of `kind`, or with `count` cases. Arguments not in `strategies` are fixtures."""

    def decorate(test: Any) -> Any:
        effort = settings(
            max_examples=count or cases(kind),
            deadline=None,
            database=None,
            derandomize=not CASES,
            suppress_health_check=list(HealthCheck),
        )
        return effort(given(**strategies)(test))

    return decorate
