"""The match service: candidates of its own partitions against all events.

The state of a candidate partition is the pair (c, e) of DESIGN 4: its offset, and the offset in `nuncius.events` up to
which its outputs are committed. e travels in the note of the partition's offset, in the same transaction.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from nuncius.broker.matching.candidates import Match, MatchDelta
from nuncius.broker.matching.rules import Rule
from nuncius.broker.services.alerts import alert_of
from nuncius.broker.services.columns_file import mapped
from nuncius.broker.services.fold import fold
from nuncius.broker.services.maps import MapShelf
from nuncius.broker.services.readable import readable
from nuncius.broker.services.seat import Seat
from nuncius.broker.transport import topics
from nuncius.broker.transport.port import Log, Record, TopicPartition
from nuncius.schemas import CandidateRow, Counterpart, Coverage
from nuncius.schemas.candidate_row import columns
from nuncius.schemas.codec import decode, encode
from nuncius.schemas.vocabulary import RunMode

GROUP: Final = "nuncius-match"
_EVENTS: Final = TopicPartition(topics.EVENTS.name, 0)
_MOST: Final = 10_000
_TICK_S: Final = 0.01
"""How long it waits for candidates before it looks for events, and the other way round."""


class MatchWorker:
    """One member of the matching group.

    Parameters
    ----------
    log
        Read and written.
    rules
        The candidate rules among them are used.
    maps
        Sky maps of the log.
    lateness_days
        As in `Match`.
    slot
        Name of this worker's writer, stable over restarts.
    """

    name = "nuncius-match"

    def __init__(
        self,
        log: Log,
        rules: tuple[Rule, ...],
        maps: MapShelf,
        *,
        lateness_days: float,
        slot: str = "nuncius-match-0",
    ) -> None:
        self._log = log
        self._rules = rules
        self._lateness_days = lateness_days
        self._maps = maps
        self._slot = slot
        self._open()

    def work(self, timeout_s: float) -> int:
        """Match what is new, candidates and events, in one transaction; returns how many records were taken."""
        batch = self._seat.poll(_MOST, min(timeout_s, _TICK_S))
        if batch.assigned or batch.revoked:
            self._restore()
            return len(batch.assigned)
        if self._seat.writer is None or not self._seat.member.assignment():
            return 0
        events = self._events.poll(_MOST, 0.0)
        if not events and not batch.records:
            return 0
        now = max(record.time for record in (*events, *batch.records))
        deltas, found = self._step(events, batch.records, now)
        with self._seat.writer.transaction() as tx:
            for row in found:
                tx.send(topics.COUNTERPARTS.name, encode(row), key=row.event_thread.encode())
            touched = {TopicPartition(r.topic, r.partition) for r in batch.records}
            note = str(self._events.position(_EVENTS))
            for tp in sorted(self._seat.member.assignment() if events else touched):
                tx.commit_offset(GROUP, tp, self._seat.member.position(tp), note)
        for delta in deltas:
            self._engine.apply(delta)
        return len(events) + len(batch.records)

    def caught_up(self) -> bool:
        """Whether everything on the log has been matched."""
        return self._seat.member.caught_up() and self._events.caught_up()

    def reopen(self) -> None:
        """Drop everything and go back to the committed point."""
        self.close()
        self._open()

    def close(self) -> None:
        """Leave the group and give the slot back."""
        self._seat.close()
        self._events.close()

    def _open(self) -> None:
        self._engine = Match(self._rules, self._lateness_days, mapped)
        self._seat = Seat(self._log, GROUP, [topics.CANDIDATES.name], self._slot)
        self._events = self._log.reader({_EVENTS: self._log.start(_EVENTS)})

    def _restore(self) -> None:
        """Fold the look-back up to (c, e) silently. Where partitions differ in e, from the smallest: what is emitted
        twice is the same record, and the associate service takes it once.
        """
        self._engine = Match(self._rules, self._lateness_days, mapped)
        spans: dict[TopicPartition, tuple[int, int]] = {}
        reached = []
        committed = self._seat.committed()
        starts = self._log.starts([*committed, _EVENTS])
        for tp, at in committed.items():
            spans[tp] = (starts[tp], at.offset)
            reached.append(int(at.metadata) if at.metadata else starts[_EVENTS])
            self._seat.member.seek(tp, at.offset)
        until = min(reached, default=starts[_EVENTS])
        spans[_EVENTS] = (starts[_EVENTS], until)
        for records in fold(self._log, spans):
            events = [r for r in records if r.topic == _EVENTS.topic]
            others = [r for r in records if r.topic != _EVENTS.topic]
            for delta in self._step(events, others, records[-1].time)[0]:
                self._engine.apply(delta)
        self._events.seek(_EVENTS, until)

    def _step(
        self, events: Sequence[Record], candidates: Sequence[Record], now: datetime
    ) -> tuple[tuple[MatchDelta, ...], tuple[Counterpart | Coverage, ...]]:
        """One engine step a run mode: those never match each other, so their deltas are independent."""
        alerts = tuple(readable(alert_of, events))
        rows: dict[RunMode, list[CandidateRow]] = {}
        for row in readable(_row, candidates):
            rows.setdefault(row.run_mode, []).append(row)
        modes: list[RunMode] = sorted(rows) or ["live"]
        outcomes = [
            self._engine.step(alerts, columns(rows.get(mode, [])), self._maps, now, run_mode=mode) for mode in modes
        ]
        found: dict[Counterpart | Coverage, None] = {}
        for outcome in outcomes:
            found |= dict.fromkeys(outcome.effects) | dict.fromkeys(outcome.coverage)
        return tuple(outcome.delta for outcome in outcomes), tuple(found)


def _row(record: Record) -> CandidateRow:
    return decode(CandidateRow, record.value or b"")
