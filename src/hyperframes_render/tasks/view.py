"""A task and its files as the API shows them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from hyperframes_render.tasks.layout import poster_file, video_file
from hyperframes_render.tasks.model import Task, TaskStatus
from hyperframes_render.tasks.ports import ObjectStore
from hyperframes_render.tasks.timestamps import later

#: Seconds that a signed address of a result is valid. It also expires with the credentials that signed it, so a longer
#: time cannot be guaranteed. Each read of a task signs a new address.
URL_SECONDS = 3600
#: Fields of the stored output that are shown beside the video.
_SHOWN = (
    *("width", "height", "fps", "frames", "duration", "codec", "chunks", "plan"),
    *("timings", "cost", "warnings", "versions"),
)


def task_view(task: Task, store: ObjectStore) -> dict[str, Any]:
    """The task as GET returns it, with a video address that is signed now."""
    return {
        "id": task.id,
        "app": task.app,
        "status": int(task.status),
        "status_text": task.status.text,
        "created_at": task.created_at,
        "updated_at": task.updated_at,
        "input": task.input,
        "output": _output(task, store),
        "error": task.error_text,
        "error_code": (task.error or {}).get("code"),
        "logs": _logs(task),
        "warnings": task.warnings,
        "metadata": task.metadata,
        "session_id": task.session_id,
        "webhook": task.webhook,
    }


def _output(task: Task, store: ObjectStore) -> dict[str, Any] | None:
    if not task.status.final:
        return {"progress": progress_of(task)}
    if task.status != TaskStatus.COMPLETED or task.output is None:
        return None
    stored = task.output
    output: dict[str, Any] = {name: stored[name] for name in _SHOWN if name in stored}
    if isinstance(checked := stored.get("check"), dict):
        return {**output, "function": "check", **checked}
    if stored.get("dry_run"):
        return {**output, "dry_run": True, "estimate": stored.get("estimate")}
    output["expires_at"] = stored.get("expires_at")
    if output["expires_at"] and str(output["expires_at"]) <= later(0, datetime.now(UTC)):
        output["expired"] = "The video was removed at expires_at; run the task again."
        return output
    # Not inside the files: clients build objects from them that accept no other fields.
    output["uris_expire_at"] = later(URL_SECONDS)
    # Not the stored key: a changed item could name an object of another task, which would be signed here.
    if task.function == "snapshot":
        image = _signed(video_file(task, stored.get("size")), store)
        return {**output, "function": "snapshot", "times": stored.get("times", []), "image": image}
    output["video"] = _signed(video_file(task, stored.get("size")), store)
    if isinstance(poster := stored.get("poster"), dict):
        output["poster"] = _signed(poster_file(task, poster.get("size")), store)
    return output


def _signed(file: Mapping[str, Any], store: ObjectStore) -> dict[str, Any]:
    """A file of the task with a newly signed address."""
    return {
        "uri": store.presign(file["key"], URL_SECONDS, file["filename"]),
        "content_type": file["content_type"],
        "size": file["size"],
        "filename": file["filename"],
    }


def task_files(task: Task, store: ObjectStore) -> list[dict[str, Any]]:
    """The task's inputs and results. An input keeps the address that the caller sent; results are signed now."""
    files: list[dict[str, Any]] = []
    for name, field in (("html", task.input.get("html")), ("audio_url", task.input.get("audio_url"))):
        # Markup that was sent in the request is deleted when the task ends.
        if isinstance(field, str) and not field.startswith(f"s3://{store.bucket}/work/"):
            files.append({"id": f"{task.id}.{name}", "role": "input", "field": name, "uri": field})
    output = _output(task, store) or {}
    for name in ("video", "poster", "image"):
        if name in output:
            signed = {**output[name], "uri_expires_at": output["uris_expire_at"]}
            files.append({"id": f"{task.id}.{name}", "role": "output", "field": name, **signed})
    return files


def progress_of(task: Task) -> dict[str, Any]:
    """The task's progress: phase, frames, percent."""
    return {
        "phase": task.phase or task.status.text,
        "frames_done": min(task.frames_done, task.frames_total) if task.frames_total else 0,
        "frames_total": task.frames_total,
        "percent": round(100 * task.progress, 1),
    }


def _logs(task: Task) -> list[str]:
    if task.error:
        return [task.error_text or ""]
    if task.status.final or not task.frames_total:
        return [f"{task.status.text}"]
    done = progress_of(task)
    return [f"{done['phase']}: {done['frames_done']} of {done['frames_total']} frames ({done['percent']:g} %)"]
