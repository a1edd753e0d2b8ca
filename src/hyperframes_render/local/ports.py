"""Free ports of the loopback interface. Imports the standard library only."""

from __future__ import annotations

import socket

from hyperframes_render.errors import SetupIncomplete


def free_port(preferred: int = 0) -> int:
    """`preferred` if it is free, else any free port of the loopback interface. Raises SetupIncomplete."""
    for port in (preferred, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            found: int = probe.getsockname()[1]
            return found
    raise SetupIncomplete("No port of the loopback interface is free.", "End programs that listen on ports.")
