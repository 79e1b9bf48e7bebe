"""One alert in every format: JSON, Avro, VOEvent, and the bytes as they were received."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Annotated, Final, Literal

from fastapi import APIRouter, Header, Query, Response

from nuncius.broker.services.alerts import decode_alert
from nuncius.broker.services.archive import Archive
from nuncius.broker.services.web.answers import RefusedError, saved, says
from nuncius.broker.services.web.media import RECORD_MEDIA, asked_for
from nuncius.broker.transport import topics
from nuncius.broker.transport.port import Log, Record, TopicPartition
from nuncius.broker.transport.reading import read_to
from nuncius.consumers.voevent import to_voevent
from nuncius.schemas import Alert
from nuncius.schemas.codec import encode_json

_NEAR: Final = timedelta(seconds=10)
"""A packet and its alerts are written in one transaction, which takes no longer."""

_AT_ONCE: Final = 50
"""Packets read at once; one may have megabytes."""

Format = Literal["json", "avro", "voevent", "raw"]
_MEDIA: Final[dict[str, Format]] = {**RECORD_MEDIA, "application/octet-stream": "raw"}


def alert_format_routes(log: Log, archive: Archive) -> APIRouter:
    """``GET /alerts/{alert_id}``."""
    router = APIRouter()

    @router.get(
        "/alerts/{alert_id}",
        responses={
            200: {
                "model": Alert,
                "content": {
                    "application/vnd.apache.avro": {},
                    "application/voevent+xml": {},
                    "application/octet-stream": {},
                },
            },
            **says(404, 406, 422, 503),
        },
    )
    def get_alert(
        alert_id: str,
        as_: Annotated[Format | None, Query(alias="format", description="goes before the header Accept")] = None,
        accept: Annotated[str, Header()] = "*/*",
    ) -> Response:
        """One alert: JSON, Avro (single-object encoding), VOEvent 2.0, or the bytes as they were received."""
        record = archive.alert(alert_id)
        if record is None or record.value is None:
            raise RefusedError(404, f"no alert {alert_id[:80]!r} on this log; GET /alerts lists them")
        return _FORMATS[as_ or asked_for(accept, _MEDIA, "alert")](log, record, record.value)

    return router


def _as_json(_: Log, __: Record, value: bytes) -> Response:
    return Response(encode_json(decode_alert(value)), media_type="application/json")


def _as_avro(_: Log, __: Record, value: bytes) -> Response:
    return saved(value, "application/vnd.apache.avro", f"{decode_alert(value).alert_id}.avro")


def _as_voevent(_: Log, __: Record, value: bytes) -> Response:
    return Response(to_voevent(decode_alert(value)), media_type="application/voevent+xml")


def _as_raw(log: Log, record: Record, value: bytes) -> Response:
    alert = decode_alert(value)
    packet = _packet(log, alert.raw_sha256, record.time)
    if packet is None:
        raise RefusedError(
            404, f"the bytes of {alert.alert_id} are not on this log; format=json has what was read in them"
        )
    return saved(packet, alert.raw_media_type or "application/octet-stream", alert.raw_sha256)


_FORMATS: Final[dict[Format, Callable[[Log, Record, bytes], Response]]] = {
    "json": _as_json,
    "avro": _as_avro,
    "voevent": _as_voevent,
    "raw": _as_raw,
}


def _packet(log: Log, sha256: str, taken: datetime) -> bytes | None:
    """A packet as received; it lies near the alert in time."""
    tp = TopicPartition(topics.RAW_EVENTS.name, 0)
    first, stop = log.offset_at(tp, taken - _NEAR), log.end(tp)
    if first >= stop:
        return None
    reader = log.reader({tp: first})
    try:
        for records in read_to(reader, {tp: stop}, _AT_ONCE):
            for record in records:
                if record.key == sha256.encode() and record.value:
                    return record.value
                if record.time > taken + _NEAR:
                    return None
    finally:
        reader.close()
    return None
