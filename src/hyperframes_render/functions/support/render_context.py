"""What the three functions of the image share: their folder, the task's state, its progress, and what they took."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import re
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import Any

from aws_lambda_powertools.utilities.parser import BaseModel

from hyperframes_render.aws.access import GrantedAccess
from hyperframes_render.aws.events import SnsTopic
from hyperframes_render.aws.expiring_store import DynamoExpiringStore
from hyperframes_render.aws.objects import S3Objects, s3_settings
from hyperframes_render.aws.tasks import DynamoTasks
from hyperframes_render.composition.source import Source, WebPage, is_archive, open_project
from hyperframes_render.cost.prices import usage_counters
from hyperframes_render.errors import DiskFull, InternalError, RenderError, TaskCancelled
from hyperframes_render.functions.support.observability import logger
from hyperframes_render.functions.support.settings import Working
from hyperframes_render.input import RenderInput
from hyperframes_render.network.policy import is_web_address
from hyperframes_render.paths import remove_folder
from hyperframes_render.render.threads import end_if_outlived, outlived
from hyperframes_render.sandbox.private_memory import keep_memory_private
from hyperframes_render.tasks.layout import work_folder
from hyperframes_render.tasks.model import Task, TaskStatus
from hyperframes_render.tasks.ports import Attention, EventTopic, ExpiringStore, ObjectStore, TaskAccess, TaskTable
from hyperframes_render.tasks.submission import narrow_network
from hyperframes_render.tasks.timestamps import later
from hyperframes_render.tasks.transitions import advance, check_wanted
from hyperframes_render.tasks.variable_files import given_key, with_paths

#: A name that needs no quoting in an address, and leaves room in the 255 bytes that file systems take.
_PLAIN_NAME = re.compile(r"^[A-Za-z0-9][A-Za-z0-9._-]{0,199}$")
#: Lambda gives a function's start 10 seconds.
_MAX_INIT_SECONDS = 10.0


#: Lambda gives a user without an entry in passwd and, in an image, no HOME: the browser's driver (Node) dies without.
os.environ.setdefault("HOME", tempfile.gettempdir())
# Before anything is started that reads what strangers sent.
if not keep_memory_private():
    logger.error("other processes of this user can read this function's memory and environment")


@dataclass(frozen=True)
class RenderContext:
    """The adapters of one function of the image, and its settings."""

    access: TaskAccess
    tasks: TaskTable
    objects: ObjectStore
    topic: EventTopic
    settings: Working
    store: ExpiringStore

    def wanted_task(self, task_id: str) -> Task:
        """The task. Raises NotFound, or TaskCancelled where nobody waits for it any more."""
        task = self.tasks.get(task_id)
        if task is None:
            raise TaskCancelled("The task was deleted.")
        check_wanted(task)
        return task

    def advance(self, task_id: str, status: TaskStatus, phase: str, **changes: Any) -> Task:
        """Move the task on, and put off `sweep`'s next look at it."""
        looked_at = {"attention": Attention.RUN, "attention_at": later(2 * self.settings.attention_seconds)}
        return advance(self.tasks, self.topic, task_id, status, phase=phase, **looked_at, **changes)

    def request(self, task: Task) -> RenderInput:
        """How to render, within what the stack allows."""
        asked = task.request
        network = narrow_network(asked.network, self.settings.network_ceiling)
        return asked.model_copy(update={"network": network, "variables": with_paths(asked.variables, task.given)})

    def read_json(self, key: str) -> dict[str, Any]:
        """A record that an earlier function wrote."""
        return dict(json.loads(self.objects.get(key)))

    def write_json(self, key: str, record: Any) -> None:
        """A record for a later function."""
        self.objects.put(key, json.dumps(record).encode(), "application/json")

    def source(self, task: Task, folder: Path) -> Source:
        """The composition, as a file below `folder`. Errors name it: a plain name stays as its sender knows it."""
        suffix = ".zip" if task.source_key.lower().endswith(".zip") else ".html"
        name = PurePosixPath(task.drop_key or "").stem
        path = source_folder(folder) / f"{name if _PLAIN_NAME.match(name) else 'composition'}{suffix}"
        self.objects.download(task.source_key, path, etag=task.source_etag)
        if suffix == ".html" and _is_zip(path):
            # An upload without a name of its own says only here what it is.
            path = path.rename(path.with_suffix(".zip"))
        return at_home(self.with_given_files(task, path), task.source_address)

    def with_given_files(self, task: Task, source: Path) -> Path:
        """The composition with the files that its variables name beside it: an archive becomes a folder for that."""
        if not task.given:
            return source
        if source.suffix == ".zip":
            source = open_project(source, unpack_to=source.with_suffix("")).root
        root = source if source.is_dir() else source.parent
        for path in task.given.values():
            if (root / path).parent.is_relative_to(root):
                (root / path).parent.mkdir(parents=True, exist_ok=True)
                self.objects.download(given_key(task.id, path), root / path)
        return source

    def audio(self, task: Task, folder: Path) -> Path | None:
        """The uploaded file that audio_url names; None where it names none of ours."""
        if task.audio_key is None:
            return None
        path = folder / f"audio{PurePosixPath(task.audio_key).suffix}"
        self.objects.download(task.audio_key, path, etag=task.audio_etag)
        return path

    @contextlib.contextmanager
    def spending(self, task_id: str, function: str, chunk: int | None = None) -> Iterator[None]:
        """Report what the block took, whether it works or fails, and what it failed with.

        Where a thread outlived the block, the process ends here: it must not see the next task. Lambda makes a new
        one, and takes this call for a failed one, which the workflow tries again as it does a stalled render.
        """
        started = time.monotonic() - _start_up_seconds()
        try:
            yield
        except RenderError as error:
            with contextlib.suppress(RenderError):
                ends = {"ends": True} if outlived() else {}
                noted = {"class": type(error).__name__, "chunk": chunk, **error.as_dict(), **ends}
                self.tasks.note_failure(task_id, noted)
            raise
        finally:
            config = self.settings
            counters = usage_counters(
                function,
                time.monotonic() - started,
                config.aws_lambda_function_memory_size,
                config.ephemeral_storage_mb,
            )
            with contextlib.suppress(RenderError):
                self.tasks.add_spent(task_id, counters)
            if outlived():
                logger.error("a thread outlived its job: this process ends")
                end_if_outlived(1)


