"""`hyperframes-render serve`: the whole stack on this machine until Ctrl-C."""

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
from hyperframes_render.local.tasks import dropped_in_work, hurry_left_behind
from hyperframes_render.sandbox.orphans import adopt_orphaned_processes
from hyperframes_render.tasks.keys import hash_key, make_record, new_key, owner_of
from hyperframes_render.tasks.ports import KeyLimits

HOST = "127.0.0.1"
#: Requests that still run when the server is stopped are given so many seconds.
_GRACE_SECONDS = 3
_LOOK_SECONDS = 2.0
#: Seconds that an idle connection is kept: longer than clients keep theirs (httpx 5, requests and browsers 60 at most),
#: so that none sends a request on one that is just being closed.
_IDLE_SECONDS = 75
#: The key of whoever runs the server: nobody has to be kept from this machine but by what it can do.
_OWN_LIMITS = KeyLimits(runs_a_minute=0, uploads_a_minute=0)
Say = Callable[[str], None]


@dataclass(frozen=True)
class ServeOptions:
    """What the command line gives. No `data`: a temporary folder that goes when the server stops."""

    port: int
    api_key: str | None = None
    data: Path | None = None
    allow_private_webhooks: bool = False


def serve(options: ServeOptions, say: Say) -> None:
    """Run the stack and answer on the port until SIGINT or SIGTERM; `say` is called with each step.

    Raises SetupIncomplete, and MachineError when the emulator dies.
    Leaves no process behind, and everything that was accepted in the data folder.
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
        _introduce(options, outputs, say)
        _resume(emulator.settings.endpoint, outputs, say)
        folders = drop_folders(emulator.settings.endpoint, outputs, data)
        folders.start()
        stack.callback(folders.stop)
        stopping = threading.Event()
        stack.callback(stopping.set)
        died = _look_after(emulator, stopping)
        say(f"ready after {time.monotonic() - started:.1f} s: http://{HOST}:{listener.getsockname()[1]}")
        _answer(listener)
        if died.is_set():
            log = data / "logs/emulator.log"
            raise MachineError("The emulator ended by itself.", f"Its log is {log}; start the server again.")
        say("stopping")


def parameters(allow_private_webhooks: bool) -> dict[str, str]:
    """The template's parameters for this machine; all others keep their defaults."""
    return {
        "ParallelChunks": str(len(os.sched_getaffinity(0))),
        "WebhookAllowPrivate": str(allow_private_webhooks).lower(),
    }


def start_emulator(parts: Parts, data: Path, say: Say) -> Emulator:
    """The emulator on the port that it had before, if that is free: addresses in its state name it."""
    say("starting the emulator")
    note = data / "port.json"
    try:
        before = int(json.loads(note.read_text()))
    except (OSError, ValueError, TypeError):
        before = 0
    port = free_port(before)
    note.write_text(json.dumps(port))
    emulator = Emulator(parts, emulator_settings(parts, data, port=port))
    try:
        emulator.wait_until_ready()
    except BaseException:
        emulator.stop()
        raise
    return emulator


def deploy(parts: Parts, emulator: Emulator, data: Path, values: dict[str, str], say: Say) -> Outputs:
    """Deploy the template unless just this is deployed already; the stack's outputs."""
    deployment = Deployment(parts, data, emulator.settings.endpoint, values)
    if deployment.is_current():
        say("the stack is deployed already")
    else:
        deployment.deploy(say)
        emulator.save()
    return deployment.outputs()


def application_environment(endpoint: str, outputs: Outputs) -> dict[str, str]:
    """What the API's application reads: the variables of the deployed function, and where the services are."""
    configuration = local_client("lambda", endpoint).get_function_configuration(FunctionName=outputs["ApiFunction"])
    variables: dict[str, str] = configuration["Environment"]["Variables"]
    quiet = {"POWERTOOLS_TRACE_DISABLED": "true", "LOG_LEVEL": "WARNING"}  # a line for each request is for CloudWatch
    return {**local_variables(endpoint), **variables, **quiet}


def drop_folders(endpoint: str, outputs: Outputs, data: Path) -> DropFolders:
    """The data folder's inbox/ and outbox/."""
    dynamodb = local_client("dynamodb", endpoint)
    return DropFolders(
        data,
        local_client("s3", endpoint),
        outputs["Bucket"],
        lambda: dropped_in_work(dynamodb, outputs["TaskTable"]),
    )


@contextmanager
def _listening(port: int) -> Iterator[socket.socket]:
    """The socket, taken before anything slow is done. Only this machine can reach it."""
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
    except OSError as error:
        listener.close()
        raise SetupIncomplete(
            f"Port {port} cannot be used: {error.strerror}.", "Name another one with --port, or 0 for any."
        ) from None
    with listener:
        yield listener


@contextmanager
def _data_folder(named: Path | None, say: Say) -> Iterator[Path]:
    """The folder for everything that is kept, used by one server at a time."""
    data = (named or Path(tempfile.mkdtemp(prefix="hyperframes-render-"))).resolve()
    try:
        data.mkdir(parents=True, exist_ok=True)
        lock = (data / "lock").open("w")
    except OSError as error:
        raise SetupIncomplete(f"The data folder {data} cannot be used: {error.strerror}.", "Name another.") from None
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise SetupIncomplete(
                f"Another server uses the data folder {data}.", "Stop it, or name another folder with --data."
            ) from None
        if named is None:
            say("no --data: what is rendered goes when this server stops")
        try:
            yield data
        finally:
            if named is None:
                shutil.rmtree(data, ignore_errors=True)


def _introduce(options: ServeOptions, outputs: Outputs, say: Say) -> None:
    """Store the key, and print what a caller needs."""
    key = options.api_key or new_key()
    DynamoKeys(outputs["TaskTable"]).put(make_record(key, "serve", limits=_OWN_LIMITS))
    secrets = KmsSecrets(outputs["WebhookSecretKeyArn"], DynamoTasks(outputs["TaskTable"]).secret_versions)
    say(f"API key: {key}" if options.api_key is None else "API key: the one given")
    say(f"webhook secret of this key: {secrets.secrets(owner_of(hash_key(key)))[0]}")
    say(f"webhook secret of dropped files: {secrets.secrets('drop')[0]}")


def _resume(endpoint: str, outputs: Outputs, say: Say) -> None:
    """What an earlier run left unfinished is looked at now, not in a minute."""
    count = hurry_left_behind(local_client("dynamodb", endpoint), outputs["TaskTable"])
    if count:
        say(f"going on with {count} unfinished {'task' if count == 1 else 'tasks'}")
        local_client("lambda", endpoint).invoke(FunctionName=outputs["SweepFunction"], InvocationType="Event")


def _look_after(emulator: Emulator, stopping: threading.Event) -> threading.Event:
    """Collect ended orphans until `stopping`; when the emulator dies before, end the server: then the event is set."""
    died = threading.Event()

    def run() -> None:
        while not stopping.wait(_LOOK_SECONDS):
            reap_orphaned_processes(known=(emulator.pid,))
            if not emulator.is_running():
                died.set()
                os.kill(os.getpid(), signal.SIGINT)
                return

    threading.Thread(target=run, name="keeper", daemon=True).start()
    return died


def _answer(listener: socket.socket) -> None:
    """Serve the application until a signal."""
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
