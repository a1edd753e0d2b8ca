"""`keys` and `submit` on the command line, against the server that `serve` starts."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest

from hyperframes_render.media.probe import probe_video
from tests.e2e.stack.server import COMPOSITIONS, KEY, Server

PAGE = COMPOSITIONS / "boxes.html"


def command(*arguments: str | Path, status: int = 0) -> subprocess.CompletedProcess[str]:
    program = str(Path(sys.executable).with_name("hyperframes-render"))
    done = subprocess.run([program, *arguments], capture_output=True, text=True, timeout=120)
    assert done.returncode == status, done.stdout + done.stderr
    return done


def ask(server: Server, key: str, method: str = "GET", path: str = "/tasks") -> httpx.Response:
    return httpx.request(method, server.url + path, headers={"Authorization": f"Bearer {key}"}, timeout=30)


def test_a_key_is_made_shown_once_limited_and_revoked(server: Server) -> None:
    data = ("--data", server.data)
    options = ("--scope", "read", "--expires-in", "90d", "--tasks-at-once", "3", "--json")
    made = json.loads(command("keys", "create", "--name", "shop", *options, *data).stdout)
    assert made["key"].startswith("hf_live_") and made["webhook_secret"].startswith("whsec_")
    assert ask(server, made["key"]).json()["data"] == {"items": [], "next_cursor": None}
    assert ask(server, made["key"], "POST", "/apps/run").status_code == 403
    shown = command("keys", "list", *data).stdout
    assert made["id"] in shown and "shop" in shown and made["key"] not in shown
    rotated = command("keys", "rotate-webhook-secret", "shop", *data).stdout
    assert "whsec_" in rotated and made["webhook_secret"] not in rotated
    assert "revoked" in command("keys", "revoke", made["id"], *data).stdout
    fresh = json.loads(command("keys", "create", "--name", "gone", "--json", *data).stdout)
    command("keys", "revoke", "gone", *data)
    assert ask(server, fresh["key"]).status_code == 401, "never asked for before it was revoked"


def test_a_missing_key_or_server_is_reported_in_one_line(server: Server, tmp_path: Path) -> None:
    said = command("keys", "revoke", "nobody", "--data", server.data, status=1).stderr
    assert "There is no key 'nobody'" in said and len(said.splitlines()) == 1
    assert "No server runs" in command("keys", "list", "--data", tmp_path, status=1).stderr


def submit(server: Server, *arguments: str | Path, status: int = 0) -> subprocess.CompletedProcess[str]:
    return command("submit", *arguments, "--url", server.url, "--key", KEY, status=status)


def test_submit_waits_shows_progress_and_saves_the_video(server: Server, tmp_path: Path) -> None:
    done = submit(server, PAGE, "-o", tmp_path / "video.mp4", "--fps", "15")
    assert probe_video(tmp_path / "video.mp4").frames == 30
    assert "[" in done.stderr and list(tmp_path.iterdir()) == [tmp_path / "video.mp4"]


def test_submit_says_in_a_line_what_went_wrong(server: Server, tmp_path: Path) -> None:
    bad = tmp_path / "bad.html"
    bad.write_text("only words")
    said = submit(server, bad, "--wait", status=1).stderr
    assert "no element" in said.splitlines()[-1]
    assert "neither a file nor a folder" in submit(server, tmp_path / "none.html", status=1).stderr
    refused = command("submit", PAGE, "--url", server.url, "--key", "wrong", status=1).stderr
    assert "unknown or was revoked" in refused.splitlines()[-1]


@pytest.mark.slow
def test_rows_are_tasks_and_what_is_done_is_not_done_again(server: Server, tmp_path: Path) -> None:
    rows = tmp_path / "people.jsonl"
    rows.write_text('{"name": "Ada"}\n\n{"name": "Grace"}\n')

    def run() -> list[dict[str, Any]]:
        lines = submit(server, PAGE, "--rows", rows, "--wait").stdout.splitlines()
        return [json.loads(line) for line in lines]

    first = run()
    assert [entry["status"] for entry in first] == [10, 10] and len({entry["id"] for entry in first}) == 2
    with rows.open("a") as file:
        file.write('{"name": "Edsger"}\n')
    again = run()
    assert [entry["id"] for entry in again[:2]] == [entry["id"] for entry in first]
    assert again[2]["status"] == 10
    state = tmp_path / "people.jsonl.state.jsonl"
    state.unlink()  # as if the run had been cut off before it could write: the keys are the same
    assert [entry["id"] for entry in run()] == [entry["id"] for entry in again]
    rows.write_text("{not json}\n")
    assert "line 1" in submit(server, PAGE, "--rows", rows, status=1).stderr
