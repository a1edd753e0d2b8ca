"""Which addresses a page may reach, and which CDN URLs are answered from the pinned packages."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from hyperframes_render.browser.interceptor import RequestInterceptor
from hyperframes_render.browser.media import MediaLibrary
from hyperframes_render.errors import SoundUnusable
from hyperframes_render.input import NetworkPolicy
from hyperframes_render.media.media_file import MediaUnreadable
from hyperframes_render.network.fetch import FetchBudget, FetchRefused, fetch_public, resolve_public
from hyperframes_render.network.public_addresses import is_public
from hyperframes_render.packages.cdn import find_in_packages, is_page_runtime
from hyperframes_render.packages.root import packages_root
from hyperframes_render.render.sound import fetch_sound


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0"),
        *("192.0.0.8", "198.18.0.1", "224.0.0.1", "240.0.0.1", "255.255.255.255"),
        *("::1", "::", "fe80::1", "fc00::1", "fd00:ec2::254", "ff02::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1"),
        *("64:ff9b::7f00:1", "64:ff9b:1::1", "2002:7f00:1::", "2001::1", "fec0::1", "::127.0.0.1", "100::1"),
        "2001:db8::1",
    ],
)
def test_an_address_that_is_not_public_is_refused(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["1.1.1.1", "93.184.215.14", "2606:4700:4700::1111"])
def test_a_public_address_is_allowed(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize("host", ["localhost", "127.1", "0x7f000001", "2130706433", "0177.0.0.1", "localhost."])
def test_every_spelling_of_loopback_is_refused(host: str) -> None:
    with pytest.raises(FetchRefused):
        asyncio.run(resolve_public(host, 80))


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://example.com/", "http:///x", "http://127.0.0.1:9/"])
def test_only_public_http_is_fetched(url: str) -> None:
    with pytest.raises(FetchRefused):
        asyncio.run(fetch_public(url))


@pytest.mark.parametrize(
    "url",
    [
        "https://cdn.jsdelivr.net/npm/gsap@3.12.5/dist/gsap.min.js",
        "https://cdn.jsdelivr.net/npm/gsap@3/dist/ScrollTrigger.min.js",
        "https://cdn.jsdelivr.net/npm/gsap",
        "https://unpkg.com/gsap@latest/dist/gsap.min.js",
        "https://cdnjs.cloudflare.com/ajax/libs/gsap/3.12.2/gsap.min.js",
    ],
)
def test_gsap_is_found_under_its_cdn_addresses(url: str) -> None:
    answer = find_in_packages(url, packages_root())
    assert answer is not None
    assert answer.package == "gsap"


@pytest.mark.parametrize(
    "url",
    [
        "https://cdn.jsdelivr.net/npm/gsap@3/../../../../etc/passwd",
        "https://cdn.jsdelivr.net/npm/gsap@3/%2e%2e/%2e%2e/hyperframes/package.json",
        "https://cdn.jsdelivr.net/npm/unknown-package@1/x.js",
        "https://example.com/npm/gsap@3/dist/gsap.min.js",
    ],
)
def test_nothing_else_is_answered_from_packages(url: str) -> None:
    assert find_in_packages(url, packages_root()) is None


@pytest.mark.parametrize(
    ("asked", "other"), [("3", False), ("^3", False), ("latest", False), ("3.12.5", True), ("2.1.0", True)]
)
def test_another_version_is_reported(asked: str, other: bool) -> None:
    answer = find_in_packages(f"https://unpkg.com/gsap@{asked}/dist/gsap.min.js", packages_root())
    assert answer is not None
    assert answer.other_version is other


def test_copies_of_the_page_runtime_are_recognised() -> None:
    assert is_page_runtime("https://cdn.jsdelivr.net/npm/@hyperframes/core/dist/hyperframe.runtime.iife.js?x=1")
    assert not is_page_runtime("https://cdn.jsdelivr.net/npm/gsap/dist/gsap.js")


@pytest.mark.parametrize(
    ("spent", "said"),
    [(FetchBudget(requests=0), "requests"), (FetchBudget(bytes=0), "bytes"), (FetchBudget(seconds=0), "waited")],
)
def test_a_spent_budget_refuses_requests(spent: FetchBudget, said: str) -> None:
    async def fetch() -> None:
        async with spent.fetched("https://example.com/", network="public"):
            pass

    with pytest.raises(FetchRefused, match=said):
        asyncio.run(fetch())


def test_bytes_of_redirects_and_of_too_large_responses_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = b"x" * (1000 if self.path == "/large" else 10)
            self.send_response(200 if self.path == "/large" else 302)
            self.send_header("Location", "/large")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    async def loopback(host: str, port: int) -> str:
        return "127.0.0.1"

    async def fetch(budget: FetchBudget, limit: int) -> None:
        async with budget.fetched(f"http://outside.example:{server.server_port}/", network="public", limit=limit):
            pass

    monkeypatch.setattr("hyperframes_render.network.fetch.resolve_public", loopback)
    budget = FetchBudget()
    with HTTPServer(("127.0.0.1", 0), Answers) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        asyncio.run(fetch(budget, 1000))
        with pytest.raises(FetchRefused, match="larger"):
            asyncio.run(fetch(budget, 500))
        server.shutdown()
    assert budget.bytes == FetchBudget().bytes - 2 * (10 + 1000)


class Web:
    """A local server for all host names: http://HOST/OTHER redirects to http://OTHER/. `asked` lists the hosts."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.asked: list[str] = []

    def at(self, *hosts: str) -> str:
        """A URL of the first host that redirects through the others."""
        return f"http://{hosts[0]}:{self.port}/{'/'.join(hosts[1:])}"


