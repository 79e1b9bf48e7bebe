"""The response that carries server-sent events: it ends when its reader goes, and cuts one that does not read."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing

from fastapi.responses import Response
from starlette.types import Receive, Scope, Send

from nuncius.broker.services.web.wire import EXTENSION, Wire


class EventStream(Response):
    """Pieces of events, one write each.

    Parameters
    ----------
    pieces
        The events; closed when the reader goes.
    cut
        Told who was cut, and why.
    stalled_s
        How long one write may take.
    """

    media_type = "text/event-stream"

    def __init__(self, pieces: AsyncGenerator[bytes], cut: Callable[[str, str], None], stalled_s: float) -> None:
        super().__init__(headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"})
        del self.headers["content-length"]
        self._pieces = pieces
        self._cut = cut
        self._stalled_s = stalled_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send until the events or the reader end."""
        wire: Wire | None = scope.get("extensions", {}).get(EXTENSION)
        if wire is not None:
            wire.narrow()
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        pumping = asyncio.create_task(self._pump(scope, send, wire))
        leaving = asyncio.create_task(_gone(receive))
        try:
            await asyncio.wait({pumping, leaving}, return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:  # the server ends and has waited long enough
            if wire is not None:
                wire.abort()
        finally:
            for task in (pumping, leaving):
                task.cancel()
            await asyncio.gather(pumping, leaving, return_exceptions=True)
        if not pumping.cancelled() and (error := pumping.exception()) is not None:
            raise error

    async def _pump(self, scope: Scope, send: Send, wire: Wire | None) -> None:
        async with aclosing(self._pieces) as pieces:
            async for piece in pieces:
                try:
                    async with asyncio.timeout(self._stalled_s):
                        await send({"type": "http.response.body", "body": piece, "more_body": True})
                except TimeoutError:
                    host, port = scope.get("client") or ("somebody", 0)
                    self._cut(f"{host}:{port} on {scope['path']}", f"it took nothing for {self._stalled_s:g} s")
                    if wire is not None:
                        wire.abort()
                    return
        await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
