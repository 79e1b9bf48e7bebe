"""Measured rates: the interval against Gehrels' tables, what is counted, and what the record says."""

import math

import numpy as np
import pytest
from matching_alerts import alert, coincidences, cone, grb, gw
from scipy import stats  # type: ignore[import-untyped]  # it ships no types

from nuncius.broker.matching import Associate, load_rules
from nuncius.broker.matching.rates import MeasuredRate, Sighting, measure, poisson_interval
from nuncius.schemas import Alert, Coincidence
from nuncius.schemas.coincidence import Significance

DAY = 86_400.0
RULE = """
[[rule]]
name = "measured"
kind = "events"
source = "the test's own"
anchor = { messengers = ["gravitational_wave"], event_classes = ["cbc"] }
partner = { messengers = ["photon"], event_classes = ["grb"] }
window_s = [-10, 10]
measure_days = 10
"""


# Gehrels 1986 (ApJ 303, 336), tables 1 and 2, one sigma
@pytest.mark.parametrize(
    ("count", "low", "high"),
    [(0, 0, 1.841), (1, 0.173, 3.300), (3, 1.367, 5.918), (5, 2.840, 8.382), (10, 6.891, 14.27)],
)
def test_gehrels_tables(count: int, low: float, high: float) -> None:
    assert poisson_interval(count)[0] == pytest.approx(low, abs=6e-4)
    assert poisson_interval(count)[1] == pytest.approx(high, abs=6e-3)


@pytest.mark.parametrize("count", [0, 1, 7, 400, 40_000])
@pytest.mark.parametrize("level", [0.5, 0.6827, 0.9])
def test_the_interval_is_garwoods_by_chi2(count: int, level: float) -> None:
    low, high = poisson_interval(count, level)
    assert high == pytest.approx(stats.chi2.ppf((1 + level) / 2, 2 * count + 2) / 2, rel=1e-8)
    assert low == pytest.approx(stats.chi2.ppf((1 - level) / 2, 2 * count) / 2 if count else 0, rel=1e-8)


@pytest.mark.parametrize(("count", "level"), [(-1, 0.5), (3, 0.0), (3, 1.0), (3, math.nan)])
def test_no_interval(count: int, level: float) -> None:
    with pytest.raises(ValueError, match="count"):
        poisson_interval(count, level)


def at(*times_s: float) -> list[Sighting]:
    return [Sighting(round(time * 1e6), None) for time in times_s]


#   low 0 |--------------| high 100        [low, high)
def test_the_window_takes_its_start_and_not_its_end() -> None:
    found = measure(at(-0.1, 0, 1, 2, 3, 99.9, 100), -(10**9), 0, 100_000_000)
    assert (found.count, found.exposure_s, found.rate_hz) == (5, 100.0, 0.05)
    assert (found.low_hz, found.high_hz) == tuple(end / 100 for end in poisson_interval(5))


def test_the_event_that_opens_the_exposure_is_not_counted() -> None:
    found = measure(at(40, 50, 60, 70, 80, 90), 40_000_000, 0, 100_000_000)
    assert found.count == 5
    assert found.exposure_s == pytest.approx(60, abs=1e-5)


def test_few_events_give_an_upper_end_and_no_rate() -> None:
    found = measure(at(1, 2, 3, 4), -1, 0, 100_000_000)
    assert (found.rate_hz, found.count) == (None, 4)
    assert found.high_hz == poisson_interval(4)[1] / 100


def test_events_of_one_moment_with_and_without_a_place() -> None:
    sightings = [Sighting(1_000_000, place) for place in ((10.0, 20.0), None, (5.0, 2.0), None, (1.0, 1.0))]
    there = measure(sightings, 0, 0, 2_000_000)
    back = measure(sightings[::-1], 0, 0, 2_000_000)
    assert (there.count, there.rate_hz, there.background_note) == (back.count, back.rate_hz, back.background_note)
    assert there.count == 5


@pytest.mark.parametrize("began_us", [None, 100_000_000, 200_000_000])
def test_no_exposure_says_nothing(began_us: int | None) -> None:
    found = measure(at(1, 2, 3, 4, 5, 6), began_us, 0, 100_000_000)
    assert (found.rate_hz, found.count, found.exposure_s, found.high_hz) == (None, 0, 0.0, math.inf)


def test_the_interval_covers_the_true_rate_at_least_as_often_as_it_says() -> None:
    made = np.random.default_rng(3)
    times = [np.sort(made.uniform(0, 100, made.poisson(20))) for _ in range(400)]
    found: list[MeasuredRate] = [measure(at(*one), -1, 0, 100_000_000) for one in times]
    covered = np.mean([one.low_hz <= 0.2 <= one.high_hz for one in found])
    assert 0.65 < covered < 0.82  # Garwood's intervals cover 68.3 % or more; 400 draws: one sigma is 0.023


def test_a_density_needs_positions() -> None:
    sightings = [Sighting(i, (i % 360, 30.0)) for i in range(200)]
    found = measure(sightings, -1, 0, 200)
    assert found.background is not None
    assert found.background.order == 0
    assert measure(sightings[:191], -1, 0, 200).background is None
    assert "191 positions, fewer than 192" in measure(sightings[:191], -1, 0, 200).background_note


# ---- in the engine -----------------------------------------------------------------------------------------------


