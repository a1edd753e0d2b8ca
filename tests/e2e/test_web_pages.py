"""Pages at an address: their relative URLs resolve there, and the network policy applies."""

from __future__ import annotations

import asyncio
import gc
import io
import json
import socket
import threading
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import pytest
from click.testing import CliRunner, Result
from numpy.typing import NDArray

from hyperframes_render.cli import commands
from hyperframes_render.composition.source import WebPage
from hyperframes_render.errors import InvalidComposition, InvalidOption, PageScriptFailed
from hyperframes_render.input import parse_render_input
from hyperframes_render.network.fetch import FetchRefused
from hyperframes_render.render.job import LocalOptions, render
from hyperframes_render.render.result import RenderResult
from tests.e2e.media import STEP, make_film
from tests.e2e.support import frames

PAGE = """<!doctype html><html><head><link rel="stylesheet" href="style.css">
<script src="../lib/app.js"></script></head><body><i id="dot"></i>
<img id="image" src="/images/square.svg" width="40" height="40">
<video src="video.mp4" muted style="position:absolute;left:0;top:60px;width:80px;height:45px"></video>
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
                        "#image{position:absolute;left:140px;top:0}"),
    "/lib/app.js": ("text/javascript", "window.app = true;"),
    "/images/square.svg": ("image/svg+xml", '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1 1">'
                             '<rect width="1" height="1" fill="#00f"/></svg>'),
    "/blog/module.js": ("text/javascript", 'export const side = "left";'),
    "/blog/data.json": ("application/json", '{"colour": "#0f0"}'),
    "/root": ("text/html", '<div data-composition-id="m" data-width="64" data-height="36" data-duration="0.2"></div>'
              "<script>undefinedFunction();</script>"),
    "/where": ("text/html", '<body style="margin:0"><div data-composition-id="m" data-width="64" data-height="36" '
               'data-duration="0.2"></div><script>const { origin, search, hash } = location;'
               'const right = [origin, search, hash].join() === `http://${location.host},?x=1,#top`;'
               'document.body.style.background = right ? "#0f0" : "#f00";</script></body>'),
    "/broken": ("text/html", '<div data-composition-id="m" data-width="64" data-height="36" data-duration="0.2"></div>'
                '<script src="lib/broken.js"></script>'),
    "/lib/broken.js": ("text/javascript", "undefinedFunction();"),
    "/late": ("text/html", '<body style="margin:0;background:#000"><div data-composition-id="m" data-width="64" '
              'data-height="36" data-duration="0.2"><b id="b" style="position:absolute;width:64px;height:36px"></b>'
              "</div>"
              '<script src="https://cdn.jsdelivr.net/npm/gsap@3/dist/gsap.min.js"></script>'
              '<script src="lib/late.js"></script></body>'),
    "/lib/late.js": ("text/javascript", """
        const frame = () => new Promise((done) => requestAnimationFrame(done));
        fetch("/blog/data.json").then(frame).then(frame).then(frame).then(() => {
          const timeline = gsap.timeline({ paused: true }).set("#b", { backgroundColor: "#00ff00" }, 0);
          window.__timelines = { m: timeline };
        });"""),
    "/site/page": ("text/html", '<body style="margin:0;background:#000"><div data-composition-id="m" data-width="64" '
                   'data-height="36" data-duration="0.2" data-no-timeline><div data-composition-id="a" '
                   'data-composition-src="scenes/a.html" data-start="0" data-duration="0.2"></div></div></body>'),
    "/site/scenes/a.html": ("text/html", '<template><div data-composition-id="a" data-width="64" data-height="36">'
                            '<i style="position:absolute;left:0;top:0;width:32px;height:36px;background:#0f0"></i>'
                            '<div data-composition-id="b" data-composition-src="b.html" data-start="0" '
                            'data-duration="0.2"></div></div></template>'),
    "/site/scenes/b.html": ("text/html", '<template><div data-composition-id="b" data-width="64" data-height="36">'
                            '<i style="position:absolute;left:32px;top:0;width:32px;height:36px;background:#00f"></i>'
                            "</div></template>"),
    "/greek": ("text/html; charset=windows-1253", '<body style="margin:0;background:#000" data-duration="0.2"><script>'
               'if ("\u03b1\u03b2".length === 2 && "ΑΒ" === "\\u0391\\u0392") '
               'document.body.style.background = "#0f0"</script></body>'),
    "/words": ("text/html", "only words"),
    "/image": ("image/png", "no page"),
}  # fmt: skip


@dataclass
class Site:
    """A server for all host names. /blog/old redirects to /blog/page of www.site.example."""

    port: int = 0
    asked: list[str] = field(default_factory=list)

    def at(self, path: str, host: str = "www.site.example") -> WebPage:
        return WebPage(f"http://{host}:{self.port}{path}")


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Site]:
    video = make_film(tmp_path / "video.mp4", seconds=1).read_bytes()
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
            elif path == "/inward":
                status, headers = 302, {"Location": made.at("/root", "localhost").address}
            elif path in ("/login", "/members"):
                status = 401 if path == "/login" else 403
            elif path == "/project.zip":
                status, headers, body = 200, {"Content-Type": "application/zip"}, packed()
            elif path == "/blog/video.mp4":
                status, headers, body = 200, {"Content-Type": "video/mp4"}, video
            elif path in FILES:
                kind, text = FILES[path]
                encoding = kind.partition("charset=")[2] or "utf-8"
                status, headers, body = 200, {"Content-Type": kind}, text.encode(encoding)
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    async def loopback(host: str, port: int) -> str:
        if host == "localhost":
            raise FetchRefused(f'"{host}" is not a public address')
        return "127.0.0.1"

    monkeypatch.setattr("hyperframes_render.network.fetch.resolve_public", loopback)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    made.port = server.server_address[1]
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield made
    server.shutdown()
    server.server_close()


def first_frame(page: WebPage, folder: Path, **fields: object) -> NDArray[np.uint8]:
    """The first frame of the video of a page."""
    asyncio.run(render(page, folder / "o.mp4", parse_render_input(fields), LocalOptions()))
    return frames(folder / "o.mp4")[0]


def test_sub_compositions_are_fetched_from_the_pages_address(site: Site, tmp_path: Path) -> None:
    frame = first_frame(site.at("/site/page"), tmp_path)
    assert frame[18, 10].argmax() == 1 and frame[18, 50].argmax() == 2
    assert [path for path in site.asked if "scenes" in path][:2] == [
        "www.site.example/site/scenes/a.html",
        "www.site.example/site/scenes/b.html",
    ]


def test_a_page_is_read_in_the_encoding_of_its_header(site: Site, tmp_path: Path) -> None:
    frame = first_frame(site.at("/greek"), tmp_path, width=64, height=36)
    assert frame[18, 32].argmax() == 1 and frame[18, 32].max() > 200


def test_a_page_at_an_address_has_no_other_composition(site: Site, tmp_path: Path) -> None:
    with pytest.raises(InvalidOption, match="composition"):
        first_frame(site.at("/root"), tmp_path, composition="scenes/a.html")


def packed() -> bytes:
    """A project whose page is green at the renderer's local origin, else red."""
    page = """<body style="margin:0"><div data-composition-id="m" data-width="64" data-height="36" data-duration="0.2">
        </div><script src="colour.js"></script></body>"""
    colour = 'document.body.style.background = location.host === "composition.local" ? "#0f0" : "#f00";'
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        archive.writestr("index.html", page)
        archive.writestr("colour.js", colour)
    return data.getvalue()


