"""Maps from odd arrays: byte orders, single precision, lists, and densities that are none."""

import numpy as np
import pytest
import sky_files

from nuncius.broker.sky import SkyMap
from nuncius.broker.sky.healpix import cell_range
from nuncius.broker.sky.volume import Volume
from nuncius.schemas import MalformedAlert

START, STOP = cell_range(3, np.arange(768))
DENSITY = np.arange(1.0, 769.0)
AT = (np.linspace(0, 359, 2000), np.linspace(-90, 90, 2000))


@pytest.mark.parametrize("kind", [">f8", "<f4", ">f4", "i4"])
def test_any_plain_numbers_give_the_same_map(kind: str) -> None:
    expected = SkyMap.from_ranges(START, STOP, DENSITY).at(*AT)
    odd = SkyMap.from_ranges(START.astype(">i8"), STOP.astype(">i8"), DENSITY.astype(kind))
    listed = SkyMap.from_ranges(START.tolist(), STOP.tolist(), DENSITY.tolist())  # type: ignore[arg-type]  # lists, as untyped callers give
    for sky in (odd, listed):
        assert sky.density.dtype == np.float64
        for one, two in zip(sky.at(*AT), expected, strict=True):
            assert np.array_equal(one, two, equal_nan=True)


def test_a_negative_density_is_refused() -> None:
    with pytest.raises(MalformedAlert, match="density of -1"):
        SkyMap.from_ranges(START, STOP, np.where(DENSITY == 5, -1.0, DENSITY))


def test_a_distance_beyond_any_horizon_has_no_density_and_makes_no_noise() -> None:
    layers = np.stack([np.full(768, 100.0), np.full(768, 10.0), np.full(768, 1e-4)])
    space = Volume(SkyMap.from_ranges(START, STOP, DENSITY, distance=layers))
    assert space.density(10, 20, 1e300) == 0
    assert space.credible_level(10, 20, 1e300) == 1


@pytest.mark.parametrize("value", [1e101, 1.7e308, np.inf, np.nan, -1e-300])
def test_a_value_that_no_sky_holds_is_refused_in_words(value: float) -> None:
    values = np.ones(12 * 4**2)
    values[7] = value
    with pytest.raises(MalformedAlert, match=r"in cell \d+ of order"):
        SkyMap.read(sky_files.flat(values))
