"""FastAPI application: ``POST /alerts``, ``GET /health``, ``GET /coincidences/stream``, ``GET /coincidences``."""

import asyncio
from collections.abc import AsyncIterator, Callable
from concurrent.futures import CancelledError
from typing import Annotated, Any, Final

from fastapi import FastAPI, Header, Query, Request, Response
from fastapi.responses import JSONResponse
from sse_starlette import EventSourceResponse, ServerSentEvent
from starlette.requests import ClientDisconnect

from nuncius.broker.services.intake import Intake
from nuncius.broker.services.outcome import findings
from nuncius.broker.services.reading import Reading
from nuncius.broker.services.web.tail import Tail
from nuncius.broker.transport.port import Log
from nuncius.schemas import Retry
from nuncius.schemas.codec import encode_json
from nuncius.schemas.limits import MAX_PACKET_BYTES

ACK_TIMEOUT_S: Final = 30.0
"""How long a POST waits for the log before it answers 503."""

WAIT_S: Final = 0.5
"""How long a stream rests where nothing is new."""


def web_app(
    log: Log, intake: Intake, read: Callable[[bytes, str], Reading], health: Callable[[], dict[str, Any]]
) -> FastAPI:
    """The HTTP service of one broker.

    Parameters
    ----------
    log
        Read for the streams; its lifetime is the caller's.
    intake
        Where posted packets are handed in; they are acked once durable.
    read
        A packet's bytes and the stream they came on into a reading.
    health
        Facts for ``GET /health``; its ``ok`` decides between 200 and 503.
    """
    app = FastAPI(title="Nuncius", summary="Multimessenger alert broker", version="0.1")

    @app.exception_handler(Retry)
    async def away(_: Request, error: Exception) -> Response:
        """The log is away for now: said so, by every path."""
        return JSONResponse({"ok": False, "error": str(error)}, 503, headers={"Retry-After": "5"})

    @app.post("/alerts", responses={202: {}, 413: {}, 422: {}, 503: {}})
    async def post_alert(request: Request, stream: Annotated[str, Query(max_length=200)] = "") -> Response:
        """Publish one packet in any format the facilities write. 202: durable; 422: quarantined, with the reason."""
        try:
            body = await _body(request)
        except ClientDisconnect:
            return JSONResponse({"error": "the packet was cut off; send it again"}, 400)
        if body is None:
            return JSONResponse({"error": f"packet is over {MAX_PACKET_BYTES} bytes"}, 413)
        reading = await asyncio.to_thread(read, body, stream)
        try:
            fates = await asyncio.wait_for(asyncio.wrap_future(intake.put(reading)), ACK_TIMEOUT_S)
        except (Retry, TimeoutError, CancelledError) as error:
            words = f"it may or may not be stored, send it again: {error}"
            return JSONResponse({"error": words}, 503, headers={"Retry-After": "5"})
        answer: dict[str, Any] = {"sha256": reading.sha256, "fates": [str(fate) for fate in fates]}
        answer["alert_ids"] = [alert.alert_id for alert in reading.alerts]
        if reading.fault is not None:
            answer |= {"error": reading.fault.detail, "field": reading.fault.field}
        return JSONResponse(answer, 202 if reading.fault is None else 422)

    @app.get("/health")
    async def get_health() -> Response:
        """Whether every service works, and how far behind it is."""
        facts = await asyncio.to_thread(health)
        return JSONResponse(facts, 200 if facts["ok"] else 503)

    @app.get("/coincidences")
    def get_coincidences() -> Response:
        """The latest record of every coincidence, sorted by id."""
        body = b",".join(encode_json(item) for item in findings(log)[0])
        return Response(b"[" + body + b"]", media_type="application/json")

    @app.get("/coincidences/stream")
    async def stream_coincidences(
        last_event_id: Annotated[int | None, Header(alias="Last-Event-ID", ge=0)] = None,
        since_start: Annotated[bool, Query()] = False,  # noqa: FBT002  a query parameter
    ) -> EventSourceResponse:
        """Coincidences and candidate lists as they are published; resumes after ``Last-Event-ID``."""
        tail = Tail(log, last_event_id, from_start=since_start)
        return EventSourceResponse(_events(tail), ping=15)

    return app


async def _body(request: Request) -> bytes | None:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_PACKET_BYTES:
            return None
    return bytes(body)


async def _events(tail: Tail) -> AsyncIterator[ServerSentEvent]:
    try:
        while True:
            try:
                lines = await asyncio.to_thread(tail.poll)
            except Retry:  # the reader goes on where it was, when the log is back
                lines = []
            for offset, kind, data in lines:
                yield ServerSentEvent(data=data, event=kind, id=str(offset))
            if not lines:
                await asyncio.sleep(WAIT_S)  # not in a thread: waiting readers must not keep those who publish waiting
    finally:
        await asyncio.shield(asyncio.to_thread(tail.close))
