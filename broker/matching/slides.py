"""Time slides: shift one stream against another, so that what still coincides does so by chance.

Whole threads move, event and issue times together, around a circle: what leaves at the end comes back at the start.
A slide in which both streams were up all the time loses nothing; where one was not, the livetime is the intersection
of the uptimes, each moved with its stream. No stream is ever rotated or scrambled on the sky.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from nuncius.broker.matching.identity import SAME_BURST_US
from nuncius.broker.matching.rules import EventRule
from nuncius.broker.matching.threads import Span, microseconds, moment, span_of
from nuncius.schemas.alert import Alert

SIDEREAL_DAY_US: Final = 86_164_090_531
"""Mean sidereal day, microseconds: 86 164.090 530 8 s (IERS, Useful Constants, hpiers.obspm.fr/eop-pc/models)."""

_SPACE_BANDS: Final = frozenset({"gamma", "x-ray", "uv"})


class Circle(NamedTuple):
    """The stretch of time that is bent into a circle: from ``start_us`` on, ``length_us`` long, microseconds."""

    start_us: int
    length_us: int


class Slide(NamedTuple):
    """One slide: the partners move by ``shift_us``; ``livetime_us`` is how long both streams were up together."""

    shift_us: int
    livetime_us: int


def is_fixed_to_earth(alert: Alert) -> bool:
    """Whether where the instrument looks turns with the Earth: then its stream slides by sidereal days only.

    A detector in orbit does not, nor a neutrino detector at a pole, which sees every right ascension alike.
    """
    if alert.messenger == "neutrino":
        return alert.facility.casefold() != "icecube"
    return alert.messenger != "photon" or alert.band not in _SPACE_BANDS


def least_shift_us(rule: EventRule, spans: Iterable[Sequence[Span]]) -> int:
    """Shift that a slide must exceed, microseconds, so that no pair of zero lag comes back.

    Window, twice the longest stretch of event time that one thread states in all its notices (durations and revised
    times), and the width of one event's identity. Delay of issue plays no part: threads move as a whole, and what is
    published is a function of event times.

    Parameters
    ----------
    rule
        Gives the window.
    spans
        For each thread, what its notices state.
    """
    longest = max((max(s[1] for s in said) - min(s[0] for s in said) for said in spans if said), default=0)
    return max(abs(rule.low_us), abs(rule.high_us)) + rule.high_us - rule.low_us + 2 * longest + 2 * SAME_BURST_US


def circle_of(times_us: Sequence[int], *, whole_days: bool) -> Circle:
    """The circle that holds these times; a whole number of sidereal days long where asked for.

    Raises
    ------
    ValueError
        If there is no time.
    """
    if not times_us:
        raise ValueError("no event states a time: nothing can be slid")
    start, length = min(times_us), max(times_us) - min(times_us) + 1
    return Circle(start, -(-length // SIDEREAL_DAY_US) * SIDEREAL_DAY_US if whole_days else length)


def plan(
    wanted: int, circle: Circle, least_us: int, uptimes: tuple[Sequence[Span], Sequence[Span]], *, whole_days: bool
) -> tuple[Slide, ...]:
    """At most so many slides, evenly around the circle, zero lag left out.

    Parameters
    ----------
    wanted
        How many; fewer come where the circle has no room for more.
    circle
        What the partners move on.
    least_us
        From `least_shift_us`: both ways around, and from slide to slide, shifts differ by more than this.
    uptimes
        When the anchors' and the partners' streams were up: disjoint spans [start, stop), microseconds.
    whole_days
        Whether shifts are sidereal days.
    """
    unit = SIDEREAL_DAY_US if whole_days else 1
    least = -(-(least_us + 1) // unit)
    places = circle.length_us // unit
    count = min(wanted, places // least - 1)
    shifts = [round(places * (k + 1) / (count + 1)) * unit for k in range(count)]
    return tuple(Slide(shift, livetime_us(*uptimes, shift, circle)) for shift in shifts)


def livetime_us(anchors: Sequence[Span], partners: Sequence[Span], shift_us: int, circle: Circle) -> int:
    """How long both streams are up when the partners' is moved, microseconds. Spans are [start, stop), disjoint."""
    moved: list[Span] = []
    end = circle.start_us + circle.length_us
    for start, stop in partners:
        first = turned_us(start, shift_us, circle)
        last = first + stop - start
        moved += [(first, min(last, end))]
        if last > end:
            moved.append((circle.start_us, last - circle.length_us))
    return sum(max(0, min(a[1], b[1]) - max(a[0], b[0])) for a in anchors for b in moved)


def turned_us(time_us: int, shift_us: int, circle: Circle) -> int:
    """The time moved on around the circle."""
    return circle.start_us + (time_us - circle.start_us + shift_us) % circle.length_us


def slid(thread: Sequence[Alert], shift_us: int, circle: Circle) -> tuple[Alert, ...]:
    """All notices of one thread, moved together by the way of its earliest event time.

    Raises
    ------
    ValueError
        If no notice states an event time.
    """
    times = [span[0] for alert in thread if (span := span_of(alert)) is not None]
    if not times:
        raise ValueError("a thread without an event time cannot be slid")
    way = timedelta(microseconds=turned_us(min(times), shift_us, circle) - min(times))
    return tuple(_moved(alert, way) for alert in thread)


def _moved(alert: Alert, way: timedelta) -> Alert:
    return replace(
        alert,
        time_start=_later(alert.time_start, way),
        time_stop=_later(alert.time_stop, way),
        issued_time=_later(alert.issued_time, way),
        received_time=_later(alert.received_time, way),
    )


def _later(time: datetime | None, way: timedelta) -> datetime | None:
    return None if time is None else moment(microseconds(time) + way // timedelta(microseconds=1))
