"""Ingest: every reading leaves one record of its fate, in one transaction, and points at what it stored."""

from collections.abc import Sequence
from dataclasses import replace
from typing import cast

import numpy as np
import pytest
import sky_files
from matching_alerts import candidates, cone, grb, gw
from road import Failing, decoded, records

from nuncius.broker.services.fates import HEADER, SOURCE, STREAM, Fate
from nuncius.broker.services.ingest import Ingest
from nuncius.broker.services.maps import MapShelf
from nuncius.broker.services.outcome import outcome
from nuncius.broker.services.packets import Packet
from nuncius.broker.services.reading import Reading, read
from nuncius.broker.services.seen import Seen
from nuncius.broker.sky import SkyMap
from nuncius.broker.transport import topics
from nuncius.broker.transport.port import Log
from nuncius.producers import Context
from nuncius.schemas import Alert, CandidateBatch, CommitUnknown, Localization, NotAnAlert, Retry, SkyMapRef, ids
from nuncius.schemas.limits import MAX_MESSAGE_BYTES, MAX_PACKET_BYTES

Found = tuple[Alert | NotAnAlert, ...] | CandidateBatch
RAW = (topics.RAW_EVENTS, topics.RAW_CANDIDATES, topics.RAW_OTHER, topics.QUARANTINE)


def reading(payload: bytes, found: Found, source: str = "file", stream: str = "") -> Reading:
    return read(Packet(payload, source, stream), Context(), lambda *_: found)


def ingest(log: Log) -> Ingest:
    return Ingest(log, SkyMap.read, "live")


def on_log(log: Log) -> dict[str, int]:
    return {topic.name: n for topic in topics.TOPICS if (n := len(records(log, topic.name)))}


def with_map(data: bytes, *more: Localization) -> Alert:
    return gw(localizations=(*more, Localization(SkyMapRef("", len(data), data=data))))


def words(fates: Sequence[tuple[Fate, ...]]) -> list[str]:
    return [" ".join(map(str, each)) for each in fates]


@pytest.fixture(scope="module")
def sky_map() -> bytes:
    rising = np.arange(1.0, 12 * 16**2 + 1)
    return sky_files.flat(rising / rising.sum())


def test_every_reading_leaves_its_bytes_and_its_fate(log: Log) -> None:
    bad = read(Packet(b"bad", "d"), Context(), lambda *_: ())
    fates = ingest(log).accept(
        [
            reading(b"alert", (gw(), grb()), "a", "gcn.x"),
            reading(b"slew", (NotAnAlert("slew"),), "b"),
            reading(b"alert", (gw(), grb()), "c"),
            bad,
        ]
    )
    assert words(fates) == [
        "alert=initial:real alert=initial:real",
        "not_an_alert=slew",
        "duplicate",
        "quarantined=malformed",
    ]
    found = {
        (r.topic, dict(r.headers)[SOURCE]): (r.value, dict(r.headers)[HEADER].decode(), (r.key or b"").decode())
        for topic in RAW[:3]
        for r in records(log, topic.name)
    }
    assert found == {
        ("nuncius.raw.events", b"a"): (b"alert", "alert=initial:real,alert=initial:real", ids.digest(b"alert")),
        ("nuncius.raw.other", b"b"): (b"slew", "not_an_alert=slew", ids.digest(b"slew")),
        ("nuncius.raw.other", b"c"): (b"", "duplicate", ids.digest(b"alert")),
    }
    (kept,) = records(log, topics.RAW_EVENTS.name)
    assert dict(kept.headers)[STREAM] == b"gcn.x"
    assert [a.thread_id for a in decoded(log, topics.EVENTS.name)] == ["lvk:G298048", "fermi-gbm:524666471"]
    (fault,) = decoded(log, topics.QUARANTINE.name)
    assert (fault.source, fault.head, fault.reason) == ("d", b"bad", "malformed")


def test_the_summary_counts_every_packet_once(log: Log) -> None:
    desk = ingest(log)
    desk.accept([reading(b"1", (gw(), grb())), reading(b"1", (gw(), grb())), reading(b"2", (NotAnAlert("slew"),))])
    desk.accept([reading(b"2", (NotAnAlert("slew"),)), reading(b"3", ()), reading(b"3", ())])
    said = outcome(log).tally.as_json()
    assert {k: v for k, v in said.items() if isinstance(v, int)} == {
        "files": 6,
        "packets": 7,
        "alerts": 2,
        "non_alerts": 1,
        "duplicates": 3,
        "quarantined": 1,
    }


