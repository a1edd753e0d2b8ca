"""Uploads a finished video to outbox/ and writes the draft of its record to work/, which `record` publishes."""

from __future__ import annotations

import platform
from pathlib import Path

from hyperframes_render.errors import EncoderFailed, TaskCancelled
from hyperframes_render.functions.support.observability import logger
from hyperframes_render.functions.support.render_context import RenderContext
from hyperframes_render.media.stills import make_poster
from hyperframes_render.render.result import RenderResult
from hyperframes_render.tasks.layout import POSTER_TYPE, is_current, poster_key, result_key, work_folder
from hyperframes_render.tasks.model import Task, result_type


def deliver_result(job: RenderContext, task: Task, video: Path, result: RenderResult) -> None:
    """Upload the video and its poster, then the draft of its record.

    Raises TaskCancelled if the task was cancelled or a newer file with the same name was dropped.
    """
    job.wanted_task(task.id)
    if not is_current(task, job.tasks):
        raise TaskCancelled("A newer file of the same name was dropped.")
    key = result_key(task)
    job.objects.upload(video, key, result_type(task.codec)[1])
    folder = work_folder(task.id)
    reason = job.read_json(f"{folder}plan.json")["plan"].get("reason", "")
    _upload_poster(job, task, video)
    facts = {"output": key, "size": video.stat().st_size, "plan": reason, "machine": platform.machine()}
    job.write_json(f"{folder}result.json", {**result.as_dict(), **facts})


def _upload_poster(job: RenderContext, task: Task, video: Path) -> None:
    """Upload the poster. A video without a poster is still delivered; `record` checks whether the poster exists."""
    poster = video.with_name("poster.jpg")
    try:
        make_poster(video, poster)
    except EncoderFailed as failed:
        logger.warning("no poster was made: %s", failed)
        return
    job.objects.upload(poster, poster_key(task), POSTER_TYPE)
