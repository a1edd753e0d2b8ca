"""docs/guides/cost.md from the model of cost/estimate.py: `python tests/bench/cost.py`."""

from __future__ import annotations

from pathlib import Path

from hyperframes_render.cost.estimate import Prediction, Stack, Workload, predict, predict_planned

DOCS = Path(__file__).resolve().parents[2] / "docs"
#: A frame of motion graphics in which everything moves: 45 ms for 1080p, 25 ms for 720p with one browser, as
#: `hyperframes-render estimate` measures on an idle machine of two processors, rounded up.
LENGTHS = {"10 s": 10, "1 min": 60, "10 min": 600, "1 h": 3600}
CAPTURE_1080, CAPTURE_720 = 0.045, 0.025
STACKS = [Stack(1769, 6), Stack(3008, 6), Stack(3008, 100), Stack(3008, 800), Stack(10240, 100)]
REMOTION = (56, 0.103)
#: Picture of the 10 min case: chunk lengths in seconds, axes in pixels.
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


def picture(path: Path) -> None:
    """Seconds (down) against dollars (right) for 10 minutes of 720p24 at several chunk lengths, and Remotion's figures."""
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
        mine = [place(point.seconds, point.usd) for own, point in points if own == stack]
        line = " ".join(f"{x:.1f},{y:.1f}" for x, y in mine)
        parts.append(f'<polyline points="{line}" fill="none" stroke="{colours[index]}" stroke-width="2"/>')
        parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2.5" fill="{colours[index]}"/>' for x, y in mine]
        label = f"{stack.memory_mb} MB, {stack.parallel} at once"
        parts.append(f'<text x="{WIDTH - 190}" y="{MARGIN + 15 * index}" fill="{colours[index]}">{label}</text>')
    x, y = place(*REMOTION)
    parts.append(
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="5" fill="#222"/><text x="{x - 8:.1f}" y="{y - 8:.1f}" text-anchor="end">Remotion Lambda, published</text>'
    )
    path.write_text("\n".join([*parts, "</svg>\n"]))


def main() -> None:
    """Write the page and its picture."""
    small = predict_planned(Workload(14_400, 24, 1280, 720, CAPTURE_720), Stack(3008, 100))
    picture(DOCS / "images/cost.svg")
    (DOCS / "guides/cost.md").write_text(f"""# Cost and time in AWS

Nothing here was run in AWS: it is the model of `cost/estimate.py`, made into this page by `make cost`. Its seconds per
frame are measured; cold starts, the map's start and the speed of S3 are assumptions named there,
and prices are those of `cost/prices.py` with their date. Every result carries its own `cost` and `timings`;
`hyperframes-render estimate INPUT` looks at a composition for some seconds and predicts both.

1080p30 motion graphics in which everything moves, every function started cold, chunks as the planner chooses:
seconds from request to video, dollars, chunks.

{table()}

**10 minutes of 720p24** (Remotion's published figures: {REMOTION[0]} s, ${REMOTION[1]}): by this model
{small.seconds:.0f} s and ${small.usd:.3f} with 3008 MB and 100 chunks at once ({small.chunks} used), at {1000 * CAPTURE_720:.0f} ms
a frame. Each line of the picture is one stack, its points chunks of {", ".join(map(str, CHUNK_SECONDS))} seconds.

![seconds against dollars](cost.svg)

The planner takes the number of chunks that is done soonest for at most half as much work again; tests hold it within
10 % of the best that the model knows at that price. More memory than 3008 MB buys less time than more chunks do.
""")


if __name__ == "__main__":
    main()