def test_bytes_known_to_the_log_are_duplicates_for_another_desk_too(log: Log) -> None:
    ingest(log).accept([reading(b"1", (gw(),))])
    other = Ingest(log, SkyMap.read, "live", "another-slot")
    assert words(other.accept([reading(b"1", (gw(),), "elsewhere"), reading(b"2", (grb(),))])) == [
        "duplicate",
        "alert=initial:real",
    ]
    assert len(decoded(log, topics.EVENTS.name)) == 2


@pytest.mark.parametrize("outcome_of_commit", ["retry", "lost"])
def test_what_was_not_committed_left_nothing_and_may_come_again(log: Log, outcome_of_commit: str) -> None:
    plan = iter((outcome_of_commit, ""))
    desk = ingest(cast("Log", Failing(log, lambda _slot: next(plan))))
    batch = [reading(b"1", (gw(),)), reading(b"2", candidates({"days": 1.0})), reading(b"3", ())]
    with pytest.raises(Retry):
        desk.accept(batch)
    assert on_log(log) == {}
    desk.reopen()
    desk.accept(batch)
    assert on_log(log) == {
        "nuncius.raw.events": 1,
        "nuncius.raw.candidates": 1,
        "nuncius.events": 1,
        "nuncius.candidates": 1,
        "nuncius.quarantine": 1,
    }


def test_what_was_committed_without_a_word_is_a_duplicate_when_it_comes_again(log: Log) -> None:
    plan = iter(("unknown", ""))
    desk = ingest(cast("Log", Failing(log, lambda _slot: next(plan))))
    with pytest.raises(CommitUnknown):
        desk.accept([reading(b"1", (gw(),))])
    desk.reopen()
    assert words(desk.accept([reading(b"1", (gw(),))])) == ["duplicate"]
    assert len(decoded(log, topics.EVENTS.name)) == 1


def test_a_fault_while_writing_leaves_nothing(log: Log) -> None:
    class Odd(Exception):  # noqa: N818  no error of ours
        pass

    def check(_data: bytes) -> None:
        raise Odd

    desk = Ingest(log, check, "live")
    with pytest.raises(Odd):
        desk.accept([reading(b"1", (grb(),)), reading(b"2", (with_map(b"map"),))])
    assert on_log(log) == {}


def test_a_map_is_stored_once_by_its_hash(log: Log, sky_map: bytes) -> None:
    desk = ingest(log)
    desk.accept([reading(b"1", (with_map(sky_map),)), reading(b"2", (with_map(sky_map),))])
    desk.accept([reading(b"3", (with_map(sky_map),))])
    key = ids.digest(sky_map)
    assert [(r.key, r.value) for r in records(log, topics.MAPS.name)] == [(key.encode(), sky_map)]
    for alert in decoded(log, topics.EVENTS.name):
        assert [item.shape for item in alert.localizations] == [SkyMapRef(key, len(sky_map))]
    shelf = MapShelf(log)
    assert list(shelf) == [key]
    assert float(shelf[key].area(0.9)) == pytest.approx(float(SkyMap.read(sky_map).area(0.9)))


def test_a_map_that_does_not_read_is_left_out_and_named(log: Log, sky_map: bytes) -> None:
    circle = cone(10.0, 20.0)[0]
    ingest(log).accept([reading(b"1", (with_map(sky_map[:4000], circle),)), reading(b"2", (with_map(b"no map"),))])
    first, second = decoded(log, topics.EVENTS.name)
    assert (first.localizations, second.localizations) == ((circle,), ())
    assert all(len(alert.properties["skymap_error"]) > 10 for alert in (first, second))
    assert records(log, topics.MAPS.name) == []


def test_a_map_that_is_only_named_stays_named(log: Log) -> None:
    named = Localization(SkyMapRef("", 0, "https://example.org/m.fits"))
    ingest(log).accept([reading(b"1", (gw(localizations=(named,)),))])
    (alert,) = decoded(log, topics.EVENTS.name)
    assert alert.localizations == (named,)
    assert "skymap_error" not in alert.properties


def test_survey_rows_point_at_their_packet(log: Log) -> None:
    desk = ingest(log)
    one = candidates({"thread_id": "ztf:a"}, {"thread_id": "ztf:b"})
    desk.accept(
        [reading(b"first", one), reading(b"event", (gw(),)), reading(b"second", candidates({"thread_id": "ztf:c"}))]
    )
    desk.accept([reading(b"third", candidates({"thread_id": "ztf:d"})), reading(b"first", one)])
    raw = {r.offset: r.value for r in records(log, topics.RAW_CANDIDATES.name)}
    rows = decoded(log, topics.CANDIDATES.name)
    assert {row.thread_id: raw[row.raw_offset] for row in rows} == {
        "ztf:a": b"first",
        "ztf:b": b"first",
        "ztf:c": b"second",
        "ztf:d": b"third",
    }
    assert {row.run_mode for row in rows} == {"live"}
    assert len(rows) == 4


