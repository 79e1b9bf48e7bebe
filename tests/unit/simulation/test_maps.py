"""The demo's sky maps hold what was published, by independent arithmetic."""

import gzip
import math
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from nuncius.broker.sky import SkyMap
from nuncius.producers.simulation.multiorder import Distance, refine, write
from nuncius.producers.simulation.shapes import HANFORD, Banana, antenna_pattern, sidereal_deg

MERGER = datetime(2017, 8, 17, 12, 41, 4, 445710, tzinfo=UTC)
BANANA = Banana(ra=195.4, dec=-20.2, position_angle=141.0, area90_deg2=31.0, axis_ratio=8.0, bend=0.3)


def test_sidereal_time_of_j2000_is_the_published_one() -> None:
    assert sidereal_deg(datetime(2000, 1, 1, 12, tzinfo=UTC)) == pytest.approx(280.4606, abs=1e-3)


def test_sidereal_time_turns_once_a_sidereal_day() -> None:
    later = sidereal_deg(MERGER + timedelta(seconds=86164.0905))
    assert later == pytest.approx(sidereal_deg(MERGER), abs=1e-4)


def test_an_interferometer_hears_best_above_and_below() -> None:
    zenith = (sidereal_deg(MERGER) + HANFORD.lon_deg) % 360.0
    places = np.array([zenith, (zenith + 180.0) % 360.0]), np.array([HANFORD.lat_deg, -HANFORD.lat_deg])
    assert antenna_pattern(HANFORD, MERGER)(*places) == pytest.approx([1.0, 1.0], abs=1e-6)


def test_hanford_at_the_merger_agrees_with_lalsuite() -> None:
    """F+² + Fx² of lal.ComputeDetAMResponse (lalsuite 7.26) at GPS 1187008882.4457, to the power 3/2."""
    ra, dec = np.array([197.45, 10.0, 100.0]), np.array([-23.38, 50.0, -60.0])
    assert antenna_pattern(HANFORD, MERGER)(ra, dec) == pytest.approx([0.70283, 0.85838, 0.22335], rel=2e-3)


def test_a_refined_map_has_the_area_that_was_asked_for() -> None:
    skymap = SkyMap.read(write(refine(BANANA, 20000), Distance(40.0, 8.0), {}, compress=True))
    assert skymap.area(0.9) == pytest.approx(31.0, rel=5e-3)
    assert skymap.area(0.5) == pytest.approx(31.0 * math.log(2.0) / math.log(10.0), rel=5e-3)
    assert (skymap.distance_mean_mpc, skymap.distance_std_mpc) == (40.0, 8.0)


@pytest.mark.parametrize(("ra", "dec"), [(195.4, -20.2), (197.450354, -23.381484), (193.0, -17.0)])
def test_credible_levels_are_those_of_a_gaussian_but_for_the_size_of_a_tile(ra: float, dec: float) -> None:
    skymap = SkyMap.read(write(refine(BANANA, 20000), None, {}, compress=False))
    u, v = BANANA.coordinates(np.array(ra), np.array(dec))
    assert float(skymap.credible_level(ra, dec)) == pytest.approx(1.0 - math.exp(-0.5 * float(u**2 + v**2)), abs=0.05)


def test_tiles_cover_the_sky_once_and_hold_all_probability() -> None:
    tiles = refine(BANANA, 5000)
    start = tiles.number << 2 * (29 - tiles.order)
    stop = (tiles.number + 1) << 2 * (29 - tiles.order)
    assert start[0] == 0
    assert stop[-1] == 12 << 58
    assert (start[1:] == stop[:-1]).all()
    assert float((tiles.density * 4 * math.pi / (12.0 * 4.0**tiles.order)).sum()) == pytest.approx(1.0, rel=1e-12)
    assert 5000 <= len(tiles.order) < 5004


@pytest.mark.parametrize(("mean", "std"), [(40.0, 8.0), (140.0, 30.0), (90.0, 25.0)])
def test_distance_layers_have_the_stated_moments(mean: float, std: float) -> None:
    mu, sigma, norm = Distance(mean, std).layers()
    r = np.linspace(0.0, mean + 12.0 * std, 200_001)
    p = norm * r**2 * np.exp(-0.5 * ((r - mu) / sigma) ** 2) / (sigma * math.sqrt(2.0 * math.pi))
    step = r[1] - r[0]
    assert float(p.sum() * step) == pytest.approx(1.0, rel=2e-3)
    assert float((p * r).sum() * step) == pytest.approx(mean, rel=2e-3)
    assert float(np.sqrt((p * (r - mean) ** 2).sum() * step)) == pytest.approx(std, rel=5e-3)


def test_the_same_map_is_the_same_bytes_and_gzip_carries_no_time() -> None:
    made = [write(refine(BANANA, 3100), None, {"OBJECT": "x"}, compress=True) for _ in range(2)]
    assert made[0] == made[1]
    assert gzip.decompress(made[0])[:9] == b"SIMPLE  ="
