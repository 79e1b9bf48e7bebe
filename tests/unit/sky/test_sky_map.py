"""Density, credible level and area by hand on small maps."""

from collections.abc import Sequence

import numpy as np
import pytest

from nuncius.broker.sky import SkyMap
from nuncius.broker.sky.healpix import cell_range, position
from nuncius.schemas.errors import MalformedAlert

SPHERE_DEG2 = 4 * np.pi * np.degrees(1) ** 2


def order0(weights: Sequence[float]) -> SkyMap:
    """Twelve tiles with the given weights."""
    return SkyMap.from_ranges(*cell_range(0, np.arange(12)), np.array(weights))


#: tile 4 holds 0.5, tile 9 holds 0.3, tiles 0 and 1 hold 0.1 each, the rest nothing
SKY = order0([1, 1, 0, 0, 5, 0, 0, 0, 0, 3, 0, 0])
RA, DEC = position(0, np.arange(12))


def test_density_is_probability_over_solid_angle() -> None:
    assert np.allclose(np.asarray(SKY.probdensity(RA, DEC)) * np.pi / 3, [0.1, 0.1, 0, 0, 0.5, 0, 0, 0, 0, 0.3, 0, 0])


def test_credible_level_counts_all_tiles_as_dense_or_denser() -> None:
    assert np.allclose(SKY.credible_level(RA, DEC), [1, 1, 1, 1, 0.5, 1, 1, 1, 1, 0.8, 1, 1])


def test_area_is_linear_between_tiles_and_ends_with_the_support() -> None:
    levels = np.array([0.0, 0.25, 0.5, 0.65, 0.8, 0.9, 1.0])
    assert np.allclose(SKY.area(levels), np.array([0, 0.5, 1, 1.5, 2, 3, 4]) / 12 * SPHERE_DEG2)


def test_scalars_give_floats_and_arrays_arrays() -> None:
    assert type(SKY.probdensity(1.0, 2.0)) is float
    assert type(SKY.credible_level(1.0, 2.0)) is float
    assert type(SKY.area(0.9)) is float
    assert np.shape(SKY.probdensity([1.0, 2.0], [[3.0], [4.0]])) == (2, 2)


def test_maximum_and_mean() -> None:
    assert SKY.maximum() == (RA[4], DEC[4])
    ra, dec = order0([0] * 4 + [1, 0, 0, 1] + [0] * 4).mean()
    assert (ra, dec) == pytest.approx((315.0, 0.0))


@pytest.mark.parametrize("level", [-0.1, 1.1, float("nan")])
def test_a_level_out_of_range_is_refused(level: float) -> None:
    with pytest.raises(ValueError, match="credible level"):
        SKY.area(level)


def test_a_map_does_not_change_with_the_arrays_it_was_made_from() -> None:
    start, stop = cell_range(0, np.arange(12))
    density = np.ones(12)
    sky = SkyMap.from_ranges(start, stop, density)
    density[:] = 7.0
    start[:] = 0
    assert sky.area(1.0) == pytest.approx(SPHERE_DEG2)
    with pytest.raises(ValueError, match="read-only"):
        sky.density[0] = 1.0


@pytest.mark.parametrize(("start", "stop"), [([5], [5]), ([-1], [5]), ([0], [(12 << 58) + 1]), ([0, 4], [5, 9])])
def test_ranges_that_are_no_ranges_are_refused(start: list[int], stop: list[int]) -> None:
    with pytest.raises(MalformedAlert):
        SkyMap.from_ranges(np.array(start), np.array(stop), np.ones(len(start)))


def test_order_max_is_that_of_the_finest_tile() -> None:
    start, stop = cell_range(np.array([3, 7]), np.array([0, 12 * 4**7 - 1]))
    assert SkyMap.from_ranges(start, stop, np.ones(2)).order_max == 7
