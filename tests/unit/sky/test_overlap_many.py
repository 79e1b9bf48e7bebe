"""The n-fold overlap integral, against brute force, closed forms and its own calibration."""

import math
from itertools import permutations

import numpy as np
import pytest

from nuncius.broker.sky import SkyMap, overlap
from nuncius.broker.sky.geometry import Place, geometry
from nuncius.broker.sky.overlap_many import overlap_many
from nuncius.schemas import Cone, Ellipse, Localization, Region, SkyMapRef

ALL_SKY = Cone(10.0, 20.0, 180.0, 0.9)
CIRCLES = (Cone(80.0, 10.0, 12.0, 0.9), Cone(86.0, 14.0, 9.0, 0.68), Cone(78.0, 17.0, 15.0, 0.9))
GBM = Localization(Cone(84.0, 12.0, 4.0, 0.68), systematic_model="fermi-gbm-ground", systematic_included=False)
HALF = Region("0/0-3 4-5")
ELLIPSE = Ellipse(82.0, 12.0, 6.0, 6.0, 3.0, 3.0, 30.0, 0.9)


def brute(*places: Place) -> float:
    """(4 pi)^(n-1) times the integral of the product, on points spread evenly over the sphere."""
    number = 400_000
    step = np.arange(number) + 0.5
    dec = np.degrees(np.arcsin(1 - 2 * step / number))
    ra = (step * 180 * (1 + 5**0.5)) % 360
    values = np.ones(number)
    for place in places:
        shape = geometry(place, tolerance=1e-5)
        assert shape is not None
        values *= 4 * math.pi * shape.probdensity(ra, dec)
    return float(np.mean(values))


@pytest.mark.parametrize("place", [CIRCLES[1], GBM, ELLIPSE, HALF])
def test_two_are_the_overlap(place: Place) -> None:
    assert overlap_many((CIRCLES[0], place)) == overlap(CIRCLES[0], place)


@pytest.mark.parametrize(
    "places",
    [CIRCLES, (CIRCLES[0], GBM, CIRCLES[2]), (*CIRCLES, GBM), (ELLIPSE, CIRCLES[0], GBM), (ELLIPSE, HALF, CIRCLES[1])],
)
def test_many_against_brute_force(places: tuple[Place, ...]) -> None:
    assert overlap_many(places) == pytest.approx(brute(*places), rel=5e-3)


@pytest.mark.parametrize("places", [CIRCLES, (ELLIPSE, CIRCLES[0], GBM), (ELLIPSE, HALF, CIRCLES[1])])
def test_order_does_not_matter(places: tuple[Place, ...]) -> None:
    values = [overlap_many(each) for each in permutations(places)]
    assert values == pytest.approx([values[0]] * len(values), rel=1e-12)


@pytest.mark.parametrize("other", [CIRCLES[1], ELLIPSE, HALF])
def test_a_uniform_one_drops_out(other: Place) -> None:
    assert overlap_many((CIRCLES[0], ALL_SKY, other)) == pytest.approx(overlap(CIRCLES[0], other), rel=1e-9)
    assert overlap_many((ALL_SKY, ALL_SKY, other)) == pytest.approx(1.0, rel=1e-9)


def test_flat_sky_limit_of_three_circles() -> None:
    # (4 pi)^2 integral of three 2-D Gaussians of one centre: 16 pi^2 / (2 pi)^3 prod w_i 2 pi / sum w_i, w = s^-2
    sigma = [math.radians(each) / math.sqrt(-2 * math.log(0.1)) for each in (0.5, 0.7, 1.1)]
    weights = [each**-2 for each in sigma]
    expected = 4 * math.prod(weights) / sum(weights)
    cones = [Cone(40.0, -60.0, radius, 0.9) for radius in (0.5, 0.7, 1.1)]
    assert overlap_many(cones) == pytest.approx(expected, rel=2e-4)


def test_one_point_takes_the_densities_and_two_are_blurred() -> None:
    point = Cone(81.0, 12.0, 0.0, 1.0)
    expected = overlap(point, CIRCLES[0]) * overlap(point, ELLIPSE)
    assert overlap_many((CIRCLES[0], point, ELLIPSE)) == pytest.approx(expected, rel=1e-12)
    near = Cone(81.0, 12.05, 0.0, 1.0)
    floor = [Cone(81.0, dec, 0.08, 0.9) for dec in (12.0, 12.05)]
    assert overlap_many((point, near, CIRCLES[0])) == pytest.approx(overlap_many((*floor, CIRCLES[0])), rel=1e-9)


def test_maps_that_exclude_each_other_give_zero() -> None:
    assert overlap_many((Region("1/0"), Region("1/47"), CIRCLES[0])) == 0
    far = (Cone(0, 80, 1, 0.9), Cone(0, -80, 1, 0.9), CIRCLES[0])
    assert overlap_many(far) == 0


def test_hemispheres_by_hand() -> None:
    # thirds of the sky: 4 of 12 base cells; quarter common to all three: I = 12^2 * 1 / 4^3 for one common cell
    thirds = [Region("0/0 1 2 3"), Region("0/0 4 5 6"), Region("0/0 7 8 9")]
    assert overlap_many(thirds) == pytest.approx(12**2 / 4**3, rel=1e-12)


@pytest.mark.parametrize("places", [(CIRCLES[0],), (CIRCLES[0], CIRCLES[1], SkyMapRef("ab", 1))])
def test_too_few_or_unread_is_refused(places: tuple[Place, ...]) -> None:
    with pytest.raises(ValueError, match=r"two localizations|read it"):
        overlap_many(places)


def test_mean_is_one_for_isotropic_streams() -> None:
    rng = np.random.default_rng(20260926)
    number = 4000
    ra = rng.uniform(0, 360, (number, 2))
    dec = np.degrees(np.arcsin(rng.uniform(-1, 1, (number, 2))))
    anchor = Cone(200.0, 35.0, 80.0, 0.9)
    found = [
        overlap_many((anchor, Cone(ra[i, 0], dec[i, 0], 55.0, 0.9), Cone(ra[i, 1], dec[i, 1], 65.0, 0.9)))
        for i in range(number)
    ]
    error = float(np.std(found)) / math.sqrt(number)
    assert error < 0.05
    assert abs(float(np.mean(found)) - 1) < 4 * error


def test_a_map_in_two_pieces_is_the_same_map() -> None:
    whole = SkyMap.from_ranges(np.array([0]), np.array([4 << 52]), np.ones(1))
    split = SkyMap.from_ranges(np.array([0, 1 << 52]), np.array([1 << 52, 4 << 52]), np.ones(2))
    three = (ELLIPSE, CIRCLES[0])
    assert overlap_many((whole, *three)) == pytest.approx(overlap_many((split, *three)), rel=1e-12)
