"""Records of one topic from a log, chosen by a filter where one is given."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from operator import itemgetter
from typing import Any, Final

from nuncius.broker.transport.clock import utc_now
from nuncius.broker.transport.port import Log, Reader, Record, TopicPartition
from nuncius.broker.transport.reading import goals_before, read_to
from nuncius.consumers.found import Found
from nuncius.consumers.place import another_log, check_log
from nuncius.filters import Hit
from nuncius.schemas import Quarantine, SettingsError
from nuncius.schemas.codec import decode, kind_of

Choose = Callable[[Sequence[Any], Sequence[datetime]], Sequence[tuple[Hit, ...] | None]]
"""Of these records, taken by the log at these times: None for what is not wanted, else the targets that it is near."""

_POLL: Final = 500

_WIDER: Final = 8
"""How much farther back it looks where so many were not found: at most an eighth is then read for nothing."""

MOST_LOOKED: Final = 200_000
"""How many of the newest records are looked at for the last few that a filter selects, as over HTTP: of candidates ten
minutes at Rubin's mean rate (350 a second).
"""


class LogSource:
    """Reads one topic of a log.

    Parameters
    ----------
    log
        Closed with this source.
    topic
        Its name.
    choose
        None for everything.
    position
        Next offset by partition; a partition that is not named is read from its start. None: see ``since``
        and ``last``.
    since, last
        Begin with what the log took from this time on; with the last so many that are wanted.
    until_end
        End where the topic ends now. Without ``position``, ``since`` and ``last`` it then begins at the start, as with
        a time to end at that has passed; else at the end.
    identity
        Of the log that the position is of; empty where nobody knows.
    until
        End before what the log took at or after this time (exclusive): once that much has come, or the clock says so.
    clock
        Aware UTC.
    on_wait
        Told of records that cannot be read here, and how far back it looks for the last few.

    Raises
    ------
    SettingsError
        If the position is that of another log.
    """

    def __init__(
        self,
        log: Log,
        topic: str,
        choose: Choose | None,
        *,
        position: dict[int, int] | None,
        since: datetime | None,
        last: int | None,
        until_end: bool,
        identity: str = "",
        until: datetime | None = None,
        clock: Callable[[], datetime] = utc_now,
        on_wait: Callable[[str], object] = lambda _: None,
    ) -> None:
        self.identity = log.identity(topic)
        check_log(topic, identity, self.identity)
        self._on_wait = on_wait
        self._until = until
        self._clock = clock
        self._cut: dict[int, int] = {}
        self._log = log
        self._choose = choose
        self._tps = [TopicPartition(topic, number) for number in range(log.partitions(topic))]
        self._before: dict[int, int] = {}
        self._tail: list[Found] | None = None
        whole = until_end or (until is not None and clock() >= until)
        self._reader: Reader = log.reader(self._start(position, since, last, from_start=whole))
        self._goals = self._reader.goals() if until_end else None
        self._look_at_the_time()
        if last is not None and position is None:
            self._tail = self._last(last)

    @property
    def position(self) -> dict[int, int]:
        """Next offset of every partition, after all that was polled."""
        if self._tail is not None:
            return self._before
        found = {tp.partition: self._reader.position(tp) for tp in self._tps}
        return {number: min(offset, self._cut.get(number, offset)) for number, offset in found.items()}

    def poll(self, timeout_s: float) -> Sequence[Found]:
        """What is wanted of the next records; empty where none came in time.

        Raises
        ------
        Retry
            The log is away for now; see `reopen`.
        """
        if self._tail is not None:
            tail, self._tail = self._tail, None
            return tail
        self._look_at_the_time()
        if self.ended():
            return ()
        return [found for _, found in self._timed(self._reader.poll(_POLL, timeout_s))]

    def ended(self) -> bool:
        """Whether all that was asked for was polled."""
        if self._tail is not None:
            return False
        if self._goals is None:
            return len(self._cut) == len(self._tps)
        return all(tp.partition in self._cut or self._reader.position(tp) >= goal for tp, goal in self._goals.items())

    def reopen(self) -> None:
        """A new reader where the old one stood."""
        topic = self._tps[0].topic
        check_log(topic, self.identity, self._log.identity(topic))
        position = self.position
        self._reader.close()
        self._reader = self._log.reader({tp: position[tp.partition] for tp in self._tps})

    def close(self) -> None:
        """Give reader and log back. Twice is allowed."""
        self._reader.close()
        self._log.close()

    def _start(
        self, position: dict[int, int] | None, since: datetime | None, last: int | None, *, from_start: bool
    ) -> dict[TopicPartition, int]:
        if position is not None:
            self._check(position)
            starts = self._log.starts(self._tps)
            return {tp: max(position.get(tp.partition, 0), starts[tp]) for tp in self._tps}
        if since is not None:
            return {tp: self._log.offset_at(tp, since) for tp in self._tps}
        if from_start or last is not None:
            return self._log.starts(self._tps)
        return {tp: self._log.end(tp) for tp in self._tps}

    def _check(self, position: dict[int, int]) -> None:
        for tp in self._tps:
            end = self._log.end(tp)
            if position.get(tp.partition, 0) > end:
                why = f"this one ends at {end}, before {position[tp.partition]}"
                raise SettingsError(another_log(f"{tp.topic}/{tp.partition}", why))
        beyond = set(position) - {tp.partition for tp in self._tps}
        if beyond:
            topic = self._tps[0].topic
            raise SettingsError(f"{topic} has {len(self._tps)} partitions; the position names {max(beyond)}")

    def _last(self, count: int) -> list[Found]:
        """The last wanted ones by the log's time, each with a position that leaves none of the later ones out."""
        starts = self._log.starts(self._tps)
        ends = self._reader.goals() if self._goals is None else self._goals
        width = max(count, _POLL)
        while True:
            begin = {tp: max(starts[tp], ends[tp] - width) for tp in self._tps}
            tail, first, looked = self._newest(begin, ends, count)
            if all(begin[tp] == starts[tp] or _reaches(tail, count, first.get(tp)) for tp in self._tps):
                break
            found = f"{len(tail)} of the last {count} found in the newest {looked} records"
            wider = min(_WIDER * width, width * MOST_LOOKED // max(looked, 1))
            if wider <= width:
                back = min(first.values(), default=self._clock())
                self._on_wait(f"{found}, back to {back:%Y-%m-%dT%H:%M:%SZ}; a time to begin at (--since) looks farther")
                break
            if len(tail) < count:
                self._on_wait(f"{found}; looking farther back")
            width = wider
        return self._placed([found for _, found in tail])

    def _newest(
        self, begin: Mapping[TopicPartition, int], ends: Mapping[TopicPartition, int], count: int
    ) -> tuple[list[tuple[datetime, Found]], dict[TopicPartition, datetime], int]:
        """The newest wanted ones from these places on, each partition's first time, and how many records were read."""
        tail: list[tuple[datetime, Found]] = []
        first: dict[TopicPartition, datetime] = {}
        looked = 0
        for tp, offset in begin.items():
            self._reader.seek(tp, offset)
        for records in read_to(self._reader, ends):
            looked += len(records)
            for record in records:
                first.setdefault(TopicPartition(record.topic, record.partition), record.time)
            tail = sorted((*tail, *self._timed(records)), key=itemgetter(0))[-count:]
        return tail, first, looked

    def _placed(self, tail: list[Found]) -> list[Found]:
        """With positions that leave out none of those that come after."""
        place = self.position
        for found in reversed(tail):
            ((partition, after),) = found.position.items()
            found.position.update({**place, partition: after})
            place[partition] = after - 1
        self._before = place
        return tail

    def _timed(self, records: Sequence[Record]) -> list[tuple[datetime, Found]]:
        """What is wanted of these records, and when the log took each."""
        kept = [record for record in records if self._in_time(record) and record.value is not None]
        values: list[Any] = [self._decoded(record) for record in kept]
        kept = [record for record, value in zip(kept, values, strict=True) if value is not None]
        values = [value for value in values if value is not None]
        near: Sequence[tuple[Hit, ...] | None] = [()] * len(kept)
        if self._choose is not None:
            near = self._choose(values, [record.time for record in kept])
        return [
            (record.time, Found(value, {record.partition: record.offset + 1}, record.time, hits))
            for record, value, hits in zip(kept, values, near, strict=True)
            if hits is not None
        ]

    def _in_time(self, record: Record) -> bool:
        """Whether the log took it before the time to end at; else the partition is read no farther than here."""
        if self._until is None or record.time < self._until:
            return True
        self._cut[record.partition] = min(record.offset, self._cut.get(record.partition, record.offset))
        return False

    def _look_at_the_time(self) -> None:
        if self._until is not None and self._goals is None and self._clock() >= self._until:
            self._goals = goals_before(self._log, self._reader, self._until)

    def _decoded(self, record: Record) -> Any:
        """The value; None, which is said, for one that cannot be read here: it must not end the subscription."""
        if record.value is None:
            return None
        try:
            return decode(kind_of(record.value), record.value)
        except Quarantine as error:
            place = f"{record.topic}/{record.partition}/{record.offset}"
            self._on_wait(f"{place} cannot be read here and is passed over: {error}")
            return None


def _reaches(tail: Sequence[tuple[datetime, Found]], count: int, first: datetime | None) -> bool:
    """Whether nothing before a partition's first record that was read can belong to the newest ``count``."""
    return len(tail) == count and first is not None and first <= tail[0][0]
