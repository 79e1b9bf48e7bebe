"""Avro from strangers: containers and the wire format, and bytes that try to cost more than they are."""

import json
import struct
from pathlib import Path
from typing import Any

import avro_packets as packets
import orjson
import pytest

from nuncius.producers import avro, avro_schema
from nuncius.schemas.errors import LimitExceeded, MalformedAlert, UnknownSchema

POINT = packets.record("sky.point", {"ra": "double", "name": packets.optional("string")})


@pytest.mark.parametrize("codec", ["null", "deflate"])
def test_a_container_gives_its_records_in_order(codec: str) -> None:
    rows = [{"ra": 1.5, "name": "a"}, {"ra": 2.5, "name": None}]
    found = avro.container(packets.container(POINT, *rows, codec=codec))
    assert (found.name, list(found.records)) == ("sky.point", rows)


def test_five_bytes_that_claim_millions_of_nulls_are_refused_by_their_schema() -> None:
    schema = packets.record("bomb", {"items": {"type": "array", "items": "null"}})
    payload = packets.raw_container(orjson.dumps(schema), 1, packets.long(20_000_000) + packets.long(0))
    with pytest.raises(LimitExceeded, match="next to no bytes"):
        avro.container(payload)


EMPTY = {"type": "record", "name": "empty", "fields": []}


@pytest.mark.parametrize(
    "items",
    [
        EMPTY,
        {"type": "fixed", "name": "nothing", "size": 0},
        packets.record("nulls", {f"n{i}": "null" for i in range(3)}),
        packets.record("one_byte_many_nulls", {"b": "boolean", **{f"n{i}": "null" for i in range(100)}}),
        {"type": "record", "name": "outer", "fields": [{"name": "inner", "type": EMPTY}]},
    ],
)
def test_items_of_next_to_no_bytes_are_refused(items: Any) -> None:
    with pytest.raises(LimitExceeded):
        avro_schema.prepared(packets.record("bomb", {"items": {"type": "array", "items": items}}))


def test_a_schema_that_holds_itself_is_refused() -> None:
    node = packets.record("node", {"next": packets.optional("node")})
    with pytest.raises(LimitExceeded, match="holds itself"):
        avro_schema.prepared(node)


def test_records_that_double_and_double_again_are_refused() -> None:
    inner: Any = packets.record("r0", {"a": "null", "b": "null"})
    for depth in range(1, 25):
        inner = packets.record(f"r{depth}", {"a": inner, "b": f"r{depth - 1}"})
    with pytest.raises(LimitExceeded, match="out of no bytes"):
        avro_schema.prepared(inner)


def test_a_deflate_bomb_stops_at_its_ratio() -> None:
    schema = packets.record("blob", {"data": "bytes"})
    payload = packets.container(schema, {"data": bytes(6_000_000)}, codec="deflate")
    assert len(payload) < 20_000
    with pytest.raises(LimitExceeded, match="inflates"):
        avro.container(payload)


def test_blocks_beyond_the_limit_are_refused() -> None:
    schema = packets.record("blob", {"data": "bytes"})
    with pytest.raises(LimitExceeded, match="hold more"):
        avro.container(packets.container(schema, {"data": bytes(avro.MAX_AVRO_BYTES)}))


@pytest.mark.parametrize("codec", ["snappy", "zstandard", "no-such"])
def test_another_codec_is_named_in_the_error(codec: str) -> None:
    with pytest.raises(MalformedAlert, match=codec):
        avro.container(packets.raw_container(orjson.dumps(POINT), 1, b"", codec))


@pytest.mark.parametrize("count", [-1, 5, 2**40])
def test_a_wrong_record_count_is_refused(count: int) -> None:
    data = packets.body(POINT, {"ra": 1.0, "name": None})
    with pytest.raises(MalformedAlert):
        avro.container(packets.raw_container(orjson.dumps(POINT), count, data))


def test_a_length_of_a_terabyte_is_refused() -> None:
    schema = packets.record("blob", {"data": "bytes"})
    with pytest.raises(MalformedAlert, match="does not fit"):
        avro.container(packets.raw_container(orjson.dumps(schema), 1, packets.long(2**40)))


