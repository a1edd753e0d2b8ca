"""`hyperframes-render serve`: runs the whole stack on this machine until Ctrl-C."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import signal
import socket
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import uvicorn

from hyperframes_render.aws.secrets import KmsSecrets
from hyperframes_render.aws.tasks import DynamoKeys, DynamoTasks
from hyperframes_render.errors import MachineError, SetupIncomplete
from hyperframes_render.local.deploy import Deployment, Outputs, local_client, local_variables
from hyperframes_render.local.emulation import Emulator, emulator_settings
from hyperframes_render.local.folders import DropFolders
from hyperframes_render.local.parts import Parts, find_parts
from hyperframes_render.local.ports import free_port
from hyperframes_render.local.processes import end_descendants, reap_orphaned_processes
from hyperframes_render.local.tasks import make_unfinished_due, unfinished_drop_keys
from hyperframes_render.sandbox.orphans import adopt_orphaned_processes
from hyperframes_render.tasks.keys import hash_key, make_record, new_key, owner_of
from hyperframes_render.tasks.ports import KeyLimits

HOST = "127.0.0.1"
#: Seconds for open requests to finish when the server stops.
_GRACE_SECONDS = 3
#: Seconds between two checks of the emulator.
_CHECK_SECONDS = 2.0
#: Keep-alive of idle connections in seconds: longer than that of clients (httpx 5, requests and browsers 60 at most),
#: so that no client sends a request on a connection that the server is closing.
_IDLE_SECONDS = 75
#: Limits of the server's own key: no rate limits, since only this machine can reach the server.
_OWN_LIMITS = KeyLimits(runs_a_minute=0, uploads_a_minute=0)
Say = Callable[[str], None]


@dataclass(frozen=True)
class ServeOptions:
    """The options of the command. If `data` is None, a temporary folder is used and removed at the end."""

    port: int
    api_key: str | None = None
    data: Path | None = None
    allow_private_webhooks: bool = False


def serve(options: ServeOptions, say: Say) -> None:
    """Run the stack and serve the API until SIGINT or SIGTERM; `say` is called with each step.

    Ends all processes that it started. All accepted tasks are kept in the data folder. Raises SetupIncomplete, and
    MachineError if the emulator dies.
    """
    adopt_orphaned_processes()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with ExitStack() as stack:
        listener = stack.enter_context(_listening(options.port))
        data = stack.enter_context(_data_folder(options.data, say))
        parts = find_parts()
        stack.callback(end_descendants, grace=2.0)
        started = time.monotonic()
        emulator = start_emulator(parts, data, say)
        stack.callback(emulator.stop)
        outputs = deploy(parts, emulator, data, parameters(options.allow_private_webhooks), say)
        os.environ.update(application_environment(emulator.settings.endpoint, outputs))
        _store_key(options, outputs, say)
        _resume_unfinished(emulator.settings.endpoint, outputs, say)
        folders = drop_folders(emulator.settings.endpoint, outputs, data)
        folders.start()
        stack.callback(folders.stop)
        stopping = threading.Event()
        stack.callback(stopping.set)
        died = _watch_emulator(emulator, stopping)
        say(f"ready after {time.monotonic() - started:.1f} s: http://{HOST}:{listener.getsockname()[1]}")
        _serve_api(listener)
        if died.is_set():
            log = data / "logs/emulator.log"
            raise MachineError("The emulator ended by itself.", f"Its log is {log}; start the server again.")
        say("stopping")


def parameters(allow_private_webhooks: bool) -> dict[str, str]:
    """The template's parameters that differ from their defaults on this machine."""
    return {
        "ParallelChunks": str(len(os.sched_getaffinity(0))),
        "WebhookAllowPrivate": str(allow_private_webhooks).lower(),
    }


def start_emulator(parts: Parts, data: Path, say: Say) -> Emulator:
    """Start the emulator, on the port of the last run if it is free: URLs in the saved state contain the port.

    Raises SetupIncomplete.
    """
    say("starting the emulator")
    port_file = data / "port.json"
    try:
        before = int(json.loads(port_file.read_text()))
    except (OSError, ValueError, TypeError):
        before = 0
    port = free_port(before)
    port_file.write_text(json.dumps(port))
    emulator = Emulator(parts, emulator_settings(parts, data, port=port))
    try:
        emulator.wait_until_ready()
    except BaseException:
        emulator.stop()
        raise
    return emulator


def deploy(parts: Parts, emulator: Emulator, data: Path, values: dict[str, str], say: Say) -> Outputs:
    """Deploy the template unless the same is deployed already. Returns the stack's outputs."""
    deployment = Deployment(parts, data, emulator.settings.endpoint, values)
    if deployment.is_current():
        say("the stack is deployed already")
    else:
        deployment.deploy(say)
        emulator.save()
    return deployment.outputs()


