"""Ranked galaxies by hand."""

import math

import numpy as np
import pytest

from nuncius.broker.sky import SkyMap
from nuncius.broker.sky.distance import normalised
from nuncius.broker.sky.galaxies import rank_galaxies
from nuncius.broker.sky.healpix import cell_range, position

RA, DEC = position(0, np.arange(12))
MU, SIGMA = np.full(2, 100.0), np.full(2, 10.0)
SKY = SkyMap.from_ranges(
    *cell_range(0, np.arange(2)), np.array([3.0, 1.0]), distance=np.stack((MU, SIGMA, normalised(MU, SIGMA)))
)


def test_probabilities_are_densities_per_volume() -> None:
    got = rank_galaxies(SKY, RA[[1, 0, 0, 5]], DEC[[1, 0, 0, 5]], np.array([100.0, 100.0, 120.0, 100.0]))
    shares = np.array([3.0, 1.0, 3 * math.exp(-2), 0.0])
    assert got.index.tolist() == [1, 0, 2, 3]
    assert got.probability == pytest.approx(shares / shares.sum())
    assert got.credible_level[0] < 1e-6
    assert got.credible_level[-1] == 1.0


def test_weights_multiply_in_any_unit() -> None:
    weight = np.array([6.0, 1.0])
    got = rank_galaxies(SKY, RA[:2][::-1], DEC[:2][::-1], MU, weight)
    assert got.index.tolist() == [0, 1]
    assert got.probability == pytest.approx([2 / 3, 1 / 3])
    assert rank_galaxies(SKY, RA[:2][::-1], DEC[:2][::-1], MU, weight * 1e300).probability == pytest.approx(
        [2 / 3, 1 / 3]
    )


def test_what_cannot_be_ranked_is_refused() -> None:
    with pytest.raises(ValueError, match="weight"):
        rank_galaxies(SKY, RA[:2], DEC[:2], MU, np.array([1.0, np.nan]))
    with pytest.raises(ValueError, match="no galaxy"):
        rank_galaxies(SKY, RA[5:6], DEC[5:6], MU[:1])
