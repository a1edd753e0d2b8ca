"""A finished video goes to the outbox; what is known about it waits in work/ for `record`."""

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
    """Upload the video, then the draft of its record. Raises TaskCancelled where it is no longer wanted."""
    job.wanted_task(task.id)
    if not is_current(task, job.tasks):
        raise TaskCancelled("A newer file of the same name was dropped.")
    key = result_key(task)
    job.objects.upload(video, key, result_type(task.codec)[1])
    folder = work_folder(task.id)
    reason = job.read_json(f"{folder}plan.json")["plan"].get("reason", "")
    _upload_poster(job, task, video)
    known = {"output": key, "size": video.stat().st_size, "plan": reason, "machine": platform.machine()}
    job.write_json(f"{folder}result.json", {**result.as_dict(), **known})


def _upload_poster(job: RenderContext, task: Task, video: Path) -> None:
    """The poster, unless none can be made: a good video is not lost for that. `record` looks whether it is there."""
    poster = video.with_name("poster.jpg")
    try:
        make_poster(video, poster)
    except EncoderFailed as failed:
        logger.warning("no poster was made: %s", failed)
        return
    job.objects.upload(poster, poster_key(task), POSTER_TYPE)
