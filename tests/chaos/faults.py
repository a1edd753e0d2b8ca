"""All kinds of faults, and the schedule of a run. A seed determines the schedule."""

from __future__ import annotations

import contextlib
import json
import os
import random
import shutil
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from hyperframes_render.local.processes import descendants
from tests.chaos import services
from tests.chaos.services import Services
from tests.integration.workflow.stack import Stack

#: Share of requests that fail. Clients try five times, so some calls succeed and some fail.
_SHARE = 0.5
_FAKETIME = "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1"
_FUNCTIONS = ("plan", "render_chunk", "assemble", "record", "api", "notify", "grant")
#: Error of a wrong clock in seconds. Sweep waits for a minute in AWS.
_SKEW = 45


@dataclass(frozen=True)
class Fault:
    """A fault that begins `at` seconds after the start of a run, and lasts for `seconds`."""

    at: float
    kind: str
    seconds: float

    def __str__(self) -> str:
        return f"{self.at:6.1f} s  {self.kind} ({self.seconds:.0f} s)"


@dataclass
class Machine:
    """The stack, and methods that cause faults. `done` counts the effects of each kind of fault."""

    stack: Stack
    services: Services
    chance: random.Random
    #: The ids of accepted tasks, the newest last.
    accepted: list[str]
    done: Counter[str] = field(default_factory=Counter)
    #: The URL of a queue with copies of webhook messages, which are sent again.
    copies_queue: str = ""

    def kill(self, kind: str, function: str, program: str = "") -> None:
        """Kill a runtime process of the function, or its child process `program`, with SIGKILL."""
        found = self.stack.processes(function)
        if program:
            found = [pid for parent in found for pid in _below(parent, program)]
        if found:
            with suppress(ProcessLookupError):
                os.kill(self.chance.choice(found), signal.SIGKILL)
                self.done[kind] += 1

    @contextmanager
    def frozen(self, kind: str, function: str) -> Iterator[None]:
        """Suspend a runtime process, until the function's timeout ends it."""
        if found := self.stack.processes(function):
            with suppress(psutil.Error):
                psutil.Process(self.chance.choice(found)).suspend()
                self.done[kind] += 1
        yield

    @contextmanager
    def without_memory(self, kind: str, function: str) -> Iterator[None]:
        """Limit a runtime process to its current memory, and kill it afterwards."""
        found = self.stack.processes(function)
        pid = self.chance.choice(found) if found else None
        if pid:
            with suppress(psutil.Error):
                process = psutil.Process(pid)
                process.rlimit(psutil.RLIMIT_AS, (process.memory_info().vms,) * 2)
                self.done[kind] += 1
        yield
        if pid:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    @contextmanager
    def full_disks(self, kind: str, function: str) -> Iterator[None]:
        """Fill the folders for temporary files of the function's environments."""
        folder = self.stack.emulator.settings.folder / "functions" / f"hyperframes-render-{function.replace('_', '-')}"
        full: list[Path] = []
        for place in folder.glob("tmp-*"):
            if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4k", "none", place], check=False).returncode == 0:
                full.append(place)
                self.done[kind] += 1
                with suppress(OSError):
                    (place / "filler").write_bytes(bytes(8192))
        try:
            yield
        finally:
            for place in full:
                subprocess.run(["umount", "--lazy", place], check=False, stderr=subprocess.DEVNULL)

    @contextmanager
    def wrong_clock(self, kind: str, function: str) -> Iterator[None]:
        """Make the function's clock fast or slow."""
        offset = self.chance.choice((_SKEW, -_SKEW))
        variables = {"LD_PRELOAD": _FAKETIME, "FAKETIME": f"{offset:+d}", "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
        with self._variables(function, variables):
            self.done[kind] += 1
            yield

    @contextmanager
    def _variables(self, function: str, more: dict[str, str]) -> Iterator[None]:
        name = f"hyperframes-render-{function.replace('_', '-')}"
        client = self.stack.client("lambda")
        before = client.get_function_configuration(FunctionName=name)["Environment"]["Variables"]
        client.update_function_configuration(FunctionName=name, Environment={"Variables": {**before, **more}})
        try:
            yield
        finally:
            client.update_function_configuration(FunctionName=name, Environment={"Variables": before})

    def cut_power(self, kind: str) -> None:
        self.stack.cut_power()
        self.done[kind] += 1

    def send_messages_again(self, kind: str) -> None:
        """Send webhook messages twice again, in another order."""
        sqs = self.stack.client("sqs")
        bodies = []
        while found := sqs.receive_message(QueueUrl=self.copies_queue, MaxNumberOfMessages=10).get("Messages"):
            for message in found:
                bodies.append(message["Body"])
                sqs.delete_message(QueueUrl=self.copies_queue, ReceiptHandle=message["ReceiptHandle"])
        again = self.chance.sample(bodies, min(20, len(bodies))) * 2
        self.chance.shuffle(again)
        for body in again:
            sqs.send_message(QueueUrl=self.stack.outputs["WebhookQueueUrl"], MessageBody=body)
            self.done[kind] += 1

    def start_again(self, kind: str) -> None:
        """Start workflows of accepted tasks again under another name."""
        for task_id in self._some():
            with suppress(Exception):  # it was already started again
                self.stack.client("stepfunctions").start_execution(
                    stateMachineArn=self.stack.outputs["WorkflowArn"],
                    name=f"{task_id}-again",
                    input=json.dumps({"task_id": task_id, "access": self.stack.access(task_id)}),
                )
                self.done[kind] += 1

    def record_again(self, kind: str) -> None:
        """Call the last step of ended tasks again, with the other outcome."""
        for task_id in self._some():
            task = self.stack.task(task_id)
            if task and int(task["status"]["N"]) >= 10:
                other = "failed" if task["status"]["N"] == "10" else "completed"
                event = json.dumps({"task_id": task_id, "outcome": other})
                self.stack.client("lambda").invoke(FunctionName="hyperframes-render-record", Payload=event)
                self.done[kind] += 1

    def cancel(self, kind: str) -> None:
        """Cancel tasks in any state."""
        for task_id in self._some():
            status, _ = self.stack.gateway("POST", f"/tasks/{task_id}/cancel")
            self.done[kind] += status == 200

    def _some(self) -> list[str]:
        newest = self.accepted[-60:]
        return self.chance.sample(newest, min(5, len(newest)))


def _below(pid: int, program: str) -> list[int]:
    found = []
    for child in descendants(pid):
        with suppress(OSError):
            # Chromium's main process is the one without --type.
            words = Path(f"/proc/{child}/cmdline").read_bytes().split(b"\0")
            if program.encode() in words[0].rpartition(b"/")[2] and not any(w.startswith(b"--type=") for w in words):
                found.append(child)
    return found


Action = Callable[[Machine], AbstractContextManager[None]]


def _at_once(act: Callable[[Machine], None]) -> Action:
    @contextmanager
    def doing(machine: Machine) -> Iterator[None]:
        act(machine)
        yield

    return doing


def _kinds(real_engine: bool) -> dict[str, Action]:
    kinds: dict[str, Action] = {}

    def add(kind: str, doing: Callable[[Machine, str], Any], at_once: bool = False) -> None:
        bound: Callable[[Machine], Any] = lambda machine: doing(machine, kind)  # noqa: E731
        kinds[kind] = _at_once(bound) if at_once else bound

    for function in _FUNCTIONS:
        add(f"kill -9 of {function}", lambda m, kind, f=function: m.kill(kind, f), at_once=True)  # type: ignore[misc]
    if real_engine:
        add("kill -9 of a browser", lambda m, kind: m.kill(kind, "render_chunk", "headless"), at_once=True)
        add("kill -9 of ffmpeg", lambda m, kind: m.kill(kind, "render_chunk", "ffmpeg"), at_once=True)
    for function in ("render_chunk", "record", "notify", "grant"):
        add(f"{function} hangs until its time limit", lambda m, kind, f=function: m.frozen(kind, f))  # type: ignore[misc]
    add("render_chunk gets no more memory", lambda m, kind: m.without_memory(kind, "render_chunk"))
    if os.getuid() == 0 and shutil.which("mount"):
        add("/tmp of render_chunk is full", lambda m, kind: m.full_disks(kind, "render_chunk"))
        add("/tmp of plan is full", lambda m, kind: m.full_disks(kind, "plan"))
    if Path(_FAKETIME).exists():
        for function in ("record", "plan", "api"):
            add(f"the clock of {function} is wrong", lambda m, kind, f=function: m.wrong_clock(kind, f))  # type: ignore[misc]
    for name in services.FAULTS:
        add(name, lambda m, kind: m.services.failing(kind, 0.02 if "hangs" in kind else _SHARE))
    add("webhook messages come again, in another order", Machine.send_messages_again, at_once=True)
    add("workflows are started twice", Machine.start_again, at_once=True)
    add("the last step is called twice", Machine.record_again, at_once=True)
    add("tasks are cancelled", Machine.cancel, at_once=True)
    add("the machine loses power", Machine.cut_power, at_once=True)
    return kinds


QUICK, REAL = _kinds(False), _kinds(True)


def schedule(seed: int, seconds: float, count: int, kinds: list[str]) -> list[Fault]:
    """`count` faults within `seconds`, in random order. No kind is repeated before all kinds have occurred."""
    chance = random.Random(seed)
    order: list[str] = []
    while len(order) < count:
        order += chance.sample(kinds, len(kinds))
    moments = sorted(chance.uniform(0.03, 0.97) * seconds for _ in range(count))
    return [Fault(at, kind, chance.uniform(3, 10)) for at, kind in zip(moments, order[:count], strict=True)]


def inflict(machine: Machine, faults: list[Fault], doing: dict[str, Action]) -> None:
    """Cause the faults of the schedule at their times. Faults may overlap. Returns after the last one ends.

    Runs on the caller's thread, since a new emulator ends with the thread that started it.
    """
    began = time.monotonic()
    lasting: list[tuple[float, contextlib.ExitStack]] = []

    def end_those_before(moment: float) -> None:
        for end, stack in sorted(lasting, key=lambda one: one[0]):
            if end <= moment:
                time.sleep(max(0.0, began + end - time.monotonic()))
                lasting.remove((end, stack))
                _try(stack.close)

    for fault in faults:
        end_those_before(fault.at)
        time.sleep(max(0.0, began + fault.at - time.monotonic()))
        stack = contextlib.ExitStack()
        _try(lambda stack=stack, fault=fault: stack.enter_context(doing[fault.kind](machine)))  # type: ignore[misc]
        lasting.append((fault.at + fault.seconds, stack))
    end_those_before(max((end for end, _ in lasting), default=0.0))


def _try(act: Callable[[], Any]) -> None:
    """Call `act` and ignore errors: one fault may prevent the next, whose count then stays lower."""
    with suppress(Exception):
        act()
