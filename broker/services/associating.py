"""The associate service: events and counterparts in, coincidences and candidate lists out."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from nuncius.broker.matching.associate import Associate, Outcome
from nuncius.broker.matching.effects import PublishCoincidence, PublishList, TooLate
from nuncius.broker.matching.rules import Rule
from nuncius.broker.matching.store import Delta
from nuncius.broker.services.alerts import alert_of
from nuncius.broker.services.fold import fold
from nuncius.broker.services.maps import MapShelf
from nuncius.broker.services.readable import readable
from nuncius.broker.services.worker import Send, Step
from nuncius.broker.transport import topics
from nuncius.broker.transport.port import Log, Record, TopicPartition
from nuncius.broker.transport.reading import read_all
from nuncius.schemas import CandidateList, Coincidence, Counterpart, Coverage, Quarantined
from nuncius.schemas.codec import decode, encode, kind_of

GROUP: Final = "nuncius-associate"
TOPICS: Final = (topics.EVENTS.name, topics.COUNTERPARTS.name)
_OUT: Final = topics.COINCIDENCES.name


class Associating:
    """Joins the associating engine to the log.

    Parameters
    ----------
    rules, lateness_days
        As in `Associate`.
    maps
        Sky maps of the log.
    """

    name = "nuncius-associate"
    group = GROUP
    topics = TOPICS

    def __init__(self, rules: tuple[Rule, ...], lateness_days: float, maps: MapShelf) -> None:
        self._rules = rules
        self._lateness_days = lateness_days
        self._maps = maps
        self._engine = Associate(rules, lateness_days)

    def restore(self, log: Log, committed: dict[TopicPartition, int]) -> None:
        """Fold alerts and counterparts up to the committed point silently, then take over what was published."""
        self._engine = Associate(self._rules, self._lateness_days)
        starts = log.starts(committed)
        for records in fold(log, {tp: (starts[tp], offset) for tp, offset in committed.items()}):
            self._engine.apply(self._step(records, records[-1].time).delta)
        self._engine.restore(list(readable(_published, read_all(log, _OUT))))

    def amends(self) -> None:
        """Nothing: what was published depends on the alerts alone."""

    def step(self, records: Sequence[Record], now: datetime) -> Step[Delta]:
        """What these records lead to."""
        outcome = self._step(records, now)
        sends = []
        for effect in outcome.effects:
            match effect:
                case PublishCoincidence(coincidence, combined):
                    named = coincidence.combined_map
                    if named is not None and named.sha256 not in self._maps:
                        sends.append(Send(topics.MAPS.name, named.sha256.encode(), combined))
                    sends.append(Send(_OUT, coincidence.coincidence_id.encode(), encode(coincidence)))
                case PublishList(ranked):
                    sends.append(Send(_OUT, ranked.list_id.encode(), encode(ranked)))
                case TooLate():
                    sends.append(Send(topics.QUARANTINE.name, effect.alert_id.encode(), encode(_too_late(effect))))
        return Step(outcome.delta, tuple(sends))

    def apply(self, delta: Delta) -> None:
        """Take a committed step over."""
        self._engine.apply(delta)

    def bursts(self) -> tuple[tuple[str, tuple[str, ...]], ...]:
        """Event id and threads of every gamma-ray burst remembered."""
        return self._engine.bursts()

    def _step(self, records: Sequence[Record], now: datetime) -> Outcome:
        alerts = tuple(readable(alert_of, [r for r in records if r.topic == topics.EVENTS.name]))
        told = list(readable(_told, [r for r in records if r.topic == topics.COUNTERPARTS.name]))
        counterparts = tuple(row for row in told if isinstance(row, Counterpart))
        coverage = tuple(row for row in told if isinstance(row, Coverage))
        return self._engine.step(alerts, counterparts, self._maps, now, coverage)


def _told(record: Record) -> Coverage | Counterpart:
    data = record.value or b""
    return decode(Coverage, data) if kind_of(data) is Coverage else decode(Counterpart, data)


def _published(record: Record) -> Coincidence | CandidateList:
    data = record.value or b""
    return decode(Coincidence, data) if kind_of(data) is Coincidence else decode(CandidateList, data)


def _too_late(effect: TooLate) -> Quarantined:
    return Quarantined(
        sha256="",
        nbytes=0,
        source=effect.alert_id,
        stream=effect.thread_id,
        reason="too_late",
        detail=(
            f"event of {effect.event_time:%Y-%m-%dT%H:%M:%SZ}, when {effect.watermark:%Y-%m-%dT%H:%M:%SZ} was reached: "
            "kept on the log, not matched; a replay with larger lateness_days matches it"
        ),
    )
