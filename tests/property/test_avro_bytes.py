"""Any bytes: an Avro reader gives records or a quarantine, nothing else."""

import avro_packets as packets
import orjson
from how_many import examples
from hypothesis import given, settings
from hypothesis import strategies as st

from nuncius.producers import avro, avro_schema, rubin, ztf
from nuncius.producers.facility import Context
from nuncius.schemas import Quarantine

HERE = Context(writer_schemas={1100: avro_schema.prepared(packets.rubin())})
ZTF = packets.container(packets.ZTF, packets.ztf_record([packets.ztf_record()["candidate"]] * 2))
WIRE = packets.wire(1100, packets.rubin(), packets.rubin_record())
NAMES = st.sampled_from(["a", "b", "n.c"])
PRIMITIVES = st.sampled_from(["null", "boolean", "int", "long", "float", "double", "bytes", "string"])


def types(inner: st.SearchStrategy[object]) -> st.SearchStrategy[object]:
    fields = st.lists(inner, max_size=4).map(lambda kinds: [{"name": f"f{i}", "type": k} for i, k in enumerate(kinds)])
    return st.one_of(
        st.builds(lambda items: {"type": "array", "items": items}, inner),
        st.builds(lambda values: {"type": "map", "values": values}, inner),
        st.lists(inner, min_size=1, max_size=3),
        st.builds(lambda name, f: {"type": "record", "name": name, "fields": f}, NAMES, fields),
        st.builds(lambda name, size: {"type": "fixed", "name": name, "size": size}, NAMES, st.integers(-2, 9)),
        st.builds(lambda name: {"type": "enum", "name": name, "symbols": ["x", "y"]}, NAMES),
    )


SCHEMAS = st.recursive(PRIMITIVES | NAMES, types, max_leaves=12)


@given(edits=st.lists(st.tuples(st.integers(0, len(ZTF) - 1), st.integers(0, 255)), min_size=1, max_size=8))
def test_a_damaged_container_gives_alerts_or_a_quarantine(edits: list[tuple[int, int]]) -> None:
    damaged = bytearray(ZTF)
    for at, byte in edits:
        damaged[at] = byte
    try:
        found = ztf.FACILITY.parse(bytes(damaged), HERE)
    except Quarantine:
        return
    assert len(found) == 1


@given(edits=st.lists(st.tuples(st.integers(5, len(WIRE) - 1), st.integers(0, 255)), min_size=1, max_size=8))
def test_a_damaged_wire_packet_gives_an_alert_or_a_quarantine_and_its_row_agrees(edits: list[tuple[int, int]]) -> None:
    damaged = bytearray(WIRE)
    for at, byte in edits:
        damaged[at] = byte
    assert rubin.FACILITY.decode_batch is not None
    try:
        found = rubin.FACILITY.parse(bytes(damaged), HERE)
    except Quarantine:
        found = ()
    try:
        rows = len(rubin.FACILITY.decode_batch([bytes(damaged)], HERE))
    except Quarantine:
        rows = 0
    assert len(found) == rows


@given(body=st.binary(max_size=300))
def test_any_body_on_the_wire_gives_an_alert_or_a_quarantine(body: bytes) -> None:
    try:
        rubin.FACILITY.parse(b"\x00\x00\x00\x04\x4c" + body, HERE)
    except Quarantine:
        return


@settings(max_examples=examples(300))
@given(schema=SCHEMAS, body=st.binary(max_size=60), count=st.integers(0, 3))
def test_any_schema_over_any_bytes_stays_within_a_few_objects_a_byte(schema: object, body: bytes, count: int) -> None:
    try:
        found = avro.container(packets.raw_container(orjson.dumps(schema), count, body))
    except Quarantine:
        return
    objects, left = 0, list[object](found.records)
    while left:
        item = left.pop()
        objects += 1
        left.extend(item.values() if isinstance(item, dict) else item if isinstance(item, list) else ())
    assert objects <= avro_schema.OBJECTS_PER_BYTE * len(body) + avro_schema.MAX_FREE_OBJECTS


@given(data=st.binary(max_size=200))
def test_any_bytes_after_the_magic_give_a_container_or_a_quarantine(data: bytes) -> None:
    try:
        avro.container(b"Obj\x01" + data)
    except Quarantine:
        return