@pytest.fixture
def web(monkeypatch: pytest.MonkeyPatch) -> Iterator[Web]:
    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            made.asked.append(str(self.headers["Host"]).partition(":")[0])
            hosts = [host for host in self.path.split("/") if host]
            self.send_response(302 if hosts else 200)
            if hosts:
                self.send_header("Location", made.at(*hosts))
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    async def loopback(host: str, port: int) -> str:
        return "127.0.0.1"

    monkeypatch.setattr("hyperframes_render.network.fetch.resolve_public", loopback)
    with HTTPServer(("127.0.0.1", 0), Answers) as server:
        made = Web(server.server_port)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield made
        server.shutdown()


def test_urls_with_unicode_host_names_are_fetched(web: Web) -> None:
    assert asyncio.run(fetch_public(f"http://Bücher.example:{web.port}/")).status == 200
    assert web.asked == ["xn--bcher-kva.example"]


def test_an_invalid_host_name_is_refused() -> None:
    with pytest.raises(FetchRefused, match="cannot be read"):
        asyncio.run(fetch_public(f"https://{'ü' * 80}.example/"))


HOSTS = ("in.example", "*.in.example")


@pytest.mark.parametrize("network", ["public", HOSTS])
def test_redirects_among_allowed_hosts_are_followed(web: Web, network: NetworkPolicy) -> None:
    answer = asyncio.run(fetch_public(web.at("in.example", "a.in.example", "in.example"), network=network))
    assert answer.status == 200
    assert web.asked == ["in.example", "a.in.example", "in.example"]


@pytest.mark.parametrize(
    ("hosts", "network", "refused"),
    [
        (["out.example"], HOSTS, "out.example"),
        (["in.example", "out.example"], HOSTS, "out.example"),
        (["in.example", "a.in.example", "xin.example", "in.example"], HOSTS, "xin.example"),
        (["in.example"], "none", "in.example"),
    ],
)
def test_no_hop_leaves_the_network_policy(web: Web, hosts: list[str], network: NetworkPolicy, refused: str) -> None:
    with pytest.raises(FetchRefused, match=f'^"{refused}" is outside the network policy$'):
        asyncio.run(fetch_public(web.at(*hosts), network=network))
    assert web.asked == hosts[: hosts.index(refused)], "no other host was asked"


class Asked:
    """A request of the browser, and its route. `aborted` is the error code it was aborted with."""

    def __init__(self, url: str) -> None:
        self.url, self.method, self.resource_type = url, "GET", "image"
        self.frame = SimpleNamespace(parent_frame=None)
        self.aborted = ""

    def is_navigation_request(self) -> bool:
        return False

    async def all_headers(self) -> dict[str, str]:
        return {}

    async def abort(self, code: str) -> None:
        self.aborted = code

    async def fulfill(self, **_: object) -> None:
        pass


def interceptor(folder: Path, network: NetworkPolicy) -> RequestInterceptor:
    return RequestInterceptor(folder, "index.html", "", packages_root(), network, MediaLibrary(folder / "media"))


def test_a_resource_is_not_fetched_after_a_redirect_to_a_refused_host(web: Web, tmp_path: Path) -> None:
    guard, asked = interceptor(tmp_path, HOSTS), Asked(web.at("in.example", "out.example"))
    request: Any = asked
    asyncio.run(guard._answer(request, request))
    assert asked.aborted == "failed" and web.asked == ["in.example"]
    assert ['"out.example" is outside the network policy' in line for line in guard.log.warnings()] == [True]


def test_a_video_is_not_fetched_after_a_redirect_to_a_refused_host(web: Web, tmp_path: Path) -> None:
    with pytest.raises(MediaUnreadable, match=r'"out\.example" is outside the network policy'):
        asyncio.run(interceptor(tmp_path, HOSTS)._media_file(web.at("in.example", "out.example")))
    assert web.asked == ["in.example"]


@pytest.mark.parametrize("hosts", [["out.example"], ["in.example", "out.example"]])
def test_audio_is_fetched_from_allowed_hosts_only(web: Web, tmp_path: Path, hosts: list[str]) -> None:
    with pytest.raises(SoundUnusable, match=r'"out\.example" is outside the network policy'):
        asyncio.run(fetch_sound(web.at(*hosts), tmp_path, HOSTS))
    assert "out.example" not in web.asked
    assert asyncio.run(fetch_sound(web.at("in.example"), tmp_path, HOSTS)).is_file()
