"""plan, render_chunk, assemble and record: each task ends with one final state, one record and one final event."""

from __future__ import annotations

import errno
import json
import signal
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from hyperframes_render.errors import (
    BrowserFailed,
    EncoderFailed,
    PageScriptFailed,
    RenderError,
    RenderStalled,
    ServiceFailed,
    error_tree,
)
from hyperframes_render.functions.support import adapters as wiring
from hyperframes_render.functions.support import render_context as worker
from hyperframes_render.render.progress import Progress
from hyperframes_render.tasks.model import TaskStatus
from tests.integration.functions.cloud import (
    BUCKET,
    HTML,
    OWNER,
    Cloud,
    answer,
    call,
    run_workflow,
    submit,
)
from tests.integration.functions.conftest import clear_caches
from tests.integration.functions.engine import Behaviour


def slow_down(*_: Any) -> None:
    """The error of S3 at too many requests."""
    raise ServiceFailed("Writing failed: SlowDown.")


def assert_ended_well(cloud: Cloud, task_id: str, status: int) -> list[dict[str, Any]]:
    """Check for one final state, one matching record, one distinct final event, an empty work/. Returns the events."""
    task = cloud.task(task_id)
    assert task.status == status
    records = [key for key in cloud.keys("outbox/") if key.endswith(".json")]
    assert records == [f"outbox/tasks/{task_id}/{'result' if status == 10 else 'error'}.json"]
    videos = [key for key in cloud.keys("outbox/") if not key.endswith(".json")]
    assert len(videos) == (1 if status == 10 else 0)
    assert cloud.keys("work/") == []
    events = cloud.events_seen()
    assert {event["event_id"] for event in events if event["status"] >= 10} == {f"evt_{task_id}_{status}"}
    return events


def test_one_chunk_is_rendered_and_finished_in_one_function(cloud: Cloud, behaviour: Behaviour) -> None:
    behaviour.chunks = 1
    task_id = submit()
    assert run_workflow(task_id) == {"task_id": task_id, "status": 10}
    events = assert_ended_well(cloud, task_id, 10)
    assert [event["status"] for event in events] == [2, 4, 7, 9, 10]
    assert cloud.get(f"outbox/tasks/{task_id}/video.mp4") == b"[whole]"
    assert behaviour.calls == ["make_plan", "render"]


def test_many_chunks_are_joined_in_order(cloud: Cloud, behaviour: Behaviour) -> None:
    behaviour.chunks = 3
    task_id = submit()
    assert run_workflow(task_id)["status"] == 10
    events = assert_ended_well(cloud, task_id, 10)
    assert cloud.get(f"outbox/tasks/{task_id}/video.mp4") == b"[0+16][16+17][33+17]"
    assert cloud.task(task_id).frames_done == 50
    final = events[-1]
    assert final["output"]["bucket"] == BUCKET and final["output"]["key"] == f"outbox/tasks/{task_id}/video.mp4"
    assert "X-Amz" not in json.dumps(final), "events carry no signed address"


def test_the_record_has_all_facts_and_the_cost(cloud: Cloud, behaviour: Behaviour) -> None:
    task_id = submit(metadata={"n": 1})
    run_workflow(task_id)
    record = cloud.json(f"outbox/tasks/{task_id}/result.json")
    assert record["status"] == 10 and record["metadata"] == {"n": 1} and record["id"] == task_id
    output = record["output"]
    assert output["slowest_frames"] and output["versions"] == {"chromium": "156"}
    assert [warning["message"] for warning in output["warnings"]] == ["The plan's warning.", "A warning."]
    cost = output["cost"]
    assert cost["calls"] == {"assemble": 1, "plan": 1, "render": 2}
    assert set(cost["gb_seconds"]) == {"assemble", "plan", "render"} and all(cost["gb_seconds"].values())
    assert cost["usd"] == pytest.approx(sum(cost["by_kind"].values()), rel=1e-3)
    assert "us-east-1" in cost["prices"] and "20" in cost["prices"]


def test_plan_writes_a_list_of_chunk_numbers(cloud: Cloud, behaviour: Behaviour) -> None:
    task_id = submit()
    planned = call("plan", {"task_id": task_id})
    assert planned == {
        "task_id": task_id,
        "chunks": 2,
        "chunks_key": f"work/{task_id}/chunks.json",
        "parallel": 2,
    }
    assert cloud.json(planned["chunks_key"]) == [
        {"index": 0, "first": 0, "count": 25},
        {"index": 1, "first": 25, "count": 25},
    ]


