"""Execution environments of functions, as in Lambda.

An environment is one Runtime Interface Emulator (RIE) with one runtime process. It handles one call at a time. Each
function has a pool of environments with a maximum size; a call waits if all are busy. The RIE is AWS's; the runtime
process is awslambdaric, as in the container image and in the managed runtime.
"""

from __future__ import annotations

import http.client
import itertools
import json
import queue
import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hyperframes_render.local.ports import free_port
from hyperframes_render.local.processes import dies_with_parent, end_tree, plain_environment

#: Seconds until the RIE of a new environment must listen. Measured: 0.05; a busy machine is slower.
START_SECONDS = 20.0
#: Seconds that Lambda allows for initialization, in addition to the time-out. The RIE includes them in the first call.
INIT_SECONDS = 10.0
#: An environment without a call for this many seconds is ended, as in Lambda.
IDLE_SECONDS = 900.0
#: A log file with more bytes is truncated between two calls.
LOG_BYTES = 4_000_000
_INVOKE_PATH = "/2015-03-31/functions/function/invocations"
_TIMED_OUT = "Task timed out after"
_STREAM_SEPARATOR = b"\0" * 8


@dataclass(frozen=True)
class Function:
    """What is needed to run a deployed function.

    `command` starts the runtime process. `revision` changes with code or configuration. `timeout` is in seconds.
    """

    name: str
    revision: str
    command: tuple[str, ...]
    variables: Mapping[str, str]
    timeout: float
    folder: Path


@dataclass(frozen=True)
class Answer:
    """The result of a call: the payload, the function's log, and whether the function failed."""

    payload: Any
    log: str
    error: bool = False


class EnvironmentLost(Exception):
    """The environment died or did not start."""


class _Spawner:
    """Starts every process on one long-lived thread: the kernel kills a child when the thread that started it ends."""

    def __init__(self) -> None:
        self._jobs: queue.SimpleQueue[tuple[Callable[[], Any], Future[Any]]] = queue.SimpleQueue()
        threading.Thread(target=self._run, name="spawner", daemon=True).start()

    def popen(self, command: list[str], **options: Any) -> subprocess.Popen[bytes]:
        future: Future[Any] = Future()
        self._jobs.put((lambda: subprocess.Popen(command, **options), future))
        process: subprocess.Popen[bytes] = future.result()
        return process

    def _run(self) -> None:
        while True:
            job, future = self._jobs.get()
            try:
                future.set_result(job())
            except Exception as error:
                future.set_exception(error)


class Environment:
    """One RIE and its runtime process, in a new session."""

    def __init__(
        self, rie: Path, function: Function, number: int, logs: Path, spawner: _Spawner, runtime_port: int = 0
    ) -> None:
        self.function = function
        self.idle_since = time.monotonic()
        self._cold = True
        self._temporary = function.folder / f"tmp-{number}"
        self._temporary.mkdir(parents=True, exist_ok=True)
        self._log_path = logs / f"{function.name}-{number}.log"
        self._log = self._log_path.open("ab", buffering=0)
        self._log.truncate(0)
        self._port, runtime_port = free_port(), runtime_port or free_port()
        # The RIE dies with the emulator, and the runtime process with the RIE, also after a kill -9.
        command = [
            str(rie),
            "--runtime-interface-emulator-address",
            f"127.0.0.1:{self._port}",
            "--runtime-api-address",
            f"127.0.0.1:{runtime_port}",
            *dies_with_parent(function.command),
        ]
        # In Lambda each environment has its own /tmp. Here it has its own TMPDIR.
        variables = {**function.variables, "TMPDIR": str(self._temporary)}
        self._process = spawner.popen(
            dies_with_parent(command),
            env=plain_environment(variables),
            cwd=function.folder,
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=self._log,
            start_new_session=True,
        )

    def call(self, event: Any, request_id: str) -> Answer:
        """Send one event to the function and wait for the answer. Raises EnvironmentLost."""
        if self._log_path.stat().st_size > LOG_BYTES:
            self._log.truncate(0)
        begin = self._log_path.stat().st_size
        allowed = self.function.timeout + (INIT_SECONDS if self._cold else 0) + 2
        status, body, headers = self._post(json.dumps(event).encode(), request_id, allowed)
        self._cold = False
        return _answer(status, body, headers, self._log_since(begin))

    def end(self) -> None:
        """End all processes of the environment and delete its temporary files."""
        end_tree(self._process.pid, grace=1.0)
        self._process.wait()
        self._log.close()
        shutil.rmtree(self._temporary, ignore_errors=True)

    def _post(self, body: bytes, request_id: str, allowed: float) -> tuple[int, bytes, Mapping[str, str]]:
        connection = self._connect(allowed)
        headers = {"Content-Type": "application/json", "X-Amzn-RequestId": request_id}
        try:
            connection.request("POST", _INVOKE_PATH, body, headers)
            response = connection.getresponse()
            return response.status, response.read(), dict(response.getheaders())
        except TimeoutError:
            return 200, f"{_TIMED_OUT} {self.function.timeout:.2f} seconds".encode(), {}
        except (OSError, http.client.HTTPException) as error:
            raise EnvironmentLost(f"The environment of {self.function.name} died: {error!r}.") from error
        finally:
            connection.close()

    def _connect(self, allowed: float) -> http.client.HTTPConnection:
        deadline = time.monotonic() + START_SECONDS
        while True:
            connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=allowed)
            try:
                connection.connect()
                return connection
            except OSError as error:
                connection.close()
                if self._process.poll() is not None or time.monotonic() > deadline:
                    log = self._log_since(0)[-500:]
                    raise EnvironmentLost(f"An environment of {self.function.name} did not start: {log}") from error
                time.sleep(0.01)

    def _log_since(self, begin: int) -> str:
        with self._log_path.open("rb") as file:
            file.seek(begin)
            return file.read().decode(errors="replace").strip()