def scored(*alerts: Alert, rule: str = RULE) -> Significance:
    found = coincidences(Associate(load_rules(rule)), *alerts)
    (one,) = (each for each in found if each.rule == "measured")
    assert isinstance(one, Coincidence)
    return one.significance


def earlier(*days: float) -> list[Alert]:
    return [grb(f"fermi-gbm:{day}", seconds=-day * DAY) for day in days]


WAVE = gw(far_hz=1e-9, p_astro=0.9)
SIX = earlier(12, 9, 8, 7, 6, 5)


def test_events_before_the_anchor_make_the_rate() -> None:
    score = scored(*SIX, WAVE, grb())
    rate = 5 / (10 * DAY - 10)
    assert score.partner_rate_hz == pytest.approx(rate, rel=1e-9)
    assert score.expected_by_chance == pytest.approx(20 * rate, rel=1e-9)
    low, high = poisson_interval(5)
    assert score.expected_low == pytest.approx(20 * rate * low / 5, rel=1e-9)
    assert score.expected_high == pytest.approx(20 * rate * high / 5, rel=1e-9)
    assert score.rate_source.startswith("measured: 5 events of grb in 10 days before, 68 % interval ")
    assert score.overlap_background == ""


def test_one_burst_of_two_instruments_counts_once() -> None:
    twice = grb("swift:x", seconds=-5 * DAY + 3, facility="Swift", instrument="BAT")
    assert scored(*SIX, twice, WAVE, grb()).partner_rate_hz == scored(*SIX, WAVE, grb()).partner_rate_hz
    alone = grb("swift:x", seconds=-5 * DAY + 300, facility="Swift", instrument="BAT")
    assert scored(*SIX, alone, WAVE, grb()).rate_source.startswith("measured: 6 events")


def test_retracted_and_foreign_events_and_the_pairs_own_partner_do_not_count() -> None:
    gone = alert(
        "fermi-gbm:5", 1, seconds=None, kind="retraction", facility="Fermi", messenger="photon", issued=-4 * DAY
    )
    test = grb("fermi-gbm:t", seconds=-3 * DAY, reality="test")
    assert "measured: 4 events of grb" in scored(*SIX, gone, test, WAVE, grb()).validity
    # five seconds before the wave: inside the window, so behind the guard, and the partner itself
    assert scored(*SIX, WAVE, grb(seconds=-5)).rate_source.startswith("measured: 5 events")


def test_a_late_event_raises_the_rate_of_what_was_published() -> None:
    before, after = scored(*SIX, WAVE, grb()), scored(*SIX, WAVE, grb(), *earlier(4))
    assert after == scored(*earlier(4), *SIX, WAVE, grb())
    assert after.partner_rate_hz == pytest.approx((before.partner_rate_hz or 0) * 6 / 5)


def test_a_first_event_found_late_lengthens_the_exposure_of_anchors_long_after() -> None:
    some = earlier(9, 8, 7, 6, 5, 4)
    assert "measured: 5 events of grb in 9 days" in scored(*some, WAVE, grb()).rate_source
    assert scored(*some, WAVE, grb(), *earlier(12)) == scored(*earlier(12), *some, WAVE, grb())
    assert "measured: 6 events of grb in 10 days" in scored(*some, WAVE, grb(), *earlier(12)).rate_source


def test_what_is_counted_outlives_what_is_forgotten() -> None:
    """Sixty days later the engine has forgotten threads without a measured role, but not these."""
    rule = RULE.replace("measure_days = 10", "measure_days = 90")
    old = [grb(f"fermi-gbm:{i}", seconds=(i - 80) * DAY, issued=(i - 80) * DAY) for i in range(7)]
    now = [gw(f"lvk:{i}", seconds=-i * DAY, issued=-i * DAY) for i in range(60, 1, -1)]
    assert "measured: 6 events of grb in 80 days" in scored(*old, *now, WAVE, grb(), rule=rule).rate_source


def test_a_cited_rate_wins() -> None:
    cited = RULE.replace("measure_days", 'partner_rate_per_year = 365\nrate_source = "A 2020"\nmeasure_days')
    score = scored(*SIX, WAVE, grb(), rule=cited)
    assert score.rate_source == "cited: A 2020"
    assert score.partner_rate_hz == pytest.approx(1 / DAY)
    assert (score.partner_rate_low_hz, score.expected_low, score.overlap_background) == (None, None, "")


def test_the_density_of_partners_enters_the_overlap() -> None:
    """Bursts on one half of the sky: a partner there is likelier by chance, so its overlap is smaller."""
    ring = [
        grb(f"fermi-gbm:{i}", seconds=-(9 - i / 40) * DAY, localizations=cone(i * 1.8, 40 + i % 7, 3))
        for i in range(201)
    ]
    here = scored(*ring, gw(localizations=cone(40, 45, 8)), grb(localizations=cone(42, 44, 4)))
    there = scored(*ring, gw(localizations=cone(40, -45, 8)), grb(localizations=cone(42, -44, 4)))
    assert here.overlap_background == "measured: density of 200 positions, HEALPix order 0"
    assert here.overlap_used is not None
    assert there.overlap_used is not None
    # all 200 in the four northern cells or the equatorial four: the south has the prior alone, 4 of 248 a cell
    assert there.overlap_used > 5 * here.overlap_used
    assert there.expected_by_chance == pytest.approx((there.expected_in_time or 0) / there.overlap_used)
