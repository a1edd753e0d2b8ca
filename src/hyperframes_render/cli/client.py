"""The client of `hyperframes-render submit`, based on the public `inferencesh` package."""

from __future__ import annotations

import hashlib
import json
import mimetypes
import os
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hyperframes_render.errors import InvalidOption, RenderError, SetupIncomplete
from hyperframes_render.input import APP
from hyperframes_render.network.policy import is_address, is_web_address
from hyperframes_render.tasks.model import TaskStatus

#: States of tasks that ended without a video, and all final states (docs/guides/api.md).
WITHOUT_VIDEO = (TaskStatus.FAILED, TaskStatus.CANCELLED, TaskStatus.REJECTED)
_FINAL = (TaskStatus.COMPLETED, *WITHOUT_VIDEO)
#: Seconds between two polls of a task when its stream is not available, and seconds after which an unreachable server
#: is an error.
_POLL_SECONDS, _UNREACHABLE_SECONDS = 2.0, 120.0
#: The longest pause before a request is retried, in seconds.
_MAX_RETRY_SECONDS = 60.0
_TRIES = 8
Say = Callable[[str], None]


@dataclass(frozen=True)
class Target:
    """The base URL of the API, and the API key."""

    url: str
    key: str


class SubmitFailed(RenderError):
    """A task ended without a video, or the server refused the request."""

    code = "submit_failed"


@dataclass
class Submitter:
    """Uploads compositions and submits tasks. `say` is called with each line of progress."""

    target: Target
    say: Say
    fields: dict[str, Any]
    webhook: str | None = None

    def __post_init__(self) -> None:
        self._uploaded: dict[str, str] = {}
        try:
            from inferencesh import inference
        except ImportError:
            raise SetupIncomplete(
                "The package inferencesh is not installed.", "pip install 'hyperframes-render[submit]'"
            ) from None
        self._client = inference(api_key=self.target.key, base_url=self.target.url)

    def submit(self, source: str, key: str | None = None, **fields: Any) -> dict[str, Any]:
        """Submit a render of `source`: a file, a folder or a URL. Returns the task as the API sends it.

        `key` is the Idempotency-Key (default: a random one); `fields` override `self.fields`. Raises SubmitFailed, and
        InvalidOption if `source` cannot be uploaded.
        """
        with _uploadable(source) as html:
            task_input = {"html": html if is_address(html) else self._upload(Path(html)), **self.fields, **fields}
        audio = task_input.get("audio_url")
        if isinstance(audio, str) and Path(audio).is_file():
            task_input["audio_url"] = self._upload(Path(audio))
        body = {"app": APP, "input": task_input}
        if self.webhook:
            body["webhook"] = self.webhook
        return self._post(body, key or _random_key())

    def wait(self, task: dict[str, Any], watch: bool = True) -> dict[str, Any]:
        """Wait until the task has ended and return it. Reports progress to `say` if `watch`. Raises SubmitFailed."""
        try:
            if watch and task["status"] not in _FINAL:
                for update in self._client.stream_task(task["id"]):
                    self.say(describe(update))
        except Exception as error:
            # A failed task raises as well. Either way, the task itself has the reason: poll it.
            self.say(f"the stream ended ({type(error).__name__}); polling the task")
        deadline = time.monotonic() + _UNREACHABLE_SECONDS
        while True:
            try:
                task = dict(self._client.get_task(task["id"]).data)
                deadline = time.monotonic() + _UNREACHABLE_SECONDS
            except Exception as error:
                if time.monotonic() > deadline or 400 <= getattr(error, "status_code", 0) < 500:
                    raise SubmitFailed(f"The task {task['id']} could not be read: {error}") from None
            if task.get("status") in _FINAL:
                return task
            time.sleep(_POLL_SECONDS)

    def _upload(self, path: Path) -> str:
        """Upload a file and return its URI, which depends on the contents only. Raises SubmitFailed.

        Contents that the server has are not uploaded again. A repeated request is therefore identical, also from
        another run of this program.
        """
        import requests
        from inferencesh import APIError

        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        if digest in self._uploaded:
            return self._uploaded[digest]
        kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
        description = {"filename": path.name, "content_type": kind, "size": path.stat().st_size, "sha256": digest}
        try:
            file = self._client._request("post", "/files", data={"files": [description]}).data[0]
            if not file["uploaded"]:
                with path.open("rb") as data:
                    requests.put(
                        file["upload_url"], data, headers=file["upload_headers"], timeout=600
                    ).raise_for_status()
        except APIError as error:
            raise SubmitFailed(str(error.message)) from None
        except requests.RequestException as error:
            raise SubmitFailed(f"{path.name} could not be uploaded ({type(error).__name__}).", "Try again.") from None
        self._uploaded[digest] = str(file["uri"])
        return self._uploaded[digest]

    def _post(self, body: dict[str, Any], key: str) -> dict[str, Any]:
        """POST /apps/run. Retries if the server is busy or unreachable; the Idempotency-Key prevents duplicates."""
        import requests
        from inferencesh import APIError

        for attempt in range(_TRIES):
            try:
                answer = self._client._request("post", "/apps/run", data=body, headers={"Idempotency-Key": key})
                return dict(answer.data)
            except APIError as error:
                if error.status_code != 429 and error.status_code < 500:
                    raise SubmitFailed(str(error.message)) from None
                reason = str(error.message)
            except requests.RequestException as error:
                reason = f"{self.target.url} does not respond ({type(error).__name__})"
            if attempt + 1 < _TRIES:
                pause = min(_MAX_RETRY_SECONDS, 0.5 * 2**attempt)
                self.say(f"{reason.rstrip('.')}; retrying in {pause:g} s")
                time.sleep(pause)
        raise SubmitFailed(reason, "Try again later.")


