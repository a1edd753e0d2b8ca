"""The benchmark's output: a table for each composition, and a table of limits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from measure import Series, capture_paths
from quality import Alignment, Scores, VideoShape, as_record

#: Required speed relative to the official program, with the surface and with screenshots.
SPEED_BARS = {"motion-graphics": (2.4, 1.5), "slides": (4.0, 2.5), "photos-portrait": (3.0, 1.8)}
#: VMAF by which our worst frame may be below the official program's worst frame.
WORST_VMAF_SLACK = 0.5
#: Limit in seconds from the start of a render to its first captured frame.
FIRST_FRAME_SECONDS = 1.0
#: Limits of PSNR in dB against the official frames: mean, and every frame.
LIKENESS_DB = (40.0, 30.0)

OFFICIAL, OURS, SCREENSHOT = "official", "ours", "screenshot"


@dataclass
class Findings:
    """The measurements of one composition. Dicts have the keys official, ours and screenshot."""

    name: str
    series: dict[str, Series]
    shapes: dict[str, VideoShape]
    vmaf: dict[str, Scores]
    psnr: dict[str, Scores]
    #: Our video against the official one; None if quality was not measured.
    likeness: Scores | None = None
    alignment: Alignment | None = None

    def size(self, program: str) -> int:
        """Bytes of the program's last video."""
        return self.series[program].output.stat().st_size

    def ratio(self, program: str) -> float:
        """Speed relative to the official program, by medians of wall time."""
        return self.series[OFFICIAL].median / self.series[program].median

    def as_dict(self) -> dict[str, Any]:
        """For the JSON record."""
        programs = {
            program: {
                **series.as_dict(),
                "speed_ratio": round(self.ratio(program), 3),
                "size_ratio": round(self.size(program) / self.size(OFFICIAL), 4),
                "video": as_record(self.shapes[program]),
                "vmaf": as_record(self.vmaf[program]) if program in self.vmaf else None,
                "psnr": as_record(self.psnr[program]) if program in self.psnr else None,
            }
            for program, series in self.series.items()
        }
        return {
            "programs": programs,
            "psnr_against_official": as_record(self.likeness) if self.likeness else None,
            "alignment": as_record(self.alignment) if self.alignment else None,
        }


@dataclass(frozen=True)
class Verdict:
    """One limit of one composition. `counts` is False if the composition is for information only."""

    composition: str
    what: str
    value: str
    bar: str
    holds: bool
    counts: bool

    def as_dict(self) -> dict[str, Any]:
        """For the JSON record."""
        return asdict(self)


def verdicts(findings: Findings) -> list[Verdict]:
    """The limits of a composition: speed if it has one, then first frame, size and quality."""
    found: list[Verdict] = []
    counts = findings.name in SPEED_BARS

    def judge(what: str, value: str, bar: str, holds: bool) -> None:
        found.append(Verdict(findings.name, what, value, bar, holds, counts))

    for program, position in ((OURS, 0), (SCREENSHOT, 1)):
        if findings.name in SPEED_BARS and program in findings.series:
            least, ratio = SPEED_BARS[findings.name][position], findings.ratio(program)
            path = capture_paths(findings.series[program].results[-1])
            expected = "surface" if program == OURS else "screenshot"
            label = f"speed, {expected}" + ("" if path == expected else f" (but it was {path})")
            judge(label, f"{ratio:.2f}x", f">= {least:g}x", ratio >= least and path == expected)
    first = findings.series[OURS].first_frame()
    judge("first frame", f"{first:.2f} s", f"<= {FIRST_FRAME_SECONDS:g} s", first <= FIRST_FRAME_SECONDS)
    size = findings.size(OURS) / findings.size(OFFICIAL)
    judge("size", f"{size:.3f}x", "<= 1.00x", size <= 1.0)
    frames = findings.shapes[OURS].frames, findings.shapes[OFFICIAL].frames
    judge("frames", str(frames[0]), f"= {frames[1]}", frames[0] == frames[1])
    _judge_quality(findings, judge)
    return found


def _judge_quality(findings: Findings, judge: Callable[[str, str, str, bool], None]) -> None:
    if OURS in findings.vmaf:
        ours, official = findings.vmaf[OURS], findings.vmaf[OFFICIAL]
        judge("VMAF, mean", f"{ours.mean:.2f}", f">= {official.mean:.2f}", ours.mean >= official.mean)
        least = official.worst - WORST_VMAF_SLACK
        judge("VMAF, worst frame", f"{ours.worst:.2f}", f">= {least:.2f}", ours.worst >= least)
    if findings.likeness is not None and findings.alignment is not None:
        mean, worst = findings.likeness.mean, findings.likeness.worst
        judge("like official, mean", f"{mean:.1f} dB", f">= {LIKENESS_DB[0]:g} dB", mean >= LIKENESS_DB[0])
        judge("like official, worst", f"{worst:.1f} dB", f">= {LIKENESS_DB[1]:g} dB", worst >= LIKENESS_DB[1])
        shifted = len(findings.alignment.shifted)
        judge("shifted frames", f"{shifted} of {findings.alignment.moving}", "0", shifted == 0)


