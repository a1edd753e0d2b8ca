"""The stack that a person starts: real engine, real browser, killed and started again."""

from __future__ import annotations

import io
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from PIL import Image

from hyperframes_render.local.ports import free_port
from hyperframes_render.local.processes import descendants
from hyperframes_render.media.probe import probe_video
from tests.e2e.stack.server import COMPOSITIONS, Server, processes_in
from tests.waiting import wait_for

#: The address 127.0.0.1 as the kernel writes it.
LOOPBACK = "0100007F"


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("serve") / "data"


@pytest.fixture(scope="module")
def server(data: Path) -> Iterator[Server]:
    running = Server(data)
    yield running
    running.stop()


def serve_once(*options: str) -> subprocess.CompletedProcess[str]:
    program = str(Path(sys.executable).with_name("hyperframes-render"))
    return subprocess.run([program, "serve", *options], capture_output=True, text=True, timeout=60)


def test_a_request_becomes_a_video(server: Server, tmp_path: Path) -> None:
    task = server.ended(server.submit("boxes.html"))
    assert task["status_text"] == "completed", task["error"]
    video = tmp_path / "video.mp4"
    video.write_bytes(httpx.get(task["output"]["video"]["uri"]).content)
    assert probe_video(video).frames == task["output"]["frames"]
    assert task["output"]["cost"]


def test_a_dry_run_says_what_a_render_would_be_and_makes_no_video(server: Server) -> None:
    task = server.ended(server.submit("boxes.html", dry_run=True))
    assert task["status_text"] == "completed", task["error"]
    output = task["output"]
    assert output["dry_run"] and (output["frames"], output["duration"]) == (60, 2.0) and output["chunks"] >= 1
    assert output["estimate"]["usd"] > 0 and output["estimate"]["seconds"] > 0
    assert not output.get("video")
    assert server.request("GET", f"/tasks/{task['id']}/files?role=output") == []


def test_a_check_reports_problems_and_makes_no_video(server: Server) -> None:
    html = '<div data-composition-id="m" data-width="320" data-height="180" data-duraton="1">\n<h1>x</h1></div>'
    made = server.request("POST", "/apps/run", {"function": "check", "input": {"html": html}})
    task = server.ended(made["id"])
    assert task["status_text"] == "completed", task["error"]
    output = task["output"]
    assert output["ok"] is False and output["function"] == "check" and not output.get("video")
    problem = output["problems"][0]
    assert (problem["code"], problem["severity"], problem["line"]) == ("unknown_attribute", "error", 1)
    assert problem["patch"]["text"] == "data-duration"


def test_a_snapshot_is_one_image_of_the_asked_times(server: Server) -> None:
    html = (COMPOSITIONS / "boxes.html").read_text()
    made = server.request("POST", "/apps/run", {"function": "snapshot", "input": {"html": html, "at": [0.5, 1.5]}})
    task = server.ended(made["id"])
    assert task["status_text"] == "completed", task["error"]
    output = task["output"]
    assert output["function"] == "snapshot" and output["times"] == [0.5, 1.5] and not output.get("video")
    assert output["image"]["content_type"] == "image/png" and output["image"]["size"] > 0
    with Image.open(io.BytesIO(httpx.get(output["image"]["uri"]).content)) as sheet:
        assert sheet.format == "PNG" and sheet.width > sheet.height
    files = server.request("GET", f"/tasks/{task['id']}/files?role=output")
    assert [file["field"] for file in files] == ["image"]


def test_everything_listens_to_this_machine_only(server: Server) -> None:
    listening = server.listeners()
    assert listening == {LOOPBACK}


