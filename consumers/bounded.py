"""One exchange over HTTP that ends in time: connecting, sending, and the answer to its last byte, all together.

httpx bounds the time between two bytes, so that a server that sends one now and then would hold a caller for ever.
"""

import ssl
from collections.abc import Iterable
from threading import local
from time import monotonic
from typing import Any, Final

import httpcore
import httpx

_PIECE: Final = 4096
"""Bytes that are sent at once: a send of so few ends, or waits, as a whole (Linux lets a socket be written to only
where a third of its buffer is free)."""


class _Until(local):
    """When the exchange of this thread is to have ended, by the monotonic clock."""

    at = float("inf")

    def left_s(self, wanted_s: float | None, late: type[httpcore.TimeoutException]) -> float:
        """How long the next step may wait."""
        left_s = self.at - monotonic()
        if left_s <= 0:
            raise late
        return left_s if wanted_s is None else min(left_s, wanted_s)


class _Stream(httpcore.NetworkStream):
    def __init__(self, inner: httpcore.NetworkStream, until: _Until) -> None:
        self._inner = inner
        self._until = until

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._inner.read(max_bytes, self._until.left_s(timeout, httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        for at in range(0, len(buffer), _PIECE):
            left_s = self._until.left_s(timeout, httpcore.WriteTimeout)
            self._inner.write(buffer[at : at + _PIECE], left_s)

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        left_s = self._until.left_s(timeout, httpcore.ConnectTimeout)
        return _Stream(self._inner.start_tls(ssl_context, server_hostname, left_s), self._until)

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)


class _Backend(httpcore.SyncBackend):
    def __init__(self, until: _Until) -> None:
        self._until = until

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        left_s = self._until.left_s(timeout, httpcore.ConnectTimeout)
        return _Stream(super().connect_tcp(host, port, left_s, local_address, socket_options), self._until)


class BoundedTransport(httpx.HTTPTransport):
    """httpx's transport, without proxies and credentials of the environment, whose exchanges end in time.

    Looking up the host's name has the system's own bounds, and each of its addresses is tried for as long.

    Parameters
    ----------
    trusted
        Which authorities' certificates are believed.
    """

    def __init__(self, trusted: ssl.SSLContext) -> None:
        super().__init__(verify=trusted, trust_env=False)
        self._until = _Until()
        self._pool = httpcore.ConnectionPool(ssl_context=trusted, network_backend=_Backend(self._until))

    def exchange(self, request: httpx.Request, within_s: float) -> httpx.Response:
        """The answer, whose body is to be read by this thread and before its next exchange.

        Raises
        ------
        httpx.TransportError
            `httpx.TimeoutException` where the time is over, from here or from reading the body.
        """
        self._until.at = monotonic() + within_s
        return self.handle_request(request)
