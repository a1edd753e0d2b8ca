"""Fetches web resources for a page, from public IP addresses only (protection against SSRF).

A host name is resolved once, and all its addresses must be public. The connection goes to the checked address, so a
name that resolves differently the second time (DNS rebinding) gains nothing. Each redirect passes the same checks, and
the network policy must allow its host.
"""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urljoin, urlsplit

from hyperframes_render.input import NetworkPolicy
from hyperframes_render.network.policy import network_allows
from hyperframes_render.network.public_addresses import is_private_name, is_public

if TYPE_CHECKING:
    import httpcore

MAX_REDIRECTS = 5
#: Seconds for one answer, and its largest size in bytes (docs/reference/limits.md).
FETCH_TIMEOUT = 30.0
MAX_FETCH_BYTES = 256 * 1024**2
#: Totals of one render: requests, bytes, and seconds of waiting. Responses are held in memory, so only
#: REQUESTS_AT_ONCE are fetched concurrently.
MAX_REQUESTS = 1000
MAX_BYTES = 1024**3
MAX_SECONDS = 600.0
REQUESTS_AT_ONCE = 4
#: Request headers of the page that are forwarded. Cookies and credentials are not.
_PASSED_HEADERS = ("accept", "accept-language", "range", "content-type", "user-agent")
#: Characters that are not percent-encoded in a URL.
_RESERVED = "%/:?#[]@!$&'()*+,;=~"
#: Response headers that the page receives.
_RETURNED_HEADERS = ("content-type", "cache-control", "content-range", "accept-ranges", "access-control-allow-origin")


class FetchRefused(Exception):
    """A URL was not fetched: not public, not allowed, too large, or no response. The message says why."""


@dataclass(frozen=True)
class Fetched:
    """A response from the network."""

    status: int
    headers: dict[str, str]
    body: bytes
    #: The URL after all redirects.
    address: str = ""


async def resolve_public(host: str, port: int) -> str:
    """Resolve `host` to the IP address to connect to. Raises FetchRefused if any of its addresses is not public."""
    if is_private_name(host):
        raise FetchRefused(f'"{host}" is not a public address')
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):  # UnicodeError: not a valid host name
        raise FetchRefused(f'the name "{host}" cannot be resolved') from None
    addresses = [str(entry[4][0]) for entry in found]
    if not addresses or not all(is_public(address.split("%")[0]) for address in addresses):
        raise FetchRefused(f'"{host}" is not a public address')
    return addresses[0]


@dataclass
class FetchBudget:
    """The requests, bytes and seconds that a render has left."""

    requests: int = MAX_REQUESTS
    bytes: int = MAX_BYTES
    seconds: float = MAX_SECONDS
    _slots: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(REQUESTS_AT_ONCE))

    @asynccontextmanager
    async def fetched(
        self,
        url: str,
        *,
        network: NetworkPolicy,
        method: str = "GET",
        headers: Mapping[str, str] | None = None,
        limit: int = MAX_FETCH_BYTES,
    ) -> AsyncIterator[Fetched]:
        """Fetch as `fetch_public` does. The response holds one of REQUESTS_AT_ONCE slots until the block ends.

        Raises FetchRefused, also if the budget is spent.
        """
        if self.requests <= 0:
            raise FetchRefused(f"the render made more than {MAX_REQUESTS} requests to the network")
        self.requests -= 1
        async with self._slots:
            if self.bytes <= 0:
                raise FetchRefused(f"the render fetched more than {MAX_BYTES} bytes from the network")
            if self.seconds <= 0:
                raise FetchRefused(f"the render waited for the network longer than {MAX_SECONDS:g} s in total")
            started = time.monotonic()
            try:
                answer = await fetch_public(
                    url,
                    network=network,
                    method=method,
                    headers=headers,
                    limit=min(limit, self.bytes),
                    received=self._spend,
                )
            finally:
                self.seconds -= time.monotonic() - started
            yield answer

    def _spend(self, count: int) -> None:
        self.bytes -= count