def composition_table(findings: Findings) -> str:
    """A table of one composition with a column for each program."""
    facts = findings.shapes[OURS]
    rows = [["", *findings.series]]

    def add(label: str, cell: Callable[[str], str]) -> None:
        rows.append([label, *(cell(program) for program in findings.series)])

    def seconds_range(program: str) -> str:
        return f"{min(findings.series[program].seconds):.2f}-{max(findings.series[program].seconds):.2f}"

    add("wall s, median", lambda program: f"{findings.series[program].median:.2f}")
    add("wall s, least-most", seconds_range)
    add("times faster than official", lambda program: f"{findings.ratio(program):.2f}")
    add("processor s, mean", lambda program: f"{_mean(findings.series[program].processor_seconds):.1f}")
    add("first frame s", _ours_only(findings, lambda series: f"{series.first_frame():.2f}"))
    add("  from launch, at most", _ours_only(findings, lambda series: f"{series.first_frame_from_launch():.2f}"))
    add("captured by", _ours_only(findings, lambda series: capture_paths(series.results[-1])))
    add("frames captured", _ours_only(findings, lambda series: str(series.results[-1]["unique_frames"])))
    add("frames in the video", lambda program: str(findings.shapes[program].frames))
    add("size kB", lambda program: f"{findings.size(program) / 1000:.0f}")
    add("size, times official's", lambda program: f"{findings.size(program) / findings.size(OFFICIAL):.3f}")
    for label, scores in (("VMAF", findings.vmaf), ("PSNR dB", findings.psnr)):
        if scores:
            rows.append([f"{label}, mean", *(f"{scores[program].mean:.2f}" for program in findings.series)])
            rows.append([f"{label}, worst (frame)", *(_worst(scores[program]) for program in findings.series)])
    lines = [f"== {findings.name}: {facts.width}x{facts.height}, {facts.frames} frames", _columns(rows)]
    return "\n".join([*lines, *_likeness_lines(findings), *_warning_lines(findings)])


def _likeness_lines(findings: Findings) -> list[str]:
    if findings.likeness is None or findings.alignment is None:
        return []
    likeness, alignment = findings.likeness, findings.alignment
    lines = [
        f"ours against the official video: PSNR {likeness.mean:.2f} dB mean, worst {_worst(likeness)}; "
        f"{len(alignment.shifted)} of {alignment.moving} moving frames are nearer to a neighbour"
    ]
    lines += [
        f"  frame {n}: {before:.1f} dB to {n - 1}, {same:.1f} to {n}, {after:.1f} to {n + 1}"
        for n, before, same, after in alignment.shifted[:5]
    ]
    return lines


def _warning_lines(findings: Findings) -> list[str]:
    """Warnings of our last runs without duplicates."""
    results = [result for series in findings.series.values() for result in series.results[-1:]]
    texts = [warning["message"] for result in results for warning in result["warnings"]]
    return [f"warning of ours: {text}" for text in dict.fromkeys(texts)]


def verdict_table(found: list[Verdict]) -> str:
    """A table of all limits, and a last line with their counts."""
    rows = [["composition", "bar", "is", "must be", ""]]
    for verdict in found:
        outcome = "holds" if verdict.holds else "MISSED"
        rows.append([verdict.composition, verdict.what, verdict.value, verdict.bar, outcome])
        if not verdict.counts:
            rows[-1][-1] += " (for information)"
    counted = [verdict for verdict in found if verdict.counts]
    missed = [verdict for verdict in counted if not verdict.holds]
    last = f"{len(counted) - len(missed)} of {len(counted)} bars hold."
    if missed:
        last += " Missed: " + "; ".join(f"{verdict.composition} {verdict.what} {verdict.value}" for verdict in missed)
    return "\n".join(["== Bars", _columns(rows), last])


def _ours_only(findings: Findings, cell: Callable[[Series], str]) -> Callable[[str], str]:
    """A cell with a value of our result. The official program does not report it."""

    def text(program: str) -> str:
        series = findings.series[program]
        return cell(series) if series.results else "-"

    return text


def _worst(scores: Scores) -> str:
    return f"{scores.worst:.2f} ({scores.worst_frame})"


def _mean(values: list[float]) -> float:
    return sum(values) / len(values)


def _columns(rows: list[list[str]]) -> str:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows)
    return "\n".join(line.rstrip() for line in lines)
