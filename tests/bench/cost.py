"""Writes docs/guides/cost.md from the model in cost/estimate.py: `python tests/bench/cost.py`."""

from __future__ import annotations

from pathlib import Path

from hyperframes_render.cost.estimate import Prediction, Stack, Workload, predict, predict_planned

DOCS = Path(__file__).resolve().parents[2] / "docs"
LENGTHS = {"10 s": 10, "1 min": 60, "10 min": 600, "1 h": 3600}
#: Seconds to capture a frame of motion graphics with movement everywhere, with one browser. Rounded up from a
#: measurement by `hyperframes-render estimate` on an idle machine with two processors.
CAPTURE_1080, CAPTURE_720 = 0.045, 0.025
STACKS = [Stack(1769, 6), Stack(3008, 6), Stack(3008, 100), Stack(3008, 800), Stack(10240, 100)]
#: Remotion's published seconds and dollars for 10 minutes of 720p24.
REMOTION = (56, 0.103)
#: Chart of the 10 min case: chunk lengths in seconds, sizes in pixels.
CHUNK_SECONDS = [2, 3, 5, 8, 12, 20, 30, 60]
WIDTH, HEIGHT, MARGIN = 640, 320, 48


def work(seconds: int) -> Workload:
    return Workload(30 * seconds, 30, 1920, 1080, CAPTURE_1080)


def cell(predicted: Prediction) -> str:
    return f"{predicted.seconds:.0f} s, ${predicted.usd:.4f}, {predicted.chunks}"


def table() -> str:
    heads = [f"{s.memory_mb} MB, {s.parallel} at once" for s in STACKS]
    lines = ["| length | " + " | ".join(heads) + " |", "|---" * (len(STACKS) + 1) + "|"]
    for name, seconds in LENGTHS.items():
        lines.append(
            f"| {name} | " + " | ".join(cell(predict_planned(work(seconds), stack)) for stack in STACKS) + " |"
        )
    return "\n".join(lines)


def draw_chart(path: Path) -> None:
    """Write an SVG of seconds (y) against dollars (x) for 10 minutes of 720p24 by chunk length, with Remotion's point."""
    video = Workload(14_400, 24, 1280, 720, CAPTURE_720)
    points = [(stack, predict(video, stack, 600 // length)) for stack in STACKS for length in CHUNK_SECONDS]
    points = [(stack, point) for stack, point in points if point.seconds <= 120]
    most_usd, most_seconds = 0.12, 120

    def place(seconds: float, usd: float) -> tuple[float, float]:
        return MARGIN + usd / most_usd * (WIDTH - 2 * MARGIN), HEIGHT - MARGIN - seconds / most_seconds * (
            HEIGHT - 2 * MARGIN
        )

    colours = ["#8d99ae", "#457b9d", "#2a9d8f", "#e9c46a", "#e76f51"]
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="11">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
        f'<text x="{WIDTH / 2}" y="{HEIGHT - 10}" text-anchor="middle">US dollars</text>',
        f'<text x="14" y="{MARGIN - 14}">seconds</text>',
    ]
    for usd in (0.0, 0.04, 0.08, 0.12):
        x, y = place(0, usd)
        parts.append(f'<text x="{x:.0f}" y="{y + 16:.0f}" text-anchor="middle">{usd:g}</text>')
    for seconds in (0, 30, 60, 90, 120):
        x, y = place(seconds, 0)
        parts.append(
            f'<path d="M{x} {y}H{WIDTH - MARGIN}" stroke="#ddd"/><text x="{x - 8}" y="{y + 4}" text-anchor="end">{seconds}</text>'
        )
    for index, stack in enumerate(STACKS):
        line_points = [place(point.seconds, point.usd) for other, point in points if other == stack]
        line = " ".join(f"{x:.1f},{y:.1f}" for x, y in line_points)
        parts.append(f'<polyline points="{line}" fill="none" stroke="{colours[index]}" stroke-width="2"/>')
        parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2.5" fill="{colours[index]}"/>' for x, y in line_points]
        label = f"{stack.memory_mb} MB, {stack.parallel} at once"
        parts.append(f'<text x="{WIDTH - 190}" y="{MARGIN + 15 * index}" fill="{colours[index]}">{label}</text>')
    x, y = place(*REMOTION)
    parts.append(
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="5" fill="#222"/><text x="{x - 8:.1f}" y="{y - 8:.1f}" text-anchor="end">Remotion Lambda, published</text>'
    )
    path.write_text("\n".join([*parts, "</svg>\n"]))


def main() -> None:
    """Write the page and its chart."""
    small = predict_planned(Workload(14_400, 24, 1280, 720, CAPTURE_720), Stack(3008, 100))
    draw_chart(DOCS / "images/cost.svg")
    (DOCS / "guides/cost.md").write_text(f"""# Cost and time in AWS

For operators: a prediction of time and cost of renders in AWS. Nothing here was run in AWS. `make cost` writes this page
from the model in `cost/estimate.py`. Seconds per frame are measured. Cold starts, the start of the Map and the speed of S3
are assumptions that the model names. Prices are in `cost/prices.py`, with their date.

Every result has its `cost` and `timings`. `hyperframes-render estimate INPUT` measures a composition for some seconds and
predicts both.

The table shows seconds from request to video, dollars, and number of chunks, for 1080p30 motion graphics with movement in
every frame, a cold start of every function, and the planner's choice of chunks.

{table()}

**10 minutes of 720p24** (Remotion's published figures: {REMOTION[0]} s, ${REMOTION[1]}): by this model
{small.seconds:.0f} s and ${small.usd:.3f} with 3008 MB and 100 chunks at once ({small.chunks} used), at {1000 * CAPTURE_720:.0f} ms
a frame. Each line of the chart is one stack, with points for chunks of {", ".join(map(str, CHUNK_SECONDS))} seconds.

![seconds against dollars](../images/cost.svg)

The planner chooses the number of chunks that finishes first and costs at most half as much again as a single chunk. Tests
keep it within 10 % of the model's optimum at that price. More chunks save more time than more memory than 3008 MB.
""")


if __name__ == "__main__":
    main()
