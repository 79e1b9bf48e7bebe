"""Avro bytes from strangers: object container files, and Confluent's wire format."""

import struct
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from io import BytesIO
from typing import Any, Final

from fastavro import schemaless_reader

from nuncius.producers.avro_schema import compiled
from nuncius.schemas.errors import LimitExceeded, MalformedAlert, UnknownSchema

MAX_AVRO_BYTES: Final = 8 * 1024 * 1024
"""Of all blocks of one container, inflated, and of one wire packet. The largest real ones, maps of LVK, have 4 MB."""

MAX_RATIO: Final = 100
"""Inflated bytes for each compressed one; FITS cut-outs and numbers reach about ten."""

_MAGIC: Final = b"Obj\x01"
_SYNC_BYTES: Final = 16
_RATIO_FROM: Final = 65_536
_WIRE_HEAD: Final = 5
_FAULTS: Final = (
    ValueError,
    EOFError,
    LookupError,
    TypeError,
    ArithmeticError,
    AssertionError,
    StopIteration,
    struct.error,
)


@dataclass(frozen=True, slots=True)
class Container:
    """An object container file, read whole.

    Parameters
    ----------
    name
        Full name of the writer's record.
    records
        In the file's order.
    """

    name: str
    records: tuple[dict[str, Any], ...]


def container(payload: bytes) -> Container:
    """Every record of an object container file (Avro specification, "Object Container Files").

    Raises
    ------
    LimitExceeded
        If schema or blocks are larger, deeper or more compressed than is read.
    MalformedAlert
        If header, codec, blocks or records cannot be read.
    """
    header, at = _header(payload)
    schema = compiled(header.get("avro.schema", b"null"))
    codec = header.get("avro.codec", b"null").decode("utf-8", "replace")
    if codec not in ("null", "deflate"):
        raise MalformedAlert(f"Avro codec {codec!r} is not read here; ask for null or deflate", "avro.codec")
    sync, at = payload[at : at + _SYNC_BYTES], at + _SYNC_BYTES
    if len(sync) != _SYNC_BYTES:
        raise MalformedAlert("the Avro header is cut short in its sync marker")
    records: list[dict[str, Any]] = []
    left = MAX_AVRO_BYTES
    while at < len(payload):
        count, at = _long(payload, at)
        size, at = _long(payload, at)
        block = payload[at : at + size] if size >= 0 else b""
        at += len(block) + _SYNC_BYTES
        if size < 0 or len(block) != size or payload[at - _SYNC_BYTES : at] != sync:
            raise MalformedAlert(f"Avro block {len(records)} records in: cut short, or its sync marker is wrong")
        data = block if codec == "null" else _inflate(block, left)
        left -= len(data)
        if left < 0:
            raise LimitExceeded(f"Avro blocks hold more than {MAX_AVRO_BYTES} bytes; not read")
        records += _records(data, count, schema)
    name = schema.get("name", "") if isinstance(schema, dict) else ""
    return Container(str(name), tuple(records))


def wire(payload: bytes, schemas: Mapping[int, Any]) -> dict[str, Any]:
    """The record of a packet in Confluent's wire format: a zero byte, a schema id (4 bytes, big endian), the Avro body.

    Raises
    ------
    UnknownSchema
        If the id is not among ``schemas``.
    MalformedAlert
        If the body does not fit the schema of that id to its last byte.
    """
    if len(payload) <= _WIRE_HEAD or payload[0] != 0:
        raise MalformedAlert("not Confluent's wire format: a zero byte and four of schema id must come first")
    if len(payload) > MAX_AVRO_BYTES:
        raise LimitExceeded(f"Avro packet of {len(payload)} bytes, over the limit of {MAX_AVRO_BYTES}; not read")
    number = int.from_bytes(payload[1:_WIRE_HEAD], "big")
    if number not in schemas:
        raise UnknownSchema(
            f"writer's schema id {number} is not known; known: {sorted(schemas)}. Give the folder of its .avsc files"
        )
    return _records(payload[_WIRE_HEAD:], 1, schemas[number])[0]


def _records(data: bytes, count: int, schema: Any) -> list[dict[str, Any]]:
    if not 0 <= count <= len(data):
        raise MalformedAlert(f"an Avro block of {len(data)} bytes claims {count} records")
    stream = BytesIO(data)
    try:
        found: list[Any] = [schemaless_reader(stream, schema, None) for _ in range(count)]
    except _FAULTS as error:
        raise MalformedAlert(f"Avro body does not fit its schema near byte {stream.tell()}: {error!r}") from error
    if stream.tell() != len(data):
        raise MalformedAlert(f"Avro body goes on {len(data) - stream.tell()} bytes after its record: a wrong schema?")
    records = [record for record in found if isinstance(record, dict)]
    if len(records) != len(found):
        raise MalformedAlert("the Avro schema describes no record")
    return records


def _inflate(block: bytes, left: int) -> bytes:
    cap = min(left, max(_RATIO_FROM, MAX_RATIO * len(block)))
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        data = inflater.decompress(block, cap + 1)
    except zlib.error as error:
        raise MalformedAlert(f"an Avro block does not inflate: {error}") from error
    if len(data) > cap:
        raise LimitExceeded(f"an Avro block of {len(block)} bytes inflates to more than {cap}; not read")
    return data


def _header(payload: bytes) -> tuple[dict[str, bytes], int]:
    if payload[:4] != _MAGIC:
        raise MalformedAlert("not an Avro object container file")
    found: dict[str, bytes] = {}
    at = len(_MAGIC)
    while True:
        count, at = _long(payload, at)
        if count == 0:
            return found, at
        if count < 0:
            count, (_, at) = -count, _long(payload, at)
        for _ in range(count):
            key, at = _bytes(payload, at)
            found[key.decode("utf-8", "replace")], at = _bytes(payload, at)


def _bytes(payload: bytes, at: int) -> tuple[bytes, int]:
    size, at = _long(payload, at)
    value = payload[at : at + size] if size >= 0 else b""
    if len(value) != size:
        raise MalformedAlert(f"the Avro header is cut short at byte {at}")
    return value, at + size


def _long(payload: bytes, at: int) -> tuple[int, int]:
    """Zigzag varint at ``at`` and the offset after it."""
    value = 0
    for shift, byte in enumerate(payload[at : at + 10]):
        value |= (byte & 0x7F) << (7 * shift)
        if byte < 0x80:
            return (value >> 1) ^ -(value & 1), at + shift + 1
    raise MalformedAlert(f"an Avro number at byte {at} does not end")
