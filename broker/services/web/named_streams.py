"""Named streams over HTTP: what there is, and their rows; what filters may use."""

import time
from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any, Final

import orjson
from fastapi import APIRouter, Query, Response
from pydantic import BaseModel

from nuncius.broker.services.streams.overview import StreamView, ViewState, overview
from nuncius.broker.services.web.alert_pages import WORK_S
from nuncius.broker.services.web.answers import RefusedError, says, utc
from nuncius.broker.services.web.opened import Skipped, opened
from nuncius.broker.services.web.pages import page, place_in
from nuncius.broker.services.web.streaming import named_source
from nuncius.broker.transport.port import Log, TopicPartition
from nuncius.broker.transport.position import to_token
from nuncius.filters import FIELDS, Names
from nuncius.filters.ready import ready_filters
from nuncius.schemas import StreamDefinition, StreamRow
from nuncius.schemas.codec import encode_json
from nuncius.schemas.wire import to_json

MOST_ROWS: Final = 1000


class View(BaseModel):
    """One stream: definition, what became of it, rows published and beyond the quota, and how far it is behind."""

    name: str
    definition: StreamDefinition | None
    state: ViewState
    published: int
    skipped: int
    behind: int | None
    past: str
    past_end: str
    last_time: datetime | None
    detail: str


class RowPage(BaseModel):
    """Rows, oldest first, the cursor of the next page (null at the end), and what lies there and cannot be read."""

    rows: list[StreamRow]
    next: str | None
    skipped: list[Skipped]


class ReadyView(BaseModel):
    """A filter that is shipped; its name is a word that filters on its table may use."""

    name: str
    table: str
    text: str
    meaning: str
    source: str
    misses: str


class FieldView(BaseModel):
    """A field that filters may use; ``words`` are all its values, where it has a few."""

    name: str
    kind: str
    unit: str
    meaning: str
    words: list[str]


class Usable(BaseModel):
    """What filters may use, by name and by table."""

    ready: list[ReadyView]
    filters: dict[str, str]
    regions: list[str]
    fields: dict[str, list[FieldView]]


def named_stream_routes(log: Log, names: Names) -> APIRouter:
    """``/streams…`` and ``/filters``, but for the streams themselves.

    Parameters
    ----------
    log
        Read.
    names
        Named filters and regions that filters may use.
    """
    router = APIRouter()

    @router.get("/streams", responses={200: {"model": list[View]}, **says(503)})
    def get_streams() -> Response:
        """Every named stream, by name."""
        return _json([_view(view) for view in overview(log)])

    @router.get("/streams/{name}", responses={200: {"model": View}, **says(404, 503)})
    def get_stream(name: str) -> Response:
        """One named stream."""
        return _json(_seen(log, name))

    @router.get("/streams/{name}/rows", responses={200: {"model": RowPage}, **says(400, 404, 422, 503)})
    def get_rows(
        name: str,
        since: Annotated[datetime | None, Query(description="published at or after; UTC if not said")] = None,
        limit: Annotated[int, Query(ge=1, le=MOST_ROWS)] = 100,
        cursor: Annotated[str, Query(max_length=60, description="`next` of the page before")] = "",
    ) -> Response:
        """Rows of a named stream, oldest first, with its own news (begin, end, handover, skipped)."""
        tp = TopicPartition(named_source(log, name).topic, 0)
        at = log.start(tp) if since is None else log.offset_at(tp, utc(since))
        if cursor:
            at = max(at, place_in(cursor))
        stop = log.end(tp)
        rows: list[bytes] = []
        skipped: list[Skipped] = []
        until = time.monotonic() + WORK_S
        reader = log.reader({tp: min(at, stop)})
        try:
            while reader.position(tp) < stop and len(rows) < limit and time.monotonic() < until:
                read = opened(None, reader.poll(limit - len(rows), 0.02))
                rows += [encode_json(item.value) for item in read.taken]
                skipped += read.skipped
            at = reader.position(tp)
        finally:
            reader.close()
        return page("rows", rows, None if at >= stop else to_token({0: at}), skipped)

    @router.get("/filters", responses={200: {"model": Usable}})
    def get_filters() -> Response:
        """What filters may use: shipped filters, those of this broker, its regions, and the fields of each table."""
        fields = {
            table: [
                {"name": f.name, "kind": f.kind, "unit": f.unit, "meaning": f.meaning, "words": f.words}
                for f in infos.values()
            ]
            for table, infos in FIELDS.items()
        }
        return _json(
            {
                "ready": [asdict(one) for one in ready_filters()],
                "filters": dict(names.filters),
                "regions": sorted(names.regions or ()),
                "fields": fields,
            }
        )

    return router


def _seen(log: Log, name: str) -> dict[str, Any]:
    for view in overview(log):
        if view.name == name:
            return _view(view)
    raise RefusedError(404, f"no stream is named {name[:80]!r}; GET /streams tells which there are")


def _view(view: StreamView) -> dict[str, Any]:
    return {**view._asdict(), "definition": None if view.definition is None else to_json(view.definition)}


def _json(value: Any) -> Response:
    return Response(orjson.dumps(value, option=orjson.OPT_UTC_Z), media_type="application/json")
