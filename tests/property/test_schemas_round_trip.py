"""Whatever a value holds, Avro and JSON give it back, and broken bytes raise Quarantine and nothing else."""

import dataclasses
import json
from typing import Any

import orjson
import pytest
import strategies
from how_many import examples
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nuncius.schemas import Alert, CandidateRow, Coincidence, MalformedAlert, Quarantine, ToORequest, UnknownSchema
from nuncius.schemas.avsc import RECORDS
from nuncius.schemas.candidate import COLUMNS
from nuncius.schemas.candidate_row import columns, rows
from nuncius.schemas.codec import decode, decode_json, encode, encode_json

anything = st.sampled_from(RECORDS).flatmap(strategies.record)
slow = settings(
    max_examples=examples(60), deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)


def plain(value: Any) -> Any:
    """The value as nested dictionaries: equality by content, also where a class defines none."""
    return dataclasses.asdict(value)


@slow
@given(anything)
def test_avro_gives_back_the_value(value: Any) -> None:
    back = decode(type(value), encode(value))
    assert type(back) is type(value)
    assert plain(back) == plain(value)


@slow
@given(anything)
def test_json_gives_back_the_value(value: Any) -> None:
    assert plain(decode_json(type(value), encode_json(value))) == plain(value)


@slow
@given(anything)
def test_avro_and_json_agree(value: Any) -> None:
    assert encode(decode_json(type(value), encode_json(value))) == encode(value)


@slow
@given(st.sampled_from((Alert, CandidateRow, Coincidence, ToORequest)).flatmap(strategies.record), st.data())
def test_a_truncated_record_is_quarantined(value: Any, data: st.DataObject) -> None:
    whole = encode(value)
    kept = data.draw(st.integers(0, len(whole) - 1))
    try:
        decode(type(value), whole[:kept])
    except Quarantine:
        return
    message = f"{kept} of {len(whole)} bytes decoded"
    raise AssertionError(message)


@slow
@given(st.sampled_from((Alert, CandidateRow, Coincidence, ToORequest)).flatmap(strategies.record), st.data())
def test_flipped_bits_raise_nothing_but_quarantine(value: Any, data: st.DataObject) -> None:
    broken = bytearray(encode(value))
    for _ in range(data.draw(st.integers(1, 3))):
        broken[data.draw(st.integers(0, len(broken) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    try:
        decode(type(value), bytes(broken))
    except Quarantine:
        return


@slow
@given(st.binary(max_size=200))
def test_noise_after_a_right_header_raises_nothing_but_quarantine(noise: bytes) -> None:
    for kind in RECORDS:
        header = encode_header(kind)
        try:
            decode(kind, header + noise)
        except Quarantine:
            continue


@slow
@given(st.binary(max_size=200))
def test_noise_is_of_no_known_schema(noise: bytes) -> None:
    try:
        decode(Alert, noise)
    except UnknownSchema:
        return
    raise AssertionError


@slow
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda s: st.lists(s) | st.dictionaries(st.text(), s),
    )
)
def test_any_json_raises_nothing_but_quarantine(value: Any) -> None:
    for kind in RECORDS:
        try:
            decode_json(kind, json.dumps(value).encode())
        except Quarantine:
            continue
        raise AssertionError(kind)


@slow
@given(st.sampled_from((Alert, CandidateRow, Coincidence, ToORequest)).flatmap(strategies.record), st.data())
def test_a_json_field_of_another_type_is_quarantined(value: Any, data: st.DataObject) -> None:
    record = orjson.loads(encode_json(value))
    name = data.draw(st.sampled_from(sorted(record)))
    record[name] = [[{"no": "field is made of this"}]]
    try:
        decode_json(type(value), orjson.dumps(record))
    except Quarantine:
        return
    raise AssertionError(name)


@slow
@given(strategies.candidate_batches())
def test_columns_to_rows_and_back(batch: Any) -> None:
    back = columns(rows(batch, "live"))
    assert len(back) == len(batch)
    for name, kind in COLUMNS.items():
        ours, theirs = getattr(back, name), getattr(batch, name)
        assert ours.dtype == theirs.dtype == kind
        assert [repr(item) for item in ours.tolist()] == [repr(item) for item in theirs.tolist()]


@slow
@given(st.lists(strategies.candidate_rows(), max_size=4))
def test_rows_cross_the_log_with_their_unknowns(sent: list[CandidateRow]) -> None:
    received = [decode(CandidateRow, encode(row)) for row in sent]
    assert [repr(row) for row in received] == [repr(row) for row in sent]


@slow
@given(strategies.candidate_rows())
def test_json_gives_back_what_a_survey_does_not_know(row: CandidateRow) -> None:
    assert repr(decode_json(CandidateRow, encode_json(row))) == repr(row)


@slow
@given(anything, st.binary(min_size=1, max_size=9))
def test_bytes_after_the_record_are_not_swallowed(value: Any, more: bytes) -> None:
    with pytest.raises(MalformedAlert, match="too many"):
        decode(type(value), encode(value) + more)


def encode_header(kind: Any) -> bytes:
    """Marker and fingerprint of a kind, taken from any record of it."""
    return encode(strategies.example_of(kind))[:10]