def is_green(video: Path) -> bool:
    """Whether the middle of the first frame is green."""
    red, green, blue = frames(video)[0][18, 32]
    return bool(green > 200 and red < 60 and blue < 60)


def render_page(page: WebPage, output: Path, workers: int = 1, chunks: int = 1, **fields: object) -> RenderResult:
    request = parse_render_input({"width": 200, "height": 120, "fps": 30, "duration": 0.5, **fields})
    return asyncio.run(render(page, output, request, LocalOptions(workers, chunks)))


@pytest.mark.parametrize(("workers", "chunks"), [(1, 1), (2, 1), (1, 3)], ids=["one pass", "two browsers", "chunks"])
def test_a_page_loads_its_files_from_its_address(site: Site, workers: int, chunks: int, tmp_path: Path) -> None:
    result = render_page(site.at("/blog/old?x=1#top", "site.example"), tmp_path / "o.mp4", workers, chunks)
    decoded = frames(tmp_path / "o.mp4")
    assert len(decoded) == 15
    for number, frame in enumerate(decoded):
        assert frame[10, 110, 1] > 200 and frame[10, 60].max() < 60, "style sheet, module, JSON and host"
        assert frame[20, 160, 2] > 200, "image"
        assert round((float(frame[70:95, 20:60].mean()) * 219 / 255 + 16 - 20) / STEP) == number, "video"
    assert any(
        one.message.startswith("A script of the page failed") and "undefinedFunction" in one.message
        for one in result.warnings
    )
    assert "www.site.example/blog/data.json?page=page" in site.asked


def test_the_network_policy_applies_to_the_requests_of_a_page(site: Site, tmp_path: Path) -> None:
    result = render_page(site.at("/blog/page"), tmp_path / "o.mp4", network="none")
    assert site.asked == ["www.site.example/blog/page"]
    assert any("style.css" in one.message and "refused" in one.message for one in result.warnings)


def test_a_script_error_of_a_composition_at_an_address_is_an_error(site: Site, tmp_path: Path) -> None:
    with pytest.raises(Exception, match="undefinedFunction"):
        render_page(site.at("/root"), tmp_path / "o.mp4")


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("/words", "no element"),
        ("/image", "image/png, neither HTML"),
        ("/login", "answered 401: it requires a login"),
        ("/members", "answered 403: it requires a login or refuses programs"),
        ("/inward", '"localhost" is not a public address'),
        ("/loop", "redirects more than"),
        ("/nothing", "answered 404"),
    ],
)
def test_an_address_without_a_page_is_refused(site: Site, path: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidComposition, match=message):
        render_page(site.at(path), tmp_path / "o.mp4")
    assert not (tmp_path / "o.mp4").exists()


