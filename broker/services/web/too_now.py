"""Requests as JSON, a page at a time, each with how it stands."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Self

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel

from nuncius.broker.services.too_book import Entry
from nuncius.broker.services.too_standing import Group, Place, page_of
from nuncius.broker.services.web.answers import RefusedError, says
from nuncius.broker.services.web.opened import Skipped
from nuncius.broker.services.web.pages import Limit, page
from nuncius.broker.services.web.too_shelf import Shelf
from nuncius.broker.transport.clock import utc_now
from nuncius.broker.transport.position import from_token, to_token
from nuncius.schemas import ToORequest, ToOStatus
from nuncius.schemas.codec import encode_json
from nuncius.schemas.vocabulary import RequestState


@dataclass(frozen=True, slots=True)
class RequestNow:
    """A request in the revision that counts, and how it stands.

    Parameters
    ----------
    request
        The revision.
    stands
        The last word of a real facility, else a person's, else what the policy says.
    waits_for_a_person
        Whether a yes or no is wanted.
    still_at
        Adapters that may have it although it is no longer wanted.
    told
        All that was said of it, in the order of the log.
    """

    request: ToORequest
    stands: RequestState
    waits_for_a_person: bool
    still_at: tuple[str, ...]
    told: tuple[ToOStatus, ...]

    @classmethod
    def of(cls, entry: Entry, now: datetime) -> Self:
        """As of ``now``, UTC."""
        return cls(entry.latest, entry.state, entry.waits(now), entry.still_at, entry.told)


class RequestPage(BaseModel):
    """Requests, the cursor of the next page (null at the end), and what cannot be read."""

    requests: list[RequestNow]
    next: str | None
    skipped: list[Skipped]


def request_routes(shelf: Shelf) -> APIRouter:
    """``GET /requests`` and ``GET /requests/{request_id}``."""
    router = APIRouter()

    @router.get("/requests", responses={200: {"model": RequestPage}, **says(400, 422, 503)})
    def get_requests(
        limit: Limit = 100,
        cursor: Annotated[str, Query(max_length=60, description="`next` of the page before")] = "",
    ) -> Response:
        """Requests to telescopes: what waits for a person, what is to be taken back, what is asked, then the rest.

        In each of the four the newest is first. What moves up meanwhile is on the first page by then.
        """
        now = utc_now()
        found = page_of(shelf.standings(), now, limit, place_of(cursor))
        items = [encode_json(RequestNow.of(one.entry, now)) for one in found.shown]
        return page("requests", items, None if found.after is None else cursor_of(found.after), shelf.skipped)

    @router.get("/requests/{request_id}", responses={200: {"model": RequestNow}, **says(404, 422, 503)})
    def get_request(request_id: str) -> Response:
        """One request in the revision that counts, how it stands, and all that was said of it."""
        entry = shelf.entry(request_id)
        if entry is None:
            raise RefusedError(404, f"no request {request_id[:80]!r} on this log; see GET /requests")
        return Response(encode_json(RequestNow.of(entry, utc_now())), media_type="application/json")

    return router


def cursor_of(place: Place) -> str:
    """A place in the list as one word."""
    return to_token({place.group: place.number})


def place_of(cursor: str) -> Place | None:
    """What `cursor_of` wrote; None for an empty one.

    Raises
    ------
    RefusedError
        If it is none of this list.
    """
    if not cursor:
        return None
    given = from_token(cursor)
    if len(given) != 1 or not set(given) <= set(Group):
        raise RefusedError(400, f"cursor {cursor[:60]!r}: none of this list; take `next` of the page before")
    ((group, number),) = given.items()
    return Place(group, number)
