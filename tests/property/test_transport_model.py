"""Any interleaving of transactions, aborts, reads, groups, retention and reopening behaves like lists in memory."""

import contextlib
import itertools
import tempfile
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from how_many import examples
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, rule
from transport_logs import Abort, everything

from nuncius.broker.transport.local import LocalLog, open_local
from nuncius.broker.transport.port import Committed, Headers, TopicPartition
from nuncius.broker.transport.topics import Topic

PARTITIONS = {"one": 1, "three": 3}
ALL = [TopicPartition(topic, number) for topic in sorted(PARTITIONS) for number in range(PARTITIONS[topic])]
RETENTION = timedelta(seconds=40)
START = datetime(2026, 11, 23, tzinfo=UTC)
BEFORE_ALL = datetime(1970, 1, 1, tzinfo=UTC)

RECORDS = st.lists(
    st.tuples(
        st.sampled_from(ALL),
        st.none() | st.binary(max_size=6),
        st.none() | st.binary(max_size=8),
        st.lists(st.tuples(st.text(max_size=3), st.binary(max_size=3)), max_size=2).map(tuple),
    ),
    max_size=6,
)


@dataclass(frozen=True)
class Kept:
    """A record as the model knows it."""

    offset: int
    key: bytes | None
    value: bytes | None
    headers: Headers
    time: datetime


@dataclass
class ModelReader:
    """Positions as the model knows them."""

    positions: dict[TopicPartition, int]
    number: int = field(default_factory=itertools.count().__next__)


