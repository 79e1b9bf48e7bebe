"""The matching engine of survey candidates: a candidate finds the events before it, an event the candidates before it.

The counterparts emitted are a function of the sets of events and candidates, whatever order they come in, as long as
both come within the stated lateness. Every usable notice of an event is searched; which one counts is for
`nuncius.broker.matching.associate` to say.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

import numpy as np

from nuncius.broker.matching.associate import LATENESS_DAYS
from nuncius.broker.matching.cuts import counterparts, event_us, first_detections
from nuncius.broker.matching.lists import usable
from nuncius.broker.matching.lookback import Chunk, LookBack
from nuncius.broker.matching.regions import Regions
from nuncius.broker.matching.rules import CandidateRule, Rule
from nuncius.broker.matching.store import DAY_US
from nuncius.broker.matching.threads import microseconds
from nuncius.broker.sky import SkyMap
from nuncius.schemas.alert import Alert
from nuncius.schemas.candidate import NO_TIME, CandidateBatch
from nuncius.schemas.coincidence import Counterpart
from nuncius.schemas.vocabulary import RunMode


class Notice(NamedTuple):
    """A rule (by its place) with a notice that it searches around."""

    rule: int
    alert: Alert


NoticeKey = tuple[int, str, RunMode]


@dataclass(frozen=True, slots=True)
class MatchDelta:
    """What a step adds to the engine."""

    notices: Mapping[NoticeKey, Notice]
    chunk: Chunk | None
    watermarks: Mapping[RunMode, int]


@dataclass(frozen=True, slots=True)
class MatchOutcome:
    """What a step would do.

    Parameters
    ----------
    delta
        For `Match.apply`, once the effects are committed; dropped after an abort.
    effects
        Counterparts, each once, by rule, event, notice and candidate.
    late
        Rows whose detection lies further behind the watermark than the stated lateness: they may have missed an event.
    """

    delta: MatchDelta
    effects: tuple[Counterpart, ...]
    late: int = 0


class Match:
    """Events with the candidates of one or more partitions.

    Parameters
    ----------
    rules
        Those on candidates that are enabled are used.
    lateness_days
        How long after its event an alert, or after its detection a row, is still matched. Objects first seen longer
        ago than this and the longest window are forgotten.
    """

    def __init__(self, rules: tuple[Rule, ...], lateness_days: float = LATENESS_DAYS) -> None:
        self._rules = tuple(rule for rule in rules if isinstance(rule, CandidateRule) and rule.enabled)
        self._lateness_us = round(lateness_days * DAY_US)
        reach = max((max(rule.high_us, rule.control_us) for rule in self._rules), default=0)
        self._keep_us = self._lateness_us + reach + DAY_US
        self._notices: dict[NoticeKey, Notice] = {}
        self._lookback = LookBack()
        self._watermarks: dict[RunMode, int] = {}
        self._evicted: dict[RunMode, int] = {}

    def step(
        self,
        events: tuple[Alert, ...],
        candidates: CandidateBatch,
        maps: Mapping[str, SkyMap],
        now: datetime,
        *,
        run_mode: RunMode = "live",
    ) -> MatchOutcome:
        """The counterparts that these records make with each other and with what is known; changes nothing.

        Parameters
        ----------
        events
            Newly read, of any run mode; copies of known ones do nothing.
        candidates
            Newly read rows, all of ``run_mode``.
        maps
            Sky maps by the sha256 of their file; must find every map on the log.
        now
            Append time of the records; only limits how far a time may push the watermark.
        run_mode
            Of the candidates.
        """
        sky = Regions(maps)
        fresh = {
            key: Notice(number, alert)
            for alert in events
            for number, rule in enumerate(self._rules)
            if (key := (number, alert.alert_id, alert.run_mode)) not in self._notices and usable(rule, alert)
        }
        found: list[Counterpart] = []
        for notice in fresh.values():
            window = first_detections(self._rules[notice.rule], notice.alert)
            for batch in self._lookback.holding(notice.alert.run_mode, notice.alert.reality, *window):
                found += self._pairs(notice, batch, sky)
        dated = candidates.take((candidates.first_us != NO_TIME) & ~candidates.solar_system)
        chunk = Chunk.of(run_mode, dated) if len(dated) else None
        if chunk is not None:
            for notice in (*self._notices.values(), *fresh.values()):
                window = first_detections(self._rules[notice.rule], notice.alert)
                if notice.alert.run_mode == run_mode and chunk.may_hold(notice.alert.reality, *window):
                    found += self._pairs(notice, chunk.batch, sky)
        watermarks, late = self._watch(events, candidates, now, run_mode)
        unique = {(p.rule, p.event_thread, p.event_alert_id, p.alert_id, p.run_mode): p for p in found}
        effects = tuple(unique[name] for name in sorted(unique))
        return MatchOutcome(MatchDelta(fresh, chunk, watermarks), effects, late)

    def apply(self, delta: MatchDelta) -> None:
        """Take a step over after its effects were committed; about once a day of event time, forget what is too old."""
        self._notices.update(delta.notices)
        if delta.chunk is not None:
            self._lookback.add(delta.chunk)
        for mode, reached in delta.watermarks.items():
            self._watermarks[mode] = max(reached, self._watermarks.get(mode, reached))
        if any(reached >= self._evicted.get(mode, 0) + DAY_US for mode, reached in self._watermarks.items()):
            self._evict()

    def _pairs(self, notice: Notice, batch: CandidateBatch, sky: Regions) -> list[Counterpart]:
        shape = sky.shape(notice.alert)
        return [] if shape is None else counterparts(self._rules[notice.rule], notice.alert, shape, batch)

    def _watch(
        self, events: tuple[Alert, ...], candidates: CandidateBatch, now: datetime, run_mode: RunMode
    ) -> tuple[dict[RunMode, int], int]:
        watermarks = dict(self._watermarks)
        reached = watermarks.get(run_mode)
        times = candidates.time_us[candidates.time_us != NO_TIME]
        late = 0 if reached is None else int(np.count_nonzero(times < reached - self._lateness_us))
        now_us = microseconds(now)
        real = times[candidates.reality[candidates.time_us != NO_TIME] == "real"]
        if len(real):
            watermarks[run_mode] = max(watermarks.get(run_mode, 0), min(int(real.max()), now_us))
        for alert in events:
            if alert.reality == "real" and alert.time_start is not None and alert.issued_time is not None:
                seen = min(microseconds(alert.time_start), microseconds(alert.issued_time), now_us)
                watermarks[alert.run_mode] = max(watermarks.get(alert.run_mode, 0), seen)
        return watermarks, late

    def _evict(self) -> None:
        for mode, reached in self._watermarks.items():
            cutoff = reached - self._keep_us
            self._lookback.drop_before(mode, cutoff)
            self._notices = {
                key: notice
                for key, notice in self._notices.items()
                if key[2] != mode or event_us(notice.alert) >= cutoff
            }
        self._evicted = dict(self._watermarks)
