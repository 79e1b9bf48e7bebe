"""The engine on one time slide after another, and the pairs that it makes by chance."""

import math
from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from typing import Final, NamedTuple

from nuncius.broker.matching.associate import Associate
from nuncius.broker.matching.calibration import ChancePair
from nuncius.broker.matching.effects import PublishCoincidence
from nuncius.broker.matching.rules import EventRule
from nuncius.broker.matching.slides import Circle, slid
from nuncius.broker.matching.statistics import window_length_s
from nuncius.broker.matching.threads import moment, own_regions, span_of
from nuncius.broker.sky import SkyMap
from nuncius.schemas.alert import Alert
from nuncius.schemas.coincidence import Coincidence, Member, Pair, Significance
from nuncius.schemas.standing import issue_order
from nuncius.schemas.vocabulary import Null

Threads = dict[str, list[Alert]]
"""Notices by thread id."""

OverlapOf = Callable[[Alert, Alert], float | None]
"""Overlap of anchor and partner against a measured background; None where it is not known."""

_AFTER: Final = timedelta(days=36_500)
"""So late that all notices are there, and so patient that none is too late."""

Name = tuple[str, str]
"""Thread of the anchor, event of the partner."""


class Found(NamedTuple):
    """Chance pairs of a slide; those that state no rate are only counted."""

    pairs: tuple[ChancePair, ...]
    unstated: int


class _Stated(NamedTuple):
    """What one pair states in one revision."""

    rate_hz: float
    most_hz: float
    overlap: float | None
    null: Null


class SlideRuns:
    """Runs the engine with one rule over slides of its partners.

    Parameters
    ----------
    rule
        Run alone.
    maps
        Sky maps by sha256.
    anchors, partners
        Whole threads; each states an event time.
    circle
        What the partners move on.
    overlap_of
        Takes the place of the plain overlap integral; None leaves what the engine states.
    """

    def __init__(
        self,
        rule: EventRule,
        maps: Mapping[str, SkyMap],
        anchors: Threads,
        partners: Threads,
        circle: Circle,
        overlap_of: OverlapOf | None = None,
    ) -> None:
        self._rule = rule
        self._maps = maps
        self._anchors = [alert for thread in anchors.values() for alert in thread]
        self._partners = partners
        self._circle = circle
        self._overlap_of = overlap_of
        self._alerts = {a.alert_id: a for thread in (*anchors.values(), *partners.values()) for a in thread}
        self._top_far_hz = max((a.far_hz for a in self._anchors if a.far_hz is not None), default=0.0)
        near_us = rule.high_us - rule.low_us
        self._anchor_groups = _groups(anchors, near_us)
        self._partner_groups = _groups(partners, near_us)

    def at_zero_lag(self) -> frozenset[Name]:
        """Pairs as they were: known, and never counted as chance."""
        return frozenset(self._best(0))

    def pairs(self, number: int, shift_us: int, known: frozenset[Name]) -> Found:
        """Chance pairs of slide ``number``: events after identity, each at the best over its revisions."""
        best = self._best(shift_us)
        chance = [(name, best[name]) for name in sorted(best.keys() - known)]
        found = [self._chance(number, name, stated) for name, stated in chance if stated is not None]
        return Found(tuple(found), len(chance) - len(found))

    def _chance(self, number: int, name: Name, stated: _Stated) -> ChancePair:
        return ChancePair(
            number,
            self._anchor_groups[name[0]],
            self._partner_groups[name[1]],
            stated.null,
            stated.rate_hz,
            stated.overlap,
            stated.most_hz,
        )

    def _best(self, shift_us: int) -> dict[Name, _Stated | None]:
        moved = [a for thread in self._partners.values() for a in slid(thread, shift_us, self._circle)]
        now = moment(self._circle.start_us + self._circle.length_us) + _AFTER
        engine = Associate((self._rule,), lateness_days=_AFTER.days, combine=None)
        records: list[Coincidence] = []
        for alert in sorted((*self._anchors, *moved), key=issue_order):
            outcome = engine.step((alert,), (), self._maps, now)
            engine.apply(outcome.delta)
            records += [e.record for e in outcome.effects if isinstance(e, PublishCoincidence)]
        event_of = {thread: event for event, threads in engine.bursts() for thread in threads}
        best: dict[Name, _Stated | None] = {}
        for record in records:
            for pair in _living(record):
                thread = pair.partner.threads[0]
                name = record.anchor.event_id, event_of.get(thread, thread)
                stated, before = self._stated(record.anchor, pair), best.get(name)
                if before is None or (stated is not None and stated.rate_hz < before.rate_hz):
                    best[name] = stated
        return best

    def _stated(self, anchor: Member, pair: Pair) -> _Stated | None:
        """Rate and highest possible rate of a pair; None where it states none."""
        score = pair.significance
        if pair.overlap == 0:
            return _Stated(math.inf, math.inf, 0.0, score.null)
        if score.rate_hz is None:
            return None
        most_hz = self._most_hz(score, pair.overlap)
        if self._overlap_of is None or pair.overlap is None:
            return _Stated(score.rate_hz, most_hz, pair.overlap, score.null)
        against = self._overlap_of(self._located(anchor), self._located(pair.partner))
        if not against:
            return _Stated(math.inf, math.inf, 0.0, score.null)
        weaker = pair.overlap / against
        return _Stated(score.rate_hz * weaker, most_hz * weaker, against, score.null)

    def _most_hz(self, score: Significance, overlap: float | None) -> float:
        rule = self._rule
        if rule.method == "targeted" and rule.anchor_far_max_hz is not None and rule.partner_far_max_hz is not None:
            length_s = window_length_s(rule.window_s)
            return length_s * rule.anchor_far_max_hz * rule.partner_far_max_hz / (1.0 if overlap is None else overlap)
        return self._top_far_hz * (score.expected_by_chance or 0.0)

    def _located(self, member: Member) -> Alert:
        """The notice whose place was used; a pair with an overlap has one."""
        return max((a for i in member.alert_ids if own_regions(a := self._alerts[i])), key=issue_order)


def _living(record: Coincidence) -> tuple[Pair, ...]:
    if record.state == "retracted":
        return ()
    best = Pair(
        partner=record.partner,
        dt_s=record.dt_s,
        overlap=record.overlap,
        credible_level=record.credible_level,
        separation_deg=record.separation_deg,
        significance=record.significance,
    )
    return best, *record.others


def _groups(threads: Threads, near_us: int) -> dict[str, int]:
    """Number of the group of each thread: events nearer to each other than the window meet the same others."""
    spans = [(span, name) for name, thread in threads.items() for a in thread if (span := span_of(a)) is not None]
    groups: dict[str, int] = {}
    reached: int | None = None
    number = -1
    for (start, stop), name in sorted(spans):
        if reached is None or start > reached + near_us:
            number += 1
        reached = stop if reached is None else max(reached, stop)
        groups[name] = number
    return groups


def threads_of(alerts: Iterable[Alert]) -> Threads:
    """Notices of what is real, by thread; threads without any event time are left out."""
    threads: Threads = {}
    for alert in alerts:
        if alert.reality == "real":
            threads.setdefault(alert.thread_id, []).append(alert)
    return {name: thread for name, thread in threads.items() if any(span_of(a) is not None for a in thread)}
