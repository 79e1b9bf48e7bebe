"""What can be seen, against astropy: sites, times and positions at once; nights, spells and the horizon."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import AltAz, EarthLocation, SkyCoord, get_body
from astropy.time import Time
from astropy.utils import iers
from tiling_cases import PALOMAR, PARANAL, START, STOP, telescope

from nuncius.broker.planning.sightlines import Night, night_number, nights, spells, visible
from nuncius.broker.planning.visibility import Limits, Site, windows
from nuncius.broker.sky.healpix import BoolArray, FloatArray

MASK = ((0.0, 20.0), (90.0, 35.0), (180.0, 15.0), (270.0, 50.0))
NEAR_DEG = 0.01
"""Nearer to a limit than the stated accuracy both answers are right."""


@pytest.fixture(autouse=True)
def _bundled_tables() -> Iterator[None]:
    with iers.conf.set_temp("auto_download", False), iers.conf.set_temp("auto_max_age", None):
        yield


def margin_by_astropy(site: Site, ra: FloatArray, dec: FloatArray, times: list[datetime], limits: Limits) -> FloatArray:
    """How far inside all limits, degrees, shape (times, positions); the mask interpolated by hand."""
    place = EarthLocation.from_geodetic(site.lon_deg * u.deg, site.lat_deg * u.deg, site.height_m * u.m)
    moments = Time([one.replace(tzinfo=None) for one in times])[:, None]
    frame = AltAz(obstime=moments, location=place)
    target = SkyCoord(ra * u.deg, dec * u.deg)[None, :].transform_to(frame)
    sun = get_body("sun", moments, place).transform_to(frame)
    moon = get_body("moon", moments, place).transform_to(frame)
    apart = target.separation(SkyCoord(moon.az, moon.alt, frame=target.frame.replicate_without_data())).deg
    corner = np.searchsorted([azimuth for azimuth, _ in MASK], target.az.deg, side="right") - 1
    low = np.array([altitude for _, altitude in MASK])
    share = (target.az.deg - 90.0 * corner) / 90.0
    lowest = low[corner] * (1 - share) + low[(corner + 1) % 4] * share
    parts = (
        target.alt.deg - limits.min_altitude_deg,
        target.alt.deg - lowest,
        np.broadcast_to(limits.sun_altitude_max_deg - sun.alt.deg, apart.shape),
        apart - limits.moon_separation_min_deg,
    )
    return np.asarray(np.min(parts, axis=0), np.float64)


def test_visible_agrees_with_astropy_but_for_a_hundredth_of_a_degree() -> None:
    rng = np.random.default_rng(6)
    ra, dec = rng.uniform(0, 360, 300), np.degrees(np.arcsin(rng.uniform(-1, 1, 300)))
    times = [START + timedelta(minutes=37 * n) for n in range(40)]
    limits = Limits(min_altitude_deg=25.0, sun_altitude_max_deg=-12.0, moon_separation_min_deg=30.0)
    one = replace(telescope("T", PALOMAR, PARANAL, limits=limits), horizon=MASK)
    seen = visible(one, ra, dec, times)
    assert seen.shape == (2, 40, 300)
    assert 0.02 < seen.mean() < 0.5
    for got, site in zip(seen, one.sites, strict=True):
        margin = margin_by_astropy(site, ra, dec, times, limits)
        clear: BoolArray = np.abs(margin) > NEAR_DEG
        assert np.array_equal(got[clear], margin[clear] >= 0)
        assert clear.mean() > 0.99


def test_no_times_and_one_mask_corner() -> None:
    here = np.array([30.0]), np.array([20.0])
    assert visible(telescope(), *here, []).shape == (1, 0, 1)
    wall = replace(telescope(limits=Limits(min_altitude_deg=0.0)), horizon=((10.0, 89.0),))
    midnight = START + timedelta(hours=20)
    assert visible(telescope(), np.array([110.0]), np.array([30.0]), [midnight]).any()
    assert not visible(wall, np.array([110.0]), np.array([10.0]), [midnight]).any()


def test_nights_are_those_of_the_windows_of_one_target() -> None:
    """The windows of a circumpolar target that is always up are the nights themselves."""
    one = telescope(limits=Limits(min_altitude_deg=10.0))
    stop = START + timedelta(days=3)
    dark = nights(one, START, stop)
    up = windows(0.0, 89.9, PALOMAR, one.limits, start=START, stop=stop)
    assert len(dark) == len(up) == 4
    for night, window in zip(dark, up, strict=True):
        assert night.open_s == pytest.approx((window.start - START).total_seconds(), abs=1.0)
        assert night.close_s == pytest.approx((window.stop - START).total_seconds(), abs=1.0)


def test_spells_end_an_exposure_before_the_window_does() -> None:
    one, stop = telescope(), START + timedelta(days=1)
    (_, night) = nights(one, START, stop)
    found = spells(one, night, np.array([30.0]), np.array([20.0]), START, 300.0)
    (window,) = windows(30.0, 20.0, PALOMAR, one.limits, start=START, stop=stop)
    assert found.first_s[0, 0] == pytest.approx((window.start - START).total_seconds(), abs=2.0)
    assert found.last_s[0, 0] == pytest.approx((window.stop - START).total_seconds() - 300.0, abs=2.0)
    long = spells(one, night, np.array([30.0]), np.array([20.0]), START, 20 * 3600.0)
    assert np.isinf(long.first_s).all()


def test_a_mountain_parts_a_night_in_two_spells() -> None:
    one = replace(telescope(limits=Limits(min_altitude_deg=20.0)), horizon=((170.0, 0.0), (180.0, 90.0), (190.0, 0.0)))
    (_, night) = nights(one, START, STOP)
    found = spells(one, night, np.array([45.0]), np.array([0.0]), START, 60.0)
    assert found.first_s.shape == (1, 2)
    assert night.open_s <= found.first_s[0, 0] < found.last_s[0, 0] < found.first_s[0, 1] < found.last_s[0, 1]


def test_the_number_of_a_night_changes_at_noon() -> None:
    """At 90 degrees east local mean noon is at 6 h UTC."""
    east = replace(PALOMAR, lon_deg=90.0)
    noon = datetime(2026, 3, 1, 6, tzinfo=UTC)
    before, after = night_number(east, noon - timedelta(seconds=1)), night_number(east, noon)
    assert after == before + 1
    assert night_number(replace(east, lon_deg=450.0), noon) == after


def test_polar_night_has_a_night_a_day() -> None:
    pole = replace(PALOMAR, lat_deg=89.9, lon_deg=0.0)
    dark = nights(telescope("P", pole), datetime(2026, 12, 20, 12, tzinfo=UTC), datetime(2026, 12, 23, 12, tzinfo=UTC))
    assert dark == tuple(Night(pole, 86400.0 * n, 86400.0 * (n + 1)) for n in range(3))
