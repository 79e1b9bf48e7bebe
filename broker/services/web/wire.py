"""The connection under a response: it can be kept small, and cut, which ASGI has no words for."""

import asyncio
import socket
from contextlib import suppress
from typing import Any, Final

from uvicorn.protocols.http.h11_impl import H11Protocol

EXTENSION: Final = "nuncius.wire"

SEND_BUFFER_BYTES: Final = 128 * 2**10
"""What the system may hold for a reader of a stream; by itself it would let it grow to megabytes, and a reader that has
stalled would be noticed only then.
"""

_ENDING: Final = ((b"content-type", b"application/json"), (b"retry-after", b"5"), (b"connection", b"close"))


class Wire:
    """One connection."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport

    def narrow(self) -> None:
        """Hold little that was not sent yet."""
        plain = self._transport.get_extra_info("socket")
        if plain is not None:
            with suppress(OSError):  # the client may be gone already
                plain.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)

    def abort(self) -> None:
        """Close at once; what was not sent yet is dropped."""
        self._transport.abort()


class WireProtocol(H11Protocol):
    """HTTP/1.1 whose requests carry their `Wire` as an ASGI extension; what the server's end cuts off is told so."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        inner: Any = self.app

        async def app(scope: Any, receive: Any, send: Any) -> None:
            wire = Wire(self.transport)
            try:
                await inner({**scope, "extensions": {**scope.get("extensions", {}), EXTENSION: wire}}, receive, send)
            except asyncio.CancelledError:  # the server ends, and waited long enough
                if self.cycle.response_started:
                    wire.abort()
                    return
                await send({"type": "http.response.start", "status": 503, "headers": [*_ENDING]})
                await send({"type": "http.response.body", "body": b'{"error":"the broker ends; ask again"}'})

        self.app = app