def submit_rows(submitter: Submitter, source: str, rows: Path, wait: bool) -> Iterator[dict[str, Any]]:
    """Submit one task for each row of variables. Yields {"row", "id", "status", "video" or "error"} for each.

    The state of each row is stored in ROWS.state.jsonl. A second run submits only the rows that are missing or failed.
    The Idempotency-Key of a row is a hash of its contents, so a run that was interrupted creates no duplicate tasks
    within a day.
    """
    state_path = rows.with_name(rows.name + ".state.jsonl")
    known = _read_state(state_path)
    tasks = []
    with state_path.open("a") as state:
        for number, row in enumerate(read_rows(rows), 1):
            name = _row_key(source, submitter.fields, row)
            entry = known.get(name)
            if entry is None or entry.get("status") in WITHOUT_VIDEO:
                task = submitter.submit(source, f"{name}-{entry['tries'] if entry else 0}", variables=row)
                entry = {"key": name, "row": number, "id": task["id"], "status": task["status"]}
                entry["tries"] = known.get(name, {}).get("tries", 0) + 1
                _append(state, entry)
            tasks.append(entry)
        for entry in tasks:
            if wait and entry["status"] not in _FINAL:
                task = submitter.wait({"id": entry["id"], "status": entry["status"]}, watch=False)
                entry |= {"status": task["status"], "error": task.get("error")}
                if task["status"] == TaskStatus.COMPLETED:
                    entry["video"] = task["output"]["video"]["uri"]
                _append(state, entry)
            yield entry


def read_rows(path: Path) -> list[dict[str, Any]]:
    """The rows of a .jsonl file. Raises InvalidOption with the line number."""
    rows = []
    try:
        lines = path.read_text("utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidOption(f"rows: {path} cannot be read: {error}.") from None
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except ValueError as error:
            raise InvalidOption(f"rows: line {number} of {path} is not JSON: {error}.") from None
        if not isinstance(row, dict):
            raise InvalidOption(f"rows: line {number} of {path} is not a JSON object.", 'Write {"name": "value"}.')
        rows.append(row)
    return rows


def describe(task: dict[str, Any]) -> str:
    """One line of progress for a task, or '' if the task has none."""
    output = task.get("output")
    progress = output.get("progress") if isinstance(output, dict) else None
    if not progress:
        logs = task.get("logs") or []
        return str(logs[-1] if logs else "")
    done, total = progress.get("frames_done", 0), progress.get("frames_total", 0)
    filled = round(24 * done / total) if total else 0
    return f"[{'#' * filled}{'.' * (24 - filled)}] {progress.get('phase', '')} {done}/{total or '?'}"


def target_of(url: str | None, key: str | None) -> Target:
    """The server and key from the options, else from the environment. Raises InvalidOption."""
    url = url or os.environ.get("HYPERFRAMES_RENDER_URL") or "http://127.0.0.1:8080"
    key = key or os.environ.get("HYPERFRAMES_RENDER_KEY") or os.environ.get("INFERENCE_API_KEY")
    if not key:
        raise InvalidOption("key: no API key.", "Use --key, or set HYPERFRAMES_RENDER_KEY.")
    if not is_web_address(url):
        raise InvalidOption(f"url: {url[:80]!r} is not a URL.", "Use a URL such as https://host/live.")
    return Target(url.rstrip("/"), key)


@contextmanager
def _uploadable(source: str) -> Iterator[str]:
    """The URL of `source`, or the path of the file to upload; a folder is packed to a temporary .zip."""
    if is_address(source):
        yield source
        return
    path = Path(source)
    if path.is_file():
        yield str(path)
        return
    if not (path / "index.html").is_file():
        raise InvalidOption(f"{source[:120]} is neither a file nor a folder with an index.html.")
    with tempfile.TemporaryDirectory(prefix="hyperframes-render-") as folder:
        packed = Path(folder) / "project.zip"
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            for file in sorted(path.rglob("*")):
                name = file.relative_to(path)
                if file.is_file() and not any(part.startswith(".") for part in name.parts):
                    archive.write(file, name.as_posix())
        yield str(packed)


def _row_key(source: str, fields: dict[str, Any], row: dict[str, Any]) -> str:
    path = Path(source)
    contents = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else source
    text = json.dumps([contents, fields, row], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:40]


def _random_key() -> str:
    return os.urandom(16).hex()


def _read_state(path: Path) -> dict[str, dict[str, Any]]:
    """The newest entry of each row, by its key. Lines that are incomplete are skipped with a warning."""
    known: dict[str, dict[str, Any]] = {}
    if path.exists():
        for line in path.read_text().splitlines():
            try:
                entry = json.loads(line)
                known[entry["key"]] = entry
            except (ValueError, KeyError, TypeError):
                print(f"{path}: skipped a line that cannot be read", file=sys.stderr)
    return known


def _append(state: Any, entry: dict[str, Any]) -> None:
    state.write(json.dumps(entry) + "\n")
    state.flush()
