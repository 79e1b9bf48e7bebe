"""Any public record by its place on the log."""

from datetime import datetime
from typing import Annotated, Any, Final, Literal

import orjson
from fastapi import APIRouter, Query, Response
from pydantic import BaseModel

from nuncius.broker.services.archive import record_at
from nuncius.broker.services.web.answers import RefusedError, saved, says
from nuncius.broker.transport import topics
from nuncius.broker.transport.port import Log, TopicPartition
from nuncius.schemas import Quarantine, SettingsError
from nuncius.schemas.codec import decode, encode_json, kind_of

_PUBLIC: Final = frozenset(
    topic.name
    for topic in (
        topics.EVENTS,
        topics.CANDIDATES,
        topics.COINCIDENCES,
        topics.COUNTERPARTS,
        topics.TOO_REQUESTS,
        topics.TOO_STATUS,
        topics.OBSERVATIONS,
        topics.QUARANTINE,
    )
)
_STREAM: Final = topics.stream_topic("").name


class StoredRecord(BaseModel):
    """A record, where it lies and when the log took it."""

    topic: str
    partition: int
    offset: int
    taken_time: datetime
    type: str
    record: dict[str, Any]


def record_routes(log: Log) -> APIRouter:
    """``GET /records/{topic}/{partition}/{offset}``."""
    router = APIRouter()

    @router.get(
        "/records/{topic}/{partition}/{offset}", responses={200: {"model": StoredRecord}, **says(400, 404, 422, 503)}
    )
    def get_record(
        topic: str,
        partition: int,
        offset: int,
        as_: Annotated[Literal["json", "avro"], Query(alias="format")] = "json",
    ) -> Response:
        """The whole record behind a row of a named stream; only of the topics that are published."""
        if topic not in _PUBLIC and not topic.startswith(_STREAM):
            raise RefusedError(
                404, f"no public topic {topic[:80]!r}; there are {', '.join(sorted(_PUBLIC))}, {_STREAM}NAME"
            )
        most = 2**62  # larger numbers are no offsets of any log
        try:
            record = record_at(log, TopicPartition(topic, partition), offset) if 0 <= offset < most else None
        except SettingsError as error:  # its words name files of the broker
            raise RefusedError(
                404, f"{topic[:80]} has no partition {partition} on this log; GET /streams lists what is named"
            ) from error
        if record is None or record.value is None:
            raise RefusedError(404, f"nothing is kept at {topic}/{partition}/{offset}; it was dropped, or never was")
        if as_ == "avro":
            return saved(record.value, "application/vnd.apache.avro", f"{offset}.avro")
        try:
            kind = kind_of(record.value)
            value = encode_json(decode(kind, record.value))
        except Quarantine as error:
            raise RefusedError(
                404, f"{topic}/{partition}/{offset} cannot be read here: {error}; ask for format=avro"
            ) from error
        where = {"topic": topic, "partition": partition, "offset": offset, "taken_time": record.time}
        head = orjson.dumps({**where, "type": kind.__name__}, option=orjson.OPT_UTC_Z)
        return Response(head[:-1] + b',"record":' + value + b"}", media_type="application/json")

    return router