async def fetch_public(
    url: str,
    *,
    network: NetworkPolicy = "public",
    method: str = "GET",
    headers: Mapping[str, str] | None = None,
    limit: int = MAX_FETCH_BYTES,
    received: Callable[[int], None] | None = None,
) -> Fetched:
    """Fetch `url` with GET or HEAD, `limit` bytes at most, and follow up to MAX_REDIRECTS redirects.

    `network` must allow the host of `url` and of each redirect. `received` is called with the size of each block of
    every body as it arrives, those of redirects and of refused responses included. Raises FetchRefused.
    """
    if method not in ("GET", "HEAD"):
        raise FetchRefused(f"{method} requests are not made for a page")
    passed = {name: value for name, value in (headers or {}).items() if name.lower() in _PASSED_HEADERS}
    for _ in range(MAX_REDIRECTS + 1):
        try:
            url = _in_ascii(url)
            parts = urlsplit(url)
            _ = parts.port
        except ValueError:
            raise FetchRefused("its address cannot be read") from None
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise FetchRefused("only http and https addresses are fetched")
        if not network_allows(network, parts.hostname):
            raise FetchRefused(f'"{parts.hostname}" is outside the network policy')
        status, answered, body = await _request(method, url, passed, limit, received)
        location = _header(answered, "location")
        if status not in (301, 302, 303, 307, 308) or location is None:
            kept = {name: value for name, value in answered if name in _RETURNED_HEADERS}
            return Fetched(status, kept, body, url)
        try:
            url = urljoin(url, quote(location.encode("latin-1"), safe=_RESERVED))
        except ValueError:
            raise FetchRefused("it redirects to an address that cannot be read") from None
    raise FetchRefused(f"it redirects more than {MAX_REDIRECTS} times")


def _in_ascii(url: str) -> str:
    """The URL in ASCII: host name as IDNA, the rest percent-encoded. Raises ValueError."""
    if url.isascii():
        return url
    parts = urlsplit(url)
    name = parts.hostname or ""
    netloc = parts.netloc if name.isascii() else parts.netloc.lower().replace(name, name.encode("idna").decode())
    return quote(parts._replace(netloc=netloc).geturl(), safe=_RESERVED)


def pinned_pool(*, allow_private: bool = False) -> httpcore.AsyncConnectionPool:
    """A connection pool that resolves, checks and connects in one step (no DNS rebinding).

    Connecting raises FetchRefused if the address is not public. `allow_private` turns the check off.
    """
    import httpcore  # not at the top: a render without network requests need not pay for this import

    class PinnedBackend(httpcore.AnyIOBackend):
        async def connect_tcp(  # type: ignore[override]  # **options passes the other parameters on
            self, host: str, port: int, **options: Any
        ) -> httpcore.AsyncNetworkStream:
            address = host if allow_private else await resolve_public(host, port)
            return await super().connect_tcp(address, port, **options)

    return httpcore.AsyncConnectionPool(network_backend=PinnedBackend())


async def _request(
    method: str, url: str, headers: Mapping[str, str], limit: int, received: Callable[[int], None] | None
) -> tuple[int, list[tuple[str, str]], bytes]:
    import httpcore

    timeouts = {"connect": 10.0, "read": FETCH_TIMEOUT, "write": 10.0, "pool": 10.0}
    try:
        async with (
            asyncio.timeout(FETCH_TIMEOUT),
            pinned_pool() as pool,
            pool.stream(method, url, headers=list(headers.items()), extensions={"timeout": timeouts}) as answer,
        ):
            body = bytearray()
            async for block in answer.aiter_stream():
                body += block
                if received is not None:
                    received(len(block))
                if len(body) > limit:
                    body.clear()  # free it now: the traceback holds it until the next garbage collection
                    raise FetchRefused(f"it is larger than {limit} bytes")
            fields = [(name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in answer.headers]
            return answer.status, fields, bytes(body)
    except TimeoutError:
        raise FetchRefused(f"no complete answer within {FETCH_TIMEOUT:g} s") from None
    except (httpcore.NetworkError, httpcore.TimeoutException, httpcore.ProtocolError, OSError) as error:
        raise FetchRefused(f"the connection failed ({type(error).__name__})") from None


def _header(headers: Iterable[tuple[str, str]], searched: str) -> str | None:
    return next((value for name, value in headers if name == searched), None)
