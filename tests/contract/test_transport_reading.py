"""What every log promises those who read: positions, ends, groups."""

import threading
from datetime import timedelta

import pytest
from transport_logs import Logs, abort, assigned, everything, next_records, to_the_end, values, write

from nuncius.broker.transport.port import Log, Record, TopicPartition


def test_an_empty_topic_is_read_to_its_end(log: Log, logs: Logs) -> None:
    tp = TopicPartition(logs.topic(log), 0)
    reader = log.reader({tp: log.start(tp)})
    assert reader.caught_up()
    assert reader.poll(10, 0.0) == ()
    assert reader.position(tp) >= log.end(tp)


def test_the_end_is_reached_past_aborted_records(log: Log, logs: Logs) -> None:
    name = logs.topic(log)
    writer = log.writer("w")
    write(writer, name, [b"x"])
    abort(writer, name, [b"y"])
    assert values(everything(log, name)) == [b"x"]


def test_reading_in_small_steps_gives_the_same(log: Log, logs: Logs) -> None:
    name = logs.topic(log, 3)
    writer = log.writer("w")
    for number in range(30):
        write(writer, name, [b"%d" % number])
    parts = [TopicPartition(name, number) for number in range(3)]
    reader = log.reader(dict.fromkeys(parts, 0))
    steps: list[Record] = []
    while not reader.caught_up():
        batch = reader.poll(4, 1.0)
        assert len(batch) <= 4
        steps += batch
    for tp in parts:
        whole = [record for record in everything(log, name) if record.partition == tp.partition]
        assert [record for record in steps if record.partition == tp.partition] == whole


@pytest.mark.parametrize("size", [1, 5])
def test_partitions_are_read_from_their_own_positions(log: Log, logs: Logs, size: int) -> None:
    name = logs.topic(log, 3)
    writer = log.writer("w")
    for number in range(30):
        write(writer, name, [b"%d" % number], partition=number % 3)
    by_partition = {p: [record for record in everything(log, name) if record.partition == p] for p in range(3)}
    positions = {
        TopicPartition(name, 0): by_partition[0][6].offset,
        TopicPartition(name, 2): by_partition[2][2].offset + 1,
    }
    reader = log.reader(positions)
    found: list[Record] = []
    while not reader.caught_up():
        found += reader.poll(size, 1.0)
    assert [record for record in found if record.partition == 0] == by_partition[0][6:]
    assert [record for record in found if record.partition == 2] == by_partition[2][3:]
    assert len(found) == 4 + 7


def test_seek_moves_one_partition_only(log: Log, logs: Logs) -> None:
    name = logs.topic(log, 2)
    writer = log.writer("w")
    for number in range(10):
        write(writer, name, [b"%d" % number], partition=number % 2)
    records = everything(log, name)
    even = [record for record in records if record.partition == 0]
    reader = log.reader({TopicPartition(name, 0): 0, TopicPartition(name, 1): 0})
    while not reader.caught_up():
        reader.poll(10, 1.0)
    reader.seek(TopicPartition(name, 0), even[3].offset)
    assert reader.position(TopicPartition(name, 0)) == even[3].offset
    assert not reader.caught_up()
    again: list[Record] = []
    while not reader.caught_up():
        again += reader.poll(10, 1.0)
    assert again == even[3:]


def test_a_reader_of_several_topics_gets_all_of_them(log: Log, logs: Logs) -> None:
    one, two = logs.topic(log), logs.topic(log, 2)
    writer = log.writer("w")
    for number in range(12):
        write(writer, one if number % 3 else two, [b"%d" % number])
    reader = log.reader({TopicPartition(one, 0): 0, TopicPartition(two, 0): 0, TopicPartition(two, 1): 0})
    found: list[Record] = []
    while not reader.caught_up():
        found += reader.poll(5, 1.0)
    assert sorted(int(record.value or b"") for record in found) == list(range(12))
    assert [int(record.value or b"") for record in found if record.topic == one] == [1, 2, 4, 5, 7, 8, 10, 11]


def test_a_reader_that_waits_is_woken_by_a_commit(log: Log, logs: Logs) -> None:
    name = logs.topic(log)
    other = logs.open()
    reader = log.reader({TopicPartition(name, 0): 0})
    late = threading.Timer(0.2, lambda: write(other.writer("w"), name, [b"late"]))
    late.start()
    assert values(next_records(reader)) == [b"late"]
    late.join()


