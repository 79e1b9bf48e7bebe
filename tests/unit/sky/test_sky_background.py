"""Measured backgrounds: what a cell says, what is undefined, and that overlaps against them are calibrated."""

import healpy
import numpy as np
import pytest

from nuncius.broker.sky import Cone, Region, SkyMap, SkyMapRef, overlap
from nuncius.broker.sky import background as bg

NORTH = "0/0-3"
POINT = Cone(40, 20, 0)


def even_sky(number: int, seed: int = 5) -> tuple[np.ndarray, np.ndarray]:
    made = np.random.default_rng(seed)
    return made.uniform(0, 360, number), np.degrees(np.arcsin(made.uniform(-1, 1, number)))


def test_every_cell_counts_its_events_and_the_prior() -> None:
    ra, dec = even_sky(3_000)
    found = bg.measured(ra, dec)
    assert found.order == 1  # 3000 / 48 = 62 a cell; order 2 would have 15.6
    counts = np.bincount(healpy.ang2pix(2, ra, dec, nest=True, lonlat=True), minlength=48)
    expected = (counts + 4) / (3_000 + 4 * 48) / (4 * np.pi / 48)
    np.testing.assert_allclose(found.density, expected, rtol=1e-12)
    assert np.sum(found.density) * 4 * np.pi / 48 == pytest.approx(1, rel=1e-12)
    assert found.at(ra[0], dec[0]) == found.density[healpy.ang2pix(2, ra[0], dec[0], nest=True, lonlat=True)]


@pytest.mark.parametrize(("events", "order"), [(1, 0), (767, 0), (768, 1), (3_071, 1), (3_072, 2)])
def test_the_order_follows_the_number_of_events(events: int, order: int) -> None:
    assert bg.measured(*even_sky(events)).order == order


def test_cells_never_observed_are_undefined_and_the_rest_integrates_to_one() -> None:
    exposure = np.array([2.0] * 4 + [1.0] * 4 + [0.0] * 4)
    ra, dec = healpy.pix2ang(1, [0, 0, 5], nest=True, lonlat=True)
    found = bg.measured(ra, dec, exposure)
    assert np.isnan(found.density[8:]).all()
    # mean exposure of the cells observed 1.5, so the prior is 4 * 2 / 1.5 and 4 / 1.5 events a cell; 32 + 3 in all
    shares = np.array([2 + 16 / 3] + [16 / 3] * 3 + [8 / 3, 1 + 8 / 3] + [8 / 3] * 2) / 35
    np.testing.assert_allclose(found.density[:8] * 4 * np.pi / 12, shares, rtol=1e-12)


@pytest.mark.parametrize(
    ("ra", "dec", "exposure", "words"),
    [
        ([40], [95], None, "positions"),
        ([40, 50], [5], None, "positions"),
        ([np.nan], [5], None, "positions"),
        ([40], [5], np.ones(13), "full sky"),
        ([40], [5], -np.ones(12), "finite numbers >= 0"),
        ([40], [5], np.zeros(12), "above 0"),
        ([0], [-89], np.array([1.0] * 8 + [0.0] * 4), "1 of 1 events"),
    ],
)
def test_refusals(ra: list[float], dec: list[float], exposure: np.ndarray | None, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        bg.measured(ra, dec, exposure)


@pytest.mark.parametrize(
    ("a", "b"),
    [
        (Cone(40, 20, 8), Cone(44, 25, 5)),
        (Cone(40, 20, 8), POINT),
        (POINT, Cone(40, 20.01, 0)),
        (Region(NORTH), Cone(200, 30, 10)),
        (Region("1/0 7-9"), Region("0/0 2/100")),
        (Region("1/0"), Region("1/47")),
    ],
)
def test_an_isotropic_background_changes_nothing(a: Cone | Region, b: Cone | Region) -> None:
    assert bg.overlap(a, b, bg.isotropic()) == overlap(a, b)
    assert bg.overlap(b, a, bg.isotropic()) == overlap(b, a)


def test_an_uneven_background_is_the_sum_over_cells() -> None:
    """Two uniform maps of order-1 cells on a background of order 0: integral p1 p2 / b by hand."""
    ra, dec = healpy.pix2ang(1, [0] * 9 + [1] * 3, nest=True, lonlat=True)
    uneven = bg.measured(ra, dec, order=0)
    # six and eight cells of 4 pi / 48; common are 2, 3 of cell 0 and 4, 5 of cell 1
    a, b = Region("1/0-5"), Region("1/2-9")
    cell = 4 * np.pi / 48
    p1, p2 = 1 / (6 * cell), 1 / (8 * cell)
    b0, b1 = (13 / 60) / (4 * cell), (7 / 60) / (4 * cell)
    assert bg.overlap(a, b, uneven) == pytest.approx(p1 * p2 * (2 * cell / b0 + 2 * cell / b1), rel=1e-12)
    at = Cone(float(ra[0]), float(dec[0]), 0)
    density = SkyMap.from_ranges(np.array([0]), np.array([12 << 58]), np.ones(1)).probdensity(at.ra, at.dec)
    assert bg.overlap(Region(NORTH + " 4-11"), at, uneven) == pytest.approx(density / b0, rel=1e-12)


def test_mostly_undefined_is_refused_with_its_fraction_and_a_part_only_lowers() -> None:
    half = bg.measured([], [], np.array([1.0] * 4 + [0.0] * 8))
    with pytest.raises(ValueError, match=r"first localization: 75\.0%"):
        bg.overlap(Region("0/3-6"), Region(NORTH), half)
    with pytest.raises(ValueError, match=r"second localization: 100\.0%"):
        bg.overlap(Region(NORTH), Region("0/11"), half)
    # p1 = 1/2 on each of cells 3 and 4, b = 1/4 on each of cells 0 to 3: only cell 3 counts
    cell = 4 * np.pi / 12
    assert bg.overlap(Region("0/3-4"), Region("0/3"), half) == pytest.approx(
        (0.5 / cell) * (1 / cell) / (0.25 / cell) * cell, rel=1e-12
    )
    with pytest.raises(ValueError, match="hash or address"):
        bg.overlap(SkyMapRef("f" * 64, 1), Region(NORTH), half)


def test_the_mean_over_partners_drawn_from_the_background_is_one() -> None:
    """D.9: what makes FAR / I calibrated. Against an isotropic prior the mean is not 1 for such a stream."""
    density = np.array([5.0] * 4 + [1.0] * 8)
    uneven = bg.Background(0, density / density.sum() / (4 * np.pi / 12), 0)
    a = Cone(40, 35, 15)
    cells = np.arange(12 * 16**2)
    ra, dec = healpy.pix2ang(16, cells, nest=True, lonlat=True)
    chance = uneven.at(ra, dec) * 4 * np.pi / len(cells)
    near = np.flatnonzero(healpy.rotator.angdist([40, 35], [ra, dec], lonlat=True) < np.radians(45))
    partners = [Cone(ra[i], dec[i], 0) for i in near]
    assert np.dot([bg.overlap(a, one, uneven) for one in partners], chance[near]) == pytest.approx(1, abs=0.005)
    assert np.dot([overlap(a, one) for one in partners], chance[near]) > 1.5
