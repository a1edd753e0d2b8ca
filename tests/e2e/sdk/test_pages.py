"""Every snippet of docs/guides/api.md runs, and the receivers of docs/examples tell good webhooks from bad ones."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from hyperframes_render.local.ports import free_port
from hyperframes_render.tasks.webhooks import sign
from tests.e2e.stack.server import COMPOSITIONS, KEY, Server
from tests.template import PROJECT
from tests.waiting import wait_for

HERE = Path(__file__).parent
STACK = Path(sys.prefix) / "stack"
PAGE = (PROJECT / "docs/guides/api.md").read_text()
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
BODY = '{"id": "1", "status": 10, "output": {"video": {"uri": "https://x/v.mp4"}}, "error": null}'


def snippets(language: str) -> str:
    """All of the page's blocks in one language, in order: a later one may use what an earlier one made."""
    return "\n".join(re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    shutil.copy(COMPOSITIONS / "boxes.html", tmp_path / "page.html")
    return tmp_path


def run(command: list[str | Path], folder: Path, **variables: str) -> str:
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=150, env={**os.environ, **variables}
    )
    assert done.returncode == 0, f"{done.stdout[-2000:]}\n{done.stderr[-3000:]}"
    return done.stdout


def test_the_page_s_curl_commands_work(server: Server, folder: Path) -> None:
    script = folder / "snippets.sh"
    script.write_text("set -euo pipefail\n" + snippets("sh"))
    said = run(["bash", script], folder, BASE=server.url, KEY=KEY)
    assert "X-Amz-Signature" in said and '"deleted":true' in said.replace(" ", "")


@pytest.mark.slow
def test_the_page_s_python_works(server: Server, folder: Path) -> None:
    script = folder / "snippets.py"
    script.write_text(f"BASE, KEY = {server.url!r}, {KEY!r}\n" + snippets("python"))
    assert "X-Amz-Signature" in run([STACK / "sdk-new/bin/python", script], folder)


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("node") is None, reason="there is no Node")
def test_the_page_s_javascript_works(server: Server, folder: Path) -> None:
    (folder / "node_modules").symlink_to(STACK / "sdk-js/node_modules")
    script = folder / "snippets.mjs"
    script.write_text(f"const BASE = {server.url!r}, KEY = {KEY!r};\n" + snippets("javascript") + "process.exit(0);\n")
    assert "X-Amz-Signature" in run(["node", "--import", HERE / "resolve.mjs", script], folder)


RECEIVERS: dict[str, list[str | Path]] = {
    "webhook_receiver.py": [STACK / "sdk-new/bin/python"],
    "webhook_receiver.mjs": ["node"],
}


@pytest.mark.parametrize("name", RECEIVERS)
def test_a_receiver_takes_what_is_signed_once_and_nothing_else(name: str, tmp_path: Path) -> None:
    script = tmp_path / name
    shutil.copy(PROJECT / "docs/examples" / name, script)
    (tmp_path / "node_modules").symlink_to(STACK / "sdk-js/node_modules")
    port = free_port()
    variables = {**os.environ, "WEBHOOK_SECRET": SECRET, "PORT": str(port)}
    process = subprocess.Popen([*RECEIVERS[name], script], env=variables, stdout=subprocess.PIPE, text=True)
    url = f"http://127.0.0.1:{port}/"

    def post(headers: dict[str, str]) -> int | None:
        try:
            return httpx.post(url, content=BODY, headers=headers).status_code
        except httpx.HTTPError:
            return None

    try:
        wait_for(lambda: post({}), seconds=20, what="an answer")
        good = sign("evt_1_10", BODY, [SECRET])
        assert [post(good), post(good)] == [204, 204]
        assert post({**good, "webhook-signature": "v1,AAAA"}) == 401
        assert post({**good, "webhook-timestamp": "1"}) == 401
    finally:
        process.terminate()
        said, _ = process.communicate(timeout=10)
    assert said.splitlines() == ["1 10 https://x/v.mp4"]
