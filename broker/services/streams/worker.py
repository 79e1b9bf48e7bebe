"""The streams service: every record of a table against all named streams of it, rows and progress in one transaction.

One worker is active; its seat is in a group over `nuncius.streams`. It reads the tables with a plain reader of its own.
Where it stands is a record on `nuncius.streams`, written with the rows that led there, so that it goes back to exactly
that point.
"""

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Final

from nuncius.broker.services.fold import fold
from nuncius.broker.services.lines import printable
from nuncius.broker.services.maps import MapShelf
from nuncius.broker.services.seat import Seat
from nuncius.broker.services.streams.define import check
from nuncius.broker.services.streams.held import decoded, held
from nuncius.broker.services.streams.limits import LIMITS, Limits
from nuncius.broker.services.streams.past import Past, earlier, later, span_of
from nuncius.broker.services.streams.places import EventPlaces, event_time
from nuncius.broker.services.streams.publishing import Publishing
from nuncius.broker.services.streams.selecting import TOPIC_OF, Selector, selections, stream_row
from nuncius.broker.services.streams.state import CHECKPOINT_KEY, kept, name_in, progress_key, read_definition
from nuncius.broker.transport import topics
from nuncius.broker.transport.port import Log, Reader, Record, TopicPartition, Writer
from nuncius.broker.transport.position import from_token, to_token
from nuncius.filters import NO_NAMES, Area, Names, parse_filter
from nuncius.filters.tree import ActiveRegions
from nuncius.schemas import Alert, Quarantine, SettingsError, Stop, StreamCheckpoint, StreamDefinition, StreamProgress
from nuncius.schemas.codec import encode
from nuncius.schemas.vocabulary import StreamTable

_LOGGER: Final = logging.getLogger(__name__)
_TOLD: Final = "%s: stream %s: %s"
GROUP: Final = "nuncius-streams"
_STREAMS: Final = TopicPartition(topics.STREAMS.name, 0)
_EVENTS: Final = TopicPartition(topics.EVENTS.name, 0)
_MOST: Final = 5_000
"""Records a step at the most."""

_FOR_EVER_DAYS: Final = 30.0
"""As long as candidates are kept."""

_TICK_S: Final = 0.01
"""How long it waits for records before it looks for definitions."""


