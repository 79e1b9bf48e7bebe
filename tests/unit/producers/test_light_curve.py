"""Rate, peak and colour at a detection: by hand, by numpy's own fit, and as BOOM states them for a real light curve."""

from pathlib import Path
from typing import Any

import fastavro
import numpy as np
import pytest

from nuncius.producers import ztf_history
from nuncius.producers.light_curve import UNKNOWN, LightCurve, Point, light_curve


def seen(day: float, mag: float, band: str = "r", error: float | None = 0.1) -> Point:
    return Point(day, band, mag, error)


def close(found: LightCurve, rate: float, error: float, peak: float) -> bool:
    return found[:3] == pytest.approx((rate, error, peak))


def test_two_detections_make_their_difference_over_their_distance() -> None:
    # (17 - 18) mag / 2 d, and sqrt(0.1² + 0.1²) mag / 2 d
    assert close(light_curve(seen(2.0, 17.0), [seen(0.0, 18.0)]), -0.5, 0.0707107, 17.0)


# mag 18.0  17.0*  17.5  18.5      * the brightest
# day   0     1      2     4  this
def test_after_the_peak_only_what_follows_it_counts() -> None:
    earlier = [seen(2.0, 17.5), seen(0.0, 18.0), seen(1.0, 17.0)]
    # days 1, 2, 4 about their mean 7/3: (-4·17 - 17.5 + 5·18.5) / 3 over (16 + 1 + 25) / 9
    assert close(light_curve(seen(4.0, 18.5), earlier), 0.5, 0.1 / (42 / 9) ** 0.5, 17.0)


def test_up_to_the_peak_all_of_the_band_counts_weighted_by_its_errors() -> None:
    days, mags, errors = [0.0, 1.5, 3.0, 3.02, 7.25], [19.5, 19.1, 18.9, 18.7, 18.2], [0.3, 0.2, 0.1, 0.15, 0.05]
    points = [seen(*one) for one in zip(days, mags, ["r"] * 5, errors, strict=True)]
    found = light_curve(points[-1], [*points[:-1], seen(2.0, 15.0, "g")])
    fit, spread = np.polyfit(days, mags, 1, w=1 / np.array(errors), cov="unscaled")
    assert close(found, fit[0], spread[0, 0] ** 0.5, 18.2)


def test_what_is_not_earlier_is_left_out() -> None:
    earlier = [seen(0.0, 18.0), seen(2.0, 15.0), seen(3.0, 14.0)]
    assert close(light_curve(seen(2.0, 17.0), earlier), -0.5, 0.0707107, 17.0)


@pytest.mark.parametrize(
    "earlier",
    [[], [seen(1.51, 18.0)], [seen(0.0, 18.0, "g")], [seen(0.0, 18.0, error=None)], [seen(0.0, 18.0, error=0.0)]],
)
def test_no_rate_within_half_a_day_from_another_band_or_without_errors(earlier: list[Point]) -> None:
    assert light_curve(seen(2.0, 17.0), earlier)[:3] == (None, None, 17.0)


def test_half_a_day_is_enough() -> None:
    assert light_curve(seen(2.0, 17.0), [seen(1.5, 18.0)]).rate_mag_per_day == pytest.approx(-2.0)


def test_a_detection_that_is_no_excess_has_no_light_curve() -> None:
    assert light_curve(None, [seen(0.0, 18.0)]) == UNKNOWN


@pytest.mark.parametrize(
    ("band", "partner", "color"),
    [
        ("g", seen(1.9, 17.0, "r"), 0.5),
        ("r", seen(1.9, 17.0, "g"), -0.5),
        ("i", seen(1.9, 17.0, "g"), None),
        ("g", seen(1.4, 17.0, "r"), None),
        ("g", seen(1.9, 17.0, "i"), None),
    ],
)
def test_a_colour_is_of_one_night(band: str, partner: Point, color: float | None) -> None:
    assert light_curve(seen(2.0, 17.5, band), [partner]).color_g_r_mag == color


def test_of_two_partners_the_nearer_makes_the_colour() -> None:
    assert light_curve(seen(2.0, 17.5, "g"), [seen(1.9, 17.0), seen(1.8, 16.0)]).color_g_r_mag == 0.5


@pytest.mark.parametrize("error", [5e-324, 1e-160, 1e200])
def test_numbers_no_survey_means_do_not_raise(error: float) -> None:
    found = light_curve(seen(1e300, 1e308, error=error), [seen(-1e300, -1e308, error=error), seen(0.0, 1.0)])
    assert found.peak_mag == -1e308


def test_errors_so_large_that_nothing_weighs_give_no_rate() -> None:
    assert light_curve(seen(2.0, 17.0, error=1e200), [seen(1.0, 18.0, error=1e200)]) == LightCurve(peak_mag=17.0)


def test_one_detection_repeated_with_its_error_and_without_is_no_fault() -> None:
    twice = [seen(1.0, 18.0, error=None), seen(1.0, 18.0), seen(1.9, 17.5, "g"), seen(1.9, 17.5, "g", error=None)]
    assert light_curve(seen(2.0, 17.0), twice) == LightCurve(peak_mag=17.0, color_g_r_mag=0.5)


@pytest.mark.alerts
@pytest.mark.parametrize(("band", "fid"), [("g", 1), ("r", 2)])
def test_a_rise_is_what_boom_says_of_it(alerts_dir: Path, band: str, fid: int) -> None:
    with (alerts_dir / "optical/skyportal/babamul_alert.avro").open("rb") as file:
        record: Any = next(fastavro.reader(file))
    stated = record["properties"]["photstats"][band]
    of_peak = next(row for row in record["prv_candidates"] if row["jd"] == stated["peak_jd"])
    at_peak = {**of_peak, "fid": fid, "magpsf": stated["peak_mag"], "sigmapsf": stated["peak_mag_err"]}
    found = ztf_history.curve(record, at_peak)
    assert stated["rising"]["nb_data"] == 8  # all by the survey itself; the fading part holds forced photometry, too
    assert found.rate_mag_per_day == pytest.approx(stated["rising"]["rate"], rel=1e-5)
    assert found.rate_err_mag_per_day == pytest.approx(stated["rising"]["rate_error"], rel=1e-5)
    assert found.peak_mag == stated["peak_mag"]
