"""FastAPI application: all routes together, and ``POST /alerts`` and ``GET /health``."""

import asyncio
from collections.abc import Callable
from concurrent.futures import CancelledError
from functools import partial
from typing import Annotated, Any, Final

from fastapi import FastAPI, Query, Request, Response
from fastapi.responses import JSONResponse
from starlette.requests import ClientDisconnect

from nuncius.broker.planning.policies_toml import shipped
from nuncius.broker.planning.policy import Policies
from nuncius.broker.services.archive import Archive
from nuncius.broker.services.asyncapi import asyncapi_document
from nuncius.broker.services.http_desks import DeskRules, HttpDesks
from nuncius.broker.services.intake import Intake
from nuncius.broker.services.links import Links
from nuncius.broker.services.plan_found import PlanFinder
from nuncius.broker.services.portal_desk import Portal
from nuncius.broker.services.reading import Reading
from nuncius.broker.services.web.alert_formats import alert_format_routes
from nuncius.broker.services.web.alert_pages import alert_page_routes
from nuncius.broker.services.web.answers import answer_errors, says
from nuncius.broker.services.web.coincidence_formats import coincidence_format_routes
from nuncius.broker.services.web.coincidences import coincidence_page_routes
from nuncius.broker.services.web.desk_guard import desk_guard
from nuncius.broker.services.web.desk_routes import desk_routes
from nuncius.broker.services.web.front import front_routes
from nuncius.broker.services.web.hub import Hub
from nuncius.broker.services.web.named_streams import named_stream_routes
from nuncius.broker.services.web.records import record_routes
from nuncius.broker.services.web.skymaps import skymap_routes
from nuncius.broker.services.web.skyportal_door import skyportal_routes
from nuncius.broker.services.web.stream_changes import stream_change_routes
from nuncius.broker.services.web.streaming import stream_routes
from nuncius.broker.services.web.threads import thread_routes
from nuncius.broker.services.web.too_now import request_routes
from nuncius.broker.services.web.too_pages import too_page_routes
from nuncius.broker.services.web.too_pictures import too_picture_routes
from nuncius.broker.services.web.too_shelf import Shelf
from nuncius.broker.transport.clock import utc_now
from nuncius.broker.transport.kafka.cluster import Cluster
from nuncius.broker.transport.port import Log
from nuncius.consumers.defining import MOST_STREAMS, define
from nuncius.filters import NO_NAMES, Names
from nuncius.schemas import Retry
from nuncius.schemas.limits import MAX_PACKET_BYTES

ACK_TIMEOUT_S: Final = 30.0
"""How long a POST waits for the log before it answers 503."""


def web_app(
    log: Log,
    intake: Intake,
    read: Callable[[bytes, str], Reading],
    health: Callable[[], dict[str, Any]],
    hub: Hub,
    allow: Callable[[Request], None],
    names: Names = NO_NAMES,
    cluster: Cluster | None = None,
    most_streams: int = MOST_STREAMS,
    links: Links | None = None,
    portal: Portal | None = None,
    desks: tuple[HttpDesks, Callable[[Request, str], None]] | None = None,
    policies: Policies | None = None,
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
    hub
        Serves the streams.
    allow
        Raises `RefusedError` for a request that may change nothing; see `guard`.
    names
        Named filters and regions that filters may use.
    cluster
        Where the log is, where that is Kafka.
    most_streams
        Named streams that there may be.
    links
        Checks the links by which people answer requests; None where there are none.
    portal
        A SkyPortal that may ask for telescope time; None for none.
    desks
        Telescopes' own desks, and who may sit there, as `desk_guard`; None: nobody has a token of its own.
    policies
        Whose telescopes pictures of plans show; None: the shipped ones.
    """
    # without its pages of documentation, whose scripts come from a server elsewhere
    app = FastAPI(title="Nuncius", summary="Multimessenger alert broker", version="0.1", docs_url=None, redoc_url=None)

    answer_errors(app)
    archive, shelf = Archive(log), Shelf(log)
    for routes in (
        stream_routes(log, hub, names),  # before the paths that take any word
        alert_page_routes(log, hub.regions, names),
        alert_format_routes(log, archive),
        thread_routes(log, archive),
        coincidence_page_routes(log, archive),
        coincidence_format_routes(log, archive),
        record_routes(log),
        named_stream_routes(log, names),
        stream_change_routes(log, partial(define, log, names=names, most=most_streams), allow),
        skymap_routes(hub.regions.maps),
        skyportal_routes(log, allow, portal),
        desk_routes(*(desks or (HttpDesks(log, DeskRules(), utc_now, print), desk_guard({}, allow)))),
        request_routes(shelf),
        too_picture_routes(shelf, PlanFinder(log, archive, hub.regions.maps, policies or shipped())),
        too_page_routes(log, shelf, links),
        front_routes(log, archive, health),
    ):
        app.include_router(routes)

    @app.post("/alerts", status_code=202, responses=says(400, 413, 422, 503))
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

    @app.get("/health", responses={503: {"description": "a service ended or stands still, or the log takes nothing"}})
    async def get_health() -> Response:
        """Whether every service works and the log can be written; notes on disk, telescopes and people beside it."""
        facts = {**await asyncio.to_thread(health), "streams": hub.counts()._asdict()}
        return JSONResponse(facts, 200 if facts["ok"] else 503)

    @app.get("/asyncapi.json", responses={200: {"description": "AsyncAPI 3.0 of topics and streams"}})
    def get_asyncapi(request: Request) -> Response:
        """The topics of the log and the streams over HTTP, as AsyncAPI 3.0."""
        return JSONResponse(asyncapi_document(cluster, str(request.base_url)))

    return app


async def _body(request: Request) -> bytes | None:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_PACKET_BYTES:
            return None
    return bytes(body)
