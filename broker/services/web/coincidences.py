"""The last record of every coincidence, a page at a time, and those that changed last."""

from bisect import bisect_right
from typing import Annotated, Final

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel

from nuncius.broker.services.archive import COINCIDENCES, Archive
from nuncius.broker.services.web.answers import says
from nuncius.broker.services.web.opened import Skipped
from nuncius.broker.services.web.pages import Limit, page, values_at
from nuncius.broker.transport.port import Log
from nuncius.schemas import Coincidence
from nuncius.schemas.codec import encode_json

MOST_LATEST: Final = 100
"""Of ``/coincidences/latest``, which is one page."""


class CoincidencePage(BaseModel):
    """The last record of each coincidence, the cursor of the next page (null at the end), and what cannot be read."""

    coincidences: list[Coincidence]
    next: str | None
    skipped: list[Skipped]


def coincidence_page_routes(log: Log, archive: Archive) -> APIRouter:
    """``GET /coincidences`` and ``GET /coincidences/latest``."""
    router = APIRouter()

    @router.get("/coincidences", responses={200: {"model": CoincidencePage}, **says(400, 422, 503)})
    def get_coincidences(
        limit: Limit = 100,
        cursor: Annotated[str, Query(max_length=200, description="`next` of the page before")] = "",
    ) -> Response:
        """The last record of every coincidence, sorted by id."""
        last = archive.coincidences()
        keys = sorted(last)
        rest = keys[bisect_right(keys, cursor) if cursor else 0 :]
        found = values_at(log, COINCIDENCES, "coincidences", [last[key] for key in rest[:limit]])
        after = rest[found.looked - 1] if found.looked < len(rest) else None
        return page("coincidences", [encode_json(one) for one in found.values], after, found.skipped)

    @router.get("/coincidences/latest", responses={200: {"model": CoincidencePage}, **says(422, 503)})
    def get_latest(limit: Annotated[int, Query(ge=1, le=MOST_LATEST)] = 10) -> Response:
        """The last record of each coincidence, the one that changed last first; one page, without a cursor."""
        newest = sorted(archive.coincidences().values(), reverse=True)[:limit]
        found = values_at(log, COINCIDENCES, "coincidences", newest)
        return page("coincidences", [encode_json(one) for one in found.values], None, found.skipped)

    return router
