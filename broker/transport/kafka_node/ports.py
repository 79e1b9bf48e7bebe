"""Ports of the loopback address."""

import secrets
import socket
from dataclasses import dataclass
from typing import Final

HOST: Final = "127.0.0.1"

_LOWEST: Final = 20_000
_HIGHEST: Final = 32_000
_ANSWER_S: Final = 1.0


@dataclass(frozen=True, slots=True)
class Ports:
    """Those of one node's listeners."""

    client: int
    internal: int
    controller: int


def choose(client: int | None) -> Ports:
    """Ports that nobody has now; somebody may take one before they are used.

    They lie below those that Linux (from 32768) and macOS (from 49152) give to outgoing connections. Above, a client
    that calls a broker which is down would now and then be given the broker's port, and be connected with itself.

    Parameters
    ----------
    client
        The one to have for clients; None for any.
    """
    found: list[int] = [] if client is None else [client]
    while len(found) < 3:
        port = _LOWEST + secrets.randbelow(_HIGHEST - _LOWEST)
        if port not in found and is_free(port):
            found.append(port)
    return Ports(*found)


def is_free(port: int) -> bool:
    """Whether a server could listen there now."""
    with socket.socket() as one:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            one.bind((HOST, port))
        except OSError:
            return False
    return True


def answers(servers: str) -> bool:
    """Whether something accepts connections at ``HOST:PORT``."""
    host, _, port = servers.rpartition(":")
    try:
        socket.create_connection((host, int(port)), _ANSWER_S).close()
    except (OSError, ValueError):
        return False
    return True