class StreamsWorker:
    """Publishes every active stream; one at a time is active, others stand by.

    Parameters
    ----------
    log
        Read and written.
    maps
        Sky maps of the log.
    names
        Named filters and regions that filters may use.
    regions
        Watchlists and watchmaps by name.
    limits
        What the streams may cost.
    most
        Records a step at the most.
    """

    name = "nuncius-streams"

    def __init__(
        self,
        log: Log,
        maps: MapShelf,
        names: Names = NO_NAMES,
        regions: Mapping[str, Area] | None = None,
        limits: Limits = LIMITS,
        most: int = _MOST,
    ) -> None:
        self._log = log
        self._maps = maps
        self._names = names
        self._regions = regions or {}
        self._limits = limits
        self._most = most
        self._reader: Reader | None = None
        self._past = Past(log)
        self._progress: dict[str, StreamProgress] = {}
        self._selectors: dict[str, Selector] = {}
        self._told = 0
        self._open()

    def work(self, timeout_s: float) -> int:
        """Take up definitions, or else what is new, then a slice of the past; returns how much was done."""
        batch = self._seat.poll(self._most, 0.0)
        if batch.assigned or batch.revoked:
            self._restore()
            return len(batch.assigned)
        if self._seat.writer is None or self._reader is None:
            return 0
        if changes := self._changes(batch.records):
            self._adopt(changes)
            return len(changes)
        is_busy = any(self._waits(progress) for progress in self._progress.values())
        records = self._reader.poll(self._most, min(timeout_s, _TICK_S) if is_busy else timeout_s)
        if records:
            self._live(records)
        return len(records) + self._fill()

    def caught_up(self) -> bool:
        """Whether everything on the log has been held against every stream."""
        return (
            self._reader is not None
            and self._seat.member.caught_up()
            and self._reader.caught_up()
            and not any(self._waits(progress) for progress in self._progress.values())
        )

    def reopen(self) -> None:
        """Drop everything and go back to the committed point."""
        self.close()
        self._open()

    def close(self) -> None:
        """Leave the group and give the slot back."""
        self._seat.close()
        self._past.close()
        if self._reader is not None:
            self._reader.close()
            self._reader = None

    def _open(self) -> None:
        self._seat = Seat(self._log, GROUP, [topics.STREAMS.name], self.name)
        self._past = Past(self._log)
        self._places = EventPlaces(self._maps, self._regions)
        self._progress = {}
        self._selectors = {}

    def _restore(self) -> None:
        """Everything as it was committed."""
        self._past.close()
        if self._reader is not None:
            self._reader.close()
            self._reader = None
        if not self._seat.committed():
            return
        self._told = self._log.end(_STREAMS)
        found = kept(self._log)
        self._progress = dict(found.progress)
        self._selectors = {}
        for name, why in sorted(found.unreadable.items()):
            _LOGGER.warning(_TOLD, self.name, printable(name), why)
        for name in sorted(self._progress, key=lambda name: (bool(self._progress[name].broken), name)):
            self._select(self._progress[name].definition)
        positions = self._positions(found.checkpoint)
        self._places = EventPlaces(self._maps, self._regions)
        for records in fold(self._log, {_EVENTS: (self._log.start(_EVENTS), positions[_EVENTS])}):
            self._take_events(records)
        self._reader = self._log.reader(positions)
        done = 0 if found.checkpoint is None else found.checkpoint.definitions
        self._seat.member.seek(_STREAMS, max(done, self._log.start(_STREAMS)))

    def _positions(self, checkpoint: StreamCheckpoint | None) -> dict[TopicPartition, int]:
        """Where the tables are read on: after the checkpoint; the end of all where there never was one."""
        every = [TopicPartition(topic, n) for topic in TOPIC_OF.values() for n in range(self._log.partitions(topic))]
        if checkpoint is None:
            return {tp: self._log.end(tp) for tp in every}
        at = {
            TopicPartition(topic, number): offset
            for topic, token in checkpoint.positions.items()
            for number, offset in from_token(token).items()
        }
        return {tp: at.get(tp, 0) for tp in every}

    def _changes(self, records: Sequence[Record]) -> tuple[StreamDefinition, ...]:
        """Definitions that are not taken up yet; one that cannot be read leaves the rest alone."""
        found = []
        for record in records:
            try:
                definition = read_definition(record)
            except Quarantine as error:
                if record.offset >= self._told:
                    _LOGGER.warning(_TOLD, self.name, printable(name_in(record)), f"cannot be taken up: {error}")
                continue
            if definition is not None and definition != self._taken_up(definition.name):
                found.append(definition)
        return tuple(found)

    def _taken_up(self, name: str) -> StreamDefinition | None:
        return self._progress[name].definition if name in self._progress else None

    def _adopt(self, changes: Sequence[StreamDefinition]) -> None:
        """End what held before, begin what holds now, at the places that the tables have been read to."""
        changed: dict[str, Publishing] = {}
        selectors = dict(self._selectors)
        for definition in changes:
            one = changed.get(definition.name)
            if one is None:
                old = self._progress.get(definition.name)
                one = changed[definition.name] = Publishing(old or StreamProgress(definition=definition))
            self._revise(one, definition, selectors)
        self._commit(changed.values())
        self._selectors = selectors

    def _revise(self, one: Publishing, definition: StreamDefinition, selectors: dict[str, Selector]) -> None:
        self._log.create([topics.stream_topic(definition.name)])
        before = one.progress
        if selectors.pop(definition.name, None) is not None:
            one.end({"active": "a new revision follows"}.get(definition.state, definition.state))
        is_new = before.sequence == 0 or before.definition.state == "deleted"
        selector, broken = self._checked(definition, len(selectors))
        if broken:
            _LOGGER.warning(_TOLD, self.name, definition.name, broken)
        if definition.state != "active" or broken:
            past = ("", "") if definition.state == "deleted" else (before.past, before.past_end)
            one.progress = replace(one.progress, definition=definition, broken=broken, past=past[0], past_end=past[1])
            return
        if selector is not None:
            selectors[definition.name] = selector
        one.begin(definition)
        if definition.since is not None and (is_new or before.definition.since != definition.since):
            start, end = span_of(self._log, self._here(TOPIC_OF[definition.table]), definition.since)
            one.progress = replace(one.progress, past=start, past_end=end)

    def _select(self, definition: StreamDefinition) -> None:
        selector, broken = self._checked(definition, len(self._selectors))
        if selector is not None and definition.state == "active":
            self._selectors[definition.name] = selector
        if broken != self._progress[definition.name].broken:
            self._progress[definition.name] = replace(self._progress[definition.name], broken=broken)

    def _checked(self, definition: StreamDefinition, others: int) -> tuple[Selector | None, str]:
        """The selector, or why there is none: another version may know a definition that this one does not."""
        if definition.state == "active" and others >= self._limits.streams:
            return None, f"beyond the {self._limits.streams} streams of this broker; delete another, then edit this one"
        try:
            check(replace(definition, filter=""))
            if not definition.filter:
                return Selector(definition, None), ""
            return Selector(definition, parse_filter(definition.filter, definition.table, self._names)), ""
        except SettingsError as error:
            return None, str(error)

    def _live(self, records: Sequence[Record]) -> None:
        """What is new: events first, so that candidates of the same step are held against them."""
        alerts = self._take_events([record for record in records if record.topic == _EVENTS.topic])
        changed: dict[str, Publishing] = {}
        for table, topic in TOPIC_OF.items():
            selectors = [one for one in self._selectors.values() if one.definition.table == table]
            here = [record for record in records if record.topic == topic] if selectors else []
            for selector, found in selections(selectors, held(table, here), self._places):
                one, partitions = self._publishing(changed, selector.definition.name), self._log.partitions(topic)
                for item in found:
                    row = stream_row(selector.definition, item, self._places)
                    one.live_row(row, item.record.time, partitions)
        if alerts:
            self._follow(alerts, changed)
        if self._progress:
            self._commit(changed.values())

    def _take_events(self, records: Sequence[Record]) -> tuple[Alert, ...]:
        alerts = tuple(item.value for item in decoded("alerts", records))
        for alert in alerts:
            self._places.take(alert)
        return alerts

    def _follow(self, alerts: Sequence[Alert], changed: dict[str, Publishing]) -> None:
        """Streams whose filters ask for these events get the candidates that were there before them."""
        here = self._here(topics.CANDIDATES.name)
        for name, selector in self._selectors.items():
            if selector.definition.table != "candidates" or not selector.follows_events:
                continue
            wanted = [alert for alert in alerts if _is_asked(selector, alert)]
            if not wanted or not any(self._places.event_region(alert.thread_id, 1.0) for alert in wanted):
                continue
            one = self._publishing(changed, name)
            start, end = span_of(self._log, here, min(_first_time(selector, alert) for alert in wanted))
            one.progress = replace(
                one.progress, past=earlier(one.progress.past, start), past_end=later(one.progress.past_end, end)
            )

    def _fill(self) -> int:
        """A slice of the past of one stream, in a transaction of its own."""
        waiting = sorted(name for name, progress in self._progress.items() if self._waits(progress))
        if not waiting:
            return 0
        name = self._past.turn(waiting)
        selector, one = self._selectors[name], Publishing(self._progress[name])
        table: StreamTable = selector.definition.table
        published = self._past.published(name) if selector.follows_events else set()
        records, at, ended = self._past.slice(name, TOPIC_OF[table], one.progress, self._most)
        if at == one.progress.past and not ended:
            return 0
        before = one.progress.published
        for _, found in selections([selector], held(table, records), self._places):
            for item in found:
                if (item.record.partition, item.record.offset) not in published:
                    one.row(stream_row(selector.definition, item, self._places, backfill=True))
        rows = one.progress.past_rows + one.progress.published - before
        one.progress = replace(one.progress, past=at, past_rows=rows)
        if ended or rows >= self._limits.past_rows:
            self._hand_over(one, TOPIC_OF[table], "" if ended else at)
        self._commit([one])
        return 1

    def _hand_over(self, one: Publishing, topic: str, cut_at: str) -> None:
        """The back-fill ends, at its end or, ``cut_at`` a position, at the limit of rows."""
        detail = f"back-fill ended at {one.progress.past_end}"
        if cut_at:
            detail = (
                f"back-fill cut off at {cut_at} after {one.progress.past_rows} rows, at most {self._limits.past_rows}"
                f" are; it would have ended at {one.progress.past_end}: narrow the filter, or begin later"
            )
        one.news("handover", detail, topic=topic)
        one.progress = replace(one.progress, past="", past_end="", past_rows=0)

    def _waits(self, progress: StreamProgress) -> bool:
        return bool(progress.past) and progress.definition.name in self._selectors

    def _publishing(self, changed: dict[str, Publishing], name: str) -> Publishing:
        if name not in changed:
            changed[name] = Publishing(self._progress[name])
        return changed[name]

    def _desk(self) -> tuple[Reader, Writer]:
        """What the active worker has and a standby has not."""
        if self._reader is None or self._seat.writer is None:
            raise Stop(f"{self.name} worked while it stood by: a fault in Nuncius, please report")
        return self._reader, self._seat.writer

    def _here(self, topic: str) -> dict[TopicPartition, int]:
        """Next offsets to read of a table."""
        reader, _ = self._desk()
        every = [TopicPartition(topic, number) for number in range(self._log.partitions(topic))]
        return {tp: reader.position(tp) for tp in every}

    def _commit(self, changed: Iterable[Publishing]) -> None:
        _, writer = self._desk()
        done = self._seat.member.position(_STREAMS)
        positions = {
            topic: to_token({tp.partition: at for tp, at in self._here(topic).items()}) for topic in TOPIC_OF.values()
        }
        changed = tuple(changed)
        with writer.transaction() as tx:
            for one in changed:
                name = one.progress.definition.name
                for row in one.rows:
                    tx.send(topics.stream_topic(name).name, encode(row))
                tx.send(topics.STREAMS.name, encode(one.progress), key=progress_key(name))
            mark = StreamCheckpoint(definitions=done, positions=positions)
            tx.send(topics.STREAMS.name, encode(mark), key=CHECKPOINT_KEY)
            tx.commit_offset(GROUP, _STREAMS, done)
        for one in changed:
            self._progress[one.progress.definition.name] = one.progress


def _first_time(selector: Selector, alert: Alert) -> datetime:
    """Nothing that the log took before this can be in the alert's region: it was not even observed."""
    time = event_time(alert)
    places = () if selector.filter is None else selector.filter.places
    days = [place.days for place in places if isinstance(place, ActiveRegions)]
    if time is None or len(days) < len(places) or max(days) > _FOR_EVER_DAYS:
        return datetime(1970, 1, 1, tzinfo=UTC)
    return time - timedelta(days=max(days))


def _is_asked(selector: Selector, alert: Alert) -> bool:
    """Whether a stream's filter asks for the regions of such an event."""
    places = () if selector.filter is None else selector.filter.places
    return any(
        place.messenger == alert.messenger
        if isinstance(place, ActiveRegions)
        else getattr(place, "thread_id", None) == alert.thread_id
        for place in places
    )
