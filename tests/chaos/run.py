"""Causes faults of every kind in the running stack, then checks that each accepted task has exactly one end.

`python -m tests.chaos.run --seed 1 --tasks 1000 --seconds 240 --faults 60 [--real]`; `make chaos`. Prints the schedule
and figures. Exits with an error that names the tasks for which a check failed.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import sys
import tempfile
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from botocore.exceptions import BotoCoreError, ClientError

from hyperframes_render.media.probe import probe_video
from tests.chaos.faults import QUICK, REAL, Machine, inflict, schedule
from tests.chaos.receivers import BEHAVIOURS, NEVER, Receivers, receivers
from tests.chaos.services import Services
from tests.integration.workflow.stack import KEY, Stack, composition, running_stack

FAKE_ENGINE = Path(__file__).parents[1] / "integration/workflow/fake_engine"
PAGE = (
    '<div id="s" data-composition-id="main" data-width="64" data-height="36" data-fps="25" data-duration="0.4"'
    ' data-start="0" style="width:64px;height:36px;background:#fff"></div><!--{}-->'
)
#: Timeouts of functions in seconds, shorter than in AWS so that sweep finds lost tasks within a run.
_LIMITS = {"plan": 30, "render-chunk": 30, "assemble": 30, "record": 20, "notify": 25, "grant": 10}
#: Seconds: LONGEST_FUNCTION_SECONDS of sweep, and the visibility timeout of webhook messages.
_OUTLIVES, _VISIBILITY = 35, 35
#: Seconds that a call waits for a free environment: a constant and an amount per task. Retries of a thousand refused
#: calls every five seconds would use all of the emulator's time.
_WAIT, _WAIT_A_TASK = 5, 0.05
#: Seconds before sweep checks a task: a constant and an amount per task. Checks of a thousand tasks every five seconds
#: would use all of the emulator's time.
_ATTENTION, _ATTENTION_A_TASK = 5, 0.02
#: Seconds for the backlog: a constant and an amount per task. A slow machine renders two tasks per second.
_SETTLE, _SETTLE_A_TASK = 600, 1.0
_FINAL = ("10", "11", "12")
#: Status codes of temporary errors during faults. The client repeats the request.
_PASSING = {429, 500, 502, 503, 504}


class Broken(AssertionError):
    """A check failed."""


@dataclass
class Chaos:
    """One run: submitted tasks, answers, events and results."""

    stack: Stack
    hooks: Receivers
    machine: Machine
    real: bool
    answers: Counter[str] = field(default_factory=Counter)
    #: Task id → its composition, and the behaviour of its webhook receiver ("" without a webhook).
    compositions: dict[str, str] = field(default_factory=dict)
    behaviours: dict[str, str] = field(default_factory=dict)
    finals: defaultdict[str, set[tuple[str, int]]] = field(default_factory=lambda: defaultdict(set))
    incomplete: set[str] = field(default_factory=set)
    over: threading.Event = field(default_factory=threading.Event)
    #: One client for all requests: loading certificates takes longer than a request.
    sender: httpx.Client = field(default_factory=lambda: httpx.Client(timeout=60))

    # Requests of clients.

    def submit_all(self, tasks: int, seconds: float, seed: int) -> None:
        """Submit all tasks at equal intervals."""
        began = time.monotonic()

        def one(number: int) -> None:
            time.sleep(max(0.0, began + seconds * number / tasks - time.monotonic()))
            self._submit(number, random.Random(f"{seed} {number}"))

        with ThreadPoolExecutor(16) as pool:
            for _ in pool.map(one, range(tasks)):
                pass

    def _submit(self, number: int, chance: random.Random) -> None:
        """Submit one task. Every tenth is submitted twice, as by a client that got no answer."""
        html = PAGE.format(number) if self.real else self._script(chance)
        body: dict[str, Any] = {"app": "infsh/hyperframes-render", "input": {"html": html}, "metadata": {"n": number}}
        behaviour = ""
        if chance.random() < 0.5:
            (behaviour,) = chance.choices(list(BEHAVIOURS), list(BEHAVIOURS.values()))
            body["webhook"] = self.hooks.address(behaviour)
        ids = {self._post(body, f"chaos {number}") for _ in range(1 + (chance.random() < 0.1))}
        if len(ids) != 1:
            raise Broken(f"the same request became {len(ids)} tasks: {ids}")
        (task_id,) = ids
        self.compositions[task_id], self.behaviours[task_id] = html, behaviour
        self.machine.accepted.append(task_id)

    def _script(self, chance: random.Random) -> str:
        chunks = chance.choice((1, 1, 1, 2, 3))
        calls = ["make_plan", *(["render"] if chunks == 1 else [f"render_chunk {n}" for n in range(chunks)])]
        faults = {}
        if chance.random() < 0.1:
            bad = ["BrowserFailed", "PageScriptFailed", "EncoderFailed", "die", "s3"]
            faults = {chance.choice(calls): [chance.choice(bad), None]}
        return composition("chaos", chunks=chunks, frames=12, seconds_per_frame=0.01, faults=faults)

    def _post(self, body: dict[str, Any], key: str) -> str:
        url = f"{self.stack.endpoint}/restapis/{self.stack.outputs['ApiId']}/live/_user_request_/apps/run"
        headers = {"Authorization": f"Bearer {KEY}", "Idempotency-Key": key}
        deadline = time.monotonic() + 300
        while time.monotonic() < deadline:
            try:
                answer = self.sender.post(url, json=body, headers=headers)
            except httpx.HTTPError as error:
                self.answers[type(error).__name__] += 1
            else:
                self.answers[str(answer.status_code)] += 1
                if answer.status_code == 200:
                    return str(answer.json()["data"]["id"])
                if answer.status_code not in _PASSING:
                    raise Broken(f"POST was answered {answer.status_code}: {answer.text[:500]}")
            time.sleep(0.3)
        raise Broken(f"the request {key} was not accepted within 5 minutes")

    # Monitoring during the run.

    def watch(self) -> None:
        """Collect events, call sweep more often than its schedule does, and look for incomplete results."""
        looked: set[str] = set()
        beats = 0
        while not self.over.wait(1):
            with suppress(Exception):
                self.collect()
            beats += 1
            if beats % 3 == 0:
                with suppress(Exception):
                    self.stack.sweep()
            if beats % 5 == 0:
                with suppress(OSError, BotoCoreError, ClientError):  # the emulator is stopped
                    self.look_at_results(looked)

    def collect(self) -> None:
        """Collect final events by task."""
        self.stack.events("")
        for event in self.stack._events:
            if str(event["status"]) in _FINAL:
                self.finals[event["id"]].add((event["event_id"], event["status"]))
        self.stack._events.clear()

    def look_at_results(self, looked: set[str]) -> None:
        """Check that each visible result and its video are complete."""
        for key in self.stack.keys("outbox/tasks/"):
            if key.endswith("result.json") and key not in looked:
                if problem := self.problem_of_result(key):
                    self.incomplete.add(f"{key}: {problem}")
                looked.add(key)

    def problem_of_result(self, key: str) -> str:
        """The problem of a result or its video, empty if there is none."""
        s3 = self.stack.client("s3")
        try:
            output = json.loads(s3.get_object(Bucket=self.stack.bucket, Key=key)["Body"].read())["output"]
            video = s3.get_object(Bucket=self.stack.bucket, Key=output["key"])["Body"].read()
        except s3.exceptions.NoSuchKey:
            return "the video is not there"
        except ValueError as error:
            return f"no JSON ({error})"
        if len(video) != output["size"]:
            return f"{len(video)} bytes instead of {output['size']}"
        if not self.real:
            whole = b"[whole]" if output["chunks"] == 1 else _joined(output["frames"], output["chunks"])
            return "" if video == whole else f"the video is {video[:60]!r}"
        with tempfile.NamedTemporaryFile(suffix=".mp4") as file:
            file.write(video)
            file.flush()
            frames = probe_video(Path(file.name)).frames
        return "" if frames == output["frames"] else f"{frames} frames instead of {output['frames']}"

    # Checks after the run.

    def items(self) -> dict[str, dict[str, Any]]:
        """All tasks in the table, by id."""
        pages = self.stack.client("dynamodb").get_paginator("scan").paginate(TableName=self.stack.table)
        return {item["id"]["S"]: item for page in pages for item in page["Items"] if "status" in item}

    def settle(self, seconds: float) -> dict[str, dict[str, Any]]:
        """Wait until no task needs attention, and return all tasks."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            tasks = self.items()
            if all(task["status"]["N"] in _FINAL and "attention" not in task for task in tasks.values()):
                return tasks
            # Reading a thousand tasks blocks the emulator for a second.
            time.sleep(max(2.0, len(self.compositions) / 60))
        waiting = Counter(
            (task["status"]["N"], task.get("attention", {}).get("S", "")) for task in self.items().values()
        )
        raise Broken(f"not settled after {seconds:g} s; tasks by state and attention: {dict(waiting)}")

    def check_tasks(self, tasks: dict[str, dict[str, Any]]) -> None:
        """Check that each task has one final state, one result and one event id that agree; no leftovers."""
        wrong: list[str] = []
        if lost := set(self.compositions) - set(tasks):
            wrong.append(f"lost: {sorted(lost)}")
        if strange := set(tasks) - set(self.compositions):
            wrong.append(f"never submitted: {sorted(strange)}")
        found = defaultdict(set)
        for key in self.stack.keys("outbox/tasks/"):
            found[key.split("/")[2]].add(key.split("/")[3])
        for task_id, task in tasks.items():
            status = int(task["status"]["N"])
            events = self.finals[task_id]
            if events != {(f"evt_{task_id}_{status}", status)}:
                wrong.append(f"{task_id} is {status}, its final events are {events}")
            results = found[task_id] - {"poster.jpg"} if status == 10 else found[task_id]
            if results != ({"result.json", "video.mp4"} if status == 10 else {"error.json"}):
                wrong.append(f"{task_id} is {status} and has {sorted(results)}")
            elif status == 10 and (problem := self.problem_of_result(f"outbox/tasks/{task_id}/result.json")):
                wrong.append(f"{task_id}: {problem}")
        if self.incomplete:
            wrong.append(f"seen incomplete: {sorted(self.incomplete)}")
        if left := self.stack.keys("work/"):
            wrong.append(f"left in work/: {left[:10]}")
        if wrong:
            raise Broken("\n".join(wrong[:30]))

    def check_webhooks(self, tasks: dict[str, dict[str, Any]]) -> dict[str, int]:
        """Check that each webhook was delivered, refused with 410, or is a dead letter that can be delivered again."""
        wanted = {f"evt_{id_}_{task['status']['N']}" for id_, task in tasks.items() if self.behaviours.get(id_)}
        self._wait_for_empty_queue(600)
        dead = self._dead_letters()
        taken, gone = set(self.hooks.delivered), self.hooks.gone
        if lost := wanted - taken - gone - set(dead):
            raise Broken(f"lost webhooks: {sorted(lost)}")
        never = {f"evt_{id_}_{tasks[id_]['status']['N']}" for id_, kind in self.behaviours.items() if kind in NEVER}
        if not never <= set(dead):
            raise Broken(f"not delivered, and not in the dead letters: {sorted(never - set(dead))}")
        self.hooks.healed = True
        for message in dead.values():
            self.stack.client("sqs").send_message(QueueUrl=self.stack.outputs["WebhookQueueUrl"], MessageBody=message)
        self._wait_for_empty_queue(300)
        if missing := set(dead) & wanted - set(self.hooks.delivered):
            raise Broken(f"sent again and not delivered: {sorted(missing)}")
        if doubled := {task: ids for task, ids in self.hooks.ids.items() if len(ids) != 1}:
            raise Broken(f"webhooks under more than one id: {doubled}")
        return {
            "webhooks": len(wanted),
            "delivered": len(wanted & taken),
            "refused with 410": len(gone & wanted),
            "dead letters, all delivered when sent again": len(dead),
            "tries": sum(self.hooks.tries.values()),
        }

    def _wait_for_empty_queue(self, seconds: float) -> None:
        names = [f"ApproximateNumberOfMessages{which}" for which in ("", "NotVisible", "Delayed")]
        deadline, empty = time.monotonic() + seconds, 0
        while time.monotonic() < deadline:
            found = self.stack.client("sqs").get_queue_attributes(
                QueueUrl=self.stack.outputs["WebhookQueueUrl"], AttributeNames=names
            )["Attributes"]
            # A message that changes its state is counted in no state for a moment.
            empty = empty + 1 if not sum(int(found.get(name, 0)) for name in names) else 0
            if empty >= 5:
                return
            time.sleep(0.5)
        raise Broken(f"webhooks still wait after {seconds:g} s: {found}")

    def _dead_letters(self) -> dict[str, str]:
        """Remove all dead letters from their queue. Returns messages by webhook-id."""
        sqs, url = self.stack.client("sqs"), self.stack.outputs["WebhookDeadLettersUrl"]
        found = {}
        while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
            for message in messages:
                found[json.loads(message["Body"])["event_id"]] = message["Body"]
                sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return found