def source_folder(folder: Path) -> Path:
    """The folder of the composition below a call's `folder`.

    A page may read what lies beside it: the call's sound and results must not.
    """
    inner = folder / "source"
    inner.mkdir(exist_ok=True)
    return inner


def at_home(source: Path, address: str | None) -> Source:
    """The source as a page at its address, if it has one. Raises InternalError where that is none of the web.

    The task's item says it, and a renderer that a page took over may have written that: a browser opens files, too.
    """
    if address is None:
        return source
    if not is_web_address(address):
        raise InternalError("The address of the task's page is none of the web.")
    return WebPage(address, source)


def _is_zip(path: Path) -> bool:
    with path.open("rb") as file:
        return is_archive(file.read(4))


class TaskEvent(BaseModel):
    """What the workflow tells each of its functions: the task, and what lets them at it."""

    task_id: str
    access: str = ""


def render_context(config: Working, event: TaskEvent) -> RenderContext:
    """The adapters, for this event's task only. Raises InternalError where its access is another's."""
    job = _render_context(config)
    job.access.take(event.task_id, event.access)
    return job


@lru_cache(maxsize=1)
def _render_context(config: Working) -> RenderContext:
    """The adapters, made once: an environment is used again."""
    access = GrantedAccess(config.grant_function)
    table = access.client("dynamodb")
    return RenderContext(
        access,
        DynamoTasks(config.task_table, table),
        S3Objects(config.bucket, access.client("s3", **s3_settings())),
        SnsTopic(config.events_topic_arn, access.client("sns")),
        config,
        DynamoExpiringStore(config.task_table, table),
    )


@contextlib.contextmanager
def job_folder() -> Iterator[Path]:
    """An empty folder for one call, gone afterwards: an environment is used again, its /tmp is not emptied.

    Raises DiskFull where the folder cannot be made, or there is no room in it for what the block writes.
    """
    try:
        folder = Path(tempfile.mkdtemp(prefix="job-"))
    except OSError as error:
        raise DiskFull(f"No folder for temporary files can be made: {error.strerror}.") from error
    try:
        yield folder
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise DiskFull(f"There is no room left for temporary files: {error.strerror}.") from error
    finally:
        remove_folder(folder)


def chunk_key(task_id: str, index: int, suffix: str) -> str:
    """The key of a finished chunk, or of its record (.json)."""
    return f"{work_folder(task_id)}chunks/{index:05d}{suffix}"


_first_call = True


def _start_up_seconds() -> float:
    """The seconds that this environment took to start, once: they are billed with its first call."""
    global _first_call
    if not _first_call:
        return 0.0
    _first_call = False
    fields = Path("/proc/self/stat").read_text().rpartition(")")[2].split()
    started = int(fields[19]) / os.sysconf("SC_CLK_TCK")
    return min(_MAX_INIT_SECONDS, max(0.0, time.clock_gettime(time.CLOCK_BOOTTIME) - started))
