"""Fetching for a page from public addresses, and from no others.

The name is resolved once, every address it has must be public, and the connection goes to that very address:
a name that answers differently the second time (DNS rebinding) gains nothing. Redirects are followed one by one
through the same check, and none leads to a host that the network policy does not allow.
"""

from __future__ import annotations

import asyncio
import ipaddress
import re
import socket
import time
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urljoin, urlsplit

from hyperframes_render.input import NetworkPolicy
from hyperframes_render.network.policy import network_allows

if TYPE_CHECKING:
    import httpcore

MAX_REDIRECTS = 5
#: Seconds for one answer, and its largest size in bytes (docs/reference/limits.md).
FETCH_TIMEOUT = 30.0
MAX_FETCH_BYTES = 256 * 1024**2
#: What one render may ask for outside in all: requests, bytes, and seconds of waiting, added up. Answers are held in
#: memory, so only few are fetched at once.
MAX_REQUESTS = 1000
MAX_BYTES = 1024**3
MAX_SECONDS = 600.0
REQUESTS_AT_ONCE = 4
#: Request headers of the page that are passed on; cookies and credentials are not.
_PASSED_HEADERS = ("accept", "accept-language", "range", "content-type", "user-agent")
#: What stands in an address as it is.
_RESERVED = "%/:?#[]@!$&'()*+,;=~"
_RETURNED_HEADERS = ("content-type", "cache-control", "content-range", "accept-ranges", "access-control-allow-origin")


class FetchRefused(Exception):
    """The address is not public, not allowed, or did not answer; the message says which."""


@dataclass(frozen=True)
class Fetched:
    """An answer from outside."""

    status: int
    headers: dict[str, str]
    body: bytes
    #: The address that answered, after all redirects.
    address: str = ""


def is_public(address: str) -> bool:
    """Whether an IP address is one on the public internet, looking through IPv6 wrappings of IPv4."""
    ip = ipaddress.ip_address(address)
    if isinstance(ip, ipaddress.IPv6Address):
        for inner in (ip.ipv4_mapped, ip.sixtofour, ip.teredo[1] if ip.teredo else None):
            if inner is not None and not is_public(str(inner)):
                return False
    if any(ip in network for network in _REFUSED if network.version == ip.version):
        return False
    return ip.is_global and not ip.is_multicast


#: What some versions of Python call global: NAT64, 6to4 and Teredo wrap private addresses, site-local and
#: IPv4-compatible ranges reach private networks, and parts of 192.0.0.0/24 are for protocols, not hosts.
_REFUSED = tuple(
    ipaddress.ip_network(network)
    for network in (
        *("64:ff9b::/96", "64:ff9b:1::/48", "fec0::/10", "::/96", "2002::/16", "2001::/32", "100::/64"),
        *("192.0.0.0/24", "192.88.99.0/24", "198.18.0.0/15", "240.0.0.0/4"),
    )
)


#: Names that reach the own machine or network whatever they resolve to.
_PRIVATE_SUFFIXES = (".localhost", ".local", ".internal", ".lan", ".home.arpa")


def is_private_name(host: str) -> bool:
    """Whether a name is none of the public internet's, so that nobody need be asked for it."""
    name = host.rstrip(".").lower()
    return not re.search(r"[.:]", name) or name.endswith(_PRIVATE_SUFFIXES)


async def resolve_public(host: str, port: int) -> str:
    """The address to connect to. Raises FetchRefused where any address of `host` is not public."""
    if is_private_name(host):
        raise FetchRefused(f'"{host}" is not a public address')
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):  # the latter: no name can have such a part
        raise FetchRefused(f'the name "{host}" cannot be resolved') from None
    addresses = [str(entry[4][0]) for entry in found]
    if not addresses or not all(is_public(address.split("%")[0]) for address in addresses):
        raise FetchRefused(f'"{host}" is not a public address')
    return addresses[0]


@dataclass
class FetchBudget:
    """What a render may still fetch."""

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
        """As `fetch_public`; another may be fetched when the block, which holds the answer in memory, is over.

        Raises FetchRefused also where the render has fetched too much.
        """
        if self.requests <= 0:
            raise FetchRefused(f"there were more than {MAX_REQUESTS} requests to the outside")
        self.requests -= 1
        async with self._slots:
            if self.bytes <= 0:
                raise FetchRefused(f"there were more than {MAX_BYTES} bytes from the outside")
            if self.seconds <= 0:
                raise FetchRefused(f"the outside was waited for longer than {MAX_SECONDS:g} s in all")
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
    """Fetch `url` (GET or HEAD), following redirects through the same checks, `limit` bytes at most.

    `network` must allow its host, and each one that it redirects to.
    `received` is called with the bytes of every body as they come, a redirect's and a refused one's too.
    Raises FetchRefused.
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
    """The address as it is sent: callers may write names and paths in any language. Raises ValueError."""
    if url.isascii():
        return url
    parts = urlsplit(url)
    name = parts.hostname or ""
    netloc = parts.netloc if name.isascii() else parts.netloc.lower().replace(name, name.encode("idna").decode())
    return quote(parts._replace(netloc=netloc).geturl(), safe=_RESERVED)


def pinned_pool(*, allow_private: bool = False) -> httpcore.AsyncConnectionPool:
    """Connections to the address that was checked, whatever the name answers by now.

    Connecting raises FetchRefused for an address that is not public, unless `allow_private`: then nothing is checked.
    """
    import httpcore  # a render without outside requests need not pay for this import

    class PinnedBackend(httpcore.AnyIOBackend):
        async def connect_tcp(  # type: ignore[override]  # its other parameters are passed on as they are
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
                    body.clear()  # the error's traceback holds it, until cycles are searched for
                    raise FetchRefused(f"it is larger than {limit} bytes")
            fields = [(name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in answer.headers]
            return answer.status, fields, bytes(body)
    except TimeoutError:
        raise FetchRefused(f"no complete answer within {FETCH_TIMEOUT:g} s") from None
    except (httpcore.NetworkError, httpcore.TimeoutException, httpcore.ProtocolError, OSError) as error:
        raise FetchRefused(f"the connection failed ({type(error).__name__})") from None


def _header(headers: Iterable[tuple[str, str]], wanted: str) -> str | None:
    return next((value for name, value in headers if name == wanted), None)