@pytest.mark.parametrize(("limit", "parallel"), [(1000, 60), (60, 48), (10, 8), (2, 1)])
def test_parallel_chunks_leave_concurrency_for_other_functions(
    cloud: Cloud, behaviour: Behaviour, monkeypatch: pytest.MonkeyPatch, limit: int, parallel: int
) -> None:
    monkeypatch.setenv("PARALLEL_CHUNKS", "60")
    monkeypatch.setattr(wiring, "unreserved_concurrency", lambda: limit)
    assert call("plan", {"task_id": submit()})["parallel"] == parallel


def test_with_an_unknown_limit_the_stacks_setting_decides(
    cloud: Cloud, behaviour: Behaviour, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused() -> int:
        raise ServiceFailed("Reading the account's concurrency failed: AccessDenied.")

    monkeypatch.setattr(wiring, "unreserved_concurrency", refused)
    assert call("plan", {"task_id": submit()})["parallel"] == 2


def test_the_workflow_state_stays_small_for_ten_thousand_chunks(cloud: Cloud, behaviour: Behaviour) -> None:
    behaviour.chunks, behaviour.duration = 10_000, 2000.0
    planned = call("plan", {"task_id": submit()})
    assert planned["chunks"] == 10_000
    assert len(json.dumps(planned)) < 500
    child = call("render_chunk", {"task_id": planned["task_id"], "index": 9_999, "first": 49_995, "count": 5})
    assert len(json.dumps([child] * 10_000)) < 256 * 1024


def test_a_video_longer_than_the_stack_allows_is_refused_by_plan(cloud: Cloud, behaviour: Behaviour) -> None:
    behaviour.duration = 3601.0
    task_id = submit()
    assert run_workflow(task_id)["status"] == 11
    assert "MaxDurationSeconds" in (answer("GET", f"/tasks/{task_id}")[1]["data"]["error"])
    assert_ended_well(cloud, task_id, 11)


@pytest.mark.parametrize("step", ["make_plan", "render_chunk 1", "assemble"])
def test_a_failure_at_any_step_keeps_its_message(cloud: Cloud, behaviour: Behaviour, step: str) -> None:
    behaviour.faults[step] = [PageScriptFailed('The page says "sprocket".', "Mend the script.")]
    task_id = submit()
    assert run_workflow(task_id)["status"] == 11
    assert_ended_well(cloud, task_id, 11)
    task = answer("GET", f"/tasks/{task_id}")[1]["data"]
    assert task["error"] == 'The page says "sprocket". Mend the script.'
    assert task["error_code"] == "page_script_failed" and task["output"] is None
    record = cloud.json(f"outbox/tasks/{task_id}/error.json")
    assert record["error"] == task["error"] and record["details"]["retryable"] is False


def test_markup_without_an_element_is_a_readable_error(cloud: Cloud, behaviour: Behaviour) -> None:
    status, body, _ = answer("POST", "/apps/run", {"input": {"html": "no page here"}})
    assert status == 200
    task_id = body["data"]["id"]
    run_workflow(task_id)
    assert "no element" in answer("GET", f"/tasks/{task_id}")[1]["data"]["error"]


def test_errors_keep_their_class_name(cloud: Cloud, behaviour: Behaviour) -> None:
    task_id = submit()
    call("plan", {"task_id": task_id})
    for kind in (BrowserFailed, EncoderFailed, ServiceFailed):
        behaviour.faults["render_chunk 0"] = [kind("It went wrong.", "Do this.")]
        with pytest.raises(Exception) as raised:  # the exception class is created for the workflow
            call("render_chunk", {"task_id": task_id, "index": 0, "first": 0, "count": 25})
        assert type(raised.value).__name__ == kind.__name__
        assert json.loads(str(raised.value))["message"] == "It went wrong."


def test_a_retry_counts_frames_once_and_both_calls(cloud: Cloud, behaviour: Behaviour) -> None:
    task_id = submit()
    call("plan", {"task_id": task_id})
    chunk = {"task_id": task_id, "index": 0, "first": 0, "count": 25}
    behaviour.faults["render_chunk 0"] = [BrowserFailed("It died.")]
    with pytest.raises(Exception, match="It died"):
        call("render_chunk", chunk)
    assert cloud.task(task_id).failure["code"] == "browser_failed"
    call("render_chunk", chunk)
    task = cloud.task(task_id)
    assert task.frames_done == 25 and task.spent["render_calls"] == 2
    assert task.failure == {}, "what was made good is forgotten"


def test_a_finished_chunk_is_not_rendered_again_and_a_damaged_one_is(cloud: Cloud, behaviour: Behaviour) -> None:
    task_id = submit()
    call("plan", {"task_id": task_id})
    chunk = {"task_id": task_id, "index": 1, "first": 25, "count": 25}
    call("render_chunk", chunk)
    first = cloud.get(f"work/{task_id}/chunks/00001.mp4")
    call("render_chunk", chunk)
    assert behaviour.calls.count("render_chunk 1") == 1
    assert cloud.task(task_id).frames_done == 25
    cloud.put(f"work/{task_id}/chunks/00001.mp4", "cut")
    call("render_chunk", chunk)
    assert behaviour.calls.count("render_chunk 1") == 2
    assert cloud.get(f"work/{task_id}/chunks/00001.mp4") == first


def test_an_s3_error_in_the_middle_is_transient(
    cloud: Cloud, behaviour: Behaviour, monkeypatch: pytest.MonkeyPatch
) -> None:
    task_id = submit()
    call("plan", {"task_id": task_id})
    from hyperframes_render.aws.objects import S3Objects

    with monkeypatch.context() as patched:
        patched.setattr(S3Objects, "upload", slow_down)
        with pytest.raises(Exception) as raised:
            call("render_chunk", {"task_id": task_id, "index": 0, "first": 0, "count": 25})
    assert type(raised.value).__name__ == "ServiceFailed"
    assert cloud.keys(f"work/{task_id}/chunks/") == [f"work/{task_id}/chunks/00000.json"], "no half chunk"


def test_cancelling_before_the_plan_renders_nothing(cloud: Cloud, behaviour: Behaviour) -> None:
    task_id = submit()
    assert cloud.tasks.update_if_unchanged(cloud.task(task_id), {"status": TaskStatus.CANCELLING})
    assert run_workflow(task_id)["status"] == 12
    assert behaviour.calls == []
    assert_ended_well(cloud, task_id, 12)


@pytest.fixture
def interrupts_ignored() -> Iterator[None]:
    """Ignore SIGINT, as background jobs of a shell do."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interrupts_ignored")
@pytest.mark.parametrize("hang", [False, True])
@pytest.mark.parametrize("chunks", [1, 2])
def test_cancelling_ends_a_render_within_seconds_even_one_that_hangs(
    cloud: Cloud, behaviour: Behaviour, monkeypatch: pytest.MonkeyPatch, hang: bool, chunks: int
) -> None:
    monkeypatch.setattr("hyperframes_render.functions.support.progress._GRACE_SECONDS", 0.5)
    behaviour.chunks, behaviour.seconds_per_frame, behaviour.hang = chunks, 0.5, hang
    task_id = submit()

    def cancel() -> None:
        time.sleep(1)
        for _ in range(50):
            if cloud.tasks.update_if_unchanged(cloud.task(task_id), {"status": TaskStatus.CANCELLING}):
                return

    thread = threading.Thread(target=cancel)
    thread.start()
    started = time.monotonic()
    assert run_workflow(task_id)["status"] == 12
    thread.join()
    assert time.monotonic() - started < 1 + 5 + 2
    assert_ended_well(cloud, task_id, 12)
    assert cloud.task(task_id).error == {
        "code": "cancelled",
        "message": "The task was cancelled.",
        "action": "",
        "retryable": False,
    }


def test_cancelling_at_the_last_moment_leaves_no_video(cloud: Cloud, behaviour: Behaviour) -> None:
    behaviour.chunks = 1
    task_id = submit()
    call("plan", {"task_id": task_id})
    call("render_chunk", {"task_id": task_id, "whole": True})
    assert cloud.tasks.update_if_unchanged(cloud.task(task_id), {"status": TaskStatus.CANCELLING})
    assert call("record", {"task_id": task_id, "outcome": "completed"})["status"] == 12
    assert_ended_well(cloud, task_id, 12)


def test_progress_is_counted_while_a_chunk_is_rendered(
    cloud: Cloud, behaviour: Behaviour, monkeypatch: pytest.MonkeyPatch
) -> None:
    from hyperframes_render.functions.support.progress import COUNT_SECONDS, ProgressCount

    assert 2 <= COUNT_SECONDS <= 5
    task_id = submit()
    seen: list[int] = []
    count = ProgressCount(cloud.tasks, task_id, interval=0.05)
    with count.counting():
        for done in range(1, 11):
            count.listener(Progress("render", done, 10, 0, 0, None))
            time.sleep(0.03)
            seen.append(cloud.task(task_id).frames_done)
    assert any(0 < frames < 10 for frames in seen)
    assert cloud.task(task_id).frames_done == 10


def test_frames_of_a_failed_render_are_subtracted(cloud: Cloud) -> None:
    from hyperframes_render.functions.support.progress import ProgressCount

    task_id = submit()
    count = ProgressCount(cloud.tasks, task_id, interval=0.02)
    with pytest.raises(BrowserFailed), count.counting():
        count.listener(Progress("render", 7, 10, 0, 0, None))
        time.sleep(0.2)
        assert cloud.task(task_id).frames_done == 7
        raise BrowserFailed("It died.")
    assert cloud.task(task_id).frames_done == 0


def test_a_second_record_changes_and_publishes_nothing(cloud: Cloud, behaviour: Behaviour) -> None:
    task_id = submit()
    run_workflow(task_id)
    before = cloud.task(task_id)
    events = assert_ended_well(cloud, task_id, 10)
    late = {"Error": "States.Timeout", "Cause": ""}
    assert call("record", {"task_id": task_id, "outcome": "failed", "error": late})["status"] == 10
    assert cloud.task(task_id).output == before.output
    assert cloud.events_seen() == [] and len(events) == 5
    assert cloud.keys("outbox/") == [f"outbox/tasks/{task_id}/result.json", f"outbox/tasks/{task_id}/video.mp4"]


def test_sweep_removes_files_written_after_the_end(cloud: Cloud, behaviour: Behaviour) -> None:
    behaviour.faults["render_chunk 1"] = [PageScriptFailed("No.")]
    task_id = submit()
    run_workflow(task_id)
    cloud.put(f"work/{task_id}/chunks/00000.mp4", "late")
    assert call("sweep", {}) == {"cleaned": 1}
    assert cloud.keys("work/") == []
    assert cloud.attention(task_id) is None


def test_a_chunk_of_an_ended_task_writes_nothing(cloud: Cloud, behaviour: Behaviour) -> None:
    task_id = submit()
    call("plan", {"task_id": task_id})
    call("record", {"task_id": task_id, "outcome": "failed", "error": {"Error": "States.Timeout", "Cause": ""}})
    with pytest.raises(Exception, match="ended already"):
        call("render_chunk", {"task_id": task_id, "index": 0, "first": 0, "count": 25})
    assert cloud.keys("work/") == []


@pytest.mark.parametrize(
    ("error", "cause", "code", "said"),
    [
        ("States.Timeout", "", "function_timed_out", "time limit"),
        ("Sandbox.Timedout", json.dumps({"errorMessage": "Task timed out after 9.00 s"}), "function_timed_out", ""),
        ("Runtime.ExitError", json.dumps({"errorMessage": "exit status 137"}), "worker_lost", "died"),
        ("States.ExceedToleratedFailureThreshold", "", "worker_lost", "died"),
        ("KeyError", json.dumps({"errorMessage": "'secret'"}), "internal_error", "internal error"),
        ("States.DataLimitExceeded", "not JSON", "internal_error", "internal error"),
        ("EncoderFailed", json.dumps({"errorMessage": "plain words"}), "encoder_failed", "plain words"),
    ],
)
def test_a_caught_error_becomes_a_code_and_a_message(
    cloud: Cloud, behaviour: Behaviour, error: str, cause: str, code: str, said: str
) -> None:
    task_id = submit()
    caught = {"Error": error, "Cause": cause}
    assert call("record", {"task_id": task_id, "outcome": "failed", "error": caught})["status"] == 11
    stored = cloud.task(task_id).error
    assert stored and stored["code"] == code and said in stored["message"] and "secret" not in json.dumps(stored)


class Ended(BaseException):
    """Raised in place of the end of the process."""


@pytest.mark.parametrize("step", ["make_plan", "render"])
def test_a_process_ends_if_a_thread_outlives_its_call(
    cloud: Cloud, behaviour: Behaviour, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    def end(status: int) -> None:
        raise Ended

    monkeypatch.setattr(worker, "outlived", lambda: step in behaviour.calls)
    monkeypatch.setattr(worker, "end_if_outlived", end)
    behaviour.chunks = 1
    behaviour.faults[step] = [RenderStalled("No progress.")]
    task_id = submit()
    with pytest.raises(Ended):
        call("plan", {"task_id": task_id})
        call("render_chunk", {"task_id": task_id, "whole": True})
    # The error that Lambda reports for a process that ended.
    caught = {"Error": "Runtime.ExitError", "Cause": json.dumps({"errorMessage": "exit status 1"})}
    call("record", {"task_id": task_id, "outcome": "failed", "error": caught})
    stored = cloud.task(task_id).error
    assert stored and (stored["code"], stored["message"]) == ("render_stalled", "No progress.")


def test_completed_without_a_result_is_a_failure(cloud: Cloud) -> None:
    task_id = submit()
    assert call("record", {"task_id": task_id, "outcome": "completed"})["status"] == 11
    assert_ended_well(cloud, task_id, 11)


def test_a_function_that_outlives_its_failed_task_leaves_no_video_behind(cloud: Cloud) -> None:
    task_id = submit()
    caught = {"Error": "States.Timeout", "Cause": "timed out"}
    call("record", {"task_id": task_id, "outcome": "failed", "error": caught})
    for name in ("video.mp4", "poster.jpg"):
        cloud.s3.put_object(Bucket=BUCKET, Key=f"outbox/tasks/{task_id}/{name}", Body=b"late")
    cloud.attention_due(task_id)
    call("sweep", {})
    assert cloud.keys("outbox/") == [f"outbox/tasks/{task_id}/error.json"]


def test_a_full_disk_is_retried(cloud: Cloud, behaviour: Behaviour) -> None:
    task_id = submit()
    call("plan", {"task_id": task_id})
    behaviour.faults["render"] = [OSError(errno.ENOSPC, "No space left on device")]
    with pytest.raises(Exception, match="disk_full") as raised:
        call("render_chunk", {"task_id": task_id, "whole": True})
    assert type(raised.value).__name__ == "DiskFull"


def test_a_deleted_task_leaves_nothing_behind(cloud: Cloud, behaviour: Behaviour) -> None:
    task_id = submit()
    cloud.dynamodb.delete_item(TableName="tasks", Key={"id": {"S": task_id}})
    assert run_workflow(task_id)["status"] == 12
    assert cloud.keys() == []


def test_a_composition_at_a_url_is_fetched_once_for_all_chunks(
    cloud: Cloud, behaviour: Behaviour, monkeypatch: pytest.MonkeyPatch
) -> None:
    from hyperframes_render.network.fetch import Fetched
    from hyperframes_render.render import remote

    asked: list[str] = []

    async def fetch(url: str, **_: Any) -> Fetched:
        asked.append(url)
        return Fetched(200, {}, HTML.encode(), "https://www.example.com/promo.html")

    monkeypatch.setattr(remote, "fetch_public", fetch)
    task_id = answer("POST", "/apps/run", {"input": {"html": "https://example.com/promo.html"}})[1]["data"]["id"]
    assert run_workflow(task_id)["status"] == 10
    assert asked == ["https://example.com/promo.html"]
    # Every step renders the page at the address that returned it.
    assert set(behaviour.addresses) == {"https://www.example.com/promo.html"}
    assert len(behaviour.addresses) == 3 and cloud.task(task_id).source_address == behaviour.addresses[0]


@pytest.mark.parametrize("chunks", [1, 2])
def test_a_pages_folder_has_only_the_files_of_its_variables(
    cloud: Cloud, behaviour: Behaviour, monkeypatch: pytest.MonkeyPatch, chunks: int
) -> None:
    from hyperframes_render.network.fetch import Fetched
    from hyperframes_render.render import remote

    async def fetch(url: str, **_: Any) -> Fetched:
        return Fetched(200, {}, HTML.encode(), url)

    monkeypatch.setattr(remote, "fetch_public", fetch)
    behaviour.chunks = chunks
    uploads = {name: f"uploads/{OWNER}/{name}" for name in ("f1/photo.png", "f2/song.mp3")}
    for key in uploads.values():
        cloud.put(key, b"[a file]")
    photo, song = (f"s3://{BUCKET}/{key}" for key in uploads.values())
    for html in (HTML, "https://example.com/promo"):
        task_id = answer(
            "POST", "/apps/run", {"input": {"html": html, "variables": {"photo": photo}, "audio_url": song}}
        )[1]["data"]["id"]
        assert run_workflow(task_id)["status"] == 10
    assert {tuple(sorted(one.beside)) for one in behaviour.seen} == {("composition.html", "uploads/f1/photo.png")}


@pytest.mark.parametrize(
    ("url", "said"),
    [("http://10.1.2.3/a.html", "not a public address"), ("http://127.0.0.1:9001/2018-06-01/runtime", "not a public")],
)
def test_a_private_address_of_a_composition_is_refused(cloud: Cloud, behaviour: Behaviour, url: str, said: str) -> None:
    task_id = answer("POST", "/apps/run", {"input": {"html": url}})[1]["data"]["id"]
    assert run_workflow(task_id)["status"] == 11
    assert said in answer("GET", f"/tasks/{task_id}")[1]["data"]["error"]


def test_a_url_without_a_composition_is_refused(
    cloud: Cloud, behaviour: Behaviour, monkeypatch: pytest.MonkeyPatch
) -> None:
    from hyperframes_render.network.fetch import Fetched
    from hyperframes_render.render import remote

    async def fetch(url: str, **_: Any) -> Fetched:
        return Fetched(200, {"content-type": "image/png"}, HTML.encode())

    monkeypatch.setattr(remote, "fetch_public", fetch)
    task_id = answer("POST", "/apps/run", {"input": {"html": "https://example.com/promo.html"}})[1]["data"]["id"]
    assert run_workflow(task_id)["status"] == 11
    assert "image/png" in answer("GET", f"/tasks/{task_id}")[1]["data"]["error"]


@pytest.mark.parametrize("network", ["public", "none"])
def test_sounds_are_fetched_within_the_stacks_network_ceiling(
    cloud: Cloud, behaviour: Behaviour, monkeypatch: pytest.MonkeyPatch, network: str
) -> None:
    monkeypatch.setenv("NETWORK_CEILING", "cdn.example.com,*.in.example")
    behaviour.chunks = 1
    given = {"html": HTML, "audio_url": "https://a.in.example/a.mp3", "network": network}
    assert run_workflow(answer("POST", "/apps/run", {"input": given})[1]["data"]["id"])["status"] == 10
    assert behaviour.ceilings == dict.fromkeys(("make_plan", "render"), ("cdn.example.com", "*.in.example"))


def test_compositions_are_fetched_within_the_stacks_network_ceiling(
    cloud: Cloud, behaviour: Behaviour, monkeypatch: pytest.MonkeyPatch
) -> None:
    from hyperframes_render.network.fetch import Fetched
    from hyperframes_render.render import remote

    asked: list[Any] = []

    async def fetch(url: str, *, network: Any, **_: Any) -> Fetched:
        asked.append(network)
        return Fetched(200, {}, HTML.encode())

    monkeypatch.setenv("NETWORK_CEILING", "in.example")
    monkeypatch.setattr(remote, "fetch_public", fetch)
    given = {"html": "https://in.example/promo.html", "network": "none"}
    assert run_workflow(answer("POST", "/apps/run", {"input": given})[1]["data"]["id"])["status"] == 10
    assert asked == [("in.example",)]


def test_plan_also_refuses_a_url_beyond_the_network_ceiling(
    cloud: Cloud, behaviour: Behaviour, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = {"html": "https://out.example/promo.html"}
    task_id = answer("POST", "/apps/run", {"input": given})[1]["data"]["id"]
    monkeypatch.setenv("NETWORK_CEILING", "in.example")  # narrowed after the task was accepted
    clear_caches()
    assert run_workflow(task_id)["status"] == 11
    error = cloud.task(task_id).error
    assert error and error["code"] == "invalid_composition" and '"out.example" is outside' in error["message"]


def test_only_retryable_classes_below_machine_error_can_leave_the_workflow() -> None:
    retryable = {kind.__name__ for kind in error_tree(RenderError) if kind.retryable}
    assert {"BrowserFailed", "EncoderFailed", "DiskFull", "RenderStalled", "ServiceFailed", "WorkerLost"} <= retryable
    assert not {"TaskCancelled", "FunctionTimedOut", "InternalError", "SetupIncomplete"} & retryable


@pytest.mark.parametrize("chunks", [1, 2])
def test_a_render_reports_its_time_limit_itself(
    cloud: Cloud, behaviour: Behaviour, monkeypatch: pytest.MonkeyPatch, chunks: int
) -> None:
    monkeypatch.setattr(
        "hyperframes_render.functions.support.progress._LAST_SECONDS", 30.0
    )  # of the 30 seconds of a call in these tests
    monkeypatch.setattr("hyperframes_render.functions.support.progress._GRACE_SECONDS", 0.2)
    behaviour.chunks, behaviour.hang = chunks, True
    task_id = submit()
    assert run_workflow(task_id)["status"] == 11
    error = cloud.task(task_id).error
    assert error and error["code"] == "function_timed_out" and "time limit" in error["message"]
    assert_ended_well(cloud, task_id, 11)


def test_a_cancel_between_records_read_and_write_wins(
    cloud: Cloud, behaviour: Behaviour, monkeypatch: pytest.MonkeyPatch
) -> None:
    from hyperframes_render.aws.tasks import DynamoTasks

    task_id = submit()
    call("plan", {"task_id": task_id})
    call("render_chunk", {"task_id": task_id, "whole": True})
    real = DynamoTasks.update_if_unchanged
    cancelled: list[Any] = []

    def update_if_unchanged(self: DynamoTasks, task: Any, changes: Any) -> Any:
        if not cancelled:
            cancelled.append(real(self, task, {"status": TaskStatus.CANCELLING}))
        return real(self, task, changes)

    monkeypatch.setattr(DynamoTasks, "update_if_unchanged", update_if_unchanged)
    assert call("record", {"task_id": task_id, "outcome": "completed"})["status"] == 12
    assert_ended_well(cloud, task_id, 12)


def test_two_records_at_once_leave_one_final_state(
    cloud: Cloud, behaviour: Behaviour, monkeypatch: pytest.MonkeyPatch
) -> None:
    from moto.dynamodb.models import DynamoDBBackend

    from hyperframes_render.functions.support.adapters import finisher, settings
    from hyperframes_render.functions.support.settings import RecordSettings

    # DynamoDB checks a condition and writes atomically. moto does so only if one thread calls it at a time.
    lock, update_item = threading.RLock(), DynamoDBBackend.update_item

    def one_at_a_time(self: DynamoDBBackend, *given: Any, **more: Any) -> Any:
        with lock:
            return update_item(self, *given, **more)

    monkeypatch.setattr(DynamoDBBackend, "update_item", one_at_a_time)
    task_id = submit()
    call("plan", {"task_id": task_id})
    call("render_chunk", {"task_id": task_id, "whole": True})
    cloud.events_seen()
    ends = finisher(settings(RecordSettings))
    timed_out = {"Error": "States.Timeout", "Cause": ""}
    threads = [
        threading.Thread(target=ends.finish, args=(task_id, *given))
        for given in (("completed",), ("failed", timed_out), ("completed",), ("failed", timed_out))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    status = int(cloud.task(task_id).status)
    assert status in (10, 11)
    assert_ended_well(cloud, task_id, status)


def test_a_retry_completes_an_upload_without_its_record(
    cloud: Cloud, behaviour: Behaviour, monkeypatch: pytest.MonkeyPatch
) -> None:
    from hyperframes_render.aws.objects import S3Objects

    task_id = submit()
    call("plan", {"task_id": task_id})

    with monkeypatch.context() as patched:
        patched.setattr(S3Objects, "put", slow_down)
        with pytest.raises(Exception, match="SlowDown"):
            call("render_chunk", {"task_id": task_id, "whole": True})
    assert call("render_chunk", {"task_id": task_id, "whole": True})
    assert call("record", {"task_id": task_id, "outcome": "completed"})["status"] == 10
    assert_ended_well(cloud, task_id, 10)
