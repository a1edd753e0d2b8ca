"""Pages by their address: what they name is at home where they are, within the one network policy."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from hyperframes_render.composition.source import WebPage
from hyperframes_render.errors import InvalidComposition
from hyperframes_render.input import parse_render_input
from hyperframes_render.render.job import LocalOptions, render
from hyperframes_render.render.result import RenderResult
from tests.e2e.media import STEP, make_film
from tests.e2e.support import frames

PAGE = """<!doctype html><html><head><link rel="stylesheet" href="style.css">
<script src="../lib/app.js"></script></head><body><i id="dot"></i>
<img id="picture" src="/pictures/square.svg" width="40" height="40">
<video src="film.mp4" muted style="position:absolute;left:0;top:60px;width:80px;height:45px"></video>
<script type="module">
  import { side } from "./module.js";
  const answer = await (await fetch("data.json?page=" + location.pathname.split("/").at(-1))).json();
  document.getElementById("dot").style.background = answer.colour;
  document.getElementById("dot").style[side] = location.hostname === "www.site.example" ? "100px" : "0px";
  document.body.dataset.late = String(window.app);
</script><script>undefinedFunction();</script></body></html>"""
FILES: dict[str, tuple[str, str]] = {
    "/blog/page": ("text/html", PAGE),
    "/blog/style.css": ("text/css", "html,body{margin:0;background:#000} #dot{position:absolute;width:20px;height:20px}"
                        "#picture{position:absolute;left:140px;top:0}"),
    "/lib/app.js": ("text/javascript", "window.app = true;"),
    "/pictures/square.svg": ("image/svg+xml", '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1 1">'
                             '<rect width="1" height="1" fill="#00f"/></svg>'),
    "/blog/module.js": ("text/javascript", 'export const side = "left";'),
    "/blog/data.json": ("application/json", '{"colour": "#0f0"}'),
    "/root": ("text/html", '<div data-composition-id="m" data-width="64" data-height="36" data-duration="0.2"></div>'
              "<script>undefinedFunction();</script>"),
    "/words": ("text/html", "only words"),
    "/picture": ("image/png", "no page"),
}  # fmt: skip


@dataclass
class Site:
    """A server for all names: /blog/old redirects to /blog/page of www.site.example."""

    port: int = 0
    asked: list[str] = field(default_factory=list)

    def at(self, path: str, host: str = "www.site.example") -> WebPage:
        return WebPage(f"http://{host}:{self.port}{path}")


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Site]:
    film = make_film(tmp_path / "film.mp4", seconds=1).read_bytes()
    made = Site()

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = urlsplit(self.path).path
            made.asked.append(f"{str(self.headers['Host']).partition(':')[0]}{self.path}")
            status, headers, body = 404, {}, b""
            if path == "/blog/old":
                status, headers = 301, {"Location": made.at("/blog/page").address}
            elif path == "/loop":
                status, headers = 302, {"Location": made.at("/loop").address}
            elif path == "/login":
                status = 401
            elif path == "/blog/film.mp4":
                status, headers, body = 200, {"Content-Type": "video/mp4"}, film
            elif path in FILES:
                kind, text = FILES[path]
                status, headers, body = 200, {"Content-Type": kind}, text.encode()
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    async def loopback(host: str, port: int) -> str:
        return "127.0.0.1"

    monkeypatch.setattr("hyperframes_render.network.fetch.resolve_public", loopback)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    made.port = server.server_address[1]
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield made
    server.shutdown()
    server.server_close()


def render_page(page: WebPage, output: Path, workers: int = 1, chunks: int = 1, **fields: object) -> RenderResult:
    request = parse_render_input({"width": 200, "height": 120, "fps": 30, "duration": 0.5, **fields})
    return asyncio.run(render(page, output, request, LocalOptions(workers, chunks)))


@pytest.mark.parametrize(("workers", "chunks"), [(1, 1), (2, 1), (1, 3)], ids=["one pass", "two browsers", "chunks"])
def test_a_page_finds_its_files_where_it_is_at_home(site: Site, workers: int, chunks: int, tmp_path: Path) -> None:
    result = render_page(site.at("/blog/old?x=1#top", "site.example"), tmp_path / "o.mp4", workers, chunks)
    pictures = frames(tmp_path / "o.mp4")
    assert len(pictures) == 15
    for number, picture in enumerate(pictures):
        assert picture[10, 110, 1] > 200 and picture[10, 60].max() < 60, "style sheet, module, JSON and host"
        assert picture[20, 160, 2] > 200, "picture"
        assert round((float(picture[70:95, 20:60].mean()) * 219 / 255 + 16 - 20) / STEP) == number, "film"
    assert any(
        text.startswith("A script of the page failed") and "undefinedFunction" in text for text in result.warnings
    )
    assert "www.site.example/blog/data.json?page=page" in site.asked


def test_the_network_policy_is_for_what_the_page_asks_for(site: Site, tmp_path: Path) -> None:
    result = render_page(site.at("/blog/page"), tmp_path / "o.mp4", network="none")
    assert site.asked == ["www.site.example/blog/page"]
    assert any("style.css" in text and "refused" in text for text in result.warnings)


def test_a_composition_at_an_address_ends_with_an_error_of_its_scripts(site: Site, tmp_path: Path) -> None:
    with pytest.raises(Exception, match="undefinedFunction"):
        render_page(site.at("/root"), tmp_path / "o.mp4")


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/words", "no element"),
        ("/picture", "image/png, neither HTML"),
        ("/login", "wants a login"),
        ("/loop", "redirects more than"),
        ("/nothing", "answered 404"),
    ],
)
def test_an_address_that_holds_no_page_is_refused(site: Site, path: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidComposition, match=said):
        render_page(site.at(path), tmp_path / "o.mp4")
    assert not (tmp_path / "o.mp4").exists()


def test_a_private_address_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidComposition, match="not a public address"):
        render_page(WebPage("http://localhost:8000/"), tmp_path / "o.mp4")
