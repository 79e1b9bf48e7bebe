"""The wire format, byte by byte, from the Avro 1.11 specification and not from the codec."""

from typing import Any

import orjson
import pytest
import strategies

from nuncius.schemas import Alert, MalformedAlert, Quarantined, ToOStatus, UnknownSchema
from nuncius.schemas.avsc import RECORDS, schema
from nuncius.schemas.codec import decode, decode_json, encode, encode_json

EMPTY = 0xC15D213AA4D7A795
"""Avro 1.11, "Schema Fingerprints": the fingerprint of the empty string and the polynomial."""


def crc64_avro(data: bytes) -> int:
    """Bit by bit, as the specification's sliced table defines it."""
    value = EMPTY
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = (value >> 1) ^ (EMPTY if value & 1 else 0)
    return value


def canonical(node: Any) -> str:
    """Parsing Canonical Form: full names, only the kept attributes in their order, no white space."""
    if isinstance(node, str):
        return orjson.dumps(node).decode()
    if isinstance(node, list):
        return "[" + ",".join(map(canonical, node)) + "]"
    if node["type"] == "record":
        fields = (f'{{"name":"{f["name"]}","type":{canonical(f["type"])}}}' for f in node["fields"])
        return f'{{"name":"{node["namespace"]}.{node["name"]}","type":"record","fields":[{",".join(fields)}]}}'
    if node["type"] == "array":
        return f'{{"type":"array","items":{canonical(node["items"])}}}'
    if node["type"] == "map":
        return f'{{"type":"map","values":{canonical(node["values"])}}}'
    return canonical(node["type"])


def test_the_fingerprint_function_meets_the_specification() -> None:
    assert crc64_avro(b"") == EMPTY
    assert crc64_avro(b'"int"') == 0x7275D51A3F395C8F
    assert crc64_avro(b'"null"') == 0x63DD24E7CC258F8A


@pytest.mark.parametrize("kind", RECORDS, ids=lambda kind: kind.__name__)
def test_every_record_starts_with_marker_and_fingerprint(kind: Any) -> None:
    fingerprint = crc64_avro(canonical(schema(kind)).encode())
    assert encode(strategies.example_of(kind))[:10] == b"\xc3\x01" + fingerprint.to_bytes(8, "little")


def test_fingerprints_differ() -> None:
    assert len({encode(strategies.example_of(kind))[:10] for kind in RECORDS}) == len(RECORDS)


def test_a_status_is_these_bytes() -> None:
    status = ToOStatus(
        request_id="ab", revision=3, state="sent", facility="x", adapter="y", detail="", idempotency_key="k"
    )
    body = b"\x04ab\x06\x08sent\x02x\x02y\x00\x02k\x00\x00\x00\x00"
    assert encode(status)[10:] == body


def test_quarantined_bytes_cross_json_as_base64() -> None:
    kept = Quarantined(sha256="00", nbytes=3, source="file", reason="malformed", detail="", head=b"\x00\xff\x80")
    assert orjson.loads(encode_json(kept))["head"] == "AP+A"
    assert decode_json(Quarantined, encode_json(kept)).head == b"\x00\xff\x80"


def test_another_kind_is_not_mistaken() -> None:
    with pytest.raises(UnknownSchema, match="Alert"):
        decode(Alert, encode(strategies.example_of(Quarantined)))


def test_a_field_that_json_does_not_know_is_ignored_and_a_missing_one_is_named() -> None:
    record = orjson.loads(encode_json(strategies.example_of(ToOStatus)))
    assert decode_json(ToOStatus, orjson.dumps({**record, "later": 1})) == strategies.example_of(ToOStatus)
    del record["adapter"]
    with pytest.raises(MalformedAlert, match="adapter"):
        decode_json(ToOStatus, orjson.dumps(record))


def test_words_outside_a_vocabulary_are_refused() -> None:
    record = orjson.loads(encode_json(strategies.example_of(ToOStatus)))
    with pytest.raises(MalformedAlert, match="forgotten"):
        decode_json(ToOStatus, orjson.dumps({**record, "state": "forgotten"}))
