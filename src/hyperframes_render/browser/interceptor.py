"""The request interceptor: it answers every request that the browser makes.

Project files, pinned packages and fonts come from this machine. The renderer fetches everything else, if the caller's
network policy allows it, from public addresses only (see fetch.py). The browser itself has no network.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import mimetypes
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

from playwright.async_api import BrowserContext, Error, Request, Route, WebSocketRoute

from hyperframes_render.browser.media import MediaLibrary
from hyperframes_render.input import NetworkPolicy
from hyperframes_render.media.media_file import MediaUnreadable
from hyperframes_render.network.fetch import FetchBudget, Fetched, FetchRefused
from hyperframes_render.network.policy import network_allows
from hyperframes_render.packages.cdn import CdnAnswer, find_in_packages, find_missing_gsap, is_page_runtime
from hyperframes_render.packages.font_hosts import font_sheet, is_font_sheet
from hyperframes_render.paths import file_inside

#: A secure origin that exists nowhere: pages get the same features as on a real https site.
ORIGIN = "https://composition.local"
#: The renderer's files below that origin. A project cannot have a folder of this name.
OWN_PREFIX = "/__hyperframes_render__/"
#: Paths at which a page asks for the facts of a media file, and whether an image is animated. The query is the file's
#: address. js/media-elements.js has the same paths.
MEDIA_PATH = OWN_PREFIX + "media?"
IMAGE_PATH = OWN_PREFIX + "image?"

#: Maximum bytes of a file that the browser loads, from the project or outside: delivery takes 0.1 to 1 second a
#: megabyte. Videos and sounds are not delivered to the browser.
MAX_FILE_BYTES = 32 * 1024**2
#: Project files delivered to one browser at the same time: about four copies of each are in memory (here, as base64, in
#: the driver). Answers from outside keep their slot (fetch.py) until they are delivered.
DELIVERIES_AT_ONCE = 4

_TYPES = {
    ".mjs": "text/javascript",
    ".js": "text/javascript",
    ".cjs": "text/javascript",
    ".woff2": "font/woff2",
    ".woff": "font/woff",
    ".ttf": "font/ttf",
    ".otf": "font/otf",
    ".webp": "image/webp",
    ".avif": "image/avif",
    ".glb": "model/gltf-binary",
    ".lottie": "application/zip",
    ".cube": "text/plain",
}
_UNKNOWN_TYPE = "application/octet-stream"
#: Served in place of the page runtime: the renderer injects its pinned version.
_EMPTY_RUNTIME = "/* the renderer has put the page runtime into the page */"

#: Maximum bytes of all scripts that are kept of a page that was opened by its address.
MAX_KEPT_SCRIPTS = 4 * 1024**2

#: Maximum characters of an address in warnings.
_MAX_ADDRESS = 120

#: Content types of photographs and videos.
_PHOTOGRAPH_TYPES = ("image/jpeg", "image/webp", "image/avif", "video/")
#: Bytes from which a PNG counts as a photograph: a full-screen PNG of flat colours and text is smaller.
_PHOTOGRAPH_PNG_BYTES = 512 * 1024

#: Hosts of scripts that count visitors or show advertisements: a video is right without them.
_COUNTERS = re.compile(
    r"(?:^|\.)(?:googletagmanager|google-analytics|googlesyndication|doubleclick|hotjar|plausible|segment|mixpanel|"
    r"clarity|cloudflareinsights|facebook|intercom|hubspot|hs-scripts|sentry-cdn|umami|matomo)\.[a-z.]+$"
)
#: What answers a request that is fetched.
_NETWORK = "the network"
#: Maximum warnings of one kind: a page may make a million requests.
_MAX_LINES = 100


class _Lines(dict[str, str]):
    """Warnings by address, for the first `_MAX_LINES` addresses."""

    def __setitem__(self, address: str, line: str) -> None:
        if len(self) < _MAX_LINES:
            super().__setitem__(address[:_MAX_ADDRESS], line)


@dataclass
class RequestLog:
    """Warnings of the interceptor for the result, each once."""

    refused: _Lines = field(default_factory=_Lines)
    missing: _Lines = field(default_factory=_Lines)
    substituted: _Lines = field(default_factory=_Lines)
    #: Scripts, modules and style sheets from outside that could not be loaded: the page is wrong without them.
    code: _Lines = field(default_factory=_Lines)
    #: What answered each address outside the project: a package with its version, the renderer's fonts, the network.
    answered: _Lines = field(default_factory=_Lines)

    def warnings(self) -> list[str]:
        """One sentence for each request that was not answered as asked."""
        return [*self.missing.values(), *self.refused.values(), *self.substituted.values()]


@dataclass
class RequestInterceptor:
    """Answers a page's requests. `html` is the prepared composition, served in place of `entry`."""

    root: Path
    entry: str
    html: str
    packages: Path
    network: NetworkPolicy
    media: MediaLibrary
    log: RequestLog = field(default_factory=RequestLog)
    budget: FetchBudget = field(default_factory=FetchBudget)
    #: The page's web address; None if the page is a project file.
    address: str | None = None
    _deliveries: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(DELIVERIES_AT_ONCE))
    #: The page's address as the browser writes it, without its fragment.
    _opened_at: str = ""
    #: Number of open requests. If a seek started requests, the capture waits until it is zero.
    open_requests: int = 0
    #: What the page tried to open in its own place; empty if it stayed.
    left_for: str = ""
    #: Whether the page loaded a photograph or a video.
    photographs: bool = False
    #: Scripts that mention timelines, of a page that was opened by its address: they are not in the project folder.
    timeline_scripts: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        """The address at which the browser opens the composition."""
        return self.address or f"{ORIGIN}/{quote(self.entry)}"

    @property
    def origin(self) -> str:
        """The origin of the page. The renderer's files are served there, too."""
        if self.address is None:
            return ORIGIN
        parts = urlsplit(self._opened_at or self.address)
        return f"{parts.scheme}://{parts.netloc}".lower()

    async def guard(self, context: BrowserContext) -> None:
        """Answer every request of the pages of `context`."""
        await context.route("**/*", self._answer)
        await context.route_web_socket("**/*", self._refuse_web_socket)

    async def idle(self, timeout: float) -> bool:
        """Wait until no request is open, `timeout` seconds at most. False: requests are still open."""
        deadline = asyncio.get_running_loop().time() + timeout
        while self.open_requests:
            if asyncio.get_running_loop().time() > deadline:
                return False
            await asyncio.sleep(0.005)
        return True

    async def _answer(self, route: Route, request: Request) -> None:
        self.open_requests += 1
        try:
            await self._reply(route, request)
        except Error:
            pass  # the page was closed while the request was answered
        except Exception as error:
            # One failed request does not end the render.
            logging.getLogger(__name__).exception("answering a request failed")
            self.log.refused[request.url] = f"{_short(request.url)} could not be answered: {type(error).__name__}."
            with contextlib.suppress(Error):
                await route.abort("failed")
        finally:
            self.open_requests -= 1

    async def _reply(self, route: Route, request: Request) -> None:
        url = request.url
        of_page = request.is_navigation_request() and request.frame.parent_frame is None
        if of_page and not self._is_page(url):
            self.left_for = f"The page tried to open {_short(url)}: refused, a render stays on its page."
            self.log.refused[url] = self.left_for
            await route.fulfill(
                status=204
            )  # "no content": the browser stays on the page; an error status would replace it
        elif of_page:
            await route.fulfill(body=self.html, content_type="text/html; charset=utf-8")
        elif url.startswith(self.origin + MEDIA_PATH):
            address = unquote(urlsplit(url).query)
            facts = await self.media.describe(
                address, self._media_file, name=_short(address.removeprefix(self.origin + "/"))
            )
            self.photographs = self.photographs or bool(facts.get("width"))
            await route.fulfill(json=facts)
        elif url.startswith(self.origin + IMAGE_PATH):
            image = await self.media.describe_image(unquote(urlsplit(url).query), self._media_file)
            self.photographs = self.photographs or bool(image["moves"])
            await route.fulfill(json=image)
        elif request.resource_type == "media":
            await route.abort("aborted")  # the renderer decodes videos and sounds, not the browser
        elif self._is_in_project(url) or url.startswith(self.origin + OWN_PREFIX):
            await self._project_file(route, unquote(urlsplit(url).path))
        elif (file := self._file_beside(url)) is not None:
            await self._fulfil_file(route, file)
        elif is_page_runtime(url):
            await route.fulfill(body=_EMPTY_RUNTIME, content_type="text/javascript")
        elif (answer := find_in_packages(url, self.packages)) is not None:
            self.log.answered[url] = f"{answer.package} {answer.version}"
            self._record_substitute(url, answer)
            await self._fulfil_file(route, answer.path, answer.text)
        elif is_font_sheet(url):
            await self._fonts(route, request)
        else:
            await self._outside(route, request)

    def _is_page(self, url: str) -> bool:
        """Whether `url` is the page's address.

        The first navigation opens the page; its URL is the address in the browser's spelling.
        """
        bare = url.partition("#")[0]
        self._opened_at = self._opened_at or bare
        return bare == self._opened_at

    def _is_in_project(self, url: str) -> bool:
        """Whether `url` is a project file. A page that was opened by its address has no project."""
        return self.address is None and url.startswith(ORIGIN + "/")

    def _file_beside(self, url: str) -> Path | None:
        """A file that a variable names, for a page that was opened by its address.

        Such files are stored beside the page's markup. The markup itself is not served.
        """
        if self.address is None or not url.startswith(self.origin + "/"):
            return None
        # The browser resolves relative addresses against the page's address in its own spelling.
        folder = unquote(urlsplit(self._opened_at or self.address).path.rpartition("/")[0]) + "/"
        path = unquote(urlsplit(url).path)
        file = file_inside(self.root, path.removeprefix(folder)) if path.startswith(folder) else None
        return None if file == (self.root / self.entry).resolve() else file

    async def _fonts(self, route: Route, request: Request) -> None:
        """Serve a font host's style sheet from the font packages; from outside if a family is in none of them."""
        sheet = await asyncio.to_thread(font_sheet, request.url, self.packages, f"{self.origin}{OWN_PREFIX}packages/")
        if sheet.missing and self._allowed((urlsplit(request.url).hostname or "").lower()):
            try:
                async with self._fetched(request, "GET") as answer:
                    if answer.status < 400:
                        self.log.answered[request.url] = _NETWORK
                        await route.fulfill(status=answer.status, headers=answer.headers, body=answer.body)
                        return
            except FetchRefused:
                pass
        if sheet.missing:
            self.log.refused[request.url] = (
                f"The fonts {', '.join(sheet.missing)} of {urlsplit(request.url).hostname} could not be loaded."
            )
        self.log.answered[request.url] = "the fonts of the renderer"
        await route.fulfill(body=sheet.css, content_type="text/css", headers={"Access-Control-Allow-Origin": "*"})

    async def _project_file(self, route: Route, path: str) -> None:
        name = path.removeprefix("/")
        if name == self.entry:
            await route.fulfill(body=self.html, content_type="text/html; charset=utf-8")
            return
        if path.startswith(OWN_PREFIX):
            file = file_inside(self.packages, path.removeprefix(OWN_PREFIX + "packages/"))
        elif is_page_runtime(path):
            await route.fulfill(body=_EMPTY_RUNTIME, content_type="text/javascript")
            return
        else:
            file = self._file_named(name)
        if file is None and (answer := find_missing_gsap(path, self.packages)) is not None:
            self.log.substituted[path] = (
                f"{name} is not in the project: answered with {answer.package} {answer.version}."
            )
            file = answer.path
        if file is None:
            if name != "favicon.ico":
                self.log.missing[path] = f"{name[:200]} is not in the project (404)."
            await route.fulfill(status=404, body="not in the project", content_type="text/plain")
            return
        await self._fulfil_file(route, file)

    def _file_named(self, name: str) -> Path | None:
        """A project file. A composition in a folder may name files relative to the project, as sub-compositions do."""
        folder = self.entry.rpartition("/")[0] + "/"
        file = file_inside(self.root, name)
        return file or (file_inside(self.root, name.removeprefix(folder)) if name.startswith(folder) else None)

    async def _media_file(self, url: str) -> Path:
        """The local file of a video or sound. Raises MediaUnreadable."""
        if self._is_in_project(url):
            file = self._file_named(unquote(urlsplit(url).path).removeprefix("/"))
            if file is None:
                raise MediaUnreadable("it is not in the project (404)")
            return file
        if (beside := self._file_beside(url)) is not None:
            return beside
        if (answer := find_in_packages(url, self.packages)) is not None:
            return answer.path
        if not url.startswith(("https:", "http:")):
            raise MediaUnreadable("its address is neither in the project nor on the web")
        if not self._allowed((urlsplit(url).hostname or "").lower()):
            raise MediaUnreadable(f'it was refused: the network policy is "{self._policy()}"')
        try:
            async with self.budget.fetched(url, network=self.network) as video:
                if video.status >= 400:
                    raise MediaUnreadable(f"its server answered {video.status}")
                return await asyncio.to_thread(self.media.keep, url, video.body)
        except FetchRefused as refusal:
            raise MediaUnreadable(f"it could not be fetched: {refusal}") from None

    async def _outside(self, route: Route, request: Request) -> None:
        url = request.url
        host = (urlsplit(url).hostname or "").lower()
        if not self._allowed(host):
            self._failed(request, self.log.refused, f'was refused: the network policy is "{self._policy()}"')
            await route.abort("blockedbyclient")
            return
        try:
            async with self._fetched(request, request.method) as answer:
                if answer.status >= 400:
                    self._failed(request, self.log.missing, f"answered {answer.status}")
                else:
                    self.log.answered[url] = _NETWORK
                self._record_content_type(answer.headers.get("content-type", ""), len(answer.body))
                if request.resource_type == "script" and answer.status < 400:
                    self._keep_script(url, answer.body)
                await route.fulfill(status=answer.status, headers=answer.headers, body=answer.body)
        except FetchRefused as refusal:
            self._failed(request, self.log.refused, f"could not be fetched: {refusal}")
            await route.abort("failed")

    def _failed(self, request: Request, lines: _Lines, reason: str) -> None:
        """Record a request to the outside that failed. Counters of visitors are not missed."""
        line = f"{_short(request.url)} {reason}."
        lines[request.url] = line
        is_counter = _COUNTERS.search((urlsplit(request.url).hostname or "").lower()) is not None
        if request.resource_type in ("script", "stylesheet") and not is_counter:
            self.log.code[request.url] = line

    @contextlib.asynccontextmanager
    async def _fetched(self, request: Request, method: str) -> AsyncIterator[Fetched]:
        """Fetch from outside. The fetch slot is released when the context ends. Raises FetchRefused."""
        headers = await request.all_headers()
        async with self.budget.fetched(
            request.url, network=self.network, method=method, headers=headers, limit=MAX_FILE_BYTES
        ) as answer:
            yield answer

    def _keep_script(self, url: str, body: bytes) -> None:
        """Keep a script of the page's origin that mentions timelines: the page may register one later."""
        kept = sum(map(len, self.timeline_scripts))
        of_page = self.address is not None and url.startswith(self.origin + "/")
        if of_page and b"__timelines" in body and kept + len(body) <= MAX_KEPT_SCRIPTS:
            self.timeline_scripts.append(body.decode("utf-8", errors="replace"))

    def _allowed(self, host: str) -> bool:
        return network_allows(self.network, host)

    def _policy(self) -> str:
        return self.network if isinstance(self.network, str) else ", ".join(self.network)

    def _record_substitute(self, url: str, answer: CdnAnswer) -> None:
        if answer.other_version:
            self.log.substituted[url] = (
                f"{answer.package} {answer.asked_version} was asked for and answered with the pinned {answer.version}."
            )

    def _record_content_type(self, content_type: str, size: int) -> None:
        if content_type.startswith(_PHOTOGRAPH_TYPES) or (
            content_type.startswith("image/png") and size >= _PHOTOGRAPH_PNG_BYTES
        ):
            self.photographs = True

    async def _fulfil_file(self, route: Route, file: Path, text: str | None = None) -> None:
        """Answer with a file, or with `text` in place of its content."""
        name = unquote(urlsplit(route.request.url).path).removeprefix("/")
        content_type = _TYPES.get(file.suffix.lower()) or mimetypes.guess_type(file.name)[0] or _UNKNOWN_TYPE
        if (size := (await asyncio.to_thread(file.stat)).st_size) > MAX_FILE_BYTES:
            self.log.refused[name] = (
                f"{_short(name)} has {size / 1024**2:.0f} MiB and is left out: "
                f"a file that a page loads has {MAX_FILE_BYTES // 1024**2} MiB at most, except videos and sounds."
            )
            await route.fulfill(status=413, body="too large", content_type="text/plain")
            return
        async with self._deliveries:
            body = text.encode() if text is not None else await asyncio.to_thread(file.read_bytes)
            self._record_content_type(content_type, len(body))
            # Any origin may read it: a page may use a project font or texture from a data: or blob: document.
            await route.fulfill(body=body, content_type=content_type, headers={"Access-Control-Allow-Origin": "*"})

    async def _refuse_web_socket(self, socket: WebSocketRoute) -> None:
        self.log.refused[socket.url] = f"{_short(socket.url)} was refused: a render opens no web sockets."
        await socket.close(code=1008, reason="not in a render")


def _short(url: str) -> str:
    return url if len(url) <= _MAX_ADDRESS else url[: _MAX_ADDRESS - 3] + "..."
