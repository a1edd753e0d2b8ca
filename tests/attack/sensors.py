"""Sensors that detect a successful attack: servers on every address, a packet monitor, watched files.

They run in a network namespace in which every address leads to this machine (ground.py).
"""

from __future__ import annotations

import asyncio
import ctypes
import ipaddress
import os
import socket
import ssl
import struct
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

#: The content of all secrets. If it appears anywhere else, a secret has leaked.
CANARY = "CANARY-6f1d2c"
#: Addresses of the public web server and of the resolver. Requests to them are allowed.
SITE, RESOLVER = "34.64.0.1", "34.64.0.53"
#: A proxy address without a server. Requests of the browser that bypass the interceptor go there and fail.
DEAD_PROXY = ("127.0.0.1", 9)
_PORTS = (80, 2000, 3000, 3478, 6379, 8080, 9001, 9229)
_TLS_PORT = 443
_ETHERNET, _IPV4, _IPV6 = 14, 0x0800, 0x86DD
_TCP, _UDP = 6, 17
_SYN, _ACK = 0x02, 0x10
_IN_ACCESS, _IN_OPEN = 0x01, 0x20


class Touched:
    """The alarms since the last call of `take`, each once."""

    def __init__(self) -> None:
        self._found: dict[str, None] = {}
        self._lock = threading.Lock()

    def note(self, what: str) -> None:
        """Add an alarm."""
        with self._lock:
            self._found[what] = None

    def take(self) -> list[str]:
        """Return all alarms and clear them."""
        with self._lock:
            found, self._found = list(self._found), {}
        return found


class PacketWatch:
    """Monitors every packet of the namespace. Only packets to the public server and the resolver are allowed."""

    def __init__(self, touched: Touched) -> None:
        self._touched = touched
        #: Connections to the dead proxy: they passed the interceptor and were stopped there.
        self.stopped = 0
        self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x0003))
        threading.Thread(target=self._run, name="packets", daemon=True).start()

    def _run(self) -> None:
        while True:
            packet = self._socket.recv(65536)
            kind = struct.unpack("!H", packet[12:14])[0]
            if kind == _IPV4 and len(packet) >= _ETHERNET + 20:
                header = (packet[_ETHERNET] & 15) * 4
                source, target = packet[26:30], packet[30:34]
                self._look(packet[23], source, target, packet[_ETHERNET + header :])
            elif kind == _IPV6 and len(packet) >= _ETHERNET + 40:
                self._look(packet[20], packet[22:38], packet[38:54], packet[_ETHERNET + 40 :])

    def _look(self, protocol: int, source: bytes, target: bytes, rest: bytes) -> None:
        if protocol not in (_TCP, _UDP) or len(rest) < 8:
            return
        source_port, port = struct.unpack("!HH", rest[:4])
        to = str(ipaddress.ip_address(target))
        if protocol == _TCP:
            if rest[13] & (_SYN | _ACK) != _SYN or (to == SITE and port in (80, 443)):
                return
            if (to, port) == DEAD_PROXY:
                self.stopped += 1
                return
            self._touched.note(f"TCP connection to {to} port {port}")
        elif (to, port) != (RESOLVER, 53) and (str(ipaddress.ip_address(source)), source_port) != (RESOLVER, 53):
            self._touched.note(f"UDP packet to {to} port {port}")


class NameServer:
    """Resolves names below site.test. A query for any other name is an alarm."""

    def __init__(self, touched: Touched) -> None:
        self._touched = touched
        self._asked: dict[str, int] = {}
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind((RESOLVER, 53))
        threading.Thread(target=self._run, name="names", daemon=True).start()

    def forget(self) -> None:
        """Reset the counters of names that change their address."""
        self._asked.clear()

    def _run(self) -> None:
        while True:
            query, sender = self._socket.recvfrom(4096)
            if len(query) > 12:
                self._socket.sendto(self._answer(query), sender)

    def _answer(self, query: bytes) -> bytes:
        labels, at = [], 12
        while query[at]:
            labels.append(query[at + 1 : at + 1 + query[at]].decode("latin-1"))
            at += 1 + query[at]
        name, kind = ".".join(labels).lower(), struct.unpack("!H", query[at + 1 : at + 3])[0]
        question = query[12 : at + 5]
        if not name.endswith("site.test"):
            self._touched.note(f"DNS lookup of {name}")
        records = [address for address in self._addresses(name, kind) if (":" in address) == (kind == 28)]
        answers = b"".join(
            b"\xc0\x0c" + struct.pack("!HHIH", kind, 1, 0, len(packed := ipaddress.ip_address(a).packed)) + packed
            for a in records
        )
        return query[:2] + struct.pack("!HHHHH", 0x8180, 1, len(records), 0, 0) + question + answers

    def _addresses(self, name: str, kind: int) -> list[str]:
        first = name.split(".")[0]
        self._asked[first] = self._asked.get(first, 0) + (kind == 1)
        known = {
            "inside": ["10.0.0.5"],
            "metadata": ["169.254.169.254"],
            "both": [SITE, "127.0.0.1"],
            "mapped": ["::ffff:127.0.0.1"],
            "unique-local": ["fd00:ec2::254"],
            "nat64": ["64:ff9b::7f00:1"],
            "rebind": [SITE if self._asked[first] == 1 else "127.0.0.1"],
        }
        return known.get(first, [SITE]) if name.endswith("site.test") else []