class EnvironmentLimit(Exception):
    """No environment became free within the time that a call may wait."""


@dataclass
class _Pool:
    """The environments of one function. `changed` guards both collections, and is notified when one becomes free."""

    free: list[Environment] = field(default_factory=list)
    busy: set[Environment] = field(default_factory=set)
    changed: threading.Condition = field(default_factory=threading.Condition)


class Environments:
    """The environments of all functions.

    `limit` returns the maximum number of environments of a function, by its name. A call waits up to `wait_seconds`.
    """

    def __init__(self, rie: Path, logs: Path, limit: Callable[[str], int], wait_seconds: float) -> None:
        self._rie, self._logs, self._limit, self._wait = rie, logs, limit, wait_seconds
        self._pools: dict[str, _Pool] = {}
        self._lock = threading.Lock()
        self._numbers = itertools.count(1)
        self._spawner = _Spawner()
        self._closed = False
        logs.mkdir(parents=True, exist_ok=True)
        threading.Thread(target=self._end_idle, name="idle-environments", daemon=True).start()

    def call(self, function: Function, event: Any, request_id: str) -> Answer:
        """Run one call in a free environment, a new one, or the next that becomes free. Raises EnvironmentLimit."""
        pool = self._pool(function.name)
        environment = self._take(pool, function)
        usable = False
        try:
            answer = environment.call(event, request_id)
            # After a time-out or an exit the old call may still run in it. Lambda starts a new environment as well.
            usable = not (answer.error and answer.payload.get("errorType") in ("Sandbox.Timedout", "Runtime.ExitError"))
            return answer
        except EnvironmentLost as lost:
            return Answer({"errorType": "Runtime.ExitError", "errorMessage": str(lost)}, "", error=True)
        finally:
            self._release(pool, environment, usable)

    def close(self) -> None:
        """End all environments. Calls in progress fail."""
        self._closed = True
        with self._lock:
            pools = list(self._pools.values())
        ending = []
        for pool in pools:
            with pool.changed:
                for environment in (*pool.free, *pool.busy):
                    ending.append(threading.Thread(target=environment.end))
                pool.free.clear()
        for thread in ending:
            thread.start()
        for thread in ending:
            thread.join()

    def _pool(self, name: str) -> _Pool:
        with self._lock:
            return self._pools.setdefault(name, _Pool())

    def _take(self, pool: _Pool, function: Function) -> Environment:
        deadline = time.monotonic() + self._wait
        with pool.changed:
            while True:
                for environment in [e for e in pool.free if e.function.revision != function.revision]:
                    pool.free.remove(environment)
                    threading.Thread(target=environment.end, daemon=True).start()
                if pool.free:
                    environment = pool.free.pop()
                    pool.busy.add(environment)
                    return environment
                if len(pool.busy) < self._limit(function.name):
                    break
                if not pool.changed.wait(deadline - time.monotonic()):
                    raise EnvironmentLimit(f"All environments of {function.name} are busy.")
            if self._closed:
                raise EnvironmentLimit("The stack is stopping.")
            environment = Environment(self._rie, function, next(self._numbers), self._logs, self._spawner)
            pool.busy.add(environment)
            return environment

    def _release(self, pool: _Pool, environment: Environment, usable: bool) -> None:
        keep = usable and not self._closed
        if not keep:
            environment.end()
        with pool.changed:
            pool.busy.discard(environment)
            if keep:
                environment.idle_since = time.monotonic()
                pool.free.append(environment)
            pool.changed.notify()

    def _end_idle(self) -> None:
        while not self._closed:
            time.sleep(30)
            oldest = time.monotonic() - IDLE_SECONDS
            with self._lock:
                pools = list(self._pools.values())
            for pool in pools:
                with pool.changed:
                    idle = [environment for environment in pool.free if environment.idle_since < oldest]
                    pool.free = [environment for environment in pool.free if environment not in idle]
                for environment in idle:
                    environment.end()


def _answer(status: int, body: bytes, headers: Mapping[str, str], log: str) -> Answer:
    """Convert the RIE's response. It reports errors with Lambda's payload, but with another status."""
    if _STREAM_SEPARATOR in body:
        return Answer(_streamed(body), log)
    text = body.decode(errors="replace")
    if text.startswith(_TIMED_OUT):
        return Answer({"errorType": "Sandbox.Timedout", "errorMessage": text}, log, error=True)
    try:
        payload = json.loads(text) if text else None
    except json.JSONDecodeError:
        payload = text
    failed = _is_error(payload)
    if status >= 300 and not failed:
        payload, failed = {"errorType": "Runtime.ExitError", "errorMessage": text[:500] or "The runtime exited."}, True
    return Answer(payload, log, error=failed)


def _is_error(payload: object) -> bool:
    """Whether `payload` is an error report of the runtime: it has errorType, and only keys of such a report."""
    known = {"errorType", "errorMessage", "stackTrace", "requestId", "cause"}
    return isinstance(payload, dict) and "errorType" in payload and set(payload) <= known


def _streamed(body: bytes) -> dict[str, Any]:
    """Convert a streamed response (JSON, eight zero bytes, payload) to the gateway's format for whole responses."""
    head, _, payload = body.partition(_STREAM_SEPARATOR)
    answer: dict[str, Any] = json.loads(head or b"{}")
    return {"statusCode": 200, **answer, "body": payload.decode(errors="replace")}
