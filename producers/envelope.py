"""What can be seen of a packet before parsing it: its format and the name it gives itself."""

import re
import zlib
from functools import lru_cache
from typing import Final

import orjson

from nuncius.producers.facility import Context, Envelope, Format

_VOEVENT: Final = re.compile(rb"<(?:[A-Za-z_][\w.-]{0,40}:)?VOEvent[\s>/]")
_IVORN: Final = re.compile(rb"ivorn\s{0,8}=\s{0,8}(?:\"([^\"<]{0,1000})\"|'([^'<]{0,1000})')")
_SCHEMA: Final = re.compile(rb"\"\$schema\"\s{0,80}:\s{0,80}\"([^\"\\]{0,500})\"")
_HEAD: Final = 65_536
_GZIP: Final = b"\x1f\x8b"


def envelope(payload: bytes, context: Context) -> Envelope:
    """Format and name of a packet, from its first bytes; never raises.

    Prose before the XML declaration, a byte-order mark and leading white space are stepped over. A JSON's
    ``$schema`` is the first one found anywhere in it.
    """
    known, name = _sniff(payload)
    return Envelope(known, name, context.stream)


def _sniff(payload: bytes) -> tuple[Format, str]:
    first = payload[:1]
    if first == b"\x00":
        return ("confluent", str(int.from_bytes(payload[1:5], "big"))) if len(payload) > 5 else ("unknown", "")
    if first == b"\x80" and payload[1:2] in (b"\x02", b"\x03", b"\x04", b"\x05"):
        return "pickle", ""
    if payload[:4] == b"Obj\x01":
        return "avro", avro_record_name(payload)
    if payload[:9] == b"SIMPLE  =" or (payload[:2] == _GZIP and _inflated_head(payload) == b"SIMPLE  ="):
        return "fits", ""
    head = payload[:_HEAD].removeprefix(b"\xef\xbb\xbf").lstrip()
    if head[:1] in (b"{", b"["):
        dollar = payload.find(b"$")  # a packet that is mostly an embedded map has none, and one byte is found fast
        found = None if dollar < 0 else _SCHEMA.search(payload, max(0, dollar - 1))
        return "json", found[1].decode("utf-8", "replace") if found else ""
    tag = _VOEVENT.search(payload, 0, _HEAD)
    if tag is None:
        return "unknown", ""
    ivorn = _IVORN.match(payload, payload.find(b"ivorn", tag.start(), tag.start() + 4096))
    return "voevent", (ivorn[1] or ivorn[2] or b"").decode("utf-8", "replace") if ivorn else ""


def _inflated_head(payload: bytes) -> bytes:
    try:
        return zlib.decompressobj(zlib.MAX_WBITS | 16).decompress(payload[:4096], 9)
    except zlib.error:
        return b""


def avro_record_name(payload: bytes) -> str:
    """Full name of the record an Avro object container file holds; empty where the header cannot be read.

    The header is a map of strings to bytes in blocks of (count, [bytes,] pairs…), its integers zigzag varints
    (Avro specification, Object Container Files).
    """
    at = payload.find(b"avro.schema", 0, _HEAD)
    if at < 0:
        return ""
    length, start = _varint(payload, at + len(b"avro.schema"))
    return _full_name(payload[start : start + length]) if length > 0 else ""


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """Zigzag varint at ``at`` and the offset after it; -1 where it does not end within ten bytes."""
    value = 0
    for shift, byte in enumerate(data[at : at + 10]):
        value |= (byte & 0x7F) << (7 * shift)
        if byte < 0x80:
            return (value >> 1) ^ -(value & 1), at + shift + 1
    return -1, at


@lru_cache(maxsize=64)
def _full_name(schema_json: bytes) -> str:
    try:
        schema = orjson.loads(schema_json)
    except orjson.JSONDecodeError:
        return ""
    name = schema.get("name", "") if isinstance(schema, dict) else ""
    space = schema.get("namespace", "") if isinstance(schema, dict) else ""
    return f"{space}.{name}" if space and name and "." not in name else str(name)
