"""Fetches web resources for a page, from public IP addresses only (protection against SSRF).

A host name is resolved once, and all its addresses must be public. The connection goes to the checked address, so a
name that resolves differently the second time (DNS rebinding) gains nothing. Each redirect passes the same checks, and
the network policy must allow its host.
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


def is_public(address: str) -> bool:
    """Whether an IP address is on the public internet. An IPv6 address that embeds a private IPv4 address is not.

    Python's `is_global` refuses the private and special ranges:

    | range | RFC | use |
    |---|---|---|
    | 0.0.0.0/8, 127.0.0.0/8, ::, ::1 | 1122, 4291 | this host, loopback |
    | 10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16 | 1918 | private networks |
    | 100.64.0.0/10 | 6598 | carrier-grade NAT |
    | 169.254.0.0/16, fe80::/10 | 3927, 4291 | link-local, metadata services of clouds |
    | fc00::/7 | 4193 | unique local addresses |
    | 192.0.2.0/24, 198.51.100.0/24, 203.0.113.0/24, 2001:db8::/32 | 5737, 3849 | documentation |

    `is_multicast` refuses 224.0.0.0/4 (RFC 5771) and ff00::/8 (RFC 4291). `_REFUSED` has the rest.
    """
    ip = ipaddress.ip_address(address)
    if isinstance(ip, ipaddress.IPv6Address):
        for inner in (ip.ipv4_mapped, ip.sixtofour, ip.teredo[1] if ip.teredo else None):
            if inner is not None and not is_public(str(inner)):
                return False
    if any(ip in network for network in _REFUSED if network.version == ip.version):
        return False
    return ip.is_global and not ip.is_multicast


#: Ranges that some versions of Python call global, or that reach private networks through a gateway.
_REFUSED_RANGES = {
    "64:ff9b::/96": "RFC 6052: NAT64, embeds any IPv4 address",
    "64:ff9b:1::/48": "RFC 8215: NAT64 for local use, embeds any IPv4 address",
    "fec0::/10": "RFC 3879: site-local, deprecated, still routed by private networks",
    "::/96": "RFC 4291, 2.5.5.1: IPv4-compatible, deprecated, embeds any IPv4 address",
    "2002::/16": "RFC 3056: 6to4, embeds any IPv4 address",
    "2001::/32": "RFC 4380: Teredo, embeds any IPv4 address",
    "100::/64": "RFC 6666: discard-only",
    "192.0.0.0/24": "RFC 6890: protocol assignments, not hosts",
    "192.88.99.0/24": "RFC 7526: 6to4 relays, deprecated",
    "198.18.0.0/15": "RFC 2544: benchmarks of network devices, used by private networks",
    "240.0.0.0/4": "RFC 1112, 4 and RFC 919: reserved, and broadcast",
}
_REFUSED = tuple(map(ipaddress.ip_network, _REFUSED_RANGES))


#: Suffixes of names that belong to this machine or the local network, whatever they resolve to.
_PRIVATE_SUFFIXES = (".localhost", ".local", ".internal", ".lan", ".home.arpa")


def is_private_name(host: str) -> bool:
    """Whether a host name cannot be on the public internet. Such a name is refused without a DNS lookup."""
    name = host.rstrip(".").lower()
    return not re.search(r"[.:]", name) or name.endswith(_PRIVATE_SUFFIXES)


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
