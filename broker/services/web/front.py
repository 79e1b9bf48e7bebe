"""The front page: what the log says last, gathered for a person; made at most once a second for everybody."""

import time
from collections.abc import Callable
from threading import Lock
from typing import Any, Final

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse

from nuncius.broker.planning.told import TELL
from nuncius.broker.services.archive import COINCIDENCES, EVENTS, Archive
from nuncius.broker.services.web.answers import RETRY_AFTER
from nuncius.broker.services.web.front_page import SCRIPT, STYLE, Front, away_page, front_page
from nuncius.broker.services.web.front_tables import Asked, map_of
from nuncius.broker.services.web.opened import Opened, opened
from nuncius.broker.services.web.pages import values_at
from nuncius.broker.transport import topics
from nuncius.broker.transport.clock import utc_now
from nuncius.broker.transport.port import Log, Record, TopicPartition
from nuncius.broker.transport.reading import read_to
from nuncius.schemas import Alert, Coincidence, Quarantine, Retry, ToORequest, ToOStatus
from nuncius.schemas.codec import decode

SHOWN: Final = 10
"""Of coincidences and of requests; three times as many alerts."""

KEPT_S: Final = 1.0
"""How old a page may be: who reloads it costs nothing."""

_LOOKED: Final = 200
"""The last records of a topic that are looked at."""

_GUARD: Final = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
_REQUESTS: Final = TopicPartition(topics.TOO_REQUESTS.name, 0)
_STATUS: Final = TopicPartition(topics.TOO_STATUS.name, 0)


def front_routes(log: Log, archive: Archive, health: Callable[[], dict[str, Any]]) -> APIRouter:
    """``GET /``, and the style and the script that it uses.

    Parameters
    ----------
    log, archive
        Read.
    health
        As for ``GET /health``.
    """
    router = APIRouter(include_in_schema=False)
    making = Lock()
    kept: dict[str, tuple[float, str, int]] = {}

    @router.get("/")
    def get_front(request: Request) -> Response:
        """The page."""
        base = str(request.base_url)
        with making:
            made, page, code = kept.get(base, (float("-inf"), "", 200))
            if time.monotonic() - made > KEPT_S:
                try:
                    page, code = front_page(_gathered(log, archive, health(), base)), 200
                except Retry as error:  # said to all who wait here, too: each would find out after as long a wait
                    page, code = away_page(str(error)), 503
                kept.clear()  # a reader may ask for any host
                kept[base] = (time.monotonic(), page, code)
        return HTMLResponse(page, code, headers=_GUARD if code == 200 else _GUARD | RETRY_AFTER)

    @router.get("/page.css")
    def get_style() -> Response:
        """Its style."""
        return Response(STYLE, media_type="text/css", headers=_GUARD)

    @router.get("/page.js")
    def get_script() -> Response:
        """Its script: it asks for the page again when something comes."""
        return Response(SCRIPT, media_type="text/javascript", headers=_GUARD)

    return router


def _gathered(log: Log, archive: Archive, health: dict[str, Any], base: str) -> Front:
    newest = sorted(archive.coincidences().values(), reverse=True)[:SHOWN]
    found = values_at(log, COINCIDENCES, "coincidences", newest)
    coincidences = [one for one in found.values if isinstance(one, Coincidence)]
    alerts = opened("alerts", _last(log, EVENTS)[-3 * SHOWN :])
    return Front(
        base=base,
        health=health,
        coincidences=coincidences,
        alerts=[item.value for item in reversed(alerts.taken)],
        requests=_asked(log),
        picture=_picture(archive, coincidences[0]) if coincidences else "",
        skipped=[*found.skipped, *alerts.skipped],
        now=f"{utc_now():%Y-%m-%d %H:%M:%S}",
    )


def _asked(log: Log) -> list[Asked]:
    told = _values(opened(None, _last(log, _STATUS)), ToOStatus)
    statuses = {one.request_id: one for one in told if not one.adapter.startswith(TELL)}
    latest: dict[str, ToORequest] = {}
    for request in _values(opened(None, _last(log, _REQUESTS)), ToORequest):
        latest.pop(request.request_id, None)
        latest[request.request_id] = request
    return [Asked(one, statuses.get(one.request_id)) for one in reversed(latest.values())][:SHOWN]


def _picture(archive: Archive, value: Coincidence) -> str:
    """The combined map, else that of the first member's notices that has one."""
    if value.combined_map is not None:
        return value.combined_map.sha256
    for alert_id in (*value.anchor.alert_ids, *value.partner.alert_ids):
        record = archive.alert(alert_id)
        try:
            alert = None if record is None else decode(Alert, record.value or b"")
        except Quarantine:
            continue
        if alert is not None and (sha256 := map_of(alert)):
            return sha256
    return ""


def _last(log: Log, tp: TopicPartition) -> list[Record]:
    """The last records of a topic, in order."""
    first, stop = log.start(tp), log.end(tp)
    low = max(first, stop - _LOOKED)
    if low >= stop:
        return []
    reader = log.reader({tp: low})
    try:
        return [one for records in read_to(reader, {tp: stop}) for one in records]
    finally:
        reader.close()


def _values(read: Opened, kind: type) -> list[Any]:
    return [item.value for item in read.taken if isinstance(item.value, kind)]
