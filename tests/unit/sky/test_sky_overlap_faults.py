"""Faults seen in the field that an overlap must not have (statistics reference, D.2 b and c)."""

import math

import healpy
import numpy as np
import pytest

from nuncius.broker.sky import Region, SkyMap, overlap
from nuncius.broker.sky.healpix import cell_range


def nested(order: int, values: np.ndarray) -> SkyMap:
    return SkyMap.from_ranges(*cell_range(order, np.arange(len(values))), values)


def test_b_a_map_finer_than_the_other_is_summed_and_not_sampled() -> None:
    """A coarse map times one 1024 times finer: the sum over every fine pixel, not the value at a pixel's centre."""
    made = np.random.default_rng(7)
    coarse, fine = made.random(12 * 4**2), made.random(12 * 4**7) ** 8
    exact = float(np.mean(np.repeat(coarse / coarse.mean(), 4**5) * (fine / fine.mean())))
    assert overlap(nested(2, coarse), nested(7, fine)) == pytest.approx(exact, rel=1e-12)
    centres = healpy.ang2pix(128, *healpy.pix2ang(4, np.arange(len(coarse)), nest=True), nest=True)
    sampled = float(np.mean(coarse / coarse.mean() * fine[centres] / fine.mean()))
    assert abs(sampled / exact - 1) > 0.01


def test_opposite_halves_of_unlike_order_share_only_the_border() -> None:
    """The first half of the pixels by rings, nside 32, and the last, nside 64: both cut through the equator's ring."""
    north, south = (
        healpy.reorder((np.arange(12 * nside**2) < 6 * nside**2) == first, r2n=True).astype(float)
        for nside, first in ((32, True), (64, False))
    )
    found = overlap(nested(5, north), nested(6, south))
    assert found == pytest.approx(np.mean(np.repeat(north, 4) * south) * 4, rel=1e-12)
    assert 0 < found < 0.01


def test_c_nothing_shared_is_a_plain_zero() -> None:
    found = overlap(Region("1/0"), Region("1/47"))
    assert isinstance(found, float)
    assert found == 0
    assert not math.copysign(1, found) < 0