def test_large_records_come_in_several_polls(log: Log, logs: Logs) -> None:
    name = logs.topic(log)
    writer = log.writer("w")
    for number in range(10):
        write(writer, name, [b"%d" % number + bytes(5 * 2**20)])
    reader = log.reader({TopicPartition(name, 0): 0})
    sizes: list[int] = []
    found: list[Record] = []
    while not reader.caught_up():
        batch = reader.poll(1000, 1.0)
        sizes.append(len(batch))
        found += batch
    assert [(record.value or b"")[:1] for record in found] == [b"%d" % number for number in range(10)]
    assert max(sizes) < 10


def test_offsets_are_found_by_time(log: Log, logs: Logs) -> None:
    name = logs.topic(log, 2)
    writer = log.writer("w")
    for number in range(20):
        write(writer, name, [b"%d" % number], partition=number % 2)
    records = everything(log, name)
    moments = sorted({record.time for record in records})
    microsecond = timedelta(microseconds=1)
    for moment in (moments[0] - timedelta(days=1), *moments, moments[5] + microsecond, moments[-1] - microsecond):
        for partition in range(2):
            tp = TopicPartition(name, partition)
            reader = log.reader({tp: log.offset_at(tp, moment)})
            found: list[Record] = []
            while not reader.caught_up():
                found += reader.poll(100, 1.0)
            assert found == [r for r in records if r.partition == partition and r.time >= moment]
            reader.close()
    tp = TopicPartition(name, 0)
    assert log.offset_at(tp, moments[-1] + timedelta(days=1)) == log.end(tp)


def test_a_lone_member_gets_all_partitions_and_then_their_records(log: Log, logs: Logs) -> None:
    name = logs.topic(log, 3)
    write(log.writer("w"), name, [b"x"], partition=1)
    member = log.member("group", [name])
    assert member.assignment() == ()
    assert not member.caught_up()
    assert assigned(member) == tuple(TopicPartition(name, number) for number in range(3))
    assert member.assignment() == tuple(TopicPartition(name, number) for number in range(3))
    assert values(to_the_end(member)) == [b"x"]
    assert member.caught_up()


def test_a_member_goes_on_where_its_group_has_committed(log: Log, logs: Logs) -> None:
    name = logs.topic(log, 2)
    writer = log.writer("w")
    write(writer, name, [b"a", b"b", b"c"], partition=0)
    write(writer, name, [b"d"], partition=1)
    first = next(record for record in everything(log, name) if record.value == b"a")
    with writer.transaction() as transaction:
        transaction.commit_offset("group", TopicPartition(name, 0), first.offset + 1)
    member = log.member("group", [name])
    assigned(member)
    found = to_the_end(member)
    assert sorted(record.value or b"" for record in found) == [b"b", b"c", b"d"]


def test_a_member_may_seek_when_it_gets_a_partition(log: Log, logs: Logs) -> None:
    name = logs.topic(log)
    write(log.writer("w"), name, [b"a", b"b", b"c"])
    third = everything(log, name)[2]
    member = log.member("group", [name])
    (tp,) = assigned(member)
    member.seek(tp, third.offset)
    assert member.position(tp) == third.offset
    assert values(to_the_end(member)) == [b"c"]
    assert member.position(tp) >= log.end(tp)


def test_a_partition_has_one_owner_and_goes_over_when_it_leaves(log: Log, logs: Logs) -> None:
    name = logs.topic(log)
    tp = TopicPartition(name, 0)
    given_away: list[tuple[TopicPartition, ...]] = []
    writer = log.writer("w")

    def hand_over(partitions: tuple[TopicPartition, ...]) -> None:
        given_away.append(partitions)
        with writer.transaction() as transaction:
            transaction.commit_offset("group", tp, first.position(tp), "handed over")

    write(writer, name, [b"a"])
    first = log.member("group", [name], hand_over)
    assigned(first)
    assert values(next_records(first)) == [b"a"]
    second = logs.open().member("group", [name])
    standing_by = second.poll(10, 0.3)
    assert (standing_by.records, standing_by.assigned, second.assignment()) == ((), (), ())
    write(writer, name, [b"b"])
    first.close()
    first.close()
    assert given_away == [(tp,)]
    assert assigned(second) == (tp,)
    assert log.committed("group", tp) is not None
    assert values(next_records(second)) == [b"b"]


def test_groups_do_not_know_of_each_other(log: Log, logs: Logs) -> None:
    name = logs.topic(log)
    write(log.writer("w"), name, [b"a"])
    members = [log.member(group, [name]) for group in ("one", "two")]
    for member in members:
        assigned(member)
        assert values(next_records(member)) == [b"a"]


def test_everything_may_be_closed_twice(logs: Logs) -> None:
    log = logs.open()
    name = logs.topic(log)
    reader, writer, member = log.reader({TopicPartition(name, 0): 0}), log.writer("w"), log.member("group", [name])
    assigned(member)
    for thing in (reader, writer, member, log):
        thing.close()
        thing.close()
