"""Pages of records: what is read, the cursor of the next page, and what cannot be read."""

import time
from collections.abc import Sequence
from typing import Annotated, Any, Final, NamedTuple

import orjson
from fastapi import Query, Response

from nuncius.broker.services.archive import records_at
from nuncius.broker.services.web.answers import RefusedError
from nuncius.broker.services.web.opened import Skipped, opened
from nuncius.broker.transport.port import Log, TopicPartition
from nuncius.broker.transport.position import from_token
from nuncius.schemas.vocabulary import StreamTable

WORK_S: Final = 2.0
"""How long one request reads records by their place; the next page goes on there."""

MOST: Final = 1000
"""Records of a page: some megabytes of JSON."""

Limit = Annotated[int, Query(ge=1, le=MOST)]
Cursor = Annotated[str, Query(max_length=60, description="`next` of the page before")]


def page(name: str, items: Sequence[bytes], after: str | None, skipped: Sequence[Skipped]) -> Response:
    """The answer: records under ``name``, each as JSON, ``next`` and ``skipped``."""
    told = orjson.dumps([one.model_dump() for one in skipped])
    body = b'{"%b":[%b],"next":%b,"skipped":%b}' % (name.encode(), b",".join(items), orjson.dumps(after), told)
    return Response(body, media_type="application/json")


def place_in(cursor: str) -> int:
    """The offset that a cursor stands for."""
    given = from_token(cursor)
    if set(given) != {0}:
        raise RefusedError(400, f"cursor {cursor[:60]!r}: none of this list; take `next` of the page before")
    return given[0]


class Found(NamedTuple):
    """Values of records and what cannot be read, in order; ``looked`` is how many offsets were looked at."""

    values: list[Any]
    skipped: list[Skipped]
    looked: int


def values_at(log: Log, tp: TopicPartition, table: StreamTable, offsets: Sequence[int]) -> Found:
    """Records at these offsets, one at least, as many as can be read in `WORK_S`; those no longer kept are left out."""
    found = Found([], [], 0)
    until = time.monotonic() + WORK_S
    for looked, record in enumerate(records_at(log, tp, offsets), 1):
        if record is not None:
            read = opened(table, [record])
            found.values.extend(item.value for item in read.taken)
            found.skipped.extend(read.skipped)
        found = found._replace(looked=looked)
        if time.monotonic() > until:
            break
    return found
