"""Writes the table of all attacks into docs/reference/security.md."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

_BEGIN, _END = "<!-- attacks -->", "<!-- /attacks -->"


@dataclass(frozen=True)
class Outcome:
    """One attack with its end, its time in seconds, and the peak memory of its job in MB."""

    name: str
    tries: str
    ended: str
    touched: bool
    seconds: float
    peak_mb: int


def write_table(document: Path, outcomes: Sequence[Outcome]) -> None:
    """Replace the table between the marks of the document."""
    text = document.read_text("utf-8")
    before, _, rest = text.partition(_BEGIN)
    _, _, after = rest.partition(_END)
    document.write_text(f"{before}{_BEGIN}\n{_table(outcomes)}\n{_END}{after}", "utf-8")


def _table(outcomes: Sequence[Outcome]) -> str:
    touched = sum(outcome.touched for outcome in outcomes)
    lines = [
        f"{len(outcomes)} attacks, {touched} of which touched a sensor. Seconds and memory (of a job's processes,",
        "shared pages counted in each) are of two processors, shared with other work.",
        "",
        "| attack | tries | ended | s | MB |",
        "|---|---|---|---|---|",
    ]
    lines += [_line(outcome) for outcome in sorted(outcomes, key=lambda outcome: outcome.name)]
    return "\n".join(lines)


def _line(outcome: Outcome) -> str:
    cells = (_cell(outcome.tries), outcome.ended, f"{outcome.seconds:.1f}", str(outcome.peak_mb))
    return f"| {outcome.name} | {' | '.join(cells)} |"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;")
