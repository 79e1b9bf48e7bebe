"""The JSON Schema of the records takes all that the codec writes as JSON, and nothing with a field less or amiss."""

from typing import Any

import jsonschema_rs
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import candidate_rows, record

from nuncius.schemas import Alert, CandidateRow, Cone, Ellipse, Region, SkyMapRef
from nuncius.schemas.avsc import RECORDS
from nuncius.schemas.codec import encode_json
from nuncius.schemas.json_schema import definitions

DEFINITIONS = definitions(RECORDS, "#/definitions")
VALIDATORS: dict[type, jsonschema_rs.Draft7Validator] = {
    kind: jsonschema_rs.Draft7Validator({"$ref": f"#/definitions/{kind.__name__}", "definitions": DEFINITIONS})
    for kind in RECORDS
}
ANY: st.SearchStrategy[Any] = st.sampled_from(RECORDS).flatmap(record)


def problems(kind: type, value: Any) -> list[str]:
    return [error.message for error in VALIDATORS[kind].iter_errors(value)]


@given(st.one_of(ANY, candidate_rows()))
def test_all_that_is_written_is_valid(value: Any) -> None:
    assert problems(type(value), orjson.loads(encode_json(value))) == []


@given(ANY, st.data())
def test_a_field_less_is_seen(value: Any, data: st.DataObject) -> None:
    plain = orjson.loads(encode_json(value))
    del plain[data.draw(st.sampled_from(sorted(plain)))]
    assert problems(type(value), plain)


@given(ANY, st.data())
def test_a_field_of_another_type_is_seen(value: Any, data: st.DataObject) -> None:
    plain = orjson.loads(encode_json(value))
    plain[data.draw(st.sampled_from(sorted(plain)))] = [[object.__name__]]
    assert problems(type(value), plain)


@pytest.mark.parametrize("kind", [Alert, CandidateRow])
def test_it_is_draft_7(kind: type) -> None:
    jsonschema_rs.meta.validate({"$schema": "http://json-schema.org/draft-07/schema#", **DEFINITIONS[kind.__name__]})


def test_shapes_are_told_apart_by_their_type() -> None:
    names = {kind: DEFINITIONS[kind.__name__]["properties"]["type"] for kind in (Cone, Ellipse, Region, SkyMapRef)}
    assert names == {
        Cone: {"const": "cone"},
        Ellipse: {"const": "ellipse"},
        Region: {"const": "region"},
        SkyMapRef: {"const": "sky_map"},
    }


def test_words_of_the_docstrings_come_along() -> None:
    described = DEFINITIONS["Alert"]["properties"]["far_hz"]["description"]
    assert described
    assert DEFINITIONS["Alert"]["description"]
