"""Lambda function `render_chunk`: renders one chunk, or the whole video if it has only one."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from aws_lambda_powertools.utilities.parser import event_parser
from aws_lambda_powertools.utilities.typing import LambdaContext

from hyperframes_render.errors import InternalError
from hyperframes_render.formats import FORMATS
from hyperframes_render.functions.support.adapters import settings
from hyperframes_render.functions.support.delivery import deliver_result
from hyperframes_render.functions.support.errors import report_to_workflow
from hyperframes_render.functions.support.observability import logger, traced
from hyperframes_render.functions.support.progress import COUNT_SECONDS_WHOLE, ProgressCount
from hyperframes_render.functions.support.render_context import (
    RenderContext,
    TaskEvent,
    chunk_key,
    job_folder,
    render_context,
)
from hyperframes_render.functions.support.settings import RenderChunkSettings
from hyperframes_render.input import RenderInput
from hyperframes_render.media.encode import chunk_suffix
from hyperframes_render.render.job import LocalOptions, render
from hyperframes_render.render.plan import Chunk, FrameRange, Plan
from hyperframes_render.render.steps import render_chunk
from hyperframes_render.tasks.layout import work_folder
from hyperframes_render.tasks.model import Task, TaskStatus, result_type


class RenderChunkEvent(TaskEvent):
    """The chunk's index, first frame and number of frames; or `whole` for the whole video."""

    index: int = 0
    first: int = 0
    count: int = 0
    whole: bool = False


@logger.inject_lambda_context(clear_state=True)
@traced
@report_to_workflow
@event_parser(model=RenderChunkEvent)
def handler(event: RenderChunkEvent, context: LambdaContext) -> dict[str, Any]:
    """Render. The result of a chunk is a few bytes: the results of a Map must fit into the workflow's state."""
    logger.append_keys(task_id=event.task_id, chunk=event.index)
    job = render_context(settings(RenderChunkSettings), event)
    with job.spending(event.task_id, "render", event.index), job_folder() as folder:
        task = job.wanted_task(event.task_id)
        progress = ProgressCount.of_call(job.tasks, task.id, context)
        if event.whole:
            progress.interval = COUNT_SECONDS_WHOLE
            _render_whole(job, task, folder, progress)
            return {"task_id": task.id}
        if not _is_finished(job, task, event):
            _render_chunk(job, task, event, folder, progress)
        elif task.starts > 1:
            job.tasks.add_frames(task.id, event.count)  # a restarted workflow counts frames from zero
        if task.failure.get("chunk") == event.index:
            job.tasks.record_failure(task.id, {})  # the earlier failure of this chunk is resolved
    return {"ok": True}


def _render_whole(job: RenderContext, task: Task, folder: Path, progress: ProgressCount) -> None:
    source, request = job.source(task, folder), job.request(task)
    output = folder / f"video{result_type(request.codec)[0]}"
    options = LocalOptions(audio=job.audio(task, folder), ceiling=job.settings.network_ceiling)
    with progress.counting():
        result = asyncio.run(render(source, output, request, options, progress.listener))
    job.advance(task.id, TaskStatus.UPLOADING, "upload")
    deliver_result(job, task, output, result)


def _render_chunk(
    job: RenderContext, task: Task, event: RenderChunkEvent, folder: Path, progress: ProgressCount
) -> None:
    """Render and upload one chunk. The chunk is uploaded after its record: if the chunk exists, both exist."""
    stored = job.read_json(f"{work_folder(task.id)}plan.json")
    plan, request = Plan.from_dict(stored["plan"]), RenderInput.model_validate(stored["request"])
    chunk = Chunk(event.index, FrameRange(event.first, event.count))
    output = folder / f"chunk{chunk_suffix(plan.format)}"
    source = job.source(task, folder)
    with progress.counting():
        record = render_chunk(source, request, plan, chunk, output, listener=progress.listener)
    job.wanted_task(task.id)
    if not output.is_file():
        raise InternalError(f"Rendering chunk {event.index} produced no file.")
    record_key = chunk_key(task.id, event.index, ".json")
    job.write_json(record_key, {"record": record.as_dict(), "size": output.stat().st_size, **_frames(event)})
    job.objects.upload(output, chunk_key(task.id, event.index, output.suffix), result_type(request.codec)[1])


def _is_finished(job: RenderContext, task: Task, event: RenderChunkEvent) -> bool:
    """Whether an earlier call, whose response was lost, already finished this chunk."""
    video_key = chunk_key(task.id, event.index, chunk_suffix(FORMATS[task.request.codec]))
    record_key = chunk_key(task.id, event.index, ".json")
    # A listing is used because S3 returns 404 for a missing object only with permission to list the whole bucket.
    sizes = job.objects.sizes(chunk_key(task.id, event.index, ""))
    if video_key not in sizes or record_key not in sizes:
        return False
    record = job.read_json(record_key)
    return bool(record.get("size") == sizes[video_key] and {k: record.get(k) for k in _frames(event)} == _frames(event))


def _frames(event: RenderChunkEvent) -> dict[str, int]:
    return {"first": event.first, "count": event.count}
