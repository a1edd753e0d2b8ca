"""The drop folder: a file in inbox/ becomes one video or one readable error in outbox/."""

from __future__ import annotations

import io
import json
import zipfile
from typing import Any

import pytest

from hyperframes_render.errors import ServiceFailed
from hyperframes_render.tasks.model import TaskStatus
from tests.integration.functions.cloud import HTML, Cloud, call, dropped, run_workflow, submit
from tests.integration.functions.engine import Behaviour

FINE: dict[str, Any] = {"batchItemFailures": []}


def drop(cloud: Cloud, key: str, data: bytes | str = HTML, **options: Any) -> str | None:
    """Drop a file and deliver its event. Returns the id of its task, if one was started."""
    before = set(cloud.all_tasks())
    assert call("drop", dropped(cloud, key, data, **options)) == FINE
    new = set(cloud.all_tasks()) - before
    return new.pop() if new else None


@pytest.mark.parametrize(
    "name",
    [
        "promo",
        "spring promo",
        "größe ✓",
        "a+b",
        "100%25 done",
        "deep/er/nested",
        "tasks/x",
        "semi;colon&amp",
        "dots.v1.2",
        "promo.errors",
        "tasks.error/x",
    ],
)
def test_any_file_name_gets_a_video_and_a_record(cloud: Cloud, behaviour: Behaviour, name: str) -> None:
    task_id = drop(cloud, f"inbox/{name}.html")
    assert task_id and cloud.executions() == [task_id]
    assert run_workflow(task_id)["status"] == 10
    assert cloud.keys("outbox/") == [f"outbox/{name}.json", f"outbox/{name}.mp4"]
    record = cloud.json(f"outbox/{name}.json")
    assert record["source"] == f"inbox/{name}.html" and record["status"] == 10
    assert record["output"]["key"] == f"outbox/{name}.mp4" and record["output"]["bucket"]
    assert cloud.keys("work/") == [] and cloud.keys("inbox/") == [f"inbox/{name}.html"]


def test_the_record_is_written_after_the_video(
    cloud: Cloud, behaviour: Behaviour, monkeypatch: pytest.MonkeyPatch
) -> None:
    from hyperframes_render.aws.objects import S3Objects

    written: list[str] = []
    for name in ("put", "upload"):
        real = getattr(S3Objects, name)

        def recorded(self: S3Objects, *given: Any, _real: Any = real) -> None:
            written.extend(str(one) for one in given if str(one).startswith("outbox/"))
            _real(self, *given)

        monkeypatch.setattr(S3Objects, name, recorded)
    task_id = drop(cloud, "inbox/promo.html")
    assert task_id
    run_workflow(task_id)
    assert written == ["outbox/promo.mp4", "outbox/promo.json"]


def test_zip_files_and_upper_case_suffixes_are_accepted(cloud: Cloud, behaviour: Behaviour) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("index.html", HTML)
    task_id = drop(cloud, "inbox/Promo.ZIP", packed.getvalue())
    assert task_id and cloud.task(task_id).source_key.endswith("/source.zip")
    assert run_workflow(task_id)["status"] == 10
    assert "outbox/Promo.mp4" in cloud.keys("outbox/")


def test_a_sidecar_sets_render_options_and_webhook(cloud: Cloud, behaviour: Behaviour) -> None:
    sidecar = {"fps": 25, "webhook": "https://example.com/hook", "metadata": {"campaign": 7}}
    cloud.put("inbox/numbers one.render.json", json.dumps(sidecar))
    task_id = drop(cloud, "inbox/numbers one.html")
    assert task_id
    task = cloud.task(task_id)
    assert task.input["fps"] == 25 and task.webhook == "https://example.com/hook" and task.owner == "drop"
    run_workflow(task_id)
    assert cloud.json("outbox/numbers one.json")["metadata"] == {"campaign": 7}


