"""Ports on loopback that nobody listens at."""

import socket
from collections.abc import Mapping, Sequence
from contextlib import ExitStack


def free_ports(names: Sequence[str]) -> dict[str, int]:
    """A port for each name; free now, and perhaps taken a moment later."""
    with ExitStack() as held:
        sockets = {kind: held.enter_context(socket.socket()) for kind in names}
        for one in sockets.values():
            one.bind(("127.0.0.1", 0))
        return {kind: int(one.getsockname()[1]) for kind, one in sockets.items()}


def are_free(ports: Mapping[str, int]) -> bool:
    with ExitStack() as held:
        for port in ports.values():
            one = held.enter_context(socket.socket())
            one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                one.bind(("127.0.0.1", port))
            except OSError:
                return False
    return True