class Listeners:
    """Servers on every address. The public server answers with pages, all others with a canary and an alarm."""

    def __init__(self, touched: Touched, folder: Path) -> None:
        self._touched = touched
        self.authority = folder / "authority.pem"
        self._key = folder / "key.pem"

    async def start(self) -> None:
        """Start the servers."""
        self._make_authority()
        tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        tls.load_cert_chain(self.authority, self._key)
        for port in (*_PORTS, _TLS_PORT):
            secure = tls if port == _TLS_PORT else None
            await asyncio.start_server(self._serve, "::", port, ssl=secure, family=socket.AF_INET6)
            await asyncio.start_server(self._serve, "0.0.0.0", port, ssl=secure, family=socket.AF_INET)

    def _make_authority(self) -> None:
        """Make a self-signed certificate for the public server."""
        subprocess.run(
            [
                *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"),
                *("-keyout", self._key, "-out", self.authority, "-days", "2", "-subj", "/CN=site.test"),
                *("-addext", "subjectAltName=DNS:site.test,DNS:*.site.test"),
            ],
            check=True,
            capture_output=True,
        )
        self.authority.chmod(0o644)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        address, port = writer.get_extra_info("sockname")[:2]
        try:
            line = (await asyncio.wait_for(reader.readline(), 10)).decode("latin-1").strip()
            if address == SITE:
                await self._page(line, writer)
            else:
                self._touched.note(f"request to {address} port {port}: {line[:80]}")
                await _reply(writer, f'{{"secret": "{CANARY}"}}'.encode(), "application/json")
        except (OSError, TimeoutError, ValueError):
            pass
        finally:
            writer.close()

    async def _page(self, line: str, writer: asyncio.StreamWriter) -> None:
        path = line.split(" ")[1] if line.count(" ") >= 2 else "/"
        parts = urlsplit(path)
        if parts.path == "/to":
            await _reply(writer, b"", "text/plain", f"Location: {unquote(parse_qs(parts.query)['url'][0])}\r\n", 302)
        elif parts.path == "/loop":
            await _reply(writer, b"", "text/plain", "Location: /loop\r\n", 302)
        elif parts.path == "/endless":
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: image/png\r\n\r\n")
            while not writer.is_closing():  # over TLS, a closed connection raises no error
                writer.write(bytes(1024 * 1024))
                await writer.drain()
        elif parts.path == "/drip":
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: image/png\r\n\r\n")
            while not writer.is_closing():
                writer.write(b"x")
                await writer.drain()
                await asyncio.sleep(1)
        elif parts.path == "/megabytes":
            await _reply(writer, bytes(int(parse_qs(parts.query)["n"][0]) * 1024**2), "image/png")
        elif parts.path == "/header-flood":
            await _reply(writer, b"x", "text/plain", "".join(f"X-{n}: {'y' * 1000}\r\n" for n in range(5000)))
        elif parts.path == "/composition.html":
            await _reply(writer, b"<div data-composition-id='m' data-duration='0.1'></div>", "text/html")
        else:
            await _reply(writer, b"/* the public web */", "text/javascript")


async def _reply(writer: asyncio.StreamWriter, body: bytes, kind: str, more: str = "", status: int = 200) -> None:
    head = f"HTTP/1.1 {status} X\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n"
    writer.write(f"{head}Access-Control-Allow-Origin: *\r\nConnection: close\r\n{more}\r\n".encode() + body)
    await writer.drain()


class FileWatch:
    """Adds an alarm when a process opens one of the files."""

    def __init__(self, touched: Touched, files: list[Path]) -> None:
        libc = ctypes.CDLL(None, use_errno=True)
        self._descriptor = libc.inotify_init1(0)
        self._names = {
            libc.inotify_add_watch(self._descriptor, os.fsencode(file), _IN_OPEN | _IN_ACCESS): file for file in files
        }
        assert self._descriptor >= 0 and min(self._names) > 0, os.strerror(ctypes.get_errno())
        threading.Thread(target=self._run, args=(touched.note,), name="files", daemon=True).start()

    def _run(self, note: Callable[[str], None]) -> None:
        while True:
            events = os.read(self._descriptor, 65536)
            while events:
                number, _, _, length = struct.unpack("iIII", events[:16])
                events = events[16 + length :]
                note(f"{self._names[number]} was opened")
