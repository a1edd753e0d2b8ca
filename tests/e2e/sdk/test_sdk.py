"""The public clients, unchanged but for their base URL, against the stack that `serve` starts."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
import wave
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from standardwebhooks.webhooks import Webhook

from hyperframes_render.media.ffmpeg import ffmpeg_path
from tests.e2e.rootless_pages import PAGES, SMALL_INPUT, check_frames
from tests.e2e.stack.server import COMPOSITIONS, KEY, Server
from tests.integration.workflow.receiver import receiving
from tests.waiting import wait_for

HERE = Path(__file__).parent
STACK = Path(sys.prefix) / "stack"
BOXES = (COMPOSITIONS / "boxes.html").read_text()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Compositions and sound as a caller has them on disk."""
    made = tmp_path_factory.mktemp("inputs")
    (made / "short.html").write_text(BOXES)
    longer = BOXES.replace('data-duration="2"', 'data-duration="20"').replace("duration: 2 }", "duration: 20 }")
    (made / "long.html").write_text(longer)
    with zipfile.ZipFile(made / "project.zip", "w") as archive:
        archive.writestr("index.html", BOXES)
    with wave.open(str(made / "sound.wav"), "wb") as sound:
        sound.setparams((1, 2, 8000, 0, "NONE", ""))
        sound.writeframes(bytes(8000))
    subprocess.run(
        [ffmpeg_path(), "-v", "error", "-y", "-i", made / "sound.wav", made / "sound.mp3"], check=True, timeout=30
    )
    return made


def run(program: list[str | Path], *arguments: str | Path, seconds: float = 150) -> list[str]:
    """The lines that a client's script prints; each is a promise kept."""
    done = subprocess.run([*program, *arguments], capture_output=True, text=True, timeout=seconds)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr[-3000:]}"
    return done.stdout.splitlines()


def python(generation: str) -> Path:
    return STACK / generation / "bin/python"


KEPT = ["run", "stream", "local files", "data URI", "webhook", "cancel", "errors"]


@pytest.mark.parametrize("generation", ["sdk-new", pytest.param("sdk-old", marks=pytest.mark.slow)])
def test_the_published_snippets_work(server: Server, folder: Path, generation: str) -> None:
    with receiving(200) as receiver:
        lines = run([python(generation)], HERE / "python_sync.py", server.url, KEY, folder, receiver.url)
        assert [line.partition(" ")[0] if line.startswith("webhook") else line for line in lines] == KEPT
        wait_for(lambda: receiver.requests, seconds=30, what="the webhook")
    headers, body = receiver.requests[0]
    assert json.loads(body)["id"] == lines[4].partition(" ")[2]
    secret = server.log.read_text().partition("webhook secret of this key: ")[2].split()[0]
    message: Any = Webhook(secret).verify(body, headers)
    assert message["status"] == 10 and set(message) == {
        *("id", "status", "output", "error", "session_id", "created_at", "updated_at")
    }


ROOTLESS = [
    *("two timelines under odd keys", "a list of timelines", "a fragment", "CSS animations alone"),
    "a clip without a length lasts as long as the longest timeline",
]


def test_pages_without_a_root_come_out_right(server: Server, tmp_path: Path) -> None:
    for name in ROOTLESS:
        (tmp_path / f"{name}.json").write_text(json.dumps({"html": PAGES[name].html, **SMALL_INPUT}))
    lines = run([python("sdk-new")], HERE / "python_pages.py", server.url, KEY, tmp_path)
    assert lines == sorted(ROOTLESS)
    for name in ROOTLESS:
        check_frames(tmp_path / f"{name}.mp4", PAGES[name])


def test_pages_without_a_root_come_out_of_the_drop_folder(server: Server) -> None:
    names = ["a list of timelines", "no doctype, comments first, no body tag"]
    inbox, outbox = server.data / "inbox", server.data / "outbox"
    for name in names:
        (inbox / f"{name}.render.json").write_text(json.dumps(SMALL_INPUT))
        (inbox / f"{name}.html").write_text(PAGES[name].html)
    for name in names:
        wait_for((outbox / f"{name}.json").exists, seconds=60, what=f"the record of {name}")
        check_frames(outbox / f"{name}.mp4", PAGES[name])


