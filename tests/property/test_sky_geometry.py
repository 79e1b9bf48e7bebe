"""What holds for every place and every tiling."""

import math

import numpy as np
import numpy.typing as npt
import pytest
from how_many import examples
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from sky_files import random_tiling

from nuncius.broker.sky import Cone, SkyMap, geometry, map_overlap, overlap, separation_deg
from nuncius.broker.sky.healpix import PIXEL_AREA_SR, cell_range, position
from nuncius.broker.sky.within import credible_region, probability_inside

ra_deg = st.floats(0, 360, exclude_max=True)
dec_deg = st.one_of(st.floats(-90, 90), st.sampled_from([90.0, -90.0, 89.999999, 0.0, 41.810314895778596]))
radius_deg = st.floats(0.01, 60)
containment = st.floats(0.3, 0.99)
cones = st.builds(Cone, ra_deg, dec_deg, radius_deg, containment)
seeds = st.integers(0, 1 << 30)

Vector = npt.NDArray[np.float64]


def sky_of(seed: int, *, zeros: float = 0.2) -> SkyMap:
    """A random tiling with random densities, some of them zero and some equal."""
    order, number = random_tiling(seed, tiles=120)
    rng = np.random.default_rng(seed)
    density = np.round(rng.exponential(1, len(order)), 1) * (rng.uniform(size=len(order)) > zeros)
    density[0] = 1.0
    return SkyMap.from_ranges(*cell_range(order, number), density)


def split(sky: SkyMap, seed: int) -> SkyMap:
    """The same map with a third of its tiles cut in two, anywhere."""
    rng = np.random.default_rng(seed)
    cut = (rng.uniform(size=sky.tiles) < 0.33) & (sky.stop - sky.start > 1)
    middle = rng.integers(sky.start + 1, np.maximum(sky.stop, sky.start + 2))
    start = np.concatenate((sky.start, middle[cut]))
    stop = np.concatenate((np.where(cut, middle, sky.stop), sky.stop[cut]))
    return SkyMap.from_ranges(start, stop, np.concatenate((sky.density, sky.density[cut])))


def turned(cone: Cone, axis: tuple[float, float], angle: float) -> Cone:
    """Rodrigues' rotation of a cone's centre."""
    turn = unit(*axis)
    here = unit(cone.ra, cone.dec)
    there = (
        here * math.cos(angle)
        + np.cross(turn, here) * math.sin(angle)
        + turn * float(turn @ here) * (1 - math.cos(angle))
    )
    dec = math.degrees(math.atan2(there[2], math.hypot(there[0], there[1])))
    return Cone(math.degrees(math.atan2(there[1], there[0])) % 360, dec, cone.radius, cone.containment)


def unit(ra: float, dec: float) -> Vector:
    lon, lat = math.radians(ra), math.radians(dec)
    return np.array([math.cos(lat) * math.cos(lon), math.cos(lat) * math.sin(lon), math.sin(lat)])


@given(cones, cones)
def test_overlap_is_symmetric_and_not_negative(a: Cone, b: Cone) -> None:
    assert overlap(a, b) == pytest.approx(overlap(b, a), rel=1e-12)
    assert overlap(a, b) >= 0


@given(cones, cones, st.tuples(ra_deg, dec_deg), st.floats(-math.pi, math.pi))
def test_overlap_does_not_depend_on_where_the_pole_is(
    a: Cone, b: Cone, axis: tuple[float, float], angle: float
) -> None:
    before, after = overlap(a, b), overlap(turned(a, axis, angle), turned(b, axis, angle))
    # positions keep about 1e-13 degrees; far out in the tails that moves the exponent
    assume(before > 1e-30)
    assert after == pytest.approx(before, rel=1e-6)


@settings(max_examples=examples(15))
@given(cones, cones)
def test_the_merge_of_maps_is_the_closed_form(a: Cone, b: Cone) -> None:
    one, two = geometry(a), geometry(b)
    assert one is not None
    assert two is not None
    # cells resolve a cone to 3e-4 of its probability: far out in its tail, where a narrow circle sees one wide cell of
    # the other's, they agree only roughly
    closest = min(overlap(a, a), overlap(b, b))
    assume(overlap(a, b) > 0.02 * closest)
    assert overlap(one, b) == pytest.approx(overlap(a, b), rel=0.15)
    assert overlap(a, two) == pytest.approx(overlap(a, b), rel=0.15)
    assert map_overlap(one, two) == pytest.approx(overlap(a, b), rel=0.15)
    assert map_overlap(one, two) == map_overlap(two, one)


