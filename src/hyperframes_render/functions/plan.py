"""Lambda function `plan`: fetches the composition, measures its duration and divides its frames into chunks."""

from __future__ import annotations

import asyncio
import platform
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools.utilities.parser import event_parser
from aws_lambda_powertools.utilities.typing import LambdaContext

from hyperframes_render.composition.source import Source, WebPage
from hyperframes_render.cost.estimate import Stack, Workload, predict
from hyperframes_render.errors import LimitExceeded, ServiceFailed
from hyperframes_render.functions.support.adapters import account_concurrency, settings
from hyperframes_render.functions.support.errors import report_to_workflow
from hyperframes_render.functions.support.observability import logger, traced
from hyperframes_render.functions.support.progress import ProgressCount
from hyperframes_render.functions.support.render_context import (
    RenderContext,
    TaskEvent,
    as_source,
    job_folder,
    render_context,
    source_folder,
)
from hyperframes_render.functions.support.settings import PlanSettings
from hyperframes_render.input import RenderInput
from hyperframes_render.network.policy import is_web_address
from hyperframes_render.render.check import check
from hyperframes_render.render.remote import fetch_source
from hyperframes_render.render.snapshot import take_snapshot
from hyperframes_render.render.steps import Chunking, make_plan
from hyperframes_render.tasks.layout import SNAPSHOT_TYPE, result_key, work_folder
from hyperframes_render.tasks.model import Task, TaskStatus
from hyperframes_render.tasks.quotas import FRAMES_COUNTER_SECONDS, frames_counter

if TYPE_CHECKING:
    from hyperframes_render.render.steps import Planned

#: Name of the mixed sound in the task's work/ folder. FLAC is lossless and half the size of PCM.
SOUND_FILE = "sound.flac"
#: The share of the account's concurrency that chunks leave to other functions (API, streams, webhooks): a fifth, and at
#: least two executions. A new account has ten.
SPARE_DIVISOR, MIN_SPARE = 5, 2


@logger.inject_lambda_context(clear_state=True)
@traced
@report_to_workflow
@event_parser(model=TaskEvent)
def handler(event: TaskEvent, context: LambdaContext) -> dict[str, Any]:
    """Plan the task. Returns the number of chunks, the key of their list, and how many are rendered at once."""
    logger.append_keys(task_id=event.task_id)
    config = settings(PlanSettings)
    job = render_context(config, event)
    with job.spending(event.task_id, "plan"), job_folder() as folder:
        job.wanted_task(event.task_id)
        task = job.advance(event.task_id, TaskStatus.PREPARING, "plan")
        source = _fetch(job, task, folder) if is_web_address(task.source_key) else job.source(task, folder)
        request = job.request(task)
        audio = job.audio(task, folder)
        progress = ProgressCount.of_call(job.tasks, task.id, context)
        parallel = _parallel_chunks(config)
        if task.function == "check":
            _answer_check(job, task, source, request)
            return {"task_id": task.id, "chunks": 0, "chunks_key": "", "parallel": parallel}
        if task.function == "snapshot":
            _answer_snapshot(job, task, source, request, folder)
            return {"task_id": task.id, "chunks": 0, "chunks_key": "", "parallel": parallel}
        with progress.counting():
            chunking = Chunking(parallel=parallel, disk=config.assemble_storage_mb * 1024**2)
            planned = make_plan(
                source,
                request,
                chunking,
                sound=folder / SOUND_FILE,
                audio=audio,
                ceiling=config.network_ceiling,
                listener=progress.check,
                thorough=task.dry_run,
            )
        plan = planned.plan
        _check_duration(plan.duration, config.max_duration_seconds)
        prefix = work_folder(task.id)
        if task.dry_run:
            _answer_dry_run(job, task, planned, parallel)
            return {"task_id": task.id, "chunks": 0, "chunks_key": "", "parallel": parallel}
        _count_frames(job, task, plan.frames)
        if planned.sound is not None:
            job.objects.upload(planned.sound, f"{prefix}{SOUND_FILE}", "audio/flac")
        job.write_json(
            f"{prefix}plan.json",
            {
                "plan": plan.as_dict(),
                "request": request.model_dump(mode="json"),
                "tags": planned.tags,
                "sound": planned.sound is not None,
                "warnings": [warning.as_dict() for warning in planned.warnings],
            },
        )
        chunks = [{"index": c.index, "first": c.frames.first, "count": c.frames.count} for c in plan.chunks]
        job.write_json(f"{prefix}chunks.json", chunks)
        job.advance(task.id, TaskStatus.RUNNING, "render", frames_total=plan.frames, frames_done=0)
    return {
        "task_id": task.id,
        "chunks": len(chunks),
        "chunks_key": f"{prefix}chunks.json",
        "parallel": parallel,
    }


