"""The inbox: what facilities publish to a topic, each packet once, whatever the commits do."""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import cast

import pytest
from road import Failing, decoded, records, run_through

from nuncius.broker.services.facility_reader import read_packet
from nuncius.broker.services.fates import HEADER, SOURCE, STREAM
from nuncius.broker.services.inbox import GROUP, TEST, Inbox
from nuncius.broker.services.ingest import Ingest
from nuncius.broker.services.packets import Packet
from nuncius.broker.services.reading import Reading, read
from nuncius.broker.sky import SkyMap
from nuncius.broker.transport import topics
from nuncius.broker.transport.port import Headers, Log, TopicPartition
from nuncius.producers import Context
from nuncius.producers.simulation import fermi
from nuncius.producers.simulation.gw170817 import at2017gfo
from nuncius.producers.simulation.voevents import Position
from nuncius.schemas import ids

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
INBOX = topics.INBOX.name
PARTITIONS = [TopicPartition(INBOX, number) for number in range(topics.INBOX.partitions)]


def burst(number: int, tense: str = "current") -> bytes:
    return fermi.gbm_json(fermi.Trigger(number, NOON), NOON + timedelta(seconds=20), Position(197.4, -23.4, 5.0), tense)


def reader(body: bytes, stream: str, source: str, received: datetime) -> Reading:
    context = Context(stream=stream, source=source, received_time=received)
    return read(Packet(body, source, stream, received), context, read_packet)


def inbox(log: Log, slot: str = "inbox") -> Inbox:
    return Inbox(log, Ingest(log, SkyMap.read, "live", slot), reader)


def publish(
    log: Log, values: Sequence[bytes | None], headers: Headers = (), partition: int | None = None, key: bytes = b""
) -> None:
    """As a facility does: a writer of its own, and nothing of ours in the headers unless given."""
    writer = log.writer("facility")
    with writer.transaction() as tx:
        for value in values:
            tx.send(INBOX, value, headers=headers, partition=partition, key=key or None)
    writer.close()


def take(log: Log) -> None:
    """One process that takes all there is, then ends."""
    assert run_through([inbox(log)]) == []


def fates(log: Log) -> Counter[str]:
    """Of every packet, as its record says."""
    kept = (topics.RAW_EVENTS, topics.RAW_CANDIDATES, topics.RAW_OTHER, topics.QUARANTINE)
    return Counter(dict(r.headers)[HEADER].decode() for topic in kept for r in records(log, topic.name))


def committed(log: Log) -> int:
    """How many records the group has behind it, by the records that lie before its offsets."""
    at = {tp.partition: found.offset for tp in PARTITIONS if (found := log.committed(GROUP, tp)) is not None}
    return sum(record.offset < at.get(record.partition, 0) for record in records(log, INBOX))


def test_packets_become_alerts_with_their_bytes_their_place_and_the_logs_time(log: Log) -> None:
    publish(log, [burst(1), burst(2)])
    take(log)
    assert fates(log) == {"alert=initial:real": 2}
    published = {r.value: r for r in records(log, INBOX)}
    for raw, alert in zip(records(log, topics.RAW_EVENTS.name), decoded(log, topics.EVENTS.name), strict=True):
        assert raw.value is not None
        came = published[raw.value]
        assert raw.key == ids.digest(raw.value).encode()
        assert dict(raw.headers)[SOURCE].decode() == f"{INBOX}/{came.partition}/{came.offset}"
        assert STREAM not in dict(raw.headers)
        assert (alert.source, alert.run_mode) == (f"{INBOX}/{came.partition}/{came.offset}", "live")
        assert (alert.raw_sha256, alert.received_time) == (ids.digest(raw.value), came.time)
    assert {a.thread_id for a in decoded(log, topics.EVENTS.name)} == {"fermi-gbm:1", "fermi-gbm:2"}
    assert committed(log) == 2


def test_what_cannot_be_read_is_quarantined_and_holds_nobody_up(log: Log) -> None:
    publish(log, [burst(1), b"\xff no packet", burst(2)], partition=3)
    take(log)
    assert fates(log) == {"alert=initial:real": 2, "quarantined=malformed": 1}
    (fault,) = decoded(log, topics.QUARANTINE.name)
    assert (fault.head, fault.source.rpartition("/")[0]) == (b"\xff no packet", f"{INBOX}/3")
    assert committed(log) == 3


def test_the_same_bytes_again_are_a_duplicate(log: Log) -> None:
    publish(log, [burst(1), burst(1)], partition=0)
    publish(log, [burst(1)], partition=5)
    take(log)
    publish(log, [burst(1)])
    take(log)
    assert fates(log) == {"alert=initial:real": 1, "duplicate": 3}
    assert len(decoded(log, topics.EVENTS.name)) == 1


def test_a_survey_packet_becomes_rows(log: Log) -> None:
    packet = at2017gfo()[0]
    publish(log, [packet.payload], ((STREAM, packet.stream.encode()),))
    take(log)
    (raw,) = records(log, topics.RAW_CANDIDATES.name)
    (row,) = decoded(log, topics.CANDIDATES.name)
    assert raw.value == packet.payload
    assert row.raw_offset == raw.offset
    assert row.thread_id.startswith("ztf:")


@pytest.mark.parametrize(
    ("header", "stream"),
    [(b"gcn.notices.fermi", "gcn.notices.fermi"), (b"\xff\xfe", "\\xff\\xfe"), ("Zürich".encode(), "Zürich")],
)
def test_the_header_names_the_stream(log: Log, header: bytes, stream: str) -> None:
    publish(log, [burst(1)], (("of the facility", b"\x00\xff"), (STREAM, header)))
    take(log)
    (alert,) = decoded(log, topics.EVENTS.name)
    (raw,) = records(log, topics.RAW_EVENTS.name)
    assert alert.stream == stream
    assert dict(raw.headers)[STREAM].decode() == stream
    assert set(dict(raw.headers)) == {HEADER, SOURCE, STREAM}


