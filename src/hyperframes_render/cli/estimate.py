"""The `estimate` command: predicts the time and cost of a render in AWS."""

from __future__ import annotations

import json
from typing import Any

import click

from hyperframes_render.cli.options import present_fields, render_input_options
from hyperframes_render.cli.running import readable_errors
from hyperframes_render.composition.source import named_source
from hyperframes_render.input import parse_render_input


@click.command()
@click.argument("source", metavar="INPUT")
@click.option(
    "--memory",
    type=click.IntRange(1769, 10240),
    default=3008,
    show_default=True,
    help="Memory of each function, in megabytes.",
)
@click.option(
    "--parallel",
    type=click.IntRange(1, 10_000),
    default=8,
    show_default=True,
    help="Chunks that are rendered at the same time.",
)
@click.option(
    "--architecture",
    type=click.Choice(["x86_64", "arm64"]),
    default="x86_64",
    show_default=True,
    help="Processor architecture of the functions.",
)
@render_input_options(without={"audio_url"})
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def estimate(
    source: str, memory: int, parallel: int, architecture: Any, as_json: bool, **fields: str | bool | None
) -> None:
    """Predict the time and cost of a render of INPUT in AWS.

    Capture a sample of INPUT for a few seconds, then apply the cost model (docs/guides/cost.md).
    """
    with readable_errors(as_json):
        from hyperframes_render.cost.estimate import Stack, Workload, predict_planned
        from hyperframes_render.render.steps import probe

        request = parse_render_input(present_fields(fields))
        measured = probe(named_source(source), request)
        plan = measured.plan
        work = Workload.of_plan(plan, measured.seconds_per_frame)
        predicted = predict_planned(work, Stack(memory, parallel, architecture))
    if as_json:
        frame = {"frames": plan.frames, "frame_milliseconds": round(1000 * measured.seconds_per_frame, 1)}
        click.echo(json.dumps({**frame, **predicted.as_dict()}))
        return
    click.echo(
        f"{plan.frames} frames at {1000 * measured.seconds_per_frame:.0f} ms here: about {predicted.seconds:.0f} s and "
        f"${predicted.usd:.4f} in {predicted.chunks} chunk{'s' if predicted.chunks > 1 else ''} "
        f"({memory} MB {architecture}, {parallel} at once, all started cold)."
    )
