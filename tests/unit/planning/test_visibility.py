"""Windows against astropy's own transformations, the evening of GW170817, and nights that never come or never end."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import AltAz, EarthLocation, SkyCoord, get_body
from astropy.time import Time
from astropy.utils import iers

from nuncius.broker.planning.apparent import track
from nuncius.broker.planning.policies_toml import shipped
from nuncius.broker.planning.visibility import Limits, Site, airmass, altitude_of, nearest, windows

SITES = shipped().sites
LAS_CAMPANAS = SITES["Las Campanas"]
MERGER = datetime(2017, 8, 17, 12, 41, 4, tzinfo=UTC)
NIGHT = Limits(min_altitude_deg=20.0, sun_altitude_max_deg=-12.0)
EARLY = datetime(2017, 8, 17, 12, tzinfo=UTC)
LATE = datetime(2026, 11, 23, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _bundled_tables() -> Iterator[None]:
    with iers.conf.set_temp("auto_download", False), iers.conf.set_temp("auto_max_age", None):
        yield


def at(site: Site) -> EarthLocation:
    return EarthLocation.from_geodetic(site.lon_deg * u.deg, site.lat_deg * u.deg, site.height_m * u.m)


@pytest.mark.parametrize("start", [EARLY, LATE], ids=["2017", "2026"])
@pytest.mark.parametrize("name", ["Las Campanas", "Roque de los Muchachos", "Siding Spring"])
def test_altitudes_and_separations_agree_with_astropy(name: str, start: datetime) -> None:
    site, rng = SITES[name], np.random.default_rng(170817)
    ra, dec = rng.uniform(0, 360, 12), np.degrees(np.arcsin(rng.uniform(-1, 1, 12)))
    offset = np.linspace(0, 14 * 86400.0, 50)
    seen = track(
        ra, dec, lon_deg=site.lon_deg, lat_deg=site.lat_deg, height_m=site.height_m, start=start, offset_s=offset
    )
    place, moments = at(site), Time(start) + offset * u.s
    here = AltAz(obstime=moments, location=place)
    stars = SkyCoord(ra[:, None] * u.deg, dec[:, None] * u.deg).transform_to(
        AltAz(obstime=moments[None], location=place)
    )
    sun = get_body("sun", moments, place).transform_to(here)
    moon = get_body("moon", moments, place).transform_to(here)
    between = stars.separation(SkyCoord(moon.az[None], moon.alt[None], frame=stars.frame.replicate_without_data()))
    np.testing.assert_allclose(seen.altitude_deg, stars.alt.deg, atol=0.01)
    turned = (seen.azimuth_deg - stars.az.deg + 180) % 360 - 180
    np.testing.assert_allclose(turned * np.cos(stars.alt.rad), 0.0, atol=0.01)
    np.testing.assert_allclose(seen.sun_altitude_deg, sun.alt.deg, atol=0.01)
    np.testing.assert_allclose(seen.moon_separation_deg, between.deg, atol=0.01)


@pytest.mark.parametrize("start", [EARLY, LATE], ids=["2017", "2026"])
@pytest.mark.parametrize("wall_deg", [-90.0, 90.0], ids=["free", "nothing is seen from south to west"])
def test_windows_hold_the_limits_inside_and_break_one_outside_by_astropy(start: datetime, wall_deg: float) -> None:
    mask = ((0.0, -90.0), (180.0, -90.0), (180.001, wall_deg), (269.999, wall_deg), (270.0, -90.0))
    site, limits = SITES["Palomar"], Limits(min_altitude_deg=35.0, moon_separation_min_deg=25.0, horizon=mask)
    ra, dec, stop = 318.0, -12.0, start + timedelta(days=6)
    found = windows(ra, dec, site, limits, start=start, stop=stop)
    assert wall_deg > 0 or len(found) in (5, 6)
    moments = Time(start) + np.arange(0, 6 * 86400, 600.0) * u.s
    here = AltAz(obstime=moments, location=at(site))
    star = SkyCoord(ra * u.deg, dec * u.deg).transform_to(here)
    sun = get_body("sun", moments, at(site)).transform_to(here)
    moon = get_body("moon", moments, at(site)).transform_to(here)
    good = (star.alt.deg >= 35) & (sun.alt.deg <= -18) & (star.separation(moon).deg >= 25)
    good &= (wall_deg < 0) | (star.az.deg <= 180) | (star.az.deg >= 270)
    clock = moments.to_datetime(timezone=UTC)
    edge = timedelta(seconds=10)
    for moment, wanted in zip(clock, good, strict=True):
        near = any(abs(moment - side) < edge for window in found for side in (window.start, window.stop))
        assert near or wanted == any(window.start <= moment <= window.stop for window in found)


def test_at2017gfo_from_las_campanas() -> None:
    evening, *later = windows(
        197.450354, -23.381484, LAS_CAMPANAS, NIGHT, start=MERGER, stop=MERGER + timedelta(hours=72)
    )
    assert evening.start < datetime(2017, 8, 17, 23, 33, tzinfo=UTC) < evening.stop
    assert evening.start > datetime(2017, 8, 17, 23, 0, tzinfo=UTC)
    assert evening.stop < datetime(2017, 8, 18, 2, 0, tzinfo=UTC)
    assert len(later) == 2


def test_at2017gfo_was_out_of_reach_of_palomar() -> None:
    found = windows(197.450354, -23.381484, SITES["Palomar"], NIGHT, start=MERGER, stop=MERGER + timedelta(hours=72))
    assert found == ()


def test_deeper_twilight_starts_later() -> None:
    stop = MERGER + timedelta(hours=24)
    nautical, astronomical = (
        windows(
            197.450354,
            -23.381484,
            LAS_CAMPANAS,
            Limits(min_altitude_deg=20.0, sun_altitude_max_deg=sun),
            start=MERGER,
            stop=stop,
        )[0]
        for sun in (-12.0, -18.0)
    )
    assert timedelta(minutes=20) < astronomical.start - nautical.start < timedelta(minutes=35)
    assert nautical.sun_altitude_max_deg == pytest.approx(-12, abs=0.25)
    assert astronomical.stop == nautical.stop


def test_a_northern_pole_star_never_rises_in_the_south() -> None:
    low = Limits(min_altitude_deg=0.0, sun_altitude_max_deg=90.0)
    assert windows(0.0, 89.5, LAS_CAMPANAS, low, start=LATE, stop=LATE + timedelta(days=7)) == ()


def test_the_polar_night_is_one_window_and_ends_with_the_span() -> None:
    pole = Site(name="South Pole", lon_deg=0.0, lat_deg=-89.99, height_m=2835.0, source="a test")
    start = datetime(2026, 6, 14, tzinfo=UTC)
    (only,) = windows(10.0, -60.0, pole, Limits(min_altitude_deg=30.0), start=start, stop=start + timedelta(days=5))
    assert (only.start, only.stop) == (start, start + timedelta(days=5))


def test_the_nordic_summer_has_no_night() -> None:
    tromso = Site(name="Tromsø", lon_deg=18.96, lat_deg=69.65, height_m=0.0, source="a test")
    start = datetime(2026, 6, 20, tzinfo=UTC)
    span = {"start": start, "stop": start + timedelta(days=3)}
    assert windows(200.0, 80.0, tromso, Limits(min_altitude_deg=30.0), **span) == ()
    assert windows(200.0, 80.0, tromso, Limits(min_altitude_deg=30.0, sun_altitude_max_deg=90.0), **span) != ()


def test_the_moon_closes_a_window() -> None:
    moon = get_body("moon", Time(LATE), at(SITES["Maunakea"]))
    where = (float(moon.ra.deg), float(moon.dec.deg))
    any_sky = Limits(min_altitude_deg=0.0, sun_altitude_max_deg=90.0)
    span = {"start": LATE, "stop": LATE + timedelta(minutes=30)}
    site = next(s for s in SITES.values() if windows(*where, s, any_sky, **span))
    assert windows(*where, site, replace(any_sky, moon_separation_min_deg=5.0), **span) == ()


def test_where_nothing_is_seen_the_nearest_moment_says_how_far_it_was_from_that() -> None:
    """Geometry: the latitude of Las Campanas below a pole; the Sun at midnight in midsummer at 69.65 degrees north."""
    low = Limits(min_altitude_deg=0.0, sun_altitude_max_deg=90.0)
    star = nearest(0.0, 90.0, LAS_CAMPANAS, low, start=LATE, stop=LATE + timedelta(days=1))
    assert star is not None
    assert star.altitude_deg == pytest.approx(LAS_CAMPANAS.lat_deg, abs=0.2)  # precession since 2000
    assert star.margin_deg == star.altitude_deg
    tromso = Site(name="Tromsø", lon_deg=18.96, lat_deg=69.65, height_m=0.0, source="a test")
    span = {"start": datetime(2026, 6, 21, tzinfo=UTC), "stop": datetime(2026, 6, 22, tzinfo=UTC)}
    sun = nearest(200.0, 80.0, tromso, Limits(min_altitude_deg=30.0), **span)
    assert sun is not None
    assert sun.sun_altitude_deg == pytest.approx(69.65 + 23.44 - 90.0, abs=0.05)
    assert sun.margin_deg == pytest.approx(-18.0 - sun.sun_altitude_deg)
    dark = nearest(197.450354, -23.381484, LAS_CAMPANAS, NIGHT, start=MERGER, stop=MERGER + timedelta(hours=24))
    assert dark is not None
    assert dark.margin_deg > 0


@pytest.mark.parametrize("span", [timedelta(0), timedelta(seconds=-1)])
def test_an_empty_span_has_no_window(span: timedelta) -> None:
    assert windows(0.0, 0.0, LAS_CAMPANAS, NIGHT, start=LATE, stop=LATE + span) == ()
    assert nearest(0.0, 0.0, LAS_CAMPANAS, NIGHT, start=LATE, stop=LATE + span) is None


def test_airmass_is_one_overhead_near_the_secant_halfway_and_about_38_at_the_horizon() -> None:
    assert float(airmass(90.0)) == pytest.approx(1.0, abs=1e-4)
    assert float(airmass(30.0)) == pytest.approx(2.0, rel=0.005)
    assert float(airmass(1e-9)) == pytest.approx(38.75, rel=0.01)
    assert np.isinf(airmass(-1.0))


@pytest.mark.parametrize("limit", [1.0, 1.2, 2.0, 2.5, 10.0])
def test_the_altitude_of_an_airmass_is_the_lowest_that_keeps_it(limit: float) -> None:
    lowest = altitude_of(limit)
    assert float(airmass(lowest)) <= limit * (1 + 1e-9)
    assert float(airmass(lowest - 0.01)) > limit or limit == 1.0