def test_a_file_in_the_inbox_counts_when_it_is_whole(server: Server) -> None:
    html = (COMPOSITIONS / "boxes.html").read_text()
    target = server.data / "inbox" / "sub folder" / "größe + 1.html"
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("w") as file:
        for part in (html[:100], html[100:200], html[200:]):
            file.write(part)
            file.flush()
            time.sleep(0.6)
    outbox = server.data / "outbox" / "sub folder"
    wait_for(lambda: (outbox / "größe + 1.json").exists(), seconds=60, what="the record")
    assert (
        probe_video(outbox / "größe + 1.mp4").frames
        == json.loads((outbox / "größe + 1.json").read_text())["output"]["frames"]
    )
    assert sorted(path.name for path in outbox.iterdir()) == ["größe + 1.json", "größe + 1.mp4"]


def test_a_bad_file_in_the_inbox_is_answered_in_the_outbox(server: Server) -> None:
    (server.data / "inbox" / "bad.html").write_text("only words")
    record = server.data / "outbox" / "bad.error.json"
    wait_for(record.exists, seconds=60, what="the error record")
    assert "no element" in json.loads(record.read_text())["error"].lower()


def test_another_server_on_the_same_port_or_folder_is_refused_in_one_line(server: Server, tmp_path: Path) -> None:
    busy = serve_once("--port", str(server.port), "--data", str(tmp_path / "other"))
    assert busy.returncode == 1
    assert f"Port {server.port}" in busy.stderr
    same = serve_once("--port", str(free_port()), "--data", str(server.data))
    assert same.returncode == 1
    assert "Another server uses the data folder" in same.stderr
    assert len(same.stderr.strip().splitlines()) == 1


def test_a_kill_9_in_the_middle_of_a_render_loses_nothing(server: Server, data: Path) -> None:
    """The last test of the folder's server: it is replaced by another one on the same data."""
    task_id = server.submit("boxes.html", duration=20)
    wait_for(lambda: server.request("GET", f"/tasks/{task_id}")["status"] == 7, seconds=40, what="the render")
    accepted = [server.submit("boxes.html", metadata={"number": number}) for number in range(5)]
    server.stop(signal.SIGKILL)
    wait_for(lambda: not processes_in(data), seconds=10, what="the end of all processes")
    again = Server(data)
    try:
        assert "the stack is deployed already" in again.log.read_text()
        for one in (task_id, *accepted):
            assert again.ended(one)["status_text"] == "completed"
        outputs = [path.name for path in (data / "outbox").rglob("*") if path.is_file()]
        assert len(outputs) == len(set(outputs))
    finally:
        again.stop(signal.SIGINT)
    assert again.process.returncode == 0
    assert not processes_in(data)


@pytest.mark.slow
def test_a_server_whose_emulator_is_killed_ends_with_a_sentence(tmp_path: Path) -> None:
    server = Server(tmp_path / "data")
    emulator = next(pid for pid in descendants(server.process.pid) if b"local.emulator" in cmdline(pid))
    os.kill(emulator, signal.SIGKILL)
    assert server.process.wait(timeout=40) == 1
    assert "The emulator ended by itself." in server.log.read_text()
    assert not processes_in(tmp_path)


def cmdline(pid: int) -> bytes:
    return Path(f"/proc/{pid}/cmdline").read_bytes()


@pytest.mark.slow
def test_two_servers_run_side_by_side(tmp_path: Path) -> None:
    servers = [Server(tmp_path / "one"), Server(tmp_path / "two")]
    try:
        tasks = [server.submit("boxes.html") for server in servers]
        for server, task in zip(servers, tasks, strict=True):
            assert server.ended(task)["status_text"] == "completed"
    finally:
        for server in servers:
            server.stop()
    assert not processes_in(tmp_path)


def test_without_a_folder_nothing_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    program = str(Path(sys.executable).with_name("hyperframes-render"))
    process = subprocess.Popen([program, "serve", "--port", "0"], stderr=subprocess.PIPE, text=True)
    assert process.stderr
    for line in process.stderr:
        if "sam package" in line:
            break
    process.send_signal(signal.SIGINT)
    process.wait(timeout=40)
    process.stderr.close()
    assert not list(tmp_path.iterdir())
    assert not processes_in(tmp_path)
    shutil.rmtree(tmp_path)
