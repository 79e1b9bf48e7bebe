"""Alerts of the past, by filter and time, a page at a time."""

import time
from contextlib import suppress
from datetime import datetime
from typing import Annotated, Final

import orjson
from fastapi import APIRouter, Query, Response
from pydantic import BaseModel

from nuncius.broker.services.alerts import decode_alert
from nuncius.broker.services.archive import EVENTS
from nuncius.broker.services.web.answers import RefusedError, says, utc
from nuncius.broker.services.web.frames import Source, count_selected
from nuncius.broker.services.web.regions import Regions
from nuncius.broker.services.web.streaming import FilterText
from nuncius.broker.transport import topics
from nuncius.broker.transport.port import Log
from nuncius.broker.transport.position import from_token, to_token
from nuncius.filters import Filter, Names, parse_filter
from nuncius.schemas import Alert, Quarantine
from nuncius.schemas.codec import encode_json

MOST_ALERTS: Final = 1000
"""Of a page: some megabytes of JSON."""

WORK_RECORDS: Final = 20_000
"""Most records that one request looks at; the next page goes on there."""

WORK_S: Final = 2.0
"""How long one request looks."""

_SOURCE: Final = Source(topics.EVENTS.name, "alerts")


class AlertPage(BaseModel):
    """Alerts, oldest first, and the cursor of the next page; null at the end."""

    alerts: list[Alert]
    next: str | None


def alert_page_routes(log: Log, regions: Regions, names: Names) -> APIRouter:
    """``GET /alerts``."""
    router = APIRouter()

    @router.get("/alerts", responses={200: {"model": AlertPage}, **says(400, 422, 503)})
    def get_alerts(
        text: FilterText = "",
        since: Annotated[datetime | None, Query(description="taken by the log at or after; UTC if not said")] = None,
        until: Annotated[datetime | None, Query(description="taken by the log before; UTC if not said")] = None,
        limit: Annotated[int, Query(ge=1, le=MOST_ALERTS)] = 100,
        cursor: Annotated[str, Query(max_length=60, description="`next` of the page before")] = "",
    ) -> Response:
        """Alerts, oldest first. A page may hold none and still have a ``next``: the work of one request is bounded."""
        wanted = parse_filter(text, "alerts", names) if text.strip() else None
        first = log.start(EVENTS) if since is None else log.offset_at(EVENTS, utc(since))
        stop = log.end(EVENTS) if until is None else log.offset_at(EVENTS, utc(until))
        if cursor:
            first = max(first, place_in(cursor))
        found, at = _page(log, regions, wanted, first, stop, limit)
        after = b"null" if at >= stop else orjson.dumps(to_token({0: at}))
        return Response(b'{"alerts":[%b],"next":%b}' % (b",".join(found), after), media_type="application/json")

    return router


def place_in(cursor: str) -> int:
    """The offset that a cursor stands for."""
    given = from_token(cursor)
    if set(given) != {0}:
        raise RefusedError(400, f"cursor {cursor[:60]!r}: none of this list; take `next` of the page before")
    return given[0]


def _page(
    log: Log, regions: Regions, wanted: Filter | None, first: int, stop: int, limit: int
) -> tuple[list[bytes], int]:
    """JSON of the alerts that are selected from ``first`` on, and the offset behind what was looked at.

    A record that cannot be read here is passed over, as by the streams.
    """
    found: list[bytes] = []
    at, looked = first, 0
    if at >= stop:
        return found, stop
    until = time.monotonic() + WORK_S
    reader = log.reader({EVENTS: at})
    try:
        while at < stop and looked < WORK_RECORDS and time.monotonic() < until:
            records = [r for r in reader.poll(500, 0.02) if r.offset < stop]
            looked += len(records)
            chosen = None
            if wanted is not None:
                with regions.lent(wanted) as places:
                    chosen = count_selected(_SOURCE, records, wanted, places)
            for record in records:
                if chosen is None or (0, record.offset) in chosen:
                    if len(found) == limit:
                        return found, record.offset
                    with suppress(Quarantine):
                        found.append(encode_json(decode_alert(record.value or b"")))
            at = min(max(reader.position(EVENTS), at), stop)
    finally:
        reader.close()
    return found, at
