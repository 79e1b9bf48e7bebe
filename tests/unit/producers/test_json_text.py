"""JSON from strangers: what is read, and what is refused before it is parsed."""

import pytest

from nuncius.producers import json_text
from nuncius.producers.limits import MAX_JSON_DEPTH, MAX_PACKET_BYTES
from nuncius.schemas.errors import LimitExceeded, MalformedAlert


def test_an_object_is_read() -> None:
    assert json_text.load_object(b'{"a": [1, 2.5, null, true], "b": {"c": "d"}}') == {
        "a": [1, 2.5, None, True],
        "b": {"c": "d"},
    }


def test_a_byte_order_mark_is_stepped_over() -> None:
    assert json_text.load(b"\xef\xbb\xbf[1]") == [1]


def test_nesting_up_to_the_limit_is_read_and_one_more_is_refused() -> None:
    assert json_text.load(b"[" * MAX_JSON_DEPTH + b"]" * MAX_JSON_DEPTH)
    with pytest.raises(LimitExceeded, match="nested deeper"):
        json_text.load(b"[" * (MAX_JSON_DEPTH + 1) + b"]" * (MAX_JSON_DEPTH + 1))


def test_a_hundred_thousand_brackets_are_refused_without_recursion() -> None:
    with pytest.raises(LimitExceeded):
        json_text.load(b'{"a":' * 100_000 + b"1" + b"}" * 100_000)


def test_brackets_colons_and_quotes_within_strings_do_not_count() -> None:
    text = rb'{"a": "[[[[{{{{::::", "b": "\"[:", "c": "\\", "d\\\"": "}"}'
    assert json_text.load(text) == {"a": "[[[[{{{{::::", "b": '"[:', "c": "\\", 'd\\"': "}"}
    assert json_text.load(b'["' + b"[" * 1000 + b'"]') == ["[" * 1000]


@pytest.mark.parametrize(
    "text",
    [
        b'{"alert_tense": "test", "alert_tense": "current"}',
        b'{"a": {"b": 1, "b": 1}}',
        b'{"a": 1, "\\u0061": 2}',
    ],
)
def test_a_key_said_twice_is_refused(text: bytes) -> None:
    with pytest.raises(MalformedAlert, match="names a key twice"):
        json_text.load(text)


@pytest.mark.parametrize("text", [b"", b"{", b"NaN", b'{"a": NaN}', b"[Infinity]", b"[1e999]", b'"\xff"', b"{'a': 1}"])
def test_what_is_no_json_is_malformed(text: bytes) -> None:
    with pytest.raises(MalformedAlert, match="not JSON"):
        json_text.load(text)


def test_more_bytes_than_the_limit_are_refused() -> None:
    with pytest.raises(LimitExceeded):
        json_text.load(b" " * (MAX_PACKET_BYTES + 1))


def test_more_values_than_the_limit_are_refused() -> None:
    with pytest.raises(LimitExceeded, match="values"):
        json_text.load(b"[" + b"1," * json_text.MAX_JSON_VALUES + b"1]")


def test_a_list_is_no_object() -> None:
    with pytest.raises(MalformedAlert, match="found list"):
        json_text.load_object(b"[]")


def test_nothing_is_counted_after_a_bracket_that_closes_nothing() -> None:
    with pytest.raises(MalformedAlert, match="not JSON"):
        json_text.load(b"]" + b"[" * (2 * MAX_JSON_DEPTH))