class LogMachine(RuleBasedStateMachine):
    readers: Bundle[ModelReader] = Bundle("readers")

    @initialize(pattern=st.lists(st.integers(0, 3), min_size=1, max_size=5))
    def begin(self, pattern: list[int]) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.gaps = itertools.cycle(pattern)
        self.now = START
        self.kept: dict[TopicPartition, list[Kept]] = {tp: [] for tp in ALL}
        self.offsets: dict[tuple[str, TopicPartition], Committed] = {}
        self.live: dict[int, ModelReader] = {}
        self.open()

    def open(self) -> None:
        self.log: LocalLog = open_local(Path(self.folder.name), lambda: self.now, gap=lambda: next(self.gaps))
        self.log.create([Topic(name=name, partitions=count, retention=RETENTION) for name, count in PARTITIONS.items()])
        self.writer = self.log.writer("w")
        self.open_readers = {
            reader.number: self.log.reader(reader.positions) for _, reader in sorted(self.live.items())
        }

    @rule(seconds=st.integers(-5, 30))
    def time_goes_on_or_back(self, seconds: int) -> None:
        self.now += timedelta(seconds=seconds)

    @rule(
        records=RECORDS,
        group=st.sampled_from(["g", "h"]),
        offsets=st.dictionaries(st.sampled_from(ALL), st.tuples(st.integers(0, 50), st.text(max_size=5)), max_size=2),
        flush_after=st.integers(0, 6),
        abort=st.booleans(),
    )
    def transaction(
        self,
        records: list[tuple[TopicPartition, bytes | None, bytes | None, Headers]],
        group: str,
        offsets: dict[TopicPartition, tuple[int, str]],
        flush_after: int,
        abort: bool,  # noqa: FBT001 - a rule has keywords only
    ) -> None:
        given: tuple[int, ...] = ()
        floor = {topic: max(self.times(topic), default=BEFORE_ALL) for topic in PARTITIONS}
        with contextlib.suppress(Abort), self.writer.transaction() as transaction:
            for number, (tp, key, value, headers) in enumerate(records):
                if number == flush_after:
                    transaction.flush()
                transaction.send(tp.topic, value, key=key, headers=headers, partition=tp.partition)
            for tp, (offset, note) in offsets.items():
                transaction.commit_offset(group, tp, offset, note)
            given = transaction.flush() if records else ()
            if abort:
                raise Abort
        if abort:
            return
        for (tp, key, value, headers), offset in zip(records, given, strict=True):
            self.kept[tp].append(Kept(offset, key, value, headers, max(self.now, floor[tp.topic])))
        for tp, (offset, note) in offsets.items():
            self.offsets[group, tp] = Committed(offset, note)

    def times(self, topic: str) -> list[datetime]:
        """Append times of a topic; what retention has dropped does not matter, it was older."""
        return [record.time for tp, records in self.kept.items() if tp.topic == topic for record in records] + [
            self.last.get(topic, BEFORE_ALL)
        ]

    last: dict[str, datetime] = {}  # noqa: RUF012 - replaced, never changed in place

    @rule(target=readers, chosen=st.sets(st.sampled_from(ALL), min_size=1), data=st.data())
    def open_reader(self, chosen: set[TopicPartition], data: st.DataObject) -> ModelReader:
        positions = {tp: data.draw(st.integers(0, self.log.end(tp)), label=str(tp)) for tp in sorted(chosen)}
        reader = ModelReader(positions)
        self.live[reader.number] = reader
        self.open_readers[reader.number] = self.log.reader(positions)
        return reader

    @rule(reader=readers, size=st.integers(1, 5))
    def poll(self, reader: ModelReader, size: int) -> None:
        found = self.open_readers[reader.number].poll(size, 0.0)
        waiting = {
            tp: [record for record in self.kept[tp] if record.offset >= position]
            for tp, position in reader.positions.items()
        }
        assert len(found) == min(size, sum(map(len, waiting.values())))
        for record in found:
            tp = TopicPartition(record.topic, record.partition)
            expected = waiting[tp].pop(0)
            assert Kept(record.offset, record.key, record.value, record.headers, record.time) == expected
            reader.positions[tp] = record.offset + 1
        actual = self.open_readers[reader.number]
        assert actual.caught_up() == all(actual.position(tp) >= self.log.end(tp) for tp in reader.positions)
        if len(found) < size:
            assert actual.caught_up()
        for tp, position in reader.positions.items():
            assert position <= actual.position(tp) <= max(position, self.log.end(tp))
            assert all(not position <= record.offset < actual.position(tp) for record in self.kept[tp])

    @rule(reader=readers, data=st.data())
    def seek(self, reader: ModelReader, data: st.DataObject) -> None:
        tp = data.draw(st.sampled_from(sorted(reader.positions)))
        offset = data.draw(st.integers(0, self.log.end(tp)))
        reader.positions[tp] = offset
        self.open_readers[reader.number].seek(tp, offset)

    @rule()
    def reopen(self) -> None:
        self.log.close()
        self.open()

    @rule()
    def expire(self) -> None:
        self.last = {topic: max(self.times(topic)) for topic in PARTITIONS}
        self.log.expire(self.now)
        for tp in ALL:
            self.kept[tp] = [record for record in self.kept[tp] if record.time >= self.now - RETENTION]

    @rule(tp=st.sampled_from(ALL), seconds=st.integers(-60, 60))
    def find_by_time(self, tp: TopicPartition, seconds: int) -> None:
        time = self.now + timedelta(seconds=seconds)
        offset = self.log.offset_at(tp, time)
        assert [r for r in self.kept[tp] if r.offset >= offset] == [r for r in self.kept[tp] if r.time >= time]
        if all(record.time < time for records in self.kept.values() for record in records):
            assert offset == self.log.end(tp)

    @invariant()
    def all_is_there(self) -> None:
        for topic in PARTITIONS:
            found: dict[TopicPartition, list[Kept]] = {tp: [] for tp in ALL if tp.topic == topic}
            for r in everything(self.log, topic):
                found[TopicPartition(topic, r.partition)].append(Kept(r.offset, r.key, r.value, r.headers, r.time))
            assert found == {tp: records for tp, records in self.kept.items() if tp.topic == topic}
            for records in found.values():
                assert all(a.offset < b.offset and a.time <= b.time for a, b in itertools.pairwise(records))
        for group in ("g", "h"):
            assert {tp: self.log.committed(group, tp) for tp in ALL} == {
                tp: self.offsets.get((group, tp)) for tp in ALL
            }

    def teardown(self) -> None:
        self.log.close()
        self.folder.cleanup()


TestLogMachine = LogMachine.TestCase
TestLogMachine.settings = settings(
    max_examples=examples(40), stateful_step_count=30, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
