"""Lambda function `assemble`: joins the chunks to one video and muxes the sound."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

from aws_lambda_powertools.utilities.parser import event_parser
from aws_lambda_powertools.utilities.typing import LambdaContext

from hyperframes_render.functions.plan import SOUND_FILE
from hyperframes_render.functions.support.adapters import settings
from hyperframes_render.functions.support.delivery import deliver_result
from hyperframes_render.functions.support.errors import report_to_workflow
from hyperframes_render.functions.support.observability import logger, traced
from hyperframes_render.functions.support.progress import ProgressCount
from hyperframes_render.functions.support.render_context import (
    RenderContext,
    TaskEvent,
    chunk_key,
    job_folder,
    render_context,
)
from hyperframes_render.functions.support.settings import AssembleSettings
from hyperframes_render.media.encode import chunk_suffix
from hyperframes_render.problems import Problem
from hyperframes_render.render.plan import Chunk, Plan
from hyperframes_render.render.result import CaptureRecord
from hyperframes_render.render.steps import assemble
from hyperframes_render.tasks.layout import work_folder
from hyperframes_render.tasks.model import Task, TaskStatus

#: Chunks that are downloaded at once.
_DOWNLOADS = 8


@logger.inject_lambda_context(clear_state=True)
@traced
@report_to_workflow
@event_parser(model=TaskEvent)
def handler(event: TaskEvent, context: LambdaContext) -> dict[str, Any]:
    """Join the chunks and deliver the video."""
    logger.append_keys(task_id=event.task_id)
    job = render_context(settings(AssembleSettings), event)
    with job.spending(event.task_id, "assemble"), job_folder() as folder:
        job.wanted_task(event.task_id)
        task = job.advance(event.task_id, TaskStatus.UPLOADING, "assemble")
        stored = job.read_json(f"{work_folder(task.id)}plan.json")
        plan = Plan.from_dict(stored["plan"])
        progress = ProgressCount.of_call(job.tasks, task.id, context)
        with progress.counting():
            parts, records = _fetch(job, task, plan.chunks, chunk_suffix(plan.format), folder)
            output = folder / f"video{plan.format.suffix}"
            sound = folder / SOUND_FILE
            if stored["sound"]:
                job.objects.download(f"{work_folder(task.id)}{SOUND_FILE}", sound)
            tags = [(name, value) for name, value in stored["tags"]]
            result = assemble(plan, parts, records, output, sound=sound if stored["sound"] else None, tags=tags)
            planned = [Problem.from_dict(warning) for warning in stored["warnings"]]
            result = replace(result, warnings=tuple(dict.fromkeys((*planned, *result.warnings))))
        deliver_result(job, task, output, result)
    return {"task_id": task.id}


def _fetch(
    job: RenderContext, task: Task, chunks: tuple[Chunk, ...], suffix: str, folder: Path
) -> tuple[list[tuple[Chunk, Path]], list[CaptureRecord]]:
    """Download every chunk and its record, in order."""

    def fetch(chunk: Chunk) -> tuple[tuple[Chunk, Path], CaptureRecord]:
        path = folder / f"{chunk.index:05d}{suffix}"
        job.objects.download(chunk_key(task.id, chunk.index, suffix), path)
        record = job.read_json(chunk_key(task.id, chunk.index, ".json"))["record"]
        return (chunk, path), CaptureRecord.from_dict(record)

    with ThreadPoolExecutor(_DOWNLOADS) as pool:
        fetched = list(pool.map(fetch, chunks))
    return [part for part, _ in fetched], [record for _, record in fetched]
