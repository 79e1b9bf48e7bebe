"""Time slides: whole threads, around a circle, by enough, never back to zero lag."""

from itertools import pairwise

import pytest
from matching_alerts import T0, grb, gw, neutrino

from nuncius.broker.matching.rules import EventRule
from nuncius.broker.matching.rules_toml import shipped_rules
from nuncius.broker.matching.slides import (
    SIDEREAL_DAY_US,
    Circle,
    circle_of,
    is_fixed_to_earth,
    least_shift_us,
    livetime_us,
    plan,
    slid,
)
from nuncius.broker.matching.threads import microseconds, span_of

RULE = next(r for r in shipped_rules() if isinstance(r, EventRule) and r.name == "gw-burst-grb")
DAY_US = 86_400_000_000


def test_a_thread_moves_as_a_whole_even_over_the_seam() -> None:
    start = microseconds(T0)
    circle = Circle(start, 10 * DAY_US)
    thread = (grb(seconds=9 * 86400 - 1), grb(version=1, seconds=9 * 86400 + 1), grb(version=2, seconds=None))
    moved = slid(thread, DAY_US, circle)
    assert [span_of(a) for a in moved] == [(start + 10 * DAY_US - 10**6,) * 2, (start + 10 * DAY_US + 10**6,) * 2, None]
    wrapped = slid(thread, 2 * DAY_US, circle)
    assert span_of(wrapped[0]) == (start + DAY_US - 10**6,) * 2
    for before, after in zip(thread, wrapped, strict=True):
        assert before.issued_time is not None
        assert after.issued_time is not None
        assert (after.issued_time - before.issued_time).total_seconds() == -8 * 86400
        assert after.alert_id == before.alert_id
        assert after.localizations == before.localizations


def test_a_thread_without_a_time_is_refused() -> None:
    with pytest.raises(ValueError, match="without an event time"):
        slid((gw(seconds=None),), 1, Circle(0, 10))


def test_nothing_is_lost_and_zero_lag_never_comes_back() -> None:
    circle = Circle(0, 30 * DAY_US)
    up = [(0, 30 * DAY_US)]
    planned = plan(100, circle, least_shift_us(RULE, [[(0, 0)]]), (up, up), whole_days=False)
    shifts = [s.shift_us for s in planned]
    assert len(set(shifts)) == 100
    ends = [0, *sorted(shifts), circle.length_us]
    window_us = RULE.high_us - RULE.low_us
    assert min(b - a for a, b in pairwise(ends)) > window_us
    assert {s.livetime_us for s in planned} == {30 * DAY_US}


def test_streams_on_the_earth_slide_by_sidereal_days() -> None:
    times = [0, 20 * DAY_US + 5]
    circle = circle_of(times, whole_days=True)
    assert circle.length_us == 21 * SIDEREAL_DAY_US
    up = [(0, 20 * DAY_US + 6)]
    planned = plan(100, circle, 10**9, (up, up), whole_days=True)
    assert [s.shift_us for s in planned] == [k * SIDEREAL_DAY_US for k in range(1, 21)]
    gap_us = circle.length_us - up[0][1]
    # the gap is met twice: where the anchors are down, and where the partners are
    assert {s.livetime_us for s in planned} == {circle.length_us - 2 * gap_us}
    assert is_fixed_to_earth(gw())
    assert is_fixed_to_earth(grb(band="gamma-vhe"))
    assert not is_fixed_to_earth(grb())
    assert not is_fixed_to_earth(neutrino())
    assert is_fixed_to_earth(neutrino(facility="KM3NeT"))


def test_livetime_is_the_intersection_of_the_moved_uptimes() -> None:
    circle = Circle(100, 100)
    anchors, partners = [(100, 140), (150, 200)], [(110, 130), (190, 200)]
    # by brute force: second by second
    for shift in range(100):
        moved = {100 + (t - 100 + shift) % 100 for start, stop in partners for t in range(start, stop)}
        both = sum(t in moved for start, stop in anchors for t in range(start, stop))
        assert livetime_us(anchors, partners, shift, circle) == both


def test_a_short_span_has_no_slide() -> None:
    up = [(0, 1000)]
    assert plan(10, Circle(0, 1000), 1000, (up, up), whole_days=False) == ()
    with pytest.raises(ValueError, match="nothing can be slid"):
        circle_of([], whole_days=False)


def test_durations_and_revised_times_widen_the_least_shift() -> None:
    instants = least_shift_us(RULE, [[(0, 0)], [(7, 7)]])
    assert instants >= RULE.high_us - RULE.low_us
    assert least_shift_us(RULE, [[(0, 50), (20, 90)]]) == instants + 2 * 90
