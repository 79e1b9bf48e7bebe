"""The overlap integral against closed forms and published values (statistics.md, D.3 and D.4)."""

import math

import healpy
import numpy as np
import pytest

from nuncius.broker.sky import Cone, Ellipse, SkyMap, geometry, map_overlap, overlap
from nuncius.broker.sky.healpix import cell_range, position
from nuncius.schemas.localization import Localization

R90 = math.sqrt(-2 * math.log(0.1))
HEMISPHERE = Cone(0.0, 90.0, 90.0, 1.0)


def gaussian(sigma_deg: float, dec: float = 20.0, ra: float = 100.0) -> Cone:
    return Cone(ra, dec, R90 * sigma_deg, 0.9)


def tiled(cone: Cone) -> SkyMap:
    sky = geometry(cone)
    assert sky is not None
    return sky


ORACLE = [
    # sigma, sigma, distance, flat-sky integral, tolerance (curvature)
    (1.0, 1.0, 0.0, 3282.8, 1e-3),
    (5.0, 5.0, 5.0, 102.27, 0.01),
    (10.0, 5.0, 0.0, 52.52, 0.02),
    (0.1, 0.1, 0.2, 3282.8 * 100 * math.exp(-1), 1e-3),
]


@pytest.mark.parametrize(("one", "two", "distance", "expected", "tolerance"), ORACLE)
def test_two_gaussians(one: float, two: float, distance: float, expected: float, tolerance: float) -> None:
    a, b = gaussian(one), gaussian(two, dec=20.0 + distance)
    assert overlap(a, b) == pytest.approx(expected, rel=tolerance)
    assert map_overlap(tiled(a), tiled(b)) == pytest.approx(overlap(a, b), rel=3e-3)


@pytest.mark.parametrize(("one", "two", "distance"), [(20.0, 30.0, 40.0), (3.0, 60.0, 100.0), (2.0, 2.0, 6.0)])
def test_the_closed_form_is_the_integral(one: float, two: float, distance: float) -> None:
    """Against a plain sum over the pixels of a flat map."""
    ra, dec = healpy.pix2ang(256, np.arange(12 * 256**2), lonlat=True)
    a, b = Cone(0.0, 0.0, one, 0.9), Cone(distance, 0.0, two, 0.9)
    flat = []
    for cone, kappa in ((a, kappa_of(one)), (b, kappa_of(two))):
        cosine = np.cos(np.radians(dec)) * np.cos(np.radians(ra - cone.ra))
        density = np.exp(kappa * (cosine - 1))
        flat.append(density / density.mean())
    assert overlap(a, b) == pytest.approx(np.mean(flat[0] * flat[1]), rel=1e-3)


def kappa_of(radius: float) -> float:
    """By bisection on the Fisher distribution's containment of 90 %."""
    cap = 1 - math.cos(math.radians(radius))
    low, high = 0.0, 1e5
    for _ in range(200):
        kappa = (low + high) / 2
        held = (1 - math.exp(-kappa * cap)) / (1 - math.exp(-2 * kappa)) if kappa > 0 else cap / 2
        low, high = (low, kappa) if held > 0.9 else (kappa, high)
    return low


def half(*, north: bool) -> SkyMap:
    """A hemisphere cut at order 5 with a border cell wide of blur, like the published synthetic case."""
    _, dec = position(5, np.arange(12 * 4**5))
    inside = dec > 0 if north else dec < 0
    return SkyMap.from_ranges(*cell_range(5, np.flatnonzero(inside)), np.ones(int(inside.sum())))


def test_the_synthetic_cases() -> None:
    everywhere = Cone(0.0, 0.0, 180.0, 0.9)
    north, south = half(north=True), half(north=False)
    assert overlap(everywhere, everywhere) == pytest.approx(1.0)
    assert overlap(everywhere, north) == pytest.approx(1.0)
    assert overlap(north, north) == pytest.approx(2.0, rel=0.05)
    assert overlap(gaussian(1.0, dec=45.0), north) == pytest.approx(2.0, rel=0.05)
    assert overlap(HEMISPHERE, HEMISPHERE) == pytest.approx(2.0, rel=0.01)
    assert overlap(HEMISPHERE, Cone(10.0, 30.0, 0.0, 1.0)) == pytest.approx(2.0, rel=0.01)
    assert overlap(north, south) == 0.0


def test_disjoint_maps_have_none() -> None:
    one = SkyMap.from_ranges(*cell_range(0, np.array([0])), np.ones(1))
    other = SkyMap.from_ranges(*cell_range(0, np.array([5])), np.ones(1))
    assert overlap(one, other) == 0.0


@pytest.mark.parametrize(
    "other",
    [
        Cone(10.0, 20.0, 0.0, 1.0),
        Cone(10.0, 20.0, 3.0, 0.5),
        Ellipse(10.0, 20.0, 1.0, 2.0, 3.0, 4.0),
        Localization(Cone(10.0, 20.0, 3.0, 0.68), systematic_model="fermi-gbm-ground"),
    ],
)
def test_a_uniform_map_says_nothing(other: Cone | Ellipse | Localization) -> None:
    uniform = SkyMap.from_ranges(*cell_range(3, np.arange(12 * 64)), np.ones(12 * 64))
    assert overlap(uniform, other) == pytest.approx(1.0, abs=1e-9)
    assert overlap(Cone(0.0, 0.0, 180.0, 0.9), other) == pytest.approx(1.0, abs=1e-9)


def test_a_point_in_a_cone_is_the_density_there() -> None:
    cone = gaussian(1.0)
    expected = 4 * math.pi / (2 * math.pi * math.radians(1) ** 2)
    assert overlap(cone, Cone(100.0, 20.0, 0.0, 1.0)) == pytest.approx(expected, rel=1e-3)
    assert overlap(cone, Cone(100.0, 21.0, 0.0, 1.0)) == pytest.approx(expected * math.exp(-0.5), rel=1e-3)
    assert overlap(tiled(cone), Cone(100.0, 20.0, 0.0, 1.0)) == pytest.approx(expected, rel=0.01)


def test_two_points_are_finite_and_fall_with_distance() -> None:
    """Each has the floor of 0.08 degrees (90 %): sigma 0.0373, so I = 1 / sigma^2 where they meet."""
    here = Cone(100.0, 20.0, 0.0, 1.0)
    sigma = math.radians(0.08 / R90)
    assert overlap(here, here) == pytest.approx(1 / sigma**2, rel=1e-3)
    assert overlap(here, Cone(100.0, 21.0, 0.0, 1.0)) < 1e-60