def _parallel_chunks(config: PlanSettings) -> int:
    """Chunks to render at once: the stack's setting, limited by the account's concurrency."""
    try:
        limit = account_concurrency()
    except ServiceFailed as error:
        logger.warning("the account's concurrency is unknown, chunks follow the stack's setting: %s", error)
        return config.parallel_chunks
    return max(1, min(config.parallel_chunks, limit - max(MIN_SPARE, limit // SPARE_DIVISOR)))


def _check_duration(duration: float, limit: float) -> None:
    if duration > limit:
        raise LimitExceeded(
            f"The video would be {duration:g} s long: this stack renders {limit:g} s at most.",
            "Ask for a shorter duration, or raise the stack's MaxDurationSeconds.",
        )


def _count_frames(job: RenderContext, task: Task, frames: int) -> None:
    """Count `frames` for the caller's key. Raises LimitExceeded if they exceed its limit for today (UTC)."""
    if task.frames_a_day is None:
        return
    counter = frames_counter(task.owner)
    done = job.store.increment(counter, frames, FRAMES_COUNTER_SECONDS)
    if done > task.frames_a_day:
        job.store.increment(counter, -frames, FRAMES_COUNTER_SECONDS)
        raise LimitExceeded(
            f"The video would have {frames} frames, and this key may render {task.frames_a_day} a day (UTC), "
            f"of which {max(0, task.frames_a_day - done + frames)} are left.",
            "Ask for a shorter video, or try again tomorrow.",
        )


def _answer_dry_run(job: RenderContext, task: Task, planned: Planned, parallel: int) -> None:
    """Write the plan and the estimate as the draft of a result without a video."""
    plan = planned.plan
    is_arm = platform.machine() in ("arm64", "aarch64")
    stack = Stack(job.settings.aws_lambda_function_memory_size, parallel, "arm64" if is_arm else "x86_64")
    work = Workload.of_plan(plan, planned.seconds_per_frame)
    predicted = predict(work, stack, len(plan.chunks))
    job.write_json(
        f"{work_folder(task.id)}result.json",
        {
            "width": plan.width,
            "height": plan.height,
            "fps": str(plan.fps),
            "frames": plan.frames,
            "duration": round(plan.duration, 3),
            "chunks": len(plan.chunks),
            "plan": plan.reason,
            "warnings": [warning.as_dict() for warning in planned.warnings],
            "machine": platform.machine(),
            "estimate": {**predicted.as_dict(), "seconds_per_frame": round(planned.seconds_per_frame, 4)},
        },
    )


def _answer_check(job: RenderContext, task: Task, source: Source, request: RenderInput) -> None:
    """Write the report of `check` as the draft of a result without a video."""
    report = asyncio.run(check(source, request, ceiling=job.settings.network_ceiling))
    draft = {"check": report.as_dict(), "duration": round(report.duration, 3), "frames": report.frames, "chunks": 0}
    job.write_json(f"{work_folder(task.id)}result.json", {**draft, "machine": platform.machine()})


def _answer_snapshot(job: RenderContext, task: Task, source: Source, request: RenderInput, folder: Path) -> None:
    """Draw the frames that the task names on one image and store it as the result."""
    at = task.input.get("at") or ()
    image = folder / "snapshot.png"
    taken = asyncio.run(take_snapshot(source, image, request, at, ceiling=job.settings.network_ceiling))
    job.objects.upload(image, result_key(task), SNAPSHOT_TYPE)
    draft = {**taken.as_dict(), "size": image.stat().st_size, "chunks": 0, "machine": platform.machine()}
    job.write_json(f"{work_folder(task.id)}result.json", draft)


def _fetch(job: RenderContext, task: Task, folder: Path) -> Source:
    """Fetch the composition from its URL and store it in work/, so that every chunk renders the same bytes.

    The stack's network ceiling limits this fetch. The request's `network` limits only what the page loads.
    """
    fetched = asyncio.run(fetch_source(task.source_key, source_folder(folder), job.settings.network_ceiling))
    path, address = (fetched.path, fetched.address) if isinstance(fetched, WebPage) else (fetched, None)
    assert path is not None
    key = f"{work_folder(task.id)}source{path.suffix}"
    job.objects.upload(path, key, "application/zip" if path.suffix == ".zip" else "text/html")
    job.advance(task.id, TaskStatus.PREPARING, "plan", source_key=key, source_address=address)
    return as_source(job.with_variable_files(task, path), address)
