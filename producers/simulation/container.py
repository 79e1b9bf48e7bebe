"""Avro object container files with one record each, the header made once."""

import io
import json
from hashlib import md5
from typing import Any

import fastavro


class Containers:
    """Writes records of one schema, each as a container of its own; the same bytes for the same record.

    Parameters
    ----------
    schema
        Avro schema as JSON value. It travels in every packet, so that a reader needs nothing else.
    """

    def __init__(self, schema: dict[str, Any]) -> None:
        self._parsed = fastavro.parse_schema(json.loads(json.dumps(schema)))
        self._sync = md5(json.dumps(schema).encode(), usedforsecurity=False).digest()
        header = io.BytesIO()
        fastavro.writer(header, self._parsed, [], sync_marker=self._sync)
        self._header = header.getvalue()

    def write(self, record: dict[str, Any]) -> bytes:
        """Header, then one block: count 1, length, body, sync marker (Avro 1.11, Object Container Files)."""
        body = io.BytesIO()
        fastavro.schemaless_writer(body, self._parsed, record)
        data = body.getvalue()
        return self._header + _long(1) + _long(len(data)) + data + self._sync


def _long(value: int) -> bytes:
    """Zigzag varint of a number that is not negative."""
    value <<= 1
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def nullable(kind: str) -> list[str]:
    """A field that may be missing."""
    return ["null", kind]


def record(name: str, fields: dict[str, Any]) -> dict[str, Any]:
    """A record schema; fields that may be null default to null."""
    described = [
        {"name": n, "type": t, "default": None} if isinstance(t, list) and t[0] == "null" else {"name": n, "type": t}
        for n, t in fields.items()
    ]
    return {"type": "record", "name": name, "fields": described}
