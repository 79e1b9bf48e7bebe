"""The alerts of a thread, a page at a time."""

from bisect import bisect_left

from fastapi import APIRouter, Response

from nuncius.broker.services.archive import EVENTS, Archive
from nuncius.broker.services.web.alert_pages import AlertPage
from nuncius.broker.services.web.answers import RefusedError, says
from nuncius.broker.services.web.pages import Cursor, Limit, page, place_in, values_at
from nuncius.broker.transport.port import Log
from nuncius.broker.transport.position import to_token
from nuncius.schemas.codec import encode_json


def thread_routes(log: Log, archive: Archive) -> APIRouter:
    """``GET /threads/{thread_id}``."""
    router = APIRouter()

    @router.get("/threads/{thread_id:path}", responses={200: {"model": AlertPage}, **says(400, 404, 422, 503)})
    def get_thread(thread_id: str, limit: Limit = 100, cursor: Cursor = "") -> Response:
        """Every alert of a thread: notices of one event by one facility, in the order of the log."""
        offsets = archive.thread(thread_id)
        if not offsets:
            raise RefusedError(404, f"no thread {thread_id[:80]!r} on this log; a thread is named as in lvk:S190425z")
        rest = offsets[bisect_left(offsets, place_in(cursor)) if cursor else 0 :]
        found = values_at(log, EVENTS, "alerts", rest[:limit])
        after = to_token({0: rest[found.looked]}) if found.looked < len(rest) else None
        return page("alerts", [encode_json(one) for one in found.values], after, found.skipped)

    return router
