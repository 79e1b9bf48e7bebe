"""The matching engine of survey candidates: a candidate finds the events before it, an event the candidates before it.

The counterparts and the looks emitted are a function of the sets of events and candidates, whatever order they come
in, as long as both come within the stated lateness. Every usable notice of an event is searched; which one counts is
for `nuncius.broker.matching.associate` to say.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from nuncius.broker.matching.associate import LATENESS_DAYS
from nuncius.broker.matching.cuts import counterparts, event_us, first_detections
from nuncius.broker.matching.lists import usable
from nuncius.broker.matching.lookback import Chunk, LookBack
from nuncius.broker.matching.looks import LookedAt, Looks, cells_touched, coverage, joint, looks_of, nights_of
from nuncius.broker.matching.regions import Regions
from nuncius.broker.matching.rules import CandidateRule, Rule
from nuncius.broker.matching.segment import Keep, in_memory
from nuncius.broker.matching.store import DAY_US
from nuncius.broker.matching.threads import microseconds
from nuncius.broker.sky import SkyMap
from nuncius.broker.sky.footprint import Footprint, footprint
from nuncius.broker.sky.healpix import BoolArray
from nuncius.broker.sky.index import RegionIndex
from nuncius.schemas.alert import Alert
from nuncius.schemas.candidate import NO_TIME, CandidateBatch
from nuncius.schemas.coincidence import Counterpart, Coverage
from nuncius.schemas.vocabulary import RunMode


class Notice(NamedTuple):
    """A rule (by its place), a notice that it searches around, the region it searches, and the cells this touches."""

    rule: int
    alert: Alert
    region: Footprint
    cells: BoolArray


NoticeKey = tuple[int, str, RunMode]


@dataclass(frozen=True, slots=True)
class MatchDelta:
    """What a step adds to the engine."""

    notices: Mapping[NoticeKey, Notice]
    chunk: Chunk | None
    looks: Looks
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
    coverage
        Where surveys looked in the regions of notices, as far as this engine has not told it before; in a fixed order.
    late
        Rows whose detection lies further behind the watermark than the stated lateness: they may have missed an event.
    """

    delta: MatchDelta
    effects: tuple[Counterpart, ...]
    coverage: tuple[Coverage, ...] = ()
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
    keep
        Where the columns of past candidates go once they are many: memory, or a file they are mapped from.
    """

    def __init__(self, rules: tuple[Rule, ...], lateness_days: float = LATENESS_DAYS, keep: Keep = in_memory) -> None:
        self._rules = tuple(rule for rule in rules if isinstance(rule, CandidateRule) and rule.enabled)
        self._lateness_us = round(lateness_days * DAY_US)
        reach = max((max(rule.high_us, rule.control_us) for rule in self._rules), default=0)
        self._keep_us = self._lateness_us + reach + DAY_US
        self._notices: dict[NoticeKey, Notice] = {}
        self._index: RegionIndex[NoticeKey] = RegionIndex()
        self._lookback = LookBack(keep)
        self._looked = LookedAt()
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
        fresh = self._fresh(events, sky)
        found: list[Counterpart] = []
        for notice in fresh.values():
            alert, cover = notice.alert, notice.region.cover
            window = first_detections(self._rules[notice.rule], alert)
            for batch in self._lookback.holding(alert.run_mode, alert.reality, window, cover.start, cover.stop):
                found += self._pairs(notice, batch, sky)
        looks = self._looked.unknown(looks_of(run_mode, candidates, self._oldest(run_mode)))
        dated = candidates.take(self._searched(candidates, run_mode))
        chunk = Chunk.of(run_mode, dated) if len(dated) else None
        if chunk is not None:
            found += self._found(self._index, self._notices, chunk, sky)
            if fresh:
                index: RegionIndex[NoticeKey] = RegionIndex()
                index.add({key: notice.region for key, notice in fresh.items()})
                found += self._found(index, fresh, chunk, sky)
        watermarks, late = self._watch(events, candidates, now, run_mode)
        unique = {(p.rule, p.event_thread, p.event_alert_id, p.alert_id, p.run_mode): p for p in found}
        effects = tuple(unique[name] for name in sorted(unique))
        return MatchOutcome(MatchDelta(fresh, chunk, looks, watermarks), effects, self._told(fresh, looks), late)

    def apply(self, delta: MatchDelta) -> None:
        """Take a step over after its effects were committed; about once a day of event time, forget what is too old."""
        self._notices.update(delta.notices)
        self._index.add({key: notice.region for key, notice in delta.notices.items()})
        if delta.chunk is not None:
            self._lookback.add(delta.chunk)
        self._looked.add(delta.looks)
        for mode, reached in delta.watermarks.items():
            self._watermarks[mode] = max(reached, self._watermarks.get(mode, reached))
        if any(reached >= self._evicted.get(mode, 0) + DAY_US for mode, reached in self._watermarks.items()):
            self._evict()

    def _fresh(self, events: tuple[Alert, ...], sky: Regions) -> dict[NoticeKey, Notice]:
        """Notices not known yet that a rule searches around, and whose region is at hand."""
        fresh: dict[NoticeKey, Notice] = {}
        for alert in events:
            for number, rule in enumerate(self._rules):
                key = (number, alert.alert_id, alert.run_mode)
                if key in self._notices or key in fresh or not usable(rule, alert):
                    continue
                shape = sky.searched(alert)
                if shape is not None:
                    region = footprint(shape, rule.max_credible_level)
                    fresh[key] = Notice(number, alert, region, cells_touched(region.cover))
        return fresh

    def _searched(self, candidates: CandidateBatch, run_mode: RunMode) -> NDArray[np.bool_]:
        """Rows that may be a counterpart: dated, placed, no known solar-system object, not seen since long before."""
        placed = np.isfinite(candidates.ra) & (np.abs(candidates.dec) <= 90)
        return (candidates.first_us >= self._oldest(run_mode)) & placed & ~candidates.solar_system

    def _oldest(self, run_mode: RunMode) -> int:
        """Objects and looks before this moment are forgotten, microseconds."""
        return self._watermarks.get(run_mode, NO_TIME + self._keep_us + 1) - self._keep_us

    def _told(self, fresh: Mapping[NoticeKey, Notice], looks: Looks) -> tuple[Coverage, ...]:
        """New looks to notices known, all looks to new ones."""
        new, every = nights_of(looks), nights_of(joint(self._looked.looks, looks) if fresh else {})
        notices = [(key, notice, every) for key, notice in fresh.items()]
        notices += [(key, notice, new) for key, notice in self._notices.items()] if new else []
        notices.sort(key=lambda told: told[0])
        found: list[Coverage] = []
        for _, notice, seen in notices:
            found += coverage(self._rules[notice.rule], notice.alert, notice.cells, seen)
        return tuple(found)

    def _found(
        self, index: RegionIndex[NoticeKey], notices: Mapping[NoticeKey, Notice], chunk: Chunk, sky: Regions
    ) -> list[Counterpart]:
        """Counterparts among the rows of a chunk: regions by the index, then every notice's own cuts."""
        hits = index.find(chunk.batch.ra, chunk.batch.dec)
        by_slot = np.argsort(hits.slot, kind="stable")
        slots, begins = np.unique(hits.slot[by_slot], return_index=True)
        found: list[Counterpart] = []
        for slot, rows in zip(slots, np.split(hits.row[by_slot], begins[1:]), strict=False):
            notice = notices[index.key(int(slot))]
            window = first_detections(self._rules[notice.rule], notice.alert)
            if notice.alert.run_mode == chunk.run_mode and chunk.may_hold(notice.alert.reality, *window):
                first = chunk.batch.first_us[rows]
                timely = rows[(first >= window[0]) & (first <= window[1])]
                if len(timely):
                    found += self._pairs(notice, chunk.batch.take(np.sort(timely)), sky)
        return found

    def _pairs(self, notice: Notice, batch: CandidateBatch, sky: Regions) -> list[Counterpart]:
        shape = sky.searched(notice.alert)
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
            self._looked.drop_before(mode, cutoff)
            old = [k for k, notice in self._notices.items() if k[2] == mode and event_us(notice.alert) < cutoff]
            self._index.drop(*old)
            for key in old:
                del self._notices[key]
        self._evicted = dict(self._watermarks)
