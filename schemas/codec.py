"""Values <-> bytes: Avro single-object encoding on the log, JSON for people.

Avro 1.11, "Single-object encoding": two bytes C3 01, the 8-byte little-endian CRC-64-AVRO fingerprint of the
writer's schema, the body.
"""

from functools import cache
from importlib.resources import files
from io import BytesIO
from typing import Any, Final, TypeVar

import fastavro
import orjson

from nuncius.schemas.avsc import RECORDS, file_name
from nuncius.schemas.errors import MalformedAlert, UnknownSchema
from nuncius.schemas.wire import from_plain, to_avro, to_json

MARKER: Final = b"\xc3\x01"
_HEADER: Final = len(MARKER) + 8
_NO_SCHEMA: Final = (fastavro.schema.SchemaParseException, fastavro.schema.UnknownType)
_JSON_OPTIONS: Final = orjson.OPT_UTC_Z | orjson.OPT_SERIALIZE_NUMPY
T = TypeVar("T")


def encode(value: Any) -> bytes:
    """One of the `RECORDS` in Avro single-object encoding."""
    parsed, fingerprint = _schema(_hint(value))
    body = BytesIO()
    body.write(MARKER + fingerprint)
    fastavro.schemaless_writer(body, parsed, to_avro(value))
    return body.getvalue()


def decode(kind: type[T], data: bytes) -> T:
    """The value of that kind in single-object encoded bytes.

    Raises
    ------
    UnknownSchema
        If the marker or the fingerprint is not that of ``kind``.
    MalformedAlert
        If the body does not decode.
    """
    return from_plain(kind, plain_record(kind, data), "avro")


def plain_record(kind: type, data: bytes) -> dict[str, Any]:
    """The fields as Avro holds them, for who makes columns of many; raises as `decode` does."""
    hint: Any = kind
    parsed, fingerprint = _schema(hint)
    if data[:_HEADER] != MARKER + fingerprint:
        msg = f"not a {kind.__name__}: starts with {data[:_HEADER].hex()}, wanted {(MARKER + fingerprint).hex()}"
        raise UnknownSchema(msg)
    body = BytesIO(data[_HEADER:])
    try:
        # The name comes with a record only where a union has several: the shapes.
        record: Any = fastavro.schemaless_reader(
            body, parsed, None, return_record_name=True, return_record_name_override=True
        )
    except (EOFError, ValueError, IndexError, OverflowError) as error:
        msg = f"{kind.__name__}: body of {len(data)} bytes does not decode: {error!r}"
        raise MalformedAlert(msg) from error
    if body.tell() != len(data) - _HEADER:
        msg = f"{kind.__name__}: {len(data) - _HEADER - body.tell()} bytes too many"
        raise MalformedAlert(msg)
    fields: dict[str, Any] = record
    return fields


def kind_of(data: bytes) -> type:
    """Which of the `RECORDS` single-object encoded bytes hold.

    Raises
    ------
    UnknownSchema
        If the marker or the fingerprint is none of ours.
    """
    kind = _kinds().get(data[:_HEADER])
    if kind is None:
        msg = f"not a Nuncius record: starts with {data[:_HEADER].hex()}"
        raise UnknownSchema(msg)
    return kind


def schema_of(fingerprint: bytes) -> tuple[str, str] | None:
    """Full name and text, words included, of our schema with that fingerprint (8 bytes); None if there is none."""
    kind = _kinds().get(MARKER + fingerprint)
    return None if kind is None else (f"nuncius.{kind.__name__}", _text(kind).decode())


def fingerprint(kind: type) -> bytes:
    """The fingerprint of one of the `RECORDS` (8 bytes), which stands behind `MARKER` in its encoding."""
    return _schema(kind)[1]


def fingerprint_of(text: str) -> bytes:
    """The CRC-64-AVRO fingerprint, as single-object encoding has it (8 bytes, little-endian), of anybody's schema.

    Raises
    ------
    UnknownSchema
        If the text is no Avro schema.
    """
    try:
        return _fingerprint(orjson.loads(text))
    except (*_NO_SCHEMA, AttributeError, LookupError, RecursionError, TypeError, ValueError) as error:
        raise UnknownSchema(f"no Avro schema: {error!r:.200}") from error


def encode_json(value: Any) -> bytes:
    """The value as one JSON object; times in ISO 8601 with Z, NaN as null."""
    return orjson.dumps(to_json(value), option=_JSON_OPTIONS)


def decode_json(kind: type[T], data: bytes) -> T:
    """The value of that kind in a JSON object that `encode_json` wrote.

    Raises
    ------
    MalformedAlert
        If it is not JSON, or a field is missing or of the wrong type.
    """
    try:
        record = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        msg = f"not JSON: {error}"
        raise MalformedAlert(msg) from error
    return from_plain(kind, record, "json")


@cache
def _kinds() -> dict[bytes, type]:
    return {MARKER + _schema(_hinted(kind))[1]: kind for kind in RECORDS}


def _hinted(kind: Any) -> Any:
    return kind


def _hint(value: Any) -> Any:
    return type(value)


@cache
def _schema(kind: Any) -> tuple[Any, bytes]:
    if kind not in RECORDS:
        msg = f"{kind.__name__} does not travel on a topic of its own"
        raise TypeError(msg)
    schema = orjson.loads(_text(kind))
    return fastavro.parse_schema(schema), _fingerprint(schema)


def _text(kind: Any) -> bytes:
    return files("nuncius.schemas").joinpath(file_name(kind)).read_bytes()


def _fingerprint(schema: Any) -> bytes:
    canonical = fastavro.schema.to_parsing_canonical_form(schema)
    return bytes.fromhex(fastavro.schema.fingerprint(canonical, "CRC-64-AVRO"))  # hex of the bytes as sent