BAD_SIDECARS: dict[str, tuple[bytes, list[str]]] = {
    "no JSON": (b'{\n  "fps": 25,\n  "codec": h264\n}', ["promo.render.json", "line 3", "not JSON"]),
    "no object": (b"[1]", ["promo.render.json", "object"]),
    "no UTF-8": (b'{\n"metadata": "\xff"}', ["line 2", "UTF-8"]),
    "unknown field": (b'{\n  "fps": 25,\n  "widht": 640\n}', ["line 3", "widht", '"width"']),
    "wrong value": (b'{\n\n  "fps": 0\n}', ["line 3", "fps"]),
    "wrong type": (b'{"width": "wide"}', ["line 1", "width"]),
    "alias twice": (b'{\n"html": "x"}', ["line 2", "html", "dropped file"]),
    "webhook": (b'{"webhook": "https://10.0.0.1/"}', ["webhook", "public"]),
    "NaN": (b'{"metadata": NaN}', ["promo.render.json", "NaN"]),
    "nested": (b"[" * 60_000, ["promo.render.json", "nested"]),
    "too large": (b" " * 70_000, ["promo.render.json", "larger"]),
}


@pytest.mark.parametrize("name", BAD_SIDECARS)
def test_the_error_of_a_bad_sidecar_names_field_and_line(cloud: Cloud, name: str) -> None:
    data, said = BAD_SIDECARS[name]
    cloud.put("inbox/promo.render.json", data)
    assert drop(cloud, "inbox/promo.html") is None
    assert cloud.keys("outbox/") == ["outbox/promo.error.json", "outbox/promo.error.txt"]
    record = cloud.json("outbox/promo.error.json")
    assert all(word in record["error"] for word in said), record["error"]
    assert record["status"] == 13 and record["source"] == "inbox/promo.html" and record["details"]["code"]
    assert cloud.keys("work/") == [] and cloud.executions() == []


