"""Shared by the three render functions: temporary folder, task state, source files and reported usage."""

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
from hyperframes_render.functions.support.settings import RendererSettings
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
from hyperframes_render.tasks.transitions import advance, check_active
from hyperframes_render.tasks.variable_files import variable_file_key, with_paths

#: A file name that needs no quoting in a URL and stays below the 255 bytes of file systems.
_PLAIN_NAME = re.compile(r"^[A-Za-z0-9][A-Za-z0-9._-]{0,199}$")
#: Seconds: Lambda limits the start of a function to 10.
_MAX_INIT_SECONDS = 10.0

# Lambda runs image functions without HOME and as a user without a passwd entry. The browser's driver (Node) needs HOME.
os.environ.setdefault("HOME", tempfile.gettempdir())
# This must run before any process that reads a composition.
if not keep_memory_private():
    logger.error("other processes of this user can read this function's memory and environment")


@dataclass(frozen=True)
class RenderContext:
    """The adapters of one render function, and its settings."""

    access: TaskAccess
    tasks: TaskTable
    objects: ObjectStore
    topic: EventTopic
    settings: RendererSettings
    store: ExpiringStore

    def wanted_task(self, task_id: str) -> Task:
        """The task. Raises TaskCancelled if it was deleted, cancelled or has ended."""
        task = self.tasks.get(task_id)
        if task is None:
            raise TaskCancelled("The task was deleted.")
        check_active(task)
        return task

    def advance(self, task_id: str, status: TaskStatus, phase: str, **changes: Any) -> Task:
        """Write the task's new status and phase, and postpone its next check by `sweep`."""
        next_check = {"attention": Attention.RUN, "attention_at": later(2 * self.settings.attention_seconds)}
        return advance(self.tasks, self.topic, task_id, status, phase=phase, **next_check, **changes)

    def request(self, task: Task) -> RenderInput:
        """The render options, limited to what the stack allows."""
        request = task.request
        network = narrow_network(request.network, self.settings.network_ceiling)
        return request.model_copy(update={"network": network, "variables": with_paths(request.variables, task.given)})

    def read_json(self, key: str) -> dict[str, Any]:
        """Read a JSON object that an earlier function wrote. Raises NotFound or ServiceFailed."""
        return dict(json.loads(self.objects.get(key)))

    def write_json(self, key: str, record: Any) -> None:
        """Write a JSON value for a later function. Raises ServiceFailed."""
        self.objects.put(key, json.dumps(record).encode(), "application/json")

    def source(self, task: Task, folder: Path) -> Source:
        """Download the composition to `folder`. A plain file name is kept, because errors show it."""
        suffix = ".zip" if task.source_key.lower().endswith(".zip") else ".html"
        name = PurePosixPath(task.drop_key or "").stem
        path = source_folder(folder) / f"{name if _PLAIN_NAME.match(name) else 'composition'}{suffix}"
        self.objects.download(task.source_key, path, etag=task.source_etag)
        if suffix == ".html" and _is_zip(path):
            # An upload without a file name has no suffix: only its content shows the type.
            path = path.rename(path.with_suffix(".zip"))
        return as_source(self.with_variable_files(task, path), task.source_address)

    def with_variable_files(self, task: Task, source: Path) -> Path:
        """Download the files that the task's variables refer to into the composition's folder.

        A zip archive is unpacked for that. Returns the composition's file, or the folder of an unpacked archive.
        """
        if not task.given:
            return source
        if source.suffix == ".zip":
            source = open_project(source, unpack_to=source.with_suffix("")).root
        root = source if source.is_dir() else source.parent
        for path in task.given.values():
            if (root / path).parent.is_relative_to(root):
                (root / path).parent.mkdir(parents=True, exist_ok=True)
                self.objects.download(variable_file_key(task.id, path), root / path)
        return source

    def audio(self, task: Task, folder: Path) -> Path | None:
        """Download the uploaded file that audio_url refers to; None if it refers to no upload."""
        if task.audio_key is None:
            return None
        path = folder / f"audio{PurePosixPath(task.audio_key).suffix}"
        self.objects.download(task.audio_key, path, etag=task.audio_etag)
        return path

    @contextlib.contextmanager
    def spending(self, task_id: str, function: str, chunk: int | None = None) -> Iterator[None]:
        """Report the usage of the block, and its error if it fails.

        If a thread outlives the block, the process ends here, so that the thread never runs beside the next task.
        Lambda starts a new process and reports this call as failed; the workflow retries it like a stalled render.
        """
        started = time.monotonic() - _start_up_seconds()
        try:
            yield
        except RenderError as error:
            with contextlib.suppress(RenderError):
                ends = {"ends": True} if outlived() else {}
                failure = {"class": type(error).__name__, "chunk": chunk, **error.as_dict(), **ends}
                self.tasks.record_failure(task_id, failure)
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
                logger.error("a thread outlived its call: this process ends")
                end_if_outlived(1)


def source_folder(folder: Path) -> Path:
    """The folder of the composition inside a call's `folder`.

    A page may read files beside it. The call's sound and results are therefore outside this folder.
    """
    source = folder / "source"
    source.mkdir(exist_ok=True)
    return source


def as_source(source: Path, address: str | None) -> Source:
    """The source as a page at the web address `address`, or `source` itself if there is none.

    Raises InternalError if `address` is no web address. It comes from the task's item, which a compromised renderer can
    change; a browser would also open a file: address.
    """
    if address is None:
        return source
    if not is_web_address(address):
        raise InternalError("The address of the task's page is no web address.")
    return WebPage(address, source)


def _is_zip(path: Path) -> bool:
    with path.open("rb") as file:
        return is_archive(file.read(4))


class TaskEvent(BaseModel):
    """Input of each function of the workflow: the task's id and its access secret."""

    task_id: str
    access: str = ""


def render_context(config: RendererSettings, event: TaskEvent) -> RenderContext:
    """The adapters with access to this event's task only. Raises InternalError if the access secret is wrong."""
    job = _render_context(config)
    job.access.take(event.task_id, event.access)
    return job


@lru_cache(maxsize=1)
def _render_context(config: RendererSettings) -> RenderContext:
    """The adapters, created once per execution environment."""
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
    """An empty folder for one call. It is removed afterwards, because Lambda does not empty /tmp between calls.

    Raises DiskFull if the folder cannot be created or the block fills the disk.
    """
    try:
        folder = Path(tempfile.mkdtemp(prefix="job-"))
    except OSError as error:
        raise DiskFull(f"A folder for temporary files cannot be created: {error.strerror}.") from error
    try:
        yield folder
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise DiskFull(f"The disk for temporary files is full: {error.strerror}.") from error
    finally:
        remove_folder(folder)


def chunk_key(task_id: str, index: int, suffix: str) -> str:
    """The S3 key of a finished chunk, or of its record (suffix ".json")."""
    return f"{work_folder(task_id)}chunks/{index:05d}{suffix}"


_first_call = True


def _start_up_seconds() -> float:
    """Seconds that this execution environment took to start; 0 after the first call, which is billed for the start."""
    global _first_call
    if not _first_call:
        return 0.0
    _first_call = False
    fields = Path("/proc/self/stat").read_text().rpartition(")")[2].split()
    started = int(fields[19]) / os.sysconf("SC_CLK_TCK")
    return min(_MAX_INIT_SECONDS, max(0.0, time.clock_gettime(time.CLOCK_BOOTTIME) - started))
