"""One coincidence or candidate list: in every format, and its revisions."""

import re
from bisect import bisect_left
from typing import Annotated, Any, Final

from fastapi import APIRouter, Header, Query, Response
from pydantic import BaseModel

from nuncius.broker.services.archive import COINCIDENCES, Archive
from nuncius.broker.services.web.answers import RefusedError, saved, says
from nuncius.broker.services.web.media import RECORD_MEDIA, RecordFormat, asked_for
from nuncius.broker.services.web.opened import Skipped
from nuncius.broker.services.web.pages import Cursor, Limit, page, place_in, values_at
from nuncius.broker.transport.port import Log
from nuncius.broker.transport.position import to_token
from nuncius.consumers.voevent import to_voevent
from nuncius.schemas import CandidateList, Coincidence
from nuncius.schemas.codec import encode, encode_json

_MOST_REVISION: Final = 2**31 - 1
_NOT_IN_NAMES: Final = re.compile(r"[^A-Za-z0-9._-]")


class RevisionPage(BaseModel):
    """Revisions, oldest first, the cursor of the next page (null at the end), and what cannot be read."""

    revisions: list[dict[str, Any]]
    next: str | None
    skipped: list[Skipped]


_FORMATS: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "description": "a Coincidence or a CandidateList",
        "content": {
            "application/json": {"schema": {"type": "object"}},
            "application/vnd.apache.avro": {},
            "application/voevent+xml": {},
        },
    }
}


def coincidence_format_routes(log: Log, archive: Archive) -> APIRouter:
    """``GET /coincidences/{coincidence_id}`` and its ``/revisions``."""
    router = APIRouter()

    @router.get(
        "/coincidences/{coincidence_id}", response_class=Response, responses={**_FORMATS, **says(404, 406, 422, 503)}
    )
    def get_coincidence(
        coincidence_id: str,
        as_: Annotated[RecordFormat | None, Query(alias="format", description="goes before the header Accept")] = None,
        revision: Annotated[int | None, Query(ge=1, le=_MOST_REVISION, description="the last one if not said")] = None,
        accept: Annotated[str, Header()] = "*/*",
    ) -> Response:
        """A coincidence or a candidate list: JSON, Avro (single-object encoding) or VOEvent 2.0."""
        form = as_ or asked_for(accept, RECORD_MEDIA, "coincidence")
        return _answer(_revision(log, archive, coincidence_id, revision), coincidence_id, form)

    @router.get(
        "/coincidences/{coincidence_id}/revisions", responses={200: {"model": RevisionPage}, **says(400, 404, 422, 503)}
    )
    def get_revisions(coincidence_id: str, limit: Limit = 100, cursor: Cursor = "") -> Response:
        """Every revision of a coincidence or a candidate list, in order; the last one holds."""
        offsets = _known(archive, coincidence_id)
        rest = offsets[bisect_left(offsets, place_in(cursor)) if cursor else 0 :]
        found = values_at(log, COINCIDENCES, "coincidences", rest[:limit])
        after = to_token({0: rest[found.looked]}) if found.looked < len(rest) else None
        return page("revisions", [encode_json(one) for one in found.values], after, found.skipped)

    return router


def _answer(value: Coincidence | CandidateList, coincidence_id: str, form: RecordFormat) -> Response:
    match form:
        case "json":
            return Response(encode_json(value), media_type="application/json")
        case "avro":
            name = f"{_NOT_IN_NAMES.sub('_', coincidence_id)[:80]}.{value.revision}.avro"
            return saved(encode(value), "application/vnd.apache.avro", name)
        case "voevent":
            return Response(to_voevent(value), media_type="application/voevent+xml")


def _known(archive: Archive, coincidence_id: str) -> tuple[int, ...]:
    offsets = archive.revisions(coincidence_id)
    if not offsets:
        raise RefusedError(404, f"no coincidence {coincidence_id[:80]!r} on this log; GET /coincidences lists them")
    return offsets


def _revision(log: Log, archive: Archive, coincidence_id: str, revision: int | None) -> Coincidence | CandidateList:
    offsets = _known(archive, coincidence_id)
    found = values_at(log, COINCIDENCES, "coincidences", offsets[-1:] if revision is None else offsets)
    for value in found.values:
        if isinstance(value, Coincidence | CandidateList) and revision in (None, value.revision):
            return value
    why = f"; {found.skipped[0].reason}" if found.skipped else ""
    which = "last revision" if revision is None else f"revision {revision}"
    where = f"/coincidences/{coincidence_id[:80]}/revisions"
    raise RefusedError(404, f"no {which} of {coincidence_id[:80]!r} can be read here{why}; GET {where} lists them")