def test_a_sidecars_sound_beyond_the_network_ceiling_is_refused(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NETWORK_CEILING", "in.example")
    cloud.put("inbox/promo.render.json", '{"audio_url": "https://out.example/a.mp3"}')
    assert drop(cloud, "inbox/promo.html") is None
    record = cloud.json("outbox/promo.error.json")
    assert record["error"].startswith('audio_url: this stack fetches nothing from "out.example"')
    assert cloud.keys("work/") == [] and cloud.executions() == []


@pytest.mark.parametrize(
    ("key", "answer"),
    [
        ("inbox/tasks/{task}/video.html", "outbox/tasks/{task}/video.error.json"),
        ("inbox/tasks/{task}/result.zip", "outbox/tasks/{task}/result.error.json"),
        ("inbox/promo.error.html", "outbox/promo.error.error.json"),
        ("inbox/deep/promo.error.error.htm", "outbox/deep/promo.error.error.error.json"),
    ],
)
def test_a_name_whose_result_key_is_ambiguous_is_refused(
    cloud: Cloud, behaviour: Behaviour, key: str, answer: str
) -> None:
    task_id = submit()
    assert run_workflow(task_id)["status"] == 10
    assert drop(cloud, "inbox/promo.html", "<p>nothing</p>")
    before = {key: cloud.get(key) for key in cloud.keys("outbox/")}
    assert drop(cloud, key.format(task=task_id)) is None
    after = {key: cloud.get(key) for key in cloud.keys("outbox/")}
    refused = json.loads(after.pop(answer.format(task=task_id)))
    assert b"reserved" in after.pop(answer.format(task=task_id).replace(".json", ".txt"))
    assert "reserved" in refused["error"] and refused["status"] == 13
    assert after == before


def test_a_file_without_an_element_gets_an_error_record(cloud: Cloud, behaviour: Behaviour) -> None:
    task_id = drop(cloud, "inbox/broken.html", "only words")
    assert task_id and run_workflow(task_id)["status"] == 11
    assert cloud.keys("outbox/") == ["outbox/broken.error.json", "outbox/broken.error.txt"]
    assert "no element" in cloud.json("outbox/broken.error.json")["error"]
    text = cloud.get("outbox/broken.error.txt").decode()
    assert text.startswith("broken was not rendered.\n\n") and "no element" in text
    task_id = drop(cloud, "inbox/broken.html", "<p>now with an element</p>", order="02")
    assert task_id and run_workflow(task_id)["status"] == 10
    assert not [key for key in cloud.keys("outbox/") if "error" in key]


def test_the_engine_gets_a_plain_file_name(cloud: Cloud, behaviour: Behaviour, monkeypatch: pytest.MonkeyPatch) -> None:
    from hyperframes_render.functions import plan

    names: list[str] = []
    real = plan.make_plan  # type: ignore[attr-defined]

    def recorded(source: Any, *given: Any, **more: Any) -> Any:
        names.append(source.name)
        return real(source, *given, **more)

    monkeypatch.setattr(plan, "make_plan", recorded)
    for name in ("promo-2.1", "größe ✓", "a b", "..x", "-rf", "%2e%2e"):
        task_id = drop(cloud, f"inbox/{name}.html")
        assert task_id and run_workflow(task_id)["status"] == 10
    assert names == ["promo-2.1.html", *["composition.html"] * 5]


@pytest.mark.parametrize(
    ("size", "said"), [(0, "empty"), (33 * 1024**2, "33"), (3 * 1024**3, "limit")], ids=["empty", "large", "huge"]
)
def test_an_empty_or_huge_file_gets_an_error_record(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch, size: int, said: str
) -> None:
    from hyperframes_render.aws.objects import S3Objects
    from hyperframes_render.tasks.ports import ObjectFacts

    event = dropped(cloud, "inbox/big.html", HTML)
    etag = json.loads(event["Records"][0]["body"])["detail"]["object"]["etag"]
    monkeypatch.setattr(S3Objects, "head", lambda self, key: ObjectFacts(key, size, etag, "text/html"))
    assert call("drop", event) == FINE
    assert said in cloud.json("outbox/big.error.json")["error"]
    assert cloud.all_tasks() == []


@pytest.mark.parametrize(
    "key", ["inbox/notes.txt", "inbox/folder/", "inbox/promo.render.json", "outbox/x.html", "inbox/a"]
)
def test_other_files_are_ignored(cloud: Cloud, key: str) -> None:
    assert drop(cloud, key, "{}") is None
    assert cloud.keys() == [key]


def test_an_unknown_suffix_is_logged(cloud: Cloud, caplog: pytest.LogCaptureFixture) -> None:
    drop(cloud, "inbox/notes.txt", "x")
    assert "inbox/notes.txt was ignored" in caplog.text


def test_the_same_event_twice_renders_once(cloud: Cloud, behaviour: Behaviour) -> None:
    event = dropped(cloud, "inbox/promo.html", HTML)
    assert call("drop", event) == FINE and call("drop", event) == FINE
    both = {"Records": [event["Records"][0], {**event["Records"][0], "messageId": "another"}]}
    assert call("drop", both) == FINE
    (task_id,) = cloud.all_tasks()
    run_workflow(task_id)
    assert call("drop", event) == FINE, "after it ended, too"
    assert cloud.all_tasks() == [task_id] and cloud.executions() == [task_id]
    assert cloud.keys("work/") == []


def test_the_same_file_dropped_again_is_rendered_again(cloud: Cloud, behaviour: Behaviour) -> None:
    first, second = drop(cloud, "inbox/promo.html", order="01"), drop(cloud, "inbox/promo.html", order="02")
    assert first and second and first != second


def test_a_file_replaced_before_it_was_read_starts_no_task(cloud: Cloud) -> None:
    event = dropped(cloud, "inbox/promo.html", HTML)
    cloud.put("inbox/promo.html", HTML + " ")
    assert call("drop", event) == FINE
    assert cloud.all_tasks() == [] and cloud.keys("outbox/") == [] and cloud.keys("work/") == []


def test_a_deleted_file_is_ignored(cloud: Cloud) -> None:
    event = dropped(cloud, "inbox/promo.html", HTML)
    cloud.s3.delete_object(Bucket="hyperframes-render-sample", Key="inbox/promo.html")
    assert call("drop", event) == FINE and cloud.all_tasks() == []


def test_a_replaced_file_does_not_change_a_running_render(cloud: Cloud, behaviour: Behaviour) -> None:
    task_id = drop(cloud, "inbox/promo.html")
    cloud.put("inbox/promo.html", "<p>half an upload")
    assert task_id and run_workflow(task_id)["status"] == 10


def test_a_newer_file_of_the_name_cancels_the_older_and_keeps_the_name(cloud: Cloud, behaviour: Behaviour) -> None:
    old = drop(cloud, "inbox/promo.html", HTML, order="01")
    new = drop(cloud, "inbox/promo.html", HTML.replace('"2"', '"1"'), order="02")
    assert old and new
    assert cloud.task(old).status == TaskStatus.CANCELLING
    assert run_workflow(new)["status"] == 10
    assert run_workflow(old)["status"] == 12
    assert cloud.keys("outbox/") == ["outbox/promo.json", "outbox/promo.mp4"]
    assert cloud.json("outbox/promo.json")["id"] == new
    assert cloud.json("outbox/promo.json")["output"]["frames"] == 25


def test_a_late_event_of_an_older_file_is_ignored(cloud: Cloud, behaviour: Behaviour) -> None:
    late = dropped(cloud, "inbox/promo.html", HTML, order="01")
    new = drop(cloud, "inbox/promo.html", HTML, order="02")
    assert call("drop", late) == FINE
    assert cloud.all_tasks() == [new]
    assert cloud.keys("work/") == [f"work/{new}/source.html"]


def test_a_result_after_a_failure_removes_the_error_record(cloud: Cloud, behaviour: Behaviour) -> None:
    bad = drop(cloud, "inbox/promo.html", "<p>", order="01")
    assert bad
    run_workflow(bad)
    good = drop(cloud, "inbox/promo.html", order="02")
    assert good
    run_workflow(good)
    assert cloud.keys("outbox/") == ["outbox/promo.json", "outbox/promo.mp4"]


def test_an_unreadable_message_stays_queued_and_others_are_handled(cloud: Cloud) -> None:
    event = dropped(cloud, "inbox/promo.html", HTML)
    poison = {**event["Records"][0], "messageId": "poison", "body": "{not json"}
    empty = {**event["Records"][0], "messageId": "empty", "body": "{}"}
    answer = call("drop", {"Records": [poison, event["Records"][0], empty]})
    assert {item["itemIdentifier"] for item in answer["batchItemFailures"]} == {"poison", "empty"}
    assert len(cloud.all_tasks()) == 1


def test_a_message_is_retried_after_an_aws_call_failed(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    from hyperframes_render.aws.tasks import DynamoTasks

    def fail(*_: Any) -> None:
        raise ServiceFailed("Writing a new task failed: ThrottlingException.")

    event = dropped(cloud, "inbox/promo.html", HTML)
    with monkeypatch.context() as patched:
        patched.setattr(DynamoTasks, "create", fail)
        assert len(call("drop", event)["batchItemFailures"]) == 1
    assert call("drop", event) == FINE
    assert len(cloud.all_tasks()) == 1


def test_an_encoded_key_of_a_dropped_file_is_decoded(cloud: Cloud) -> None:
    event = dropped(cloud, "inbox/spring promo.html", HTML)
    body = json.loads(event["Records"][0]["body"])
    body["detail"]["object"]["key"] = "inbox/spring+promo.html"
    event["Records"][0]["body"] = json.dumps(body)
    assert call("drop", event) == FINE
    (task_id,) = cloud.all_tasks()
    assert cloud.task(task_id).drop_key == "inbox/spring promo.html"