def test_later_detections_of_an_object_count_as_subsequent(log: Log) -> None:
    batch = candidates({"thread_id": "a"}, {"thread_id": "b", "detections": 4}, {"reality": "test"})
    assert words(ingest(log).accept([reading(b"1", batch)])) == [
        "alert=initial:real alert=subsequent:real alert=initial:test"
    ]
    assert outcome(log).tally.as_json()["packets"] == 3


def test_a_new_desk_knows_what_the_log_holds(log: Log, sky_map: bytes) -> None:
    ingest(log).accept([reading(b"1", (with_map(sky_map),), "x"), reading(b"1", (gw(),), "x"), reading(b"2", (), "y")])
    seen = Seen(log)
    seen.catch_up()
    first, second = ids.digest(b"1"), ids.digest(b"2")
    assert seen.hashes == {first, second}
    assert seen.packets == {("x", first): 2, ("y", second): 1}
    assert seen.maps == {ids.digest(sky_map)}


def test_names_that_utf8_can_write_come_back(log: Log) -> None:
    odd = replace(reading(b"1", (gw(),)), packet=Packet(b"1", "Nächte/\\udcff☄.xml"))
    ingest(log).accept([odd])
    seen = Seen(log)
    seen.catch_up()
    assert list(seen.packets) == [("Nächte/\\udcff☄.xml", ids.digest(b"1"))]


@pytest.mark.parametrize("named", ["ab" * 32, "../streams", "\0"])
def test_a_map_that_is_named_and_not_here_is_left_out_and_named(log: Log, sky_map: bytes, named: str) -> None:
    """As a VOEvent of another broker names it; nothing on the log may ask for what the log does not have."""
    circle, url = cone(10.0, 20.0)[0], "https://example.org/map.fits"
    refs = Localization(SkyMapRef(named, 9)), circle, Localization(SkyMapRef(named, 9, url))
    here = Localization(SkyMapRef(ids.digest(sky_map), len(sky_map)))
    desk = ingest(log)
    desk.accept([reading(b"1", (gw(localizations=refs),)), reading(b"2", (gw("lvk:S2", localizations=(here,)),))])
    desk.accept([reading(b"3", (with_map(sky_map),)), reading(b"4", (gw("lvk:S4", localizations=(here,)),))])
    first, early, _, late = decoded(log, topics.EVENTS.name)
    assert first.localizations == (circle, Localization(SkyMapRef("", 0, url)))
    assert "did not come with the alert" in first.properties["skymap_error"]
    assert early.localizations == ()
    assert late.localizations == (here,)


def test_a_record_that_the_log_cannot_hold_is_quarantined_and_the_others_go_on(log: Log, sky_map: bytes) -> None:
    much = {"note": "x" * MAX_MESSAGE_BYTES}
    large = replace(with_map(sky_map), properties=much)
    huge = with_map(bytes(MAX_MESSAGE_BYTES))
    desk = Ingest(log, lambda _data: None, "live")
    fates = desk.accept(
        [reading(b"1", (large,)), reading(b"2", (gw(),)), reading(b"3", (huge,)), reading(b"4", (grb(),))]
    )
    refused = "quarantined=limit_exceeded"
    assert words(fates) == [refused, "alert=initial:real", refused, "alert=initial:real"]
    assert words(desk.accept([reading(b"5", (with_map(sky_map),))])) == ["alert=initial:real"]
    assert len(decoded(log, topics.EVENTS.name)) == 3
    assert [r.value for r in records(log, topics.MAPS.name)] == [sky_map]
    assert all(str(MAX_MESSAGE_BYTES) in fault.detail for fault in decoded(log, topics.QUARANTINE.name))


def test_a_packet_of_very_many_records_is_quarantined_where_their_fates_do_not_fit(log: Log) -> None:
    payload = bytes(MAX_MESSAGE_BYTES - 100_000)
    batch = candidates(*({} for _ in range(8000)))
    assert words(ingest(log).accept([reading(payload, batch)])) == ["quarantined=limit_exceeded"]
    assert on_log(log) == {"nuncius.quarantine": 1}


def test_two_packets_too_long_to_be_read_are_two(log: Log) -> None:
    packets = [Packet(bytes(MAX_PACKET_BYTES + 1), str(n), nbytes=10**8 + n) for n in range(2)]
    fates = ingest(log).accept([read(packet, Context(), lambda *_: ()) for packet in packets])
    assert words(fates) == ["quarantined=limit_exceeded"] * 2