@pytest.mark.slow
@pytest.mark.parametrize("generation", ["sdk-new", "sdk-old"])
def test_the_asynchronous_client_works(server: Server, folder: Path, generation: str) -> None:
    lines = run([python(generation)], HERE / "python_async.py", server.url, KEY, folder)
    assert lines == ["run", "stream", "local files", "errors", "cancel"]


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("node") is None, reason="there is no Node")
def test_the_javascript_client_works(server: Server, folder: Path) -> None:
    lines = run(
        ["node", "--import", HERE / "resolve.mjs"], HERE / "javascript.mjs", server.url, KEY, folder, STACK / "sdk-js"
    )
    assert lines == ["run", "stream", "local files", "polling", "errors", "cancel"]


@pytest.mark.slow
def test_a_stream_that_is_cut_in_the_middle_is_taken_up_again(server: Server) -> None:
    from inferencesh import inference

    with cutting_proxy(server.port) as (url, cut):
        client = inference(api_key=KEY, base_url=url)
        stop = threading.Timer(4, cut)
        stop.start()
        body = {"app": "infsh/hyperframes-render", "input": {"html": BOXES, "duration": 30}}
        assert client.run(body)["output"]["video"]


@pytest.mark.slow
def test_a_server_that_is_restarted_during_a_stream_is_waited_for(tmp_path: Path) -> None:
    """The client has five tries, a second and more apart; the server is back before they are used up."""
    from inferencesh import inference

    first = Server(tmp_path / "data")
    client = inference(api_key=KEY, base_url=first.url)
    body = {"app": "infsh/hyperframes-render", "input": {"html": BOXES, "duration": 30}}
    results: list[Any] = []
    waiting = threading.Thread(target=lambda: results.append(client.run(body)))
    waiting.start()
    time.sleep(3)
    first.stop(signal.SIGKILL)
    again = Server(tmp_path / "data", port=first.port)
    try:
        waiting.join(timeout=120)
        assert results and results[0]["output"]["video"]
    finally:
        again.stop()


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_render_of_more_than_two_minutes_is_watched_to_its_end(server: Server) -> None:
    """Each frame takes four tenths of a second of real time, however quick and however many the renderers are."""
    from inferencesh import inference

    seconds_per_frame, renderers = 0.4, len(os.sched_getaffinity(0))
    slow = BOXES.replace(
        "onUpdate() {",
        f"onUpdate() {{ const end = new Event('x').timeStamp + {1000 * seconds_per_frame};"
        " while (new Event('x').timeStamp < end); ",
    )
    assert slow != BOXES
    frames = round(130 / seconds_per_frame) * renderers
    client = inference(api_key=KEY, base_url=server.url)
    began = time.monotonic()
    body = {"app": "infsh/hyperframes-render", "input": {"html": slow, "duration": frames / 10, "fps": 10}}
    updates = list(client.run(body, stream=True))
    assert time.monotonic() - began > 120, "the render was too short to prove anything"
    assert updates[-1]["output"]["video"], updates[-1]
    progress = {(update.get("output") or {}).get("progress", {}).get("frames_done") for update in updates}
    assert len(progress) > 20


def cutting_proxy(port: int) -> Any:
    """A proxy on a port of its own whose connections can all be cut at once."""
    import contextlib
    import socket

    @contextlib.contextmanager
    def running() -> Iterator[tuple[str, Any]]:
        listener = socket.create_server(("127.0.0.1", 0))
        pairs: list[socket.socket] = []

        def pump(source: socket.socket, target: socket.socket) -> None:
            with contextlib.suppress(OSError):
                while data := source.recv(65536):
                    target.sendall(data)
            for end in (source, target):
                with contextlib.suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)

        def accept() -> None:
            with contextlib.suppress(OSError):
                while True:
                    client, _ = listener.accept()
                    upstream = socket.create_connection(("127.0.0.1", port))
                    pairs.extend((client, upstream))
                    for ends in ((client, upstream), (upstream, client)):
                        threading.Thread(target=pump, args=ends, daemon=True).start()

        def cut() -> None:
            for end in pairs:
                with contextlib.suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)

        threading.Thread(target=accept, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}", cut
        finally:
            listener.close()

    return running()


def test_the_whole_api_is_described(server: Server) -> None:
    described = httpx.get(f"{server.url}/openapi.json").json()
    assert described["openapi"].startswith("3.1")
    assert described["paths"]["/apps/run"]["post"]["requestBody"]["content"]["application/json"]["schema"]["examples"]