def application_environment(endpoint: str, outputs: Outputs) -> dict[str, str]:
    """The environment of the API: the variables of the deployed function, and the emulator's endpoint."""
    configuration = local_client("lambda", endpoint).get_function_configuration(FunctionName=outputs["ApiFunction"])
    variables: dict[str, str] = configuration["Environment"]["Variables"]
    quiet = {"POWERTOOLS_TRACE_DISABLED": "true", "LOG_LEVEL": "WARNING"}  # no log line for each request
    return {**local_variables(endpoint), **variables, **quiet}


def drop_folders(endpoint: str, outputs: Outputs, data: Path) -> DropFolders:
    """The synchronization of the data folder's inbox/ and outbox/."""
    dynamodb = local_client("dynamodb", endpoint)
    return DropFolders(
        data,
        local_client("s3", endpoint),
        outputs["Bucket"],
        lambda: unfinished_drop_keys(dynamodb, outputs["TaskTable"]),
    )


@contextmanager
def _listening(port: int) -> Iterator[socket.socket]:
    """The listening socket, on loopback only. Bound first, so that a used port is reported at once."""
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
    except OSError as error:
        listener.close()
        raise SetupIncomplete(
            f"Port {port} cannot be used: {error.strerror}.", "Use another port with --port, or 0 for any free port."
        ) from None
    with listener:
        yield listener


@contextmanager
def _data_folder(requested: Path | None, say: Say) -> Iterator[Path]:
    """The locked data folder, which only one server may use at a time. A temporary folder is removed at the end."""
    data = (requested or Path(tempfile.mkdtemp(prefix="hyperframes-render-"))).resolve()
    try:
        data.mkdir(parents=True, exist_ok=True)
        lock = (data / "lock").open("w")
    except OSError as error:
        raise SetupIncomplete(
            f"The data folder {data} cannot be used: {error.strerror}.", "Use another folder."
        ) from None
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise SetupIncomplete(
                f"Another server uses the data folder {data}.", "Stop it, or use another folder with --data."
            ) from None
        if requested is None:
            say("no --data: all videos are removed when the server stops")
        try:
            yield data
        finally:
            if requested is None:
                shutil.rmtree(data, ignore_errors=True)


def _store_key(options: ServeOptions, outputs: Outputs, say: Say) -> None:
    """Store the API key. Print it and the webhook secrets."""
    key = options.api_key or new_key()
    DynamoKeys(outputs["TaskTable"]).put(make_record(key, "serve", limits=_OWN_LIMITS))
    secrets = KmsSecrets(outputs["WebhookSecretKeyArn"], DynamoTasks(outputs["TaskTable"]).secret_versions)
    say(f"API key: {key}" if options.api_key is None else "API key: the value of --api-key")
    say(f"webhook secret of this key: {secrets.secrets(owner_of(hash_key(key)))[0]}")
    say(f"webhook secret of dropped files: {secrets.secrets('drop')[0]}")


def _resume_unfinished(endpoint: str, outputs: Outputs, say: Say) -> None:
    """Resume the unfinished tasks of an earlier run at once, instead of with the next sweep in a minute."""
    count = make_unfinished_due(local_client("dynamodb", endpoint), outputs["TaskTable"])
    if count:
        say(f"resuming {count} unfinished {'task' if count == 1 else 'tasks'}")
        local_client("lambda", endpoint).invoke(FunctionName=outputs["SweepFunction"], InvocationType="Event")


def _watch_emulator(emulator: Emulator, stopping: threading.Event) -> threading.Event:
    """Reap ended orphans until `stopping` is set. If the emulator dies, set the returned event and stop the server."""
    died = threading.Event()

    def run() -> None:
        while not stopping.wait(_CHECK_SECONDS):
            reap_orphaned_processes(known=(emulator.pid,))
            if not emulator.is_running():
                died.set()
                os.kill(os.getpid(), signal.SIGINT)
                return

    threading.Thread(target=run, name="emulator-watch", daemon=True).start()
    return died


def _serve_api(listener: socket.socket) -> None:
    """Serve the API until SIGINT or SIGTERM."""
    from hyperframes_render.functions.api import build_application

    config = uvicorn.Config(
        build_application(),
        log_level="warning",
        lifespan="off",
        timeout_graceful_shutdown=_GRACE_SECONDS,
        timeout_keep_alive=_IDLE_SECONDS,
    )
    listener.listen(1024)
    with suppress(KeyboardInterrupt):
        uvicorn.Server(config).run(sockets=[listener])
