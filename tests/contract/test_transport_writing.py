"""What every log promises those who write: topics, records, transactions, slots."""

import itertools
import threading
from datetime import timedelta

import pytest
from transport_logs import Logs, abort, everything, next_records, values, write

from nuncius.broker.transport.port import (
    MAX_MESSAGE_BYTES,
    MAX_METADATA_BYTES,
    Committed,
    Fenced,
    Log,
    TopicPartition,
)
from nuncius.broker.transport.topics import TOPICS, Topic
from nuncius.schemas.errors import LimitExceeded, SettingsError


def test_topics_can_be_made_again(log: Log) -> None:
    log.create(TOPICS)
    log.create(TOPICS)
    assert log.partitions("nuncius.candidates") == 64
    assert log.partitions("nuncius.events") == 1


def test_partitions_of_a_topic_cannot_change(log: Log, logs: Logs) -> None:
    name = logs.topic(log, 2)
    with pytest.raises(SettingsError, match=rf"{name}.* 2 partitions"):
        log.create([Topic(name=name, partitions=3)])
    assert log.partitions(name) == 2


def test_an_unknown_topic_or_partition_is_a_wrong_setting(log: Log, logs: Logs) -> None:
    name = logs.topic(log, 2)
    with pytest.raises(SettingsError, match=r"no\.such"):
        log.partitions("no.such")
    with pytest.raises(SettingsError, match="partition 2"):
        log.end(TopicPartition(name, 2))
    with log.writer("w").transaction() as transaction:
        with pytest.raises(SettingsError, match="partition 2"):
            transaction.send(name, b"", partition=2)
        with pytest.raises(SettingsError, match=r"no\.such"):
            transaction.send("no.such", b"")


def test_a_topic_made_by_another_process_is_found(log: Log, logs: Logs) -> None:
    name = logs.topic(logs.open(), 3)
    assert log.partitions(name) == 3


def test_records_come_back_as_they_were_sent(log: Log, logs: Logs) -> None:
    name = logs.topic(log)
    headers = (("kind", b"a"), ("kind", b""), ("größe", bytes(range(256))))
    with log.writer("w").transaction() as transaction:
        transaction.send(name, b"value", key=b"key", headers=headers)
        transaction.send(name, None, key=b"key")
        transaction.send(name, b"")
    first, second, third = everything(log, name)
    assert (first.topic, first.partition, first.key, first.value, first.headers) == (name, 0, b"key", b"value", headers)
    assert (second.key, second.value, second.headers) == (b"key", None, ())
    assert (third.key, third.value) == (None, b"")
    assert first.time.utcoffset() == timedelta(0)


def test_offsets_increase_and_times_never_go_back(log: Log, logs: Logs) -> None:
    name = logs.topic(log, 3)
    writer = log.writer("w")
    for number in range(40):
        write(writer, name, [b"%d" % number, b"%d again" % number])
    records = everything(log, name)
    assert len(records) == 80
    for partition in range(3):
        mine = [record for record in records if record.partition == partition]
        assert all(one.offset < two.offset and one.time <= two.time for one, two in itertools.pairwise(mine))


def test_keys_go_where_kafka_puts_them(log: Log, logs: Logs) -> None:
    """Apache Kafka, UtilsTest.testMurmur2: 21 -> -973932308, foobar -> -790332482, abc -> 479470107."""
    name = logs.topic(log, 64)
    with log.writer("w").transaction() as transaction:
        for key in (b"21", b"foobar", b"abc"):
            transaction.send(name, b"", key=key)
    found = {record.key: record.partition for record in everything(log, name)}
    assert found == {b"21": 44, b"foobar": 62, b"abc": 27}


def test_records_of_a_key_keep_their_order(log: Log, logs: Logs) -> None:
    name = logs.topic(log, 8)
    writer = log.writer("w")
    for start in range(0, 60, 20):
        with writer.transaction() as transaction:
            for number in range(start, start + 20):
                transaction.send(name, b"%d" % number, key=b"thread %d" % (number % 7))
    records = everything(log, name)
    for thread in range(7):
        mine = [record for record in records if record.key == b"thread %d" % thread]
        assert len({record.partition for record in mine}) == 1
        assert values(mine) == [b"%d" % number for number in range(thread, 60, 7)]


def test_records_without_key_are_spread(log: Log, logs: Logs) -> None:
    name = logs.topic(log, 4)
    writer = log.writer("w")
    for _ in range(40):
        write(writer, name, [b"x"])
    assert len({record.partition for record in everything(log, name)}) > 1


