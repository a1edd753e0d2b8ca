"""`make parity`: renders every case with both programs, and writes the table into docs/reports/fidelity.md."""

from __future__ import annotations

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.parity.cases import Case, Outcome, all_cases, run_case
from tests.parity.compare import MAX_OFFSET_SECONDS, MEAN_DB, WORST_DB
from tests.parity.programs import OFFICIAL, REPOSITORY, ProgramFailed, node, official_version

PAGE = REPOSITORY / "docs" / "reports" / "fidelity.md"
_BEGIN, _END = "<!-- table: made by `make parity` -->", "<!-- /table -->"


def main() -> int:
    """Run the cases that the arguments name, or all and write the page. Returns 1 if a limit is violated."""
    if node() is None:
        print(f"error: the official renderer is not in {OFFICIAL}: run tests/bench/setup.sh", file=sys.stderr)
        return 1
    named = sys.argv[1:]
    cases = [case for case in all_cases() if not named or case.name in named]
    outcomes = [_run(case) for case in cases]
    if not named:
        PAGE.write_text(_with_table(PAGE.read_text("utf-8"), _table(outcomes)), "utf-8")
    return 1 if any(outcome.violations and not outcome.case.differs for outcome in outcomes) else 0


def _run(case: Case) -> Outcome:
    with TemporaryDirectory(prefix="hyperframes-parity-") as folder:
        try:
            outcome = run_case(case, Path(folder))
        except ProgramFailed as failed:
            outcome = Outcome(case, None, f"ours failed: {failed}")
    verdict = "; ".join(outcome.violations) or "alike"
    found = outcome.comparison
    figures = f"{found.mean:.1f} dB, worst {found.worst:.1f}" if found else "-"
    print(f"{case.name}: {figures}: {verdict}{' [differs on purpose]' if case.differs else ''}", flush=True)
    for warning in outcome.warnings:
        print(f"    warning: {warning}")
    return outcome


def _table(outcomes: list[Outcome]) -> str:
    alike = sum(not outcome.violations for outcome in outcomes)
    stated = sum(bool(outcome.violations and outcome.case.differs) for outcome in outcomes)
    lines = [
        f"Against the official command line {official_version()}: {len(outcomes)} compositions, {alike} alike, "
        f"{stated} different on purpose, {len(outcomes) - alike - stated} missing a bar "
        f"(mean >= {MEAN_DB:g} dB, no frame < {WORST_DB:g} dB, no frame shifted, "
        f"sound within {MAX_OFFSET_SECONDS * 1000:g} ms).",
        "",
        "| composition | promise | frames | mean dB | worst dB | sound: offset, level | verdict |",
        "|---|---|---|---|---|---|---|",
    ]
    return "\n".join([*lines, *map(_row, outcomes)])


def _row(outcome: Outcome) -> str:
    found, case = outcome.comparison, outcome.case
    verdict = "alike"
    if outcome.violations:
        verdict = f"**differs on purpose**: {case.differs}" if case.differs else "; ".join(outcome.violations)
    if found is None:
        return f"| {case.name} | {case.promise} | - | - | - | - | {verdict} |"
    sound = "-"
    if found.sound_offset is not None and found.sound_level is not None:
        sound = f"{found.sound_offset * 1000:+.2f} ms, {found.sound_level:+.2f} dB"
    return (
        f"| {case.name} | {case.promise} | {found.frames[0]} | {found.mean:.1f} | {found.worst:.1f} | {sound} "
        f"| {verdict.replace('|', '/')} |"
    )


def _with_table(page: str, table: str) -> str:
    before, rest = page.split(_BEGIN)
    _, after = rest.split(_END)
    return f"{before}{_BEGIN}\n{table}\n{_END}{after}"


if __name__ == "__main__":
    sys.exit(main())
