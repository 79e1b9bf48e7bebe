"""Any bytes become a reading: alerts, rows, a named non-alert, or a fault that says what is wrong."""

import pickle
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
import voevents
from hypothesis import given
from hypothesis import strategies as st
from matching_alerts import T0, at, candidates, gw

from nuncius.broker.services.harvest import Order, ordered
from nuncius.broker.services.packets import Packet
from nuncius.broker.services.reading import TIMELESS, Reading, read
from nuncius.producers import Context, parse_all
from nuncius.schemas import NO_TIME, Alert, CandidateBatch, MalformedAlert, NotAnAlert, UnknownSchema, ids

NOWHERE = Context()


def reading_of(
    found: tuple[Alert | NotAnAlert, ...] | CandidateBatch, payload: bytes = b"p", source: str = "s"
) -> Reading:
    return read(Packet(payload, source), NOWHERE, lambda _payload, _context: found)


def test_a_fault_in_a_parser_costs_its_packet_and_says_so() -> None:
    def parse(_payload: bytes, _context: Context) -> tuple[Alert, ...]:
        raise ZeroDivisionError("no")

    fault = read(Packet(b"bytes", "file"), NOWHERE, parse).fault
    assert fault is not None
    assert (fault.reason, fault.source, fault.nbytes, fault.head) == ("parser_fault", "file", 5, b"bytes")
    assert fault.sha256 == ids.digest(b"bytes")
    assert "ZeroDivisionError: no" in fault.detail
    assert "report" in fault.detail


@pytest.mark.parametrize(
    ("error", "reason"),
    [(MalformedAlert("bad", "Who/Date"), "malformed"), (UnknownSchema("900", ""), "unknown_schema")],
)
def test_what_a_parser_refuses_keeps_its_reason_and_field(error: MalformedAlert, reason: str) -> None:
    def parse(_payload: bytes, _context: Context) -> tuple[Alert, ...]:
        raise error

    fault = read(Packet(b"bytes", "file", "a.stream"), NOWHERE, parse).fault
    assert fault is not None
    assert (fault.reason, fault.field, fault.detail, fault.stream) == (reason, error.field, str(error), "a.stream")


@pytest.mark.parametrize(
    ("payload", "says"),
    [
        (b"", "empty"),
        (pickle.dumps({"tier": 1}), "pickle"),
        (bytes(range(1, 256)), "neither"),
        (voevents.packet()[:200], ""),
        (b"\x00\x00\x00\x03\x84rest", ""),
        (b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', "DOCTYPE"),
    ],
    ids=["empty", "pickle", "noise", "cut", "confluent", "dtd"],
)
def test_bad_bytes_are_quarantined_with_what_is_wrong(payload: bytes, says: str) -> None:
    reading = read(Packet(payload, "file"), NOWHERE, parse_all)
    assert (reading.alerts, reading.non_alerts, reading.rows) == ((), (), None)
    assert reading.fault is not None
    assert reading.fault.reason in ("malformed", "unknown_schema", "limit_exceeded")
    assert says in reading.fault.detail
    assert len(reading.fault.detail) > 10


@given(st.binary(max_size=400))
def test_no_bytes_raise(payload: bytes) -> None:
    reading = read(Packet(payload, "file"), NOWHERE, parse_all)
    assert (reading.fault is not None) == (not reading.alerts and not reading.non_alerts)


@pytest.mark.parametrize("nothing", [(), CandidateBatch.empty()])
def test_a_packet_without_any_record_is_not_lost(nothing: tuple[Alert, ...] | CandidateBatch) -> None:
    fault = reading_of(nothing).fault
    assert fault is not None
    assert fault.reason == "malformed"


def test_alerts_and_non_alerts_of_a_packet_keep_their_order() -> None:
    first, second, third = gw("a"), gw("b"), NotAnAlert("slew")
    found = reading_of((first, third, second))
    assert (found.alerts, found.non_alerts) == ((first, second), (third,))


def test_the_issue_time_is_the_latest_that_is_stated() -> None:
    assert reading_of((gw(issued=10.0), gw(issued=70.0), gw(issued=30.0))).issued_time == at(70)
    assert reading_of((NotAnAlert("slew", "", at(5)),)).issued_time == at(5)
    assert reading_of(candidates({"days": 1.0}, {"days": 3.0}, {"days": 2.0})).issued_time == T0 + timedelta(days=3)


def test_the_event_time_is_the_earliest_that_is_stated() -> None:
    assert reading_of((gw(seconds=10.0), gw(seconds=-70.0), gw(seconds=None))).event_time == at(-70)
    assert reading_of((gw(seconds=None, issued=9.0),)).event_time == at(9)


def test_a_packet_without_any_time_comes_after_all_others() -> None:
    batch = candidates({"days": 1.0})
    undated = replace(batch, time_us=np.full(len(batch), NO_TIME))
    for found in ((NotAnAlert("slew"),), undated):
        assert reading_of(found).issued_time == reading_of(found).event_time == TIMELESS
    assert datetime(2100, 1, 1, tzinfo=UTC) < TIMELESS


@pytest.mark.parametrize(("order", "names"), [("given", "dcba"), ("issued", "bcad"), ("event", "acbd")])
def test_orders(order: Order, names: str) -> None:
    made = {
        "a": reading_of((gw(seconds=0.0, issued=300.0),), b"a", "a"),
        "b": reading_of((gw(seconds=20.0, issued=100.0),), b"b", "b"),
        "c": reading_of((gw(seconds=10.0, issued=200.0),), b"c", "c"),
        "d": reading_of((), b"d", "d"),
    }
    assert "".join(r.packet.source for r in ordered([made[n] for n in "dcba"], order)) == names


def test_ties_are_ordered_by_hash_then_source() -> None:
    tied = [reading_of((gw(issued=1.0),), payload, source) for payload in (b"1", b"2", b"3") for source in ("z", "y")]
    want = sorted((ids.digest(p), s) for p in (b"1", b"2", b"3") for s in ("y", "z"))
    for given_order in (tied, tied[::-1]):
        assert [(r.sha256, r.packet.source) for r in ordered(given_order, "issued")] == want