def test_a_record_over_the_limit_is_refused_and_the_rest_goes_on(log: Log, logs: Logs) -> None:
    name = logs.topic(log)
    with log.writer("w").transaction() as transaction:
        with pytest.raises(LimitExceeded, match=str(MAX_MESSAGE_BYTES)):
            transaction.send(name, bytes(MAX_MESSAGE_BYTES), key=b"k")
        with pytest.raises(LimitExceeded):
            transaction.send(name, None, headers=(("h", bytes(MAX_MESSAGE_BYTES)),))
        transaction.send(name, bytes(MAX_MESSAGE_BYTES // 2), key=b"k")
    assert [len(record.value or b"") for record in everything(log, name)] == [MAX_MESSAGE_BYTES // 2]


def test_nothing_is_visible_before_the_end_of_the_block(log: Log, logs: Logs) -> None:
    name = logs.topic(log)
    tp = TopicPartition(name, 0)
    reader = log.reader({tp: 0})
    with log.writer("w").transaction() as transaction:
        transaction.send(name, b"x")
        transaction.commit_offset("group", tp, 0)
        transaction.flush()
        assert reader.poll(10, 0.05) == ()
        assert log.committed("group", tp) is None
    assert values(next_records(reader)) == [b"x"]


@pytest.mark.parametrize("flush", [False, True])
def test_nothing_of_an_aborted_transaction_is_ever_visible(log: Log, logs: Logs, *, flush: bool) -> None:
    one, two = logs.topic(log), logs.topic(log, 2)
    tp = TopicPartition(one, 0)
    writer = log.writer("w")
    write(writer, one, [b"before"])
    abort(writer, two, [b"aborted"], tp, flush=flush)
    abort(writer, one, [b"aborted"], flush=flush)
    write(writer, one, [b"after"])
    assert values(everything(log, one)) == [b"before", b"after"]
    assert everything(log, two) == []
    assert log.committed("group", tp) is None


def test_records_and_offsets_are_committed_together(log: Log, logs: Logs) -> None:
    source, out = logs.topic(log), logs.topic(log, 2)
    tp = TopicPartition(source, 0)
    writer = log.writer("w")
    write(writer, source, [b"a", b"b"])
    (first, second) = everything(log, source)
    with writer.transaction() as transaction:
        transaction.send(out, b"A", partition=0)
        transaction.send(out, b"B", partition=1)
        transaction.commit_offset("group", tp, first.offset + 1, "e=12 größer")
        transaction.commit_offset("other", tp, second.offset + 1)
    other = logs.open()
    assert sorted(record.value or b"" for record in everything(other, out)) == [b"A", b"B"]
    assert other.committed("group", tp) == Committed(first.offset + 1, "e=12 größer")
    assert other.committed("other", tp) == Committed(second.offset + 1)
    assert other.committed("third", tp) is None
    assert other.committed("group", TopicPartition(out, 0)) is None


def test_offsets_may_go_back_and_the_last_one_holds(log: Log, logs: Logs) -> None:
    name = logs.topic(log)
    tp = TopicPartition(name, 0)
    writer = log.writer("w")
    write(writer, name, [b"a", b"b"])
    for offset, note in ((2, "one"), (1, "two")):
        with writer.transaction() as transaction:
            transaction.commit_offset("group", tp, 0, "overwritten")
            transaction.commit_offset("group", tp, offset, note)
    assert log.committed("group", tp) == Committed(1, "two")


def test_a_note_has_a_longest_length(log: Log, logs: Logs) -> None:
    tp = TopicPartition(logs.topic(log), 0)
    longest = "ß" * (MAX_METADATA_BYTES // 2)
    with log.writer("w").transaction() as transaction:
        transaction.commit_offset("group", tp, 0, longest)
        with pytest.raises(ValueError, match="4096"):
            transaction.commit_offset("group", tp, 0, longest + "x")
    assert log.committed("group", tp) == Committed(0, longest)


def test_flush_tells_the_offsets_before_the_commit(log: Log, logs: Logs) -> None:
    one, two = logs.topic(log), logs.topic(log)
    with log.writer("w").transaction() as transaction:
        transaction.send(one, b"a")
        transaction.send(two, b"b")
        first = transaction.flush()
        assert len(first) == 2
        transaction.send(one, b"%d" % first[0])
        offsets = transaction.flush()
        assert offsets[:2] == first
        transaction.send(two, b"last")
    found = {record.value: record.offset for record in (*everything(log, one), *everything(log, two))}
    assert [found[b"a"], found[b"b"], found[b"%d" % first[0]]] == list(offsets)
    assert found[b"last"] > found[b"b"]


def test_a_writer_has_one_transaction_at_a_time(log: Log) -> None:
    writer = log.writer("w")
    with writer.transaction(), pytest.raises(RuntimeError, match="one at a time"), writer.transaction():
        pass
    with writer.transaction():
        pass


def test_a_newer_writer_fences_the_older_of_its_slot_only(log: Log, logs: Logs) -> None:
    name = logs.topic(log)
    tp = TopicPartition(name, 0)
    older, neighbour = log.writer("slot-1"), log.writer("slot-2")
    write(older, name, [b"older"])
    newer = logs.open().writer("slot-1")
    with pytest.raises(Fenced, match="slot-1"):
        write(older, name, [b"too late"], offset=(tp, 7))
    write(neighbour, name, [b"neighbour"])
    write(newer, name, [b"newer"])
    assert values(everything(log, name)) == [b"older", b"neighbour", b"newer"]
    assert log.committed("group", tp) is None


def test_writers_in_many_threads_lose_nothing(log: Log, logs: Logs) -> None:
    name = logs.topic(log, 2)

    def work(slot: int) -> None:
        writer = log.writer(f"thread-{slot}")
        for number in range(25):
            with writer.transaction() as transaction:
                transaction.send(name, b"%d %d" % (slot, number), key=b"%d" % slot)
                if number % 5 == 0:
                    transaction.flush()

    threads = [threading.Thread(target=work, args=(slot,)) for slot in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = values(everything(log, name))
    assert len(found) == 150
    for slot in range(6):
        mine = [value for value in found if value is not None and value.startswith(b"%d " % slot)]
        assert mine == [b"%d %d" % (slot, number) for number in range(25)]
