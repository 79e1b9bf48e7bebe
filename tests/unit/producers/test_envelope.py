"""Format and name of a packet from its first bytes."""

import gzip
import io

import fastavro
import pytest
from voevents import packet

from nuncius.producers import parse, parse_all
from nuncius.producers.envelope import envelope
from nuncius.producers.facility import Context
from nuncius.producers.limits import MAX_PACKET_BYTES, check_size
from nuncius.schemas.errors import LimitExceeded, MalformedAlert, Quarantine


def container(name: str, namespace: str | None) -> bytes:
    schema = {"type": "record", "name": name, "fields": [{"name": "a", "type": "int"}]}
    if namespace:
        schema["namespace"] = namespace
    out = io.BytesIO()
    fastavro.writer(out, fastavro.parse_schema(schema), [{"a": 1}])
    return out.getvalue()


@pytest.mark.parametrize(
    ("payload", "known", "name"),
    [
        (packet(), "voevent", "ivo://example.org/made#up-1"),
        (packet(before="Dear reader,\n"), "voevent", "ivo://example.org/made#up-1"),
        (packet().replace(b' ivorn="ivo://example.org/made#up-1"', b""), "voevent", ""),
        (packet().replace(b'"ivo://example.org/made#up-1"', b"'ivo://a/b#c'"), "voevent", "ivo://a/b#c"),
        (b'  {"a": 1}', "json", ""),
        (b'\xef\xbb\xbf{"$schema" : "https://x/y.json"}', "json", "https://x/y.json"),
        (b"[1]", "json", ""),
        (container("alert", "survey"), "avro", "survey.alert"),
        (container("alert", None), "avro", "alert"),
        (b"Obj\x01", "avro", ""),
        (b"Obj\x01\x02\x16avro.schema\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", "avro", ""),
        (b"\x00\x00\x00\x03\x84body", "confluent", "900"),
        (b"\x00\x00", "unknown", ""),
        (b"\x80\x04\x95", "pickle", ""),
        (b"SIMPLE  =                    T", "fits", ""),
        (gzip.compress(b"SIMPLE  =                    T", mtime=0), "fits", ""),
        (gzip.compress(b"something else", mtime=0), "unknown", ""),
        (b"\x1f\x8bnot gzip", "unknown", ""),
        (b"", "unknown", ""),
        (b"<html><body/></html>", "unknown", ""),
    ],
)
def test_format_and_name(payload: bytes, known: str, name: str) -> None:
    seen = envelope(payload, Context(stream="topic"))
    assert (seen.format, seen.name, seen.stream) == (known, name, "topic")


@pytest.mark.parametrize(
    ("payload", "says"),
    [
        (b"", "empty"),
        (b"\x80\x04\x95\x10", "pickle"),
        (b"<html><body/></html>", "neither VOEvent, JSON, Avro nor FITS"),
    ],
)
def test_what_nobody_reads_is_refused_in_words(payload: bytes, says: str) -> None:
    with pytest.raises(MalformedAlert, match=says):
        parse_all(payload)


def test_nothing_but_zeros_is_quarantined() -> None:
    with pytest.raises(Quarantine):
        parse_all(bytes(1_000_000))


def test_the_size_limit_is_inclusive() -> None:
    check_size(bytes(MAX_PACKET_BYTES))
    with pytest.raises(LimitExceeded, match=str(MAX_PACKET_BYTES)):
        parse_all(bytes(MAX_PACKET_BYTES + 1))


def test_parse_takes_one_alert_and_names_what_is_none() -> None:
    assert parse(packet(), "topic").stream == "topic"
    assert parse(packet()).stream == "example.org/made"
    with pytest.raises(MalformedAlert, match="test_stream"):
        parse(packet("ivo://nasa.gsfc.gcn/AMON#TEST_Event2021-1"))