@given(seeds, seeds)
def test_cutting_tiles_changes_nothing(seed: int, other: int) -> None:
    sky, second = sky_of(seed), sky_of(other)
    cut = split(sky, other)
    assert cut.tiles > sky.tiles
    ra, dec = position(4, np.arange(0, 3072, 7))
    assert np.allclose(sky.probdensity(ra, dec), cut.probdensity(ra, dec), rtol=1e-12)
    assert np.allclose(sky.credible_level(ra, dec), cut.credible_level(ra, dec), atol=1e-12)
    levels = np.linspace(0, 1, 21)
    assert np.allclose(sky.area(levels[:-1]), cut.area(levels[:-1]), rtol=1e-9)
    assert map_overlap(sky, second) == pytest.approx(map_overlap(cut, second), rel=1e-12)


@given(seeds, seeds)
def test_the_merge_is_the_sum_over_all_common_pieces(seed: int, other: int) -> None:
    """Against a double loop in whole numbers."""
    one, two = sky_of(seed), sky_of(other)
    total = 0.0
    for start, stop, density in zip(one.start.tolist(), one.stop.tolist(), one.density.tolist(), strict=True):
        common = np.minimum(two.stop, stop) - np.maximum(two.start, start)
        total += float(np.sum(density * two.density * np.maximum(common, 0))) * PIXEL_AREA_SR
    assert map_overlap(one, two) == pytest.approx(4 * math.pi * total, rel=1e-12)


@given(seeds)
def test_credible_level_falls_with_density_and_area_grows_with_level(seed: int) -> None:
    sky = sky_of(seed)
    ra, dec = position(5, np.arange(0, 12288, 11))
    density, level = np.asarray(sky.probdensity(ra, dec)), np.asarray(sky.credible_level(ra, dec))
    by_density = np.argsort(density)
    assert np.all(np.diff(level[by_density]) <= 0)
    assert np.all((level > 0) & (level <= 1))
    areas = np.asarray(sky.area(np.linspace(0, 1, 50)))
    assert np.all(np.diff(areas) >= 0)


@settings(max_examples=examples(30))
@given(ra_deg, dec_deg, st.floats(0.05, 30))
def test_a_cone_is_densest_at_its_centre_wherever_it_is(ra: float, dec: float, radius: float) -> None:
    sky = geometry(Cone(ra, dec, radius, 0.9))
    assert sky is not None
    assert separation_deg(*sky.maximum(), ra, dec) < 0.2 * radius
    assert sky.probdensity(ra, dec) > 0.95 * float(np.max(sky.density))


@given(ra_deg, dec_deg, ra_deg, dec_deg)
def test_separation_is_that_of_vectors(ra1: float, dec1: float, ra2: float, dec2: float) -> None:
    one, two = unit(ra1, dec1), unit(ra2, dec2)
    expected = math.degrees(2 * math.atan2(float(np.linalg.norm(one - two)), float(np.linalg.norm(one + two))))
    assert separation_deg(ra1, dec1, ra2, dec2) == pytest.approx(expected, abs=1e-9)


@settings(max_examples=examples(15))
@given(
    st.builds(Cone, ra_deg, dec_deg, st.floats(1, 30), containment),
    st.builds(Cone, ra_deg, dec_deg, st.floats(1, 60), containment),
    st.tuples(ra_deg, dec_deg),
    st.floats(-math.pi, math.pi),
)
def test_turning_the_sky_leaves_what_a_circle_holds(a: Cone, b: Cone, axis: tuple[float, float], angle: float) -> None:
    """To the 3e-3 that the cells of a circle's map and of a border leave open."""
    before, after = geometry(a), geometry(turned(a, axis, angle))
    assert before is not None
    assert after is not None
    assert probability_inside(after, turned(b, axis, angle)) == pytest.approx(probability_inside(before, b), abs=3e-3)


@settings(max_examples=examples(25))
@given(seeds, seeds)
def test_cutting_tiles_changes_nothing_that_a_region_holds(seed: int, other: int) -> None:
    sky = sky_of(seed)
    cut = split(sky, other)
    circle = Cone(seed % 360, seed % 170 - 85, 5 + seed % 70, 0.9)
    assert probability_inside(cut, circle) == pytest.approx(probability_inside(sky, circle), abs=1e-4)
    for level in (0.3, 0.9):
        assert all(map(np.array_equal, credible_region(sky, level), credible_region(cut, level)))