def test_headers_of_ours_on_a_packet_decide_no_fate(log: Log) -> None:
    publish(log, [burst(1)], ((HEADER, b"duplicate"), (SOURCE, b"me")))
    take(log)
    assert fates(log) == {"alert=initial:real": 1}
    (raw,) = records(log, topics.RAW_EVENTS.name)
    assert dict(raw.headers)[SOURCE].startswith(INBOX.encode())


def test_what_hop_client_sent_as_a_test_is_none_that_is_real(log: Log) -> None:
    survey = at2017gfo()[0].payload
    publish(log, [burst(1), burst(2, "injection"), survey, b"bad"], ((TEST, b"true"),))
    publish(log, [burst(3)])
    take(log)
    assert {a.thread_id: a.reality for a in decoded(log, topics.EVENTS.name)} == {
        "fermi-gbm:1": "test",
        "fermi-gbm:2": "injection",
        "fermi-gbm:3": "real",
    }
    assert [row.reality for row in decoded(log, topics.CANDIDATES.name)] == ["test"]
    assert fates(log)["quarantined=malformed"] == 1


def test_a_record_without_a_value_is_quarantined(log: Log) -> None:
    publish(log, [None, burst(1)], partition=2, key=b"k")
    take(log)
    assert fates(log) == {"alert=initial:real": 1, "quarantined=malformed": 1}
    (fault,) = decoded(log, topics.QUARANTINE.name)
    assert (fault.nbytes, fault.head) == (0, b"")


def test_many_are_taken_in_groups(log: Log) -> None:
    publish(log, [burst(n) for n in range(1, 1202)])
    member = inbox(log)
    steps = []
    for _ in range(50):
        if member.caught_up():
            break
        steps.append(member.work(0.0))
    member.close()
    assert steps[0] == topics.INBOX.partitions
    assert sum(steps[1:]) == 1201
    assert 3 <= len(steps) - 1 <= 12
    assert max(steps[1:]) == 500
    assert fates(log) == {"alert=initial:real": 1201}
    assert committed(log) == 1201


def test_offsets_are_committed_with_the_packets_and_not_before(log: Log) -> None:
    publish(log, [burst(1), burst(2)])
    member = inbox(log)
    member.work(0.0)
    assert (committed(log), fates(log)) == (0, {})
    while not member.caught_up():
        before, done = committed(log), member.work(0.0)
        assert committed(log) == before + done == fates(log).total()
    member.close()
    again = inbox(log)
    assert again.work(0.0) == topics.INBOX.partitions
    assert again.work(0.0) == 0
    assert again.caught_up()
    again.close()
    assert fates(log) == {"alert=initial:real": 2}


def failing(log: Log, *plan: str) -> Failing:
    """Commits go as planned, and all of them well after that."""
    steps = iter(plan)
    return Failing(log, lambda slot: next(steps, "") if slot == "inbox" else "")


@pytest.mark.parametrize("plan", [("retry",), ("lost",), ("unknown",), ("lost", "retry", "unknown"), ("", "unknown")])
def test_after_a_commit_that_failed_each_packet_is_there_once(log: Log, plan: tuple[str, ...]) -> None:
    broken = failing(log, *plan)
    publish(log, [burst(1), b"bad", burst(2), burst(2)], partition=1)
    publish(log, [burst(n) for n in range(3, 600)])
    worker = inbox(cast("Log", broken))
    said = run_through([worker])
    publish(log, [burst(600)])
    take(log)
    failures = [step for step in plan if step]
    assert len(said) == len(broken.failed) == len(failures)
    assert all(line.startswith("nuncius-inbox: ") for line in said)
    assert fates(log) == {"alert=initial:real": 600, "quarantined=malformed": 1, "duplicate": 1}
    sources = Counter(
        dict(r.headers)[SOURCE]
        for topic in (topics.RAW_EVENTS, topics.RAW_OTHER, topics.QUARANTINE)
        for r in records(log, topic.name)
    )
    assert set(sources.values()) == {1}
    assert len(sources) == 602
    assert committed(log) == 602


@pytest.mark.parametrize("what", ["retry", "lost", "unknown"])
def test_a_process_that_died_at_a_commit_is_followed_by_one_that_goes_on(log: Log, what: str) -> None:
    publish(log, [burst(n) for n in range(1, 9)], partition=0)
    dying = inbox(cast("Log", failing(log, what)))
    dying.work(0.0)
    with pytest.raises(Exception, match="by the test"):
        dying.work(0.0)
    dying.close()
    take(log)
    assert fates(log) == {"alert=initial:real": 8}
    assert committed(log) == 8


def test_one_of_two_stands_by_and_takes_over(log: Log) -> None:
    first, second = inbox(log, "one"), inbox(log, "two")
    publish(log, [burst(1)])
    assert first.work(0.0) == topics.INBOX.partitions
    assert second.work(0.0) == 0
    assert not second.caught_up()
    drain(first)
    assert (second.work(0.0), fates(log).total()) == (0, 1)
    publish(log, [burst(2)])
    first.close()
    assert second.work(0.0) == topics.INBOX.partitions
    drain(second)
    second.close()
    assert fates(log) == {"alert=initial:real": 2}
    assert committed(log) == 2


def drain(member: Inbox) -> None:
    while not member.caught_up():
        member.work(0.0)


def test_closing_twice_is_allowed(log: Log) -> None:
    member = inbox(log)
    member.work(0.0)
    for _ in range(2):
        member.close()
