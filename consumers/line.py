"""The connection under an answer that is being read, so that another thread can end it at once."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import httpx


class Line:
    """At most one connection at a time; `cut` is for other threads than the one that reads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._held: httpx.Response | None = None

    @contextmanager
    def held(self, answer: httpx.Response) -> Iterator[None]:
        """While this lasts, the answer's connection is the one that `cut` ends."""
        with self._lock:
            self._held = answer
        try:
            yield
        finally:
            with self._lock:
                self._held = None

    def cut(self) -> None:
        """End the connection in both directions: who reads it gets its end, or an error, and the peer is told."""
        with self._lock:
            stream = None if self._held is None else self._held.extensions.get("network_stream")
            plain = None if stream is None else stream.get_extra_info("socket")
            if plain is not None:
                with suppress(OSError):  # it has ended by itself
                    socket.socket.shutdown(plain, socket.SHUT_RDWR)  # below TLS: its reader may be in the middle