def _joined(frames: int, chunks: int) -> bytes:
    size = frames // chunks
    return b"".join(b"[%d+%d]" % (first, size) for first in range(0, frames, size))


@contextmanager
def chaos_stack(folder: Path, seed: int, real: bool, tasks: int, wait_seconds: float | None = None) -> Iterator[Chaos]:
    """The deployed stack behind the proxy, with short timeouts."""
    engine = None
    if not real:
        engine = folder / "engine"
        shutil.copytree(FAKE_ENGINE, engine)
    wait = _WAIT + tasks * _WAIT_A_TASK if wait_seconds is None else wait_seconds
    with running_stack(folder, engine, wait_seconds=wait) as stack, receivers() as hooks:
        proxy = Services(stack.emulator.settings.port, seed)
        more = {
            "AWS_ENDPOINT_URL": proxy.url,
            "ATTENTION_SECONDS": str(round(_ATTENTION + tasks * _ATTENTION_A_TASK)),
            "LONGEST_FUNCTION_SECONDS": str(_OUTLIVES),
        }
        for function in ("api", "plan", "render-chunk", "assemble", "record", "notify", "grant"):
            stack.add_variables(function, **more)
        stack.add_variables("sweep", **{name: more[name] for name in ("ATTENTION_SECONDS", "LONGEST_FUNCTION_SECONDS")})
        for function, limit in _LIMITS.items():
            name = f"hyperframes-render-{function}"
            stack.client("lambda").update_function_configuration(FunctionName=name, Timeout=limit)
        sqs = stack.client("sqs")
        sqs.set_queue_attributes(
            QueueUrl=stack.outputs["WebhookQueueUrl"], Attributes={"VisibilityTimeout": str(_VISIBILITY)}
        )
        machine = Machine(stack, proxy, random.Random(seed), [])
        machine.copies_queue = _copies_of_webhook_messages(stack)
        stack.emulator.save()
        time.sleep(1)
        yield Chaos(stack, hooks, machine, real)


