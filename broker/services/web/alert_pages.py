"""Alerts of the past, by filter and time, a page at a time."""

import time
from datetime import datetime
from typing import Annotated, Final

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel

from nuncius.broker.services.archive import EVENTS
from nuncius.broker.services.web.answers import says, utc
from nuncius.broker.services.web.frames import Source, selected_of
from nuncius.broker.services.web.opened import Skipped, opened
from nuncius.broker.services.web.pages import page, place_in
from nuncius.broker.services.web.regions import Regions
from nuncius.broker.services.web.streaming import FilterText
from nuncius.broker.transport import topics
from nuncius.broker.transport.port import Log
from nuncius.broker.transport.position import to_token
from nuncius.filters import Filter, Names, parse_filter
from nuncius.schemas import Alert
from nuncius.schemas.codec import encode_json

MOST_ALERTS: Final = 1000
"""Of a page: some megabytes of JSON."""

WORK_RECORDS: Final = 20_000
"""Most records that one request looks at; the next page goes on there."""

WORK_S: Final = 2.0
"""How long one request looks."""

_SOURCE: Final = Source(topics.EVENTS.name, "alerts")


class AlertPage(BaseModel):
    """Alerts, oldest first, the cursor of the next page (null at the end), and what lies there and cannot be read."""

    alerts: list[Alert]
    next: str | None
    skipped: list[Skipped]


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
        found, skipped, at = _page(log, regions, wanted, first, stop, limit)
        return page("alerts", found, None if at >= stop else to_token({0: at}), skipped)

    return router


def _page(
    log: Log, regions: Regions, wanted: Filter | None, first: int, stop: int, limit: int
) -> tuple[list[bytes], list[Skipped], int]:
    """JSON of the alerts that are selected from ``first`` on, what cannot be read, the offset behind what was seen."""
    found: list[bytes] = []
    skipped: list[Skipped] = []
    at, looked = first, 0
    if at >= stop:
        return found, skipped, stop
    until = time.monotonic() + WORK_S
    reader = log.reader({EVENTS: at})
    try:
        while at < stop and looked < WORK_RECORDS and time.monotonic() < until:
            records = [r for r in reader.poll(500, 0.02) if r.offset < stop]
            looked += len(records)
            read = opened("alerts", records)
            with regions.lent(*(() if wanted is None else (wanted,))) as places:
                chosen = None if wanted is None else selected_of(_SOURCE, read.taken, wanted, places)
            full = stop
            for record, alert, _ in read.taken:
                if chosen is None or (0, record.offset) in chosen:
                    if len(found) == limit:
                        full = record.offset
                        break
                    found.append(encode_json(alert))
            skipped += [one for one in read.skipped if one.offset < full]
            if full < stop:
                return found, skipped, full
            at = min(max(reader.position(EVENTS), at), stop)
    finally:
        reader.close()
    return found, skipped, at
