"""Ports of the loopback interface. Imports nothing that must be installed."""

from __future__ import annotations

import socket

from hyperframes_render.errors import SetupIncomplete


def free_port(wanted: int = 0) -> int:
    """`wanted` if nobody listens there, else any free port of the loopback interface."""
    for port in (wanted, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            found: int = probe.getsockname()[1]
            return found
    raise SetupIncomplete("No port of the loopback interface is free.", "End some programs that listen.")
