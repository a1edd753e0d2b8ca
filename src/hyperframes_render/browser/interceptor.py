"""The request interceptor: it answers every request of the browser, so a page gets nothing by another way.

Project files, pinned packages and fonts come from this machine. Anything else is fetched by us, if the caller's
network policy allows it, from public addresses only (see fetch.py). The browser itself has no network.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import mimetypes
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
#: Our own files below that origin; a project cannot have a folder of this name.
OWN_PREFIX = "/__hyperframes_render__/"
#: Where pages ask what is in a media file, and whether an image moves; the query is its address.
MEDIA_PATH = OWN_PREFIX + "media?"
PICTURE_PATH = OWN_PREFIX + "picture?"

#: Bytes of a file that the browser itself loads, from the project or outside: its way there takes 0.1 to 1 second a
#: megabyte. Films and sounds do not go that way.
MAX_FILE_BYTES = 32 * 1024**2
#: Files of the project on their way into one browser at once: each is held four times or so on it (here, as base64, in
#: the driver). Answers from outside keep their slot (fetch.py) until they are there.
DELIVERIES_AT_ONCE = 4

_TYPES = {
    ".mjs": "text/javascript",
    ".js": "text/javascript",
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

#: Bytes of all scripts that are kept of a page at an address.
MAX_KEPT_SCRIPTS = 4 * 1024**2

#: Letters of an address that people are shown.
_MAX_ADDRESS = 120

#: Formats that photographs and films come in.
_PHOTOGRAPH_TYPES = ("image/jpeg", "image/webp", "image/avif", "video/")
#: Bytes of a PNG that is no drawing any more: a full-screen one of flat colours and text has less.
_PHOTOGRAPH_PNG_BYTES = 512 * 1024


#: Lines of one kind that are kept: a page may ask for a million things.
_MAX_LINES = 100


class _Lines(dict[str, str]):
    """What is said of an address, of the first hundred addresses."""

    def __setitem__(self, address: str, line: str) -> None:
        if len(self) < _MAX_LINES:
            super().__setitem__(address[:_MAX_ADDRESS], line)


@dataclass
class RequestLog:
    """What the interceptor reports in the result: each line once."""

    refused: _Lines = field(default_factory=_Lines)
    missing: _Lines = field(default_factory=_Lines)
    substituted: _Lines = field(default_factory=_Lines)

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
    #: Where the page is at home, if it is no file of ours.
    address: str | None = None
    _deliveries: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(DELIVERIES_AT_ONCE))
    #: The page's address as the browser writes it, without its fragment.
    _opened_at: str = ""
    #: Requests being answered now; the capture waits for zero where a seek made the page ask for something.
    open_requests: int = 0
    #: Whether the page was given a photograph or a film.
    photographs: bool = False
    #: Scripts of a page at an address that mention timelines: no file of ours holds them.
    timeline_scripts: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        """Where the composition is, as the browser will ask for it."""
        return self.address or f"{ORIGIN}/{quote(self.entry)}"

    @property
    def origin(self) -> str:
        """The origin of the page: the files of the renderer are answered there, too."""
        if self.address is None:
            return ORIGIN
        parts = urlsplit(self._opened_at or self.address)
        return f"{parts.scheme}://{parts.netloc}".lower()

    async def guard(self, context: BrowserContext) -> None:
        """Answer every request of the pages of `context`."""
        await context.route("**/*", self._answer)
        await context.route_web_socket("**/*", self._refuse_web_socket)

    async def idle(self, timeout: float) -> bool:
        """Wait until no request is open, `timeout` seconds at most; whether that was reached."""
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
            pass  # the page went away while it was being answered
        except Exception as error:
            # One request that cannot be answered is no reason to end the render.
            logging.getLogger(__name__).exception("a request was not answered")
            self.log.refused[request.url] = f"{_short(request.url)} could not be answered: {type(error).__name__}."
            with contextlib.suppress(Error):
                await route.abort("failed")
        finally:
            self.open_requests -= 1

    async def _reply(self, route: Route, request: Request) -> None:
        url = request.url
        of_page = request.is_navigation_request() and request.frame.parent_frame is None
        if of_page and not self._is_page(url):
            self.log.refused[url] = f"The page tried to go to {_short(url)}: refused, a render stays on its page."
            await route.fulfill(status=204)  # "no content": the browser stays; an error would be a page of its own
        elif of_page:
            await route.fulfill(body=self.html, content_type="text/html; charset=utf-8")
        elif url.startswith(self.origin + MEDIA_PATH):
            address = unquote(urlsplit(url).query)
            facts = await self.media.describe(
                address, self._media_file, name=_short(address.removeprefix(self.origin + "/"))
            )
            self.photographs = self.photographs or bool(facts.get("width"))
            await route.fulfill(json=facts)
        elif url.startswith(self.origin + PICTURE_PATH):
            picture = await self.media.describe_picture(unquote(urlsplit(url).query), self._media_file)
            self.photographs = self.photographs or bool(picture["moves"])
            await route.fulfill(json=picture)
        elif request.resource_type == "media":
            await route.abort("aborted")  # films and sounds are ours: the browser's player gets nothing
        elif self._is_of_project(url) or url.startswith(self.origin + OWN_PREFIX):
            await self._project_file(route, unquote(urlsplit(url).path))
        elif (file := self._file_beside(url)) is not None:
            await self._fulfil_file(route, file)
        elif is_page_runtime(url):
            await route.fulfill(body="/* the renderer brings the page runtime */", content_type="text/javascript")
        elif (answer := find_in_packages(url, self.packages)) is not None:
            self._note_substitute(url, answer)
            await self._fulfil_file(route, answer.path)
        elif is_font_sheet(url):
            await self._fonts(route, request)
        else:
            await self._outside(route, request)

    def _is_page(self, url: str) -> bool:
        """Whether the page itself is asked for.

        The first navigation is the page's; it tells how the browser writes the address.
        """
        bare = url.partition("#")[0]
        self._opened_at = self._opened_at or bare
        return bare == self._opened_at

    def _is_of_project(self, url: str) -> bool:
        """Whether an address is one of the project's files. A page at an address has no project."""
        return self.address is None and url.startswith(ORIGIN + "/")

    def _file_beside(self, url: str) -> Path | None:
        """A file that variables of a page at an address name: it lies beside the page's markup, which is none."""
        if self.address is None or not url.startswith(self.origin + "/"):
            return None
        # The browser resolves what the page names against the address as it writes that one.
        folder = unquote(urlsplit(self._opened_at or self.address).path.rpartition("/")[0]) + "/"
        path = unquote(urlsplit(url).path)
        file = file_inside(self.root, path.removeprefix(folder)) if path.startswith(folder) else None
        return None if file == (self.root / self.entry).resolve() else file

    async def _fonts(self, route: Route, request: Request) -> None:
        """A font host's style sheet: from our packages, and from outside where it names a family that is in none."""
        sheet = await asyncio.to_thread(font_sheet, request.url, self.packages, f"{self.origin}{OWN_PREFIX}packages/")
        if sheet.missing and self._allowed((urlsplit(request.url).hostname or "").lower()):
            try:
                async with self._fetched(request, "GET") as answer:
                    if answer.status < 400:
                        await route.fulfill(status=answer.status, headers=answer.headers, body=answer.body)
                        return
            except FetchRefused:
                pass
        if sheet.missing:
            self.log.refused[request.url] = (
                f"The fonts {', '.join(sheet.missing)} of {urlsplit(request.url).hostname} could not be had."
            )
        await route.fulfill(body=sheet.css, content_type="text/css", headers={"Access-Control-Allow-Origin": "*"})

    async def _project_file(self, route: Route, path: str) -> None:
        name = path.removeprefix("/")
        if name == self.entry:
            await route.fulfill(body=self.html, content_type="text/html; charset=utf-8")
            return
        if path.startswith(OWN_PREFIX):
            file = file_inside(self.packages, path.removeprefix(OWN_PREFIX + "packages/"))
        elif is_page_runtime(path):
            await route.fulfill(body="/* the renderer brings the page runtime */", content_type="text/javascript")
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
        """A file of the project. A composition in a folder may call its files as seen from the project, as parts do."""
        folder = self.entry.rpartition("/")[0] + "/"
        file = file_inside(self.root, name)
        return file or (file_inside(self.root, name.removeprefix(folder)) if name.startswith(folder) else None)

    async def _media_file(self, url: str) -> Path:
        """The local file of a film or sound. Raises MediaUnreadable."""
        if self._is_of_project(url):
            file = self._file_named(unquote(urlsplit(url).path).removeprefix("/"))
            if file is None:
                raise MediaUnreadable("it is not in the project (404)")
            return file
        if (beside := self._file_beside(url)) is not None:
            return beside
        if (answer := find_in_packages(url, self.packages)) is not None:
            return answer.path
        if not url.startswith(("https:", "http:")):
            raise MediaUnreadable("its address is neither of the project nor of the web")
        if not self._allowed((urlsplit(url).hostname or "").lower()):
            raise MediaUnreadable(f'it was refused: the network policy is "{self._policy()}"')
        try:
            async with self.budget.fetched(url, network=self.network) as film:
                if film.status >= 400:
                    raise MediaUnreadable(f"its server answered {film.status}")
                return await asyncio.to_thread(self.media.keep, url, film.body)
        except FetchRefused as refusal:
            raise MediaUnreadable(f"it could not be fetched: {refusal}") from None

    async def _outside(self, route: Route, request: Request) -> None:
        url = request.url
        host = (urlsplit(url).hostname or "").lower()
        if not self._allowed(host):
            self.log.refused[url] = f'{_short(url)} was refused: the network policy is "{self._policy()}".'
            await route.abort("blockedbyclient")
            return
        try:
            async with self._fetched(request, request.method) as answer:
                if answer.status >= 400:
                    self.log.missing[url] = f"{_short(url)} answered {answer.status}."
                self._note_content(answer.headers.get("content-type", ""), len(answer.body))
                if request.resource_type == "script" and answer.status < 400:
                    self._keep_script(url, answer.body)
                await route.fulfill(status=answer.status, headers=answer.headers, body=answer.body)
        except FetchRefused as refusal:
            self.log.refused[url] = f"{_short(url)} could not be fetched: {refusal}."
            await route.abort("failed")

    @contextlib.asynccontextmanager
    async def _fetched(self, request: Request, method: str) -> AsyncIterator[Fetched]:
        """The answer from outside; its slot is free again once it is delivered. Raises FetchRefused."""
        headers = await request.all_headers()
        async with self.budget.fetched(
            request.url, network=self.network, method=method, headers=headers, limit=MAX_FILE_BYTES
        ) as answer:
            yield answer

    def _keep_script(self, url: str, body: bytes) -> None:
        """Keep a script of the page's origin that mentions timelines: it tells whether one is still to come."""
        kept = sum(map(len, self.timeline_scripts))
        of_page = self.address is not None and url.startswith(self.origin + "/")
        if of_page and b"__timelines" in body and kept + len(body) <= MAX_KEPT_SCRIPTS:
            self.timeline_scripts.append(body.decode("utf-8", errors="replace"))

    def _allowed(self, host: str) -> bool:
        return network_allows(self.network, host)

    def _policy(self) -> str:
        return self.network if isinstance(self.network, str) else ", ".join(self.network)

    def _note_substitute(self, url: str, answer: CdnAnswer) -> None:
        if answer.other_version:
            self.log.substituted[url] = (
                f"{answer.package} {answer.asked_version} was asked for and answered with the pinned {answer.version}."
            )

    def _note_content(self, content_type: str, size: int) -> None:
        if content_type.startswith(_PHOTOGRAPH_TYPES) or (
            content_type.startswith("image/png") and size >= _PHOTOGRAPH_PNG_BYTES
        ):
            self.photographs = True

    async def _fulfil_file(self, route: Route, file: Path) -> None:
        name = unquote(urlsplit(route.request.url).path).removeprefix("/")
        content_type = _TYPES.get(file.suffix.lower()) or mimetypes.guess_type(file.name)[0] or _UNKNOWN_TYPE
        if (size := (await asyncio.to_thread(file.stat)).st_size) > MAX_FILE_BYTES:
            self.log.refused[name] = (
                f"{_short(name)} has {size / 1024**2:.0f} MiB and is left out: "
                f"what a page loads has {MAX_FILE_BYTES // 1024**2} MiB at most, films and sounds excepted."
            )
            await route.fulfill(status=413, body="too large", content_type="text/plain")
            return
        async with self._deliveries:
            body = await asyncio.to_thread(file.read_bytes)
            self._note_content(content_type, len(body))
            # Any origin may read it: a page may use a project font or texture from a data: or blob: document.
            await route.fulfill(body=body, content_type=content_type, headers={"Access-Control-Allow-Origin": "*"})

    async def _refuse_web_socket(self, socket: WebSocketRoute) -> None:
        self.log.refused[socket.url] = f"{_short(socket.url)} was refused: a render opens no web sockets."
        await socket.close(code=1008, reason="not in a render")


def _short(url: str) -> str:
    return url if len(url) <= _MAX_ADDRESS else url[: _MAX_ADDRESS - 3] + "..."
