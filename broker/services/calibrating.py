"""Time slides over alerts: the associating engine runs on each, its chance pairs are collected, the test is made."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, NamedTuple

from nuncius.broker.matching.calibration import (
    ChancePair,
    Curve,
    MeanOverlap,
    Verdict,
    complete_hz,
    curve,
    global_test,
    highest_hz,
    mean_overlap,
)
from nuncius.broker.matching.rules import BURST_CLASSES, EventRule
from nuncius.broker.matching.slides import circle_of, is_fixed_to_earth, least_shift_us, plan
from nuncius.broker.matching.threads import Span, microseconds, span_of
from nuncius.broker.services.packets import Packet
from nuncius.broker.services.reading import Parse, read
from nuncius.broker.services.slide_runs import OverlapOf, SlideRuns, Threads, threads_of
from nuncius.broker.services.supplies import Supplies
from nuncius.broker.sky import SkyMap
from nuncius.schemas.alert import Alert
from nuncius.schemas.errors import Quarantine
from nuncius.schemas.localization import SkyMapRef
from nuncius.schemas.standing import issue_order
from nuncius.schemas.vocabulary import Null

PASS_P: Final = 0.01
"""Our own choice: the false-alarm probability of one test."""


class Read(NamedTuple):
    """What was read of files: alerts, sky maps by sha256, packets, and packets and maps that could not be read."""

    alerts: tuple[Alert, ...]
    maps: Mapping[str, SkyMap]
    packets: int
    refused: int
    refused_maps: int


class Result(NamedTuple):
    """Pairs of one rule and null, and what is made of them."""

    null: Null
    curve: Curve
    verdict: Verdict
    overlaps: MeanOverlap | None


@dataclass(frozen=True, slots=True)
class Calibration:
    """One rule's time slides.

    Parameters
    ----------
    rule
        Its name.
    anchors, partners
        Threads of either role that state a time.
    slides
        How many were run.
    livetime_s
        Summed over them.
    pairs, unstated
        Chance pairs that state a rate, and those that state none.
    results
        By null.
    note
        Why there is nothing, or what limits it; empty where nothing does.
    """

    rule: str
    anchors: int
    partners: int
    slides: int
    livetime_s: float
    pairs: int
    unstated: int
    results: tuple[Result, ...]
    note: str

    @property
    def passed(self) -> bool:
        """Whether no test has a p-value below 0.01."""
        return all(
            p >= PASS_P
            for result in self.results
            for p in (result.verdict.p_value, result.overlaps and result.overlaps.p_value)
            if p is not None
        )


def read_alerts(
    packets: Iterable[Packet], supplies: Supplies, parse: Parse, rules: Sequence[EventRule], step: Callable[[], object]
) -> Read:
    """Alerts that have a role in a rule, or belong to a thread that has, each once."""
    known: dict[str, Alert] = {}
    count = refused = 0
    for packet in packets:
        count += 1
        reading = read(packet, supplies.context(packet, "replay"), parse)
        refused += reading.fault is not None
        known.update((alert.alert_id, alert) for alert in reading.alerts if alert.reality == "real")
        step()
    wanted = {a.thread_id for a in known.values() if any(r.anchor.takes(a) or r.partner.takes(a) for r in rules)}
    alerts = [alert for alert in known.values() if alert.thread_id in wanted]
    maps: dict[str, SkyMap] = {}
    broken: dict[str, None] = {}
    for shape in (own.shape for alert in alerts for own in alert.localizations):
        if (
            isinstance(shape, SkyMapRef)
            and shape.data is not None
            and shape.sha256 not in maps
            and shape.sha256 not in broken
        ):
            try:
                maps[shape.sha256] = SkyMap.read(shape.data)
            except Quarantine:
                broken[shape.sha256] = None
    kept = [_without(alert, broken) for alert in alerts]
    return Read(tuple(sorted(kept, key=issue_order)), maps, count, refused, len(broken))


def _without(alert: Alert, broken: Collection[str]) -> Alert:
    """The alert without sky maps that cannot be read, as ingest leaves them out."""
    sound = [
        own for own in alert.localizations if not (isinstance(own.shape, SkyMapRef) and own.shape.sha256 in broken)
    ]
    return alert if len(sound) == len(alert.localizations) else replace(alert, localizations=tuple(sound))


def calibrate(
    alerts: Sequence[Alert],
    maps: Mapping[str, SkyMap],
    rule: EventRule,
    slides: int,
    seed: int,
    step: Callable[[], object],
    uptime: Span | None = None,
    overlap_of: OverlapOf | None = None,
) -> Calibration:
    """Slide the partners of one rule against its anchors, and hold stated against measured rate.

    Parameters
    ----------
    alerts, maps
        What happened, and its sky maps by sha256.
    rule
        Run alone.
    slides
        Wanted; fewer where the span has no room.
    seed
        Of the tests' simulations.
    step
        Called after every slide.
    uptime
        When both streams were up, microseconds [start, stop); None takes it from the first to the last issue of a
        notice. Events outside (known from a late update only) are left out.
    overlap_of
        Takes the place of the plain overlap integral in what is stated; None leaves what the engine states.
    """
    up = uptime or _issued(alerts)
    anchors, partners = _threads(alerts, rule, up)
    if not anchors or not partners:
        return _nothing(rule, anchors, partners, "no event of one of its roles was read")
    if anchors.keys() & partners.keys():
        return _nothing(rule, anchors, partners, "a thread has both roles: a stream is not slid against itself")
    spans = [[s for a in thread if (s := span_of(a))] for thread in (*anchors.values(), *partners.values())]
    days = any(is_fixed_to_earth(a) for thread in partners.values() for a in thread if rule.partner.takes(a))
    circle = circle_of((up[0], up[1] - 1), whole_days=days)
    planned = plan(slides, circle, least_shift_us(rule, spans), ([up], [up]), whole_days=days)
    note = "" if len(planned) == slides else f"the span has room for {len(planned)} slides, not {slides}"
    livetime_s = sum(one.livetime_us for one in planned) / 1e6
    if livetime_s <= 0:
        return _nothing(rule, anchors, partners, "the span is too short to slide by more than window and duration")
    runs = SlideRuns(rule, maps, anchors, partners, circle, overlap_of)
    known = runs.at_zero_lag()
    pairs: list[ChancePair] = []
    unstated = 0
    for number, one in enumerate(planned, 1):
        found = runs.pairs(number, one.shift_us, known)
        pairs += found.pairs
        unstated += found.unstated
        step()
    return Calibration(
        rule.name,
        len(anchors),
        len(partners),
        len(planned),
        livetime_s,
        len(pairs),
        unstated,
        _results(rule, pairs, livetime_s, seed),
        note,
    )


def _results(rule: EventRule, pairs: Sequence[ChancePair], livetime_s: float, seed: int) -> tuple[Result, ...]:
    results = []
    for null in ("noise_pair", "unrelated_real"):
        some = [pair for pair in pairs if pair.null == null]
        if some:
            # Where a rate of real events is known, rare noise is taken for real: what is stated is then a bound.
            equal = null == "noise_pair" and rule.real_rate_hz is None
            top_hz = complete_hz(some) if equal else highest_hz(some)
            test = global_test(some, livetime_s, top_hz, "equal" if equal else "not_above", seed)
            results.append(Result(null, curve(some, livetime_s), test, mean_overlap(some, seed)))
    return tuple(results)


def _nothing(rule: EventRule, anchors: Threads, partners: Threads, note: str) -> Calibration:
    return Calibration(rule.name, len(anchors), len(partners), 0, 0.0, 0, 0, (), note)


def _issued(alerts: Iterable[Alert]) -> Span:
    times = [microseconds(alert.issued_time) for alert in alerts if alert.issued_time is not None]
    return (min(times), max(times) + 1) if times else (0, 0)


def _threads(alerts: Iterable[Alert], rule: EventRule, up: Span) -> tuple[Threads, Threads]:
    """Whole threads of either role whose earliest event time lies in the uptime; retractions go with their thread."""
    timed = {
        name: thread
        for name, thread in threads_of(alerts).items()
        if up[0] <= min(span[0] for a in thread if (span := span_of(a)) is not None) < up[1]
    }
    anchors = {name: thread for name, thread in timed.items() if any(map(rule.anchor.takes, thread))}
    partners = {name: thread for name, thread in timed.items() if any(map(rule.partner.takes, thread))}
    if any(a.event_class in BURST_CLASSES for thread in partners.values() for a in thread):
        # threads that identity may join with a partner move with it
        partners |= {
            name: thread
            for name, thread in timed.items()
            if name not in anchors and any(a.event_class in BURST_CLASSES for a in thread)
        }
    return anchors, partners