def test_every_cut_of_a_container_is_refused_or_whole() -> None:
    payload = packets.container(POINT, {"ra": 1.0, "name": "abc"})
    header = len(payload) - 16 - len(packets.body(POINT, {"ra": 1.0, "name": "abc"})) - 2
    for end in range(len(payload)):
        if end == header:
            assert avro.container(payload[:end]).records == ()
        else:
            with pytest.raises(MalformedAlert):
                avro.container(payload[:end])


def test_logical_types_are_read_as_plain_numbers() -> None:
    schema = packets.record("when", {"t": {"type": "long", "logicalType": "timestamp-micros"}})
    far = packets.raw_container(orjson.dumps(schema), 1, packets.long(2**62))
    assert avro.container(far).records == ({"t": 2**62},)


def test_the_wire_id_is_big_endian() -> None:
    payload = packets.wire(1100, POINT, {"ra": 3.0, "name": "x"})
    assert payload[:5] == b"\x00\x00\x00\x04\x4c"
    schemas = {1100: avro_schema.prepared(POINT)}
    assert avro.wire(payload, schemas) == {"ra": 3.0, "name": "x"}
    little = struct.pack("<bI", 0, 1100) + payload[5:]
    with pytest.raises(UnknownSchema, match=str(0x4C040000)):
        avro.wire(little, schemas)


def test_an_unknown_wire_id_names_the_known_ones() -> None:
    with pytest.raises(UnknownSchema, match=r"id 702 .* \[900, 1000\]"):
        avro.wire(packets.wire(702, POINT, {"ra": 3.0, "name": None}), {1000: POINT, 900: POINT})


def test_a_wire_body_that_goes_on_after_its_record_is_refused() -> None:
    payload = packets.wire(900, POINT, {"ra": 3.0, "name": None})
    with pytest.raises(MalformedAlert, match="goes on 1 bytes"):
        avro.wire(payload + b"\x00", {900: avro_schema.prepared(POINT)})


@pytest.mark.parametrize("payload", [b"", b"\x00", b"\x00\x00\x00\x03\x84", b"\x01\x00\x00\x03\x84\x00"])
def test_what_is_no_wire_packet_is_refused(payload: bytes) -> None:
    with pytest.raises(MalformedAlert):
        avro.wire(payload, {900: avro_schema.prepared(POINT)})


def test_named_schemas_are_joined_whatever_their_order() -> None:
    source = packets.record("lsst.v11_0.diaSource", {"ra": "double"})
    alert = {
        "type": "record",
        "namespace": "lsst.v11_0",
        "name": "alert",
        "fields": [
            {"name": "diaSource", "type": "lsst.v11_0.diaSource"},
            {"name": "prvDiaSources", "type": ["null", {"type": "array", "items": "lsst.v11_0.diaSource"}]},
        ],
    }
    unused = packets.record("lsst.v11_0.ssObject", {"h": "float"})
    value = {"diaSource": {"ra": 1.0}, "prvDiaSources": [{"ra": 2.0}]}
    for named in ([alert, source, unused], [unused, source, alert]):
        schema = avro_schema.writer_schema(named)
        payload = struct.pack("!bI", 0, 1100) + packets.body(schema, value)
        assert avro.wire(payload, {1100: schema}) == value


def test_joining_needs_exactly_one_root() -> None:
    with pytest.raises(UnknownSchema, match="named 'alert'"):
        avro_schema.writer_schema([POINT])


@pytest.mark.parametrize(
    "text", [b"{}", b"[]", b'"no.such"', b'{"type": "record"}', b"3", b'{"type": "fixed", "name": "f", "size": -5}']
)
def test_what_is_no_schema_is_malformed(text: bytes) -> None:
    with pytest.raises(MalformedAlert):
        avro_schema.compiled(text)


@pytest.mark.alerts
def test_rubins_own_schemas_join(alerts_dir: Path) -> None:
    for version in ("v3_0", "v7_4", "v9_0", "v10_0"):
        folder = alerts_dir / "schemas" / "lsst_alert_packet" / version
        named = [json.loads(file.read_text()) for file in sorted(folder.glob("*.avsc"))]
        assert avro_schema.writer_schema(named)["name"] == f"lsst.{version}.alert"