def _copies_of_webhook_messages(stack: Stack) -> str:
    sqs, sns = stack.client("sqs"), stack.client("sns")
    url = str(sqs.create_queue(QueueName="copies")["QueueUrl"])
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    allowed = {"Effect": "Allow", "Principal": {"Service": "sns.amazonaws.com"}, "Action": "sqs:SendMessage"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [{**allowed, "Resource": arn}]})
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
    attributes = {"RawMessageDelivery": "true", "FilterPolicy": json.dumps({"status": list(_FINAL)})}
    topic = stack.outputs["EventsTopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn, Attributes=attributes)
    return url


def run(
    folder: Path, *, seed: int, tasks: int, seconds: float, faults: int, real: bool = False, say: Callable[[str], None]
) -> dict[str, Any]:
    """Do one run and return its figures. Raises Broken if a check fails."""
    doing = REAL if real else QUICK
    planned = schedule(seed, seconds, faults, list(doing))
    say(f"seed {seed}: {len(planned)} faults of {len({fault.kind for fault in planned})} kinds")
    for fault in planned:
        say(str(fault))
    with chaos_stack(folder, seed, real, tasks) as chaos:
        began = time.monotonic()
        threading.Thread(target=chaos.watch, daemon=True).start()
        with ThreadPoolExecutor(1) as sending:
            sent = sending.submit(chaos.submit_all, tasks, seconds, seed)
            inflict(chaos.machine, planned, doing)
            sent.result()
        after = time.monotonic()
        ended = chaos.settle(_SETTLE + tasks * _SETTLE_A_TASK)
        settled = time.monotonic()
        chaos.over.set()
        time.sleep(2)
        chaos.collect()
        chaos.check_tasks(ended)
        hooks = chaos.check_webhooks(ended)
    hit = chaos.machine.done + chaos.machine.services.done
    codes = Counter(json.loads(task["error"]["S"])["code"] for task in ended.values() if "error" in task)
    return {
        "tasks": tasks,
        "seconds of faults": round(after - began),
        "seconds until all tasks settled": round(settled - after),
        "faults": len(planned),
        "kinds of fault that hit something": len(hit),
        "hits": dict(sorted(hit.items())),
        "ends": dict(Counter(task["status"]["N"] for task in ended.values())),
        "errors": dict(codes),
        "answers to POST": dict(chaos.answers),
        **hooks,
    }


def main() -> None:
    parser = argparse.ArgumentParser()
    for name, default in (("seed", 1), ("tasks", 1000), ("faults", 60)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--seconds", type=float, default=240)
    parser.add_argument("--real", action="store_true", help="use the real renderer instead of a fake one")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="hyperframes-chaos-") as folder:
        try:
            figures = run(Path(folder), **vars(options), say=lambda line: print(line, flush=True))
        except Broken as broken:
            sys.exit(f"BROKEN (seed {options.seed}):\n{broken}")
    for name, value in figures.items():
        if isinstance(value, dict):
            value = ", ".join(f"{one} {count}" for one, count in value.items())
        print(f"| {name} | {value} |")


if __name__ == "__main__":
    main()
