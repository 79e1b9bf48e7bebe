"""The rate of a stream, measured from its own events, with its interval and the sky they came from."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from nuncius.broker.matching.events import Event
from nuncius.broker.matching.regions import Regions
from nuncius.broker.matching.rules import EventRule
from nuncius.broker.matching.store import Role, View
from nuncius.broker.matching.threads import Facts, ThreadKey
from nuncius.broker.sky import background as sky_background
from nuncius.broker.sky.background import Background
from nuncius.schemas.localization import Localization

FEWEST: Final = 5
"""Fewer events than this give no rate: their 68 % interval is wider than a factor of 2.9. Our own choice."""

ONE_SIGMA: Final = math.erf(math.sqrt(0.5))
"""Probability within one sigma of a Gaussian, 0.6827."""


EventOf = Callable[[ThreadKey], Event]
"""Event id and sorted threads of the event that a thread belongs to."""


class Sighting(NamedTuple):
    """An event of the stream: when it was first seen, microseconds since 1970, and where (ICRS degrees) if known."""

    time_us: int
    position: tuple[float, float] | None


@dataclass(frozen=True, slots=True, eq=False)
class MeasuredRate:
    """A rate as counted.

    Parameters
    ----------
    rate_hz
        Count over exposure; None where fewer than `FEWEST` were counted or nothing was exposed.
    count, exposure_s
        Events, and how long the stream was watched, seconds.
    low_hz, high_hz
        Ends of the central 68.27 % interval of the rate; infinite above without exposure.
    background
        Density of the events over the sky; None where it was not measured.
    background_note
        How the density was measured, or why not.
    """

    rate_hz: float | None
    count: int
    exposure_s: float
    low_hz: float
    high_hz: float
    background: Background | None
    background_note: str


def poisson_interval(count: int, level: float = ONE_SIGMA) -> tuple[float, float]:
    """Central interval of the mean of a Poisson variable, exact: Garwood 1936 (Biometrika 28, 437).

    The lower end l has P(N >= count; l) = (1 - level) / 2, the upper end u has P(N <= count; u) = (1 - level) / 2;
    for a count of 0 the lower end is 0. Tabulated by Gehrels 1986 (ApJ 303, 336), tables 1 and 2.

    Raises
    ------
    ValueError
        If the count is negative or the level not in (0, 1).
    """
    if count < 0 or not 0 < level < 1:
        raise ValueError(f"count {count}, level {level}: give a count >= 0 and a level in (0, 1)")
    tail = (1 - level) / 2
    low = 0.0 if count == 0 else _mean_where(count - 1, 1 - tail)
    return low, _mean_where(count, tail)


def measure(sightings: Sequence[Sighting], began_us: int | None, low_us: int, high_us: int) -> MeasuredRate:
    """The rate in [low, high), from events known.

    The exposure starts with the window, or with the stream's first sign of life if that is later; the event that opens
    the exposure is then not counted, as it is there by choice.

    Parameters
    ----------
    sightings
        Events in any order, those outside the window included.
    began_us
        The stream's first sign of life, microseconds since 1970; None where there was none.
    low_us, high_us
        The window, microseconds since 1970.
    """
    if began_us is not None and began_us >= low_us:
        low_us = began_us + 1
    exposure_s = 0.0 if began_us is None else max(high_us - low_us, 0) / 1e6
    counted = [one for one in sightings if low_us <= one.time_us < high_us] if exposure_s > 0 else []
    counted.sort(key=lambda one: (one.time_us, one.position or ()))
    low, high = poisson_interval(len(counted))
    density, note = _density([one.position for one in counted if one.position is not None])
    return MeasuredRate(
        rate_hz=len(counted) / exposure_s if len(counted) >= FEWEST else None,
        count=len(counted),
        exposure_s=exposure_s,
        low_hz=low / exposure_s if exposure_s > 0 else 0.0,
        high_hz=high / exposure_s if exposure_s > 0 else math.inf,
        background=density,
        background_note=note,
    )


def partner_rate(
    rule: EventRule, number: int, anchor: Facts, partner: Event, known: tuple[View, EventOf, Regions]
) -> MeasuredRate | None:
    """Rate of a rule's partners before the anchor; None where the rule does not measure it.

    Counts events, not notices: those of the partner role that stand (not retracted), first seen within
    [t0 - `measure_us`, t0 - guard), t0 the anchor's time and the guard the part of the window before it. The pair's own
    partner is left out: what else a Poisson process did is independent of it (Mecke 1967, Slivnyak 1962), so the
    rate is not raised by the very event that made us look. A function of the alerts known.

    Parameters
    ----------
    rule, number
        The rule and its place among the engine's rules.
    anchor
        The anchor thread's facts, with a span.
    partner
        The event of the pair.
    known
        What is known, identity and geometry.
    """
    if rule.measure_us is None or rule.partner_rate_hz is not None or anchor.span is None:
        return None
    view, event_of, sky = known
    role = Role("partner", number)
    low = anchor.span[0] - rule.measure_us
    high = anchor.span[0] - max(0, -rule.low_us)
    events: dict[str, Sighting] = {}
    for key in view.touching(role, anchor.key.scope, low, high):
        event_id, threads = event_of(key)
        if event_id not in events and event_id != partner[0] and key != anchor.key:
            found = _sighting(rule, threads, view, sky)
            if found is not None:
                events[event_id] = found
    return measure(list(events.values()), view.first_us(role, anchor.key.scope), low, high)


def overlap_against(rate: MeasuredRate, a: Localization | None, b: Localization | None, sky: Regions) -> float | None:
    """Overlap integral against the measured density of partners; None without a density or without both places."""
    if rate.background is None or a is None or b is None:
        return None
    return sky_background.overlap(a, b, rate.background, sky.maps)


def in_words(rate: MeasuredRate, rule: EventRule) -> str:
    """The measurement as the record says it."""
    classes = " or ".join(rule.partner.event_classes or rule.partner.messengers or ("any class",))
    counted = f"measured: {rate.count} events of {classes} in {rate.exposure_s / 86400:.4g} days before"
    if rate.rate_hz is None:
        most = "" if math.isinf(rate.high_hz) else f", at most {rate.high_hz:.3g} Hz (84 %)"
        return f"{counted}: fewer than {FEWEST}, no rate{most}"
    return f"{counted}, 68 % interval {rate.low_hz:.3g} to {rate.high_hz:.3g} Hz (Garwood 1936)"


def _sighting(rule: EventRule, threads: Sequence[ThreadKey], view: View, sky: Regions) -> Sighting | None:
    standing = [
        facts
        for facts in map(view.facts, threads)
        if facts.retraction is None
        and facts.span is not None
        and facts.main is not None
        and rule.partner.takes(facts.main)
    ]
    if not standing:
        return None
    positions = [p for facts in standing if (p := sky.position(facts.located)) is not None]
    best = min(positions, key=lambda p: (p[2], p), default=None)
    first = min(facts.span[0] for facts in standing if facts.span is not None)
    return Sighting(first, None if best is None else best[:2])


def _density(positions: Sequence[tuple[float, float]]) -> tuple[Background | None, str]:
    if len(positions) < sky_background.FEWEST:
        return None, f"isotropic: {len(positions)} positions, fewer than {sky_background.FEWEST}"
    ra, dec = zip(*positions, strict=True)
    density = sky_background.measured(ra, dec)
    return density, f"measured: density of {len(positions)} positions, HEALPix order {density.order}"


def _mean_where(count: int, probability: float) -> float:
    """The mean at which P(N <= count) falls to ``probability``, by bisection to the last bits."""
    # 35 sigma hold every tail that a double can state, and no term in between underflows
    reach = 35 * math.sqrt(count + 1) + 700
    low, high = max(0.0, count - 35 * math.sqrt(count + 1)), count + reach
    for _ in range(200):
        middle = (low + high) / 2
        if middle in (low, high):
            break
        low, high = (middle, high) if _at_most(count, middle) > probability else (low, middle)
    return high


def _at_most(count: int, mean: float) -> float:
    """P(N <= count) for a Poisson variable, summed downwards until terms no longer count."""
    term = math.exp(count * math.log(mean) - mean - math.lgamma(count + 1))
    total = term
    for n in range(count, 0, -1):
        term *= n / mean
        total += term
        if n < mean and term < total * 1e-17:
            break
    return total
