"""A finished video goes to the outbox; what is known about it waits in work/ for `record`."""

from __future__ import annotations

import platform
from pathlib import Path
from typing import Any

from hyperframes_render.api.outbox import is_current, poster_key, result_key, work_folder
from hyperframes_render.errors import EncoderFailed, TaskCancelled
from hyperframes_render.functions.observability import logger
from hyperframes_render.functions.worker import Worker
from hyperframes_render.media.stills import make_poster
from hyperframes_render.render.result import RenderResult
from hyperframes_render.task import Task, result_type


def deliver_result(own: Worker, task: Task, video: Path, result: RenderResult) -> None:
    """Upload the video, then the draft of its record. Raises TaskCancelled where it is no longer wanted."""
    own.wanted_task(task.id)
    if not is_current(task, own.tasks):
        raise TaskCancelled("A newer file of the same name was dropped.")
    key = result_key(task)
    own.objects.upload(video, key, result_type(task.request.codec)[1])
    folder = work_folder(task.id)
    reason = own.read_json(f"{folder}plan.json")["plan"].get("reason", "")
    known = {
        "output": key,
        "poster": _poster(own, task, video),
        "size": video.stat().st_size,
        "plan": reason,
        "machine": platform.machine(),
    }
    own.write_json(f"{folder}result.json", {**result.as_dict(), **known})


def _poster(own: Worker, task: Task, video: Path) -> dict[str, Any] | None:
    """The poster's file, uploaded; None where none could be made: a good video is not lost for that."""
    poster, key = video.with_name("poster.jpg"), poster_key(task)
    try:
        make_poster(video, poster)
    except EncoderFailed as failed:
        logger.warning("no poster was made: %s", failed)
        return None
    own.objects.upload(poster, key, "image/jpeg")
    return {"key": key, "content_type": "image/jpeg", "size": poster.stat().st_size, "filename": Path(key).name}
