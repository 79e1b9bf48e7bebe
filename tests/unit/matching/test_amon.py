"""AMON's combination against numbers worked out by hand and against scipy's chi2 and Poisson (reference D.7)."""

import math

import pytest
from scipy import stats  # type: ignore[import-untyped]  # it ships no types

from nuncius.broker.matching.amon import (
    ANTARES_HAWC,
    ICECUBE_HAWC,
    Located,
    combined,
    doublet_density,
    far_density,
    p_cluster,
    position,
    search_volume_sr_s,
)


def test_one_neutrino_with_hawc() -> None:
    found = combined(0.1, 1e-3, 1.0, [0.01], ICECUBE_HAWC)
    # -2 ln 1e-6 = 27.631; tail of chi2 with 8 degrees: 1e-6 (1 + 13.8155 + 95.434 + 439.49) = 5.4974e-4
    assert found.chi2 == pytest.approx(27.63102, abs=1e-5)
    assert found.dof == 8
    assert found.x == pytest.approx(3.25984, abs=1e-4)
    assert found.far_per_year == pytest.approx(10 ** (-0.70 * 3.25984 + 5.27), rel=1e-3)


@pytest.mark.parametrize("neutrinos", [[1.0], [0.5, 1e-3], [1e-30] * 4])
def test_the_tail_is_scipys(neutrinos: list[float]) -> None:
    found = combined(0.3, 1e-4, 1e-5, neutrinos, ANTARES_HAWC)
    assert found.x == pytest.approx(-stats.chi2.logsf(found.chi2, found.dof) / math.log(10), rel=1e-9)
    assert found.far_per_year == pytest.approx(10 ** (-0.81 * found.x + 2.31))


def test_nothing_surprising_has_x_zero() -> None:
    found = combined(1, 1, 1, [1], ICECUBE_HAWC)
    assert (found.chi2, found.dof, found.x) == (0.0, 8, 0.0)
    assert found.far_per_year == pytest.approx(10**5.27)


@pytest.mark.parametrize("chances", [(0, 1, 1, [1]), (1, 1.1, 1, [1]), (1, 1, math.nan, [1]), (1, 1, 1, [])])
def test_refuses_what_is_no_chance(chances: tuple[float, float, float, list[float]]) -> None:
    with pytest.raises(ValueError, match="chances"):
        combined(*chances, ICECUBE_HAWC)


def test_clusters() -> None:
    mean = 0.0066887 * 21_600 * (1 - math.cos(math.radians(3.5))) / 2  # 0.13473 in a transit of six hours
    assert mean == pytest.approx(0.13473, abs=1e-5)
    assert p_cluster(1, 21_600) == 1
    for number in (2, 3, 6):
        assert p_cluster(number, 21_600) == pytest.approx(stats.poisson.sf(number - 2, mean), rel=1e-12)
    assert p_cluster(2, 0.0) == 0
    # powers and factorials of these leave the range of a double
    assert p_cluster(400, 1e8) == pytest.approx(stats.poisson.sf(398, mean / 21_600 * 1e8), rel=1e-9)
    assert far_density([180], [1.0], 170.0) == pytest.approx(stats.poisson.pmf(180, 170.0) / 170.0, rel=1e-11)
    with pytest.raises(ValueError, match="at least one"):
        p_cluster(0, 1.0)


def test_the_position_leans_to_the_better_one() -> None:
    found = position([Located(359.0, 0.0, 1.0), Located(1.0, 0.0, 2.0)])
    # weights 1 and 1/4: -1 + 2 * (1/4) / (5/4) = -0.6; sigma (1 + 1/4)^-1/2
    assert found.ra == pytest.approx(359.4, abs=1e-4)
    assert found.dec == pytest.approx(0, abs=1e-12)
    assert found.sigma_deg == pytest.approx(0.894427, abs=1e-6)
    with pytest.raises(ValueError, match="cancel"):
        position([Located(0, 90, 1), Located(0, -90, 1)])
    with pytest.raises(ValueError, match="sigma"):
        position([Located(0, 0, 0)])


def test_generic_rates() -> None:
    volume = search_volume_sr_s(100.0, 5.0)
    assert volume == pytest.approx(100 * 2 * math.pi * (1 - math.cos(math.radians(5))), rel=1e-12)
    assert search_volume_sr_s(1.0, 180.0) == pytest.approx(4 * math.pi)
    rare = far_density([1, 1], [1e-9, 2e-9], volume)
    assert rare == pytest.approx(doublet_density(1e-9, 2e-9, volume), rel=1e-6)
    often = far_density([2, 1], [0.1, 0.2], volume)
    assert often == pytest.approx(
        stats.poisson.pmf(2, 0.1 * volume) * stats.poisson.pmf(1, 0.2 * volume) / volume, rel=1e-12
    )
    with pytest.raises(ValueError, match="as many"):
        far_density([1], [0.1, 0.2], 1.0)