def test_a_private_address_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidComposition, match="not a public address"):
        render_page(WebPage("http://localhost:8000/"), tmp_path / "o.mp4")


def test_an_unknown_host_name_is_an_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(InvalidComposition, match=r'the name "nowhere\.example" cannot be resolved'):
        render_page(WebPage("https://nowhere.example/"), tmp_path / "o.mp4")


@pytest.mark.parametrize("path", ["/where?x=1#top", "/project.zip"])
def test_a_page_keeps_its_address_and_a_project_gets_a_local_one(site: Site, path: str, tmp_path: Path) -> None:
    render_page(site.at(path), tmp_path / "o.mp4", width=64, height=36)
    assert is_green(tmp_path / "o.mp4")


def test_an_error_in_a_script_file_of_the_page_names_the_file(site: Site, tmp_path: Path) -> None:
    with pytest.raises(PageScriptFailed, match=r"undefinedFunction is not defined \(in lib/broken\.js"):
        render_page(site.at("/broken"), tmp_path / "o.mp4")


def test_a_timeline_that_a_script_file_registers_late_is_awaited(site: Site, tmp_path: Path) -> None:
    render_page(site.at("/late"), tmp_path / "o.mp4", width=64, height=36)
    assert is_green(tmp_path / "o.mp4")


def fetched_page(site: Site, folder: str, script: str, tmp_path: Path) -> WebPage:
    """A page whose markup was fetched, and a file that its variables name. The page may read no other local file."""
    beside = tmp_path / "source"
    (beside / "uploads/1").mkdir(parents=True)
    root = '<div data-composition-id="m" data-width="64" data-height="36" data-duration="0.2"></div>'
    page = f'<body style="margin:0;background:#f00">{root}<script type="module">{script}</script></body>'
    (beside / "composition.html").write_text(page)
    (beside / "uploads/1/colour.txt").write_text("#0f0")
    return WebPage(site.at(f"{folder}page").address, beside / "composition.html")


@pytest.mark.parametrize("folder", ["/", "/blog/", "/my%20blog/", "/b%C3%BCcher/", "/blog/../other/"])
def test_a_file_that_variables_name_is_served_to_the_page(site: Site, folder: str, tmp_path: Path) -> None:
    script = 'document.body.style.background = await (await fetch("uploads/1/colour.txt")).text();'
    render_page(fetched_page(site, folder, script, tmp_path), tmp_path / "o.mp4", width=64, height=36)
    assert is_green(tmp_path / "o.mp4")


@pytest.mark.parametrize(
    "address",
    [
        *("composition.html", "uploads%2F..%2Fcomposition.html", "/uploads/1/colour.txt", "..%2Fsecret.txt"),
        *("https://composition.local/composition.html", "https://composition.local/uploads/1/colour.txt"),
    ],
)
def test_no_other_file_of_this_machine_is_served(site: Site, address: str, tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_text("secret")
    script = f"""const answer = await fetch({address!r}).catch(() => null);
        document.body.style.background = answer?.ok ? "#f00" : "#0f0";"""
    render_page(fetched_page(site, "/blog/", script, tmp_path), tmp_path / "o.mp4", width=64, height=36)
    assert is_green(tmp_path / "o.mp4")


@pytest.fixture
def command() -> Iterator[CliRunner]:
    """The command line in this process, so that host names resolve to the test's server."""
    thresholds = gc.get_threshold()
    yield CliRunner()
    gc.set_threshold(*thresholds)
    gc.unfreeze()


def run_command(command: CliRunner, *arguments: object) -> Result:
    ended = command.invoke(commands, [str(argument) for argument in arguments])
    assert ended.exit_code == 0, ended.output
    return ended


def test_every_command_takes_an_address(site: Site, command: CliRunner, tmp_path: Path) -> None:
    address = site.at("/where?x=1#top").address
    size = ("--width", 64, "--height", 36)
    run_command(command, "render", address, "-o", tmp_path / "o.mp4", *size)
    assert is_green(tmp_path / "o.mp4")
    run_command(command, "snapshot", address, "-o", tmp_path / "o.png", "--at", "0", *size)
    assert (tmp_path / "o.png").stat().st_size > 0
    report = json.loads(run_command(command, "check", site.at("/site/page?x=1").address, "--json").stdout)
    assert (report["source"], report["declared"]["composition"]) == (site.at("/site/page?x=1").address, "m")
    assert json.loads(run_command(command, "estimate", address, "--json").stdout)["frames"] == 6


@pytest.mark.parametrize("name", ["render", "snapshot", "check", "estimate"])
def test_every_command_fetches_from_public_addresses_only(
    site: Site, command: CliRunner, name: str, tmp_path: Path
) -> None:
    output = {"render": ("-o", tmp_path / "o.mp4"), "snapshot": ("-o", tmp_path / "o.png")}.get(name, ())
    ended = command.invoke(commands, [name, site.at("/root", "localhost").address, *map(str, output)])
    assert ended.exit_code == 1 and "is not a public address" in ended.output
    assert not site.asked
