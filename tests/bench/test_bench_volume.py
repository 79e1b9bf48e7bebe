"""Credible levels in space against ligo.skymap's crossmatch: equal answers first, then both sides in turn."""

import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import numpy as np
import pytest

from nuncius.broker.sky import SkyMap
from nuncius.broker.sky.volume import Volume

pytestmark = [pytest.mark.bench, pytest.mark.alerts]
ROUNDS = 2
SHELLS = 1000
"""Distance bins of crossmatch, of equal width, out to six times the mean distance. It gives a point the density at
the grid distance at or below it, so its level is ours at that distance, but for the sums over bins: none is a real
difference.
"""


def test_a_hundred_points(alerts_dir: Path, measured: Callable[..., None]) -> None:
    crossmatch = pytest.importorskip("ligo.skymap.postprocess.crossmatch").crossmatch
    read_sky_map = pytest.importorskip("ligo.skymap.io").read_sky_map
    marginal = pytest.importorskip("ligo.skymap.distance").parameters_to_marginal_moments
    coordinates = pytest.importorskip("astropy.coordinates")
    file = alerts_dir / "gw" / "userguide" / "bayestar.multiorder.fits"
    table = read_sky_map(str(file), moc=True)
    sky = SkyMap.read(file)
    rng = np.random.default_rng(3)
    probability = sky.density * sky.solid_angle_sr
    tile = rng.choice(sky.tiles, 100, p=probability / probability.sum())
    ra, dec = sky.centres[0][tile], sky.centres[1][tile]
    mean, _ = marginal(
        probability,
        np.asarray(sky.distance_mu),
        np.asarray(sky.distance_sigma),
    )
    step = 6 * float(mean) / SHELLS
    distance = rng.uniform(10, 70, 100)
    points = coordinates.SkyCoord(ra, dec, distance, unit=("deg", "deg", "Mpc"))

    def ours() -> tuple[np.ndarray, np.ndarray]:
        space = Volume(SkyMap.read(file))
        return space.credible_level(ra, dec, distance), space.volume([0.5, 0.9])

    ratios, own = [], []
    for _ in range(ROUNDS):
        begin = time.perf_counter()
        theirs = crossmatch(table, points, contours=[0.5, 0.9])
        between = time.perf_counter()
        _, volume = ours()
        end = time.perf_counter()
        ratios.append((between - begin) / (end - between))
        own.append(1e3 * (end - between))
    space = Volume(sky)
    grid = np.floor(distance / step) * step
    level = np.abs(space.credible_level(ra, dec, grid) - theirs.searched_prob_vol).max()
    searched = np.abs(space.searched(ra, dec, grid) / theirs.searched_vol - 1).max()
    contours = np.abs(volume / np.asarray(theirs.contour_vols) - 1).max()
    density = np.abs(space.density(ra, dec, grid) / theirs.probdensity_vol - 1).max()
    print(f"{level=:.3g} {searched=:.3g} {contours=:.3g} {density=:.3g}")
    assert density < 1e-4
    assert level < 1e-3
    assert contours < 1e-3
    measured(ligo_skymap_over_ours_with_reading=median(ratios), ours_ms=median(own))


def test_ten_thousand_points(alerts_dir: Path, measured: Callable[..., None]) -> None:
    sky = SkyMap.read(alerts_dir / "gw" / "userguide" / "bayestar.multiorder.fits")
    rng = np.random.default_rng(5)
    probability = sky.density * sky.solid_angle_sr
    tile = rng.choice(sky.tiles, 10_000, p=probability / probability.sum())
    ra, dec, distance = sky.centres[0][tile], sky.centres[1][tile], rng.uniform(10, 70, 10_000)
    begin = time.perf_counter()
    space = Volume(sky)
    level = space.credible_level(ra, dec, distance)
    first = time.perf_counter()
    space.credible_level(ra, dec, distance)
    again = time.perf_counter()
    exact = np.concatenate(
        [space.credible_level(ra[i : i + 100], dec[i : i + 100], distance[i : i + 100]) for i in range(0, 2000, 100)]
    )
    error = float(np.abs(exact - level[:2000]).max())
    assert error < 1e-3
    measured(table_error=error, first_ms=1e3 * (first - begin), again_ms=1e3 * (again - first))
