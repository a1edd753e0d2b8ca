"""A web page of another origin uses the API with nothing but fetch, in a real browser."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, sync_playwright

from hyperframes_render.browser.chromium import chromium_path
from tests.e2e.stack.server import COMPOSITIONS, KEY, Server
from tests.serving import QuietHandler, serving

#: Uploads, renders, looks on, reads the video and an error, and deletes: every method and header that there is.
USE_THE_API = """
async ([base, key, html]) => {
  const headers = { Authorization: `Bearer ${key}`, "Content-Type": "application/json" };
  const post = async (path, body, more = {}) =>
    (await fetch(base + path, { method: "POST", headers: { ...headers, ...more }, body: JSON.stringify(body) })).json();
  const size = new Blob([html]).size;
  const [file] = (await post("/files", { files: [{ filename: "page.html", content_type: "text/html", size }] })).data;
  const put = await fetch(file.upload_url, { method: "PUT", headers: file.upload_headers, body: html });
  const { id } = (await post("/apps/run", { input: { html: file.uri } }, { "Idempotency-Key": `page ${size}` })).data;
  const looking = { headers: { ...headers, Accept: "application/x-ndjson" } };
  const lines = (await (await fetch(`${base}/tasks/${id}/stream`, looking)).text()).trim().split("\\n");
  const task = JSON.parse(lines.at(-1));
  const video = await (await fetch(task.output.video.uri)).blob();
  const wrong = await fetch(`${base}/tasks/none`, { headers: { ...headers, "X-API-Version": "2" } });
  const gone = await fetch(`${base}/tasks/${id}`, { method: "DELETE", headers });
  return {
    put: put.status, status: task.status, said: task.output.video.size, got: video.size,
    wrong: wrong.status, request: wrong.headers.get("x-request-id"), gone: gone.status,
  };
}
"""


@pytest.fixture
def page() -> Iterator[Page]:
    """An empty page whose origin is a server of its own."""

    class Handler(QuietHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()

    with serving(Handler) as shop, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path(), args=["--no-sandbox"])
        opened = browser.new_page()
        opened.goto(f"{shop}/")
        yield opened
        browser.close()


@pytest.mark.slow
def test_a_page_of_another_origin_uploads_renders_and_reads_every_answer(server: Server, page: Page) -> None:
    html = (COMPOSITIONS / "boxes.html").read_text()
    seen: dict[str, Any] = page.evaluate(USE_THE_API, [server.url, KEY, html])
    assert seen.pop("said") == seen.pop("got") > 0
    assert seen.pop("request")
    assert seen == {"put": 200, "status": 10, "wrong": 404, "gone": 200}
