"""The streams: what is published, as it is published, as server-sent events."""

import asyncio
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Final

from fastapi import APIRouter, Header, Query, Response

from nuncius.broker.services.streams.state import definitions
from nuncius.broker.services.web.answers import RefusedError, says, utc
from nuncius.broker.services.web.event_stream import EventStream
from nuncius.broker.services.web.frames import Source
from nuncius.broker.services.web.hub import Hub
from nuncius.broker.services.web.start import Wish
from nuncius.broker.transport import topics
from nuncius.broker.transport.port import Log
from nuncius.filters import Filter, Names, parse_filter

SOURCES: Final[Mapping[str, Source]] = {
    "coincidences": Source(topics.COINCIDENCES.name, "coincidences"),
    "alerts": Source(topics.EVENTS.name, "alerts"),
    "candidates": Source(topics.CANDIDATES.name, "candidates"),
}
"""What is streamed under each word of a path."""

MOST_LAST: Final = 10_000
"""So many last records are found in a second or two; whoever wants more gives a time."""

LOG_HEADER: Final = "Nuncius-Log"
"""Tells a stream from one that was made anew under the same name: positions of the one mean nothing in the other."""

NOTE_HEADER: Final = "Nuncius-Note"
"""What a reader should know of where its stream begins."""

After = Annotated[
    str,
    Header(
        alias="Last-Event-ID",
        max_length=2000,
        pattern=r"^([0-9]+|[0-9]{1,9}:[0-9]{1,18}(,[0-9]{1,9}:[0-9]{1,18})*)?$",
        description="id of the last event that was read: a position, or, from older readers, an offset",
    ),
]
FilterText = Annotated[str, Query(alias="filter", max_length=4096, description="the filter language; empty takes all")]
Since = Annotated[datetime | None, Query(description="from what the log took at or after this time; UTC if not said")]
FromStart = Annotated[bool, Query(alias="since_start", description="everything that is kept")]
Last = Annotated[int | None, Query(ge=1, le=MOST_LAST, description="begin with the last so many that are selected")]
UntilEnd = Annotated[bool, Query(description="end with an event `end` where the stream ends now")]
Until = Annotated[
    datetime | None,
    Query(description="end with an event `end` before what the log took at or after this time, at the latest now"),
]

_EVENT: Final = {
    "type": "object",
    "description": "one event; its data is JSON: a record, or a reason",
    "properties": {name: {"type": "string"} for name in ("id", "event", "data")},
}

_ANSWERS: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "description": "events; each id is the position after its record",
        "content": {"text/event-stream": {"schema": _EVENT}},
    },
    **says(400, 422, 503),
}


def stream_routes(log: Log, hub: Hub, names: Names) -> APIRouter:
    """Paths that end in ``/stream``.

    Parameters
    ----------
    log
        Where definitions of named streams lie.
    hub
        Who serves the readers.
    names
        Named filters and regions that filters may use.
    """
    router = APIRouter()

    async def answer(source: Source, wish: Wish, text: str, *, until_end: bool) -> Response:
        if hub.full:
            raise RefusedError(503, "too many readers of streams at this broker; try again later, or read Kafka")
        if wish.last is not None and wish.since is not None:
            raise RefusedError(400, "give since or last, not both")
        wanted: Filter | None = None
        if text.strip():
            if source.table is None:
                raise RefusedError(400, "a named stream has its own filter; change it with PUT, or take another stream")
            wanted = await asyncio.to_thread(parse_filter, text, source.table, names)
        start = await hub.begin(source, wish, wanted)
        identity = await asyncio.to_thread(log.identity, source.topic)
        events = EventStream(hub.events(source, start, wanted, until_end=until_end), hub.cut, hub.stalled_s)
        events.headers.update({LOG_HEADER: identity} | ({NOTE_HEADER: start.note} if start.note else {}))
        return events

    def add(word: str, source: Source) -> None:
        @router.get(f"/{word}/stream", response_class=Response, responses=_ANSWERS, name=f"stream_{word}")
        async def stream(
            *,
            after: After = "",
            text: FilterText = "",
            since: Since = None,
            from_start: FromStart = False,
            last: Last = None,
            until: Until = None,
            until_end: UntilEnd = False,
        ) -> Response:
            """What is published, as it is published; resumes after ``Last-Event-ID``."""
            wish = Wish(after, _utc(since), from_start, last, _utc(until))
            return await answer(source, wish, text, until_end=until_end or until is not None)

    for word, source in SOURCES.items():
        add(word, source)

    @router.get("/streams/{name}/stream", response_class=Response, responses=_ANSWERS | says(404))
    async def stream_named(
        name: str,
        *,
        after: After = "",
        text: FilterText = "",
        since: Since = None,
        from_start: FromStart = False,
        last: Last = None,
        until: Until = None,
        until_end: UntilEnd = False,
    ) -> Response:
        """Rows of a named stream, as they are published; resumes after ``Last-Event-ID``."""
        source = await asyncio.to_thread(named_source, log, name)
        wish = Wish(after, _utc(since), from_start, last, _utc(until))
        return await answer(source, wish, text, until_end=until_end or until is not None)

    return router


def named_source(log: Log, name: str) -> Source:
    """Where the rows of a named stream lie; 404 where there is no such stream."""
    topic = topics.stream_topic(name).name
    if name not in definitions(log):
        raise RefusedError(404, f"no stream is named {name[:80]!r}; GET /streams tells which there are")
    return Source(topic, None)


def _utc(moment: datetime | None) -> datetime | None:
    return None if moment is None else utc(moment)
