"""Published values: shared reference of coincidence statistics, tables D.3, D.4 and D.9."""

import math

import pytest

from nuncius.broker.matching.statistics import (
    YEAR_S,
    expected_intervals,
    expected_partners,
    interval_rate,
    is_astrophysical,
    targeted_far,
    untargeted_far,
    window_length_s,
)

GRB_HZ = 310 / YEAR_S
SUBGRB_HZ = 375 / YEAR_S


def test_temporal_grb() -> None:
    assert untargeted_far(1e-5, GRB_HZ, (-1, 5)) == pytest.approx(5.8980e-10, abs=1e-13)
    assert untargeted_far(1e-5, GRB_HZ, (-1, 5)) == pytest.approx(5.898021e-10, rel=1e-6)


def test_temporal_sub_grb() -> None:
    assert untargeted_far(1e-9, SUBGRB_HZ, (-5, 1)) == pytest.approx(7.1347e-14, abs=1e-17)
    assert untargeted_far(1e-9, SUBGRB_HZ, (-5, 1)) == pytest.approx(7.134703e-14, rel=1e-6)


def test_targeted_swift() -> None:
    far = targeted_far(1e-7, 1e-4, (-30, 30), 2 / 86400, 1e-3)
    assert far == pytest.approx(5.2482e-9, abs=1e-13)
    assert far == pytest.approx(5.248251e-9, rel=1e-6)


def test_stated_partner_rate() -> None:
    assert untargeted_far(1e-5, 1e-7, (-1, 5)) == pytest.approx(6e-12, rel=1e-12)


@pytest.mark.parametrize(("overlap", "far"), [(32.286, 1.8268e-11), (1430.6, 4.123e-13), (10.392, 5.6755e-11)])
def test_space_time(overlap: float, far: float) -> None:
    assert untargeted_far(1e-5, GRB_HZ, (-1, 5), overlap) == pytest.approx(far, rel=1e-3)


def test_documented_example_of_s200202ar() -> None:
    far_gw, overlap = 9.27159e-7, 1.2899690354431859
    assert untargeted_far(far_gw, GRB_HZ, (-60, 600)) == pytest.approx(6.015243892694064e-09, rel=1e-5)
    assert untargeted_far(far_gw, GRB_HZ, (-60, 600), overlap) == pytest.approx(4.6630916924509334e-09, rel=1e-5)
    assert untargeted_far(far_gw, 1e-6, 660.0, overlap) == pytest.approx(4.743718052036537e-10, rel=1e-5)


def test_gw170817_unrelated_partner() -> None:
    assert expected_partners(GRB_HZ, (-1, 5)) == pytest.approx(5.9e-5, rel=1e-3)
    assert expected_partners(GRB_HZ, (-1, 5), 32.3) == pytest.approx(1.8e-6, rel=0.02)


def test_zero_rate_is_a_value() -> None:
    assert untargeted_far(0.0, GRB_HZ, 6.0) == 0.0
    assert targeted_far(0.0, 1e-4, 60.0, 1e-5, 1e-3) == 0.0


def test_overlap_zero_excludes() -> None:
    assert untargeted_far(0.0, GRB_HZ, 6.0, 0.0) == math.inf
    assert untargeted_far(1e-5, GRB_HZ, 6.0, 0.0) == math.inf
    assert targeted_far(1e-7, 1e-4, 60.0, 1e-5, 1e-3, 0.0) == math.inf
    assert interval_rate(1e-6, 1e-6, (5.0, 0.0), 0.0, 0.0) == math.inf


@pytest.mark.parametrize(
    ("far1", "far2"), [(3e-5, 1e-4), (1e-7, 2e-3), (-1e-9, 1e-4), (math.nan, 1e-4), (1e-7, math.nan)]
)
def test_targeted_rejects(far1: float, far2: float) -> None:
    with pytest.raises(ValueError, match="far"):
        targeted_far(far1, far2, (-30, 30), 2 / 86400, 1e-3)


def test_targeted_at_its_caps() -> None:
    assert targeted_far(1e-5, 1e-3, 60.0, 1e-5, 1e-3) == pytest.approx(60 * 1e-8)


def test_targeted_grows_with_each_rate_up_to_its_cap() -> None:
    far1 = [targeted_far(1e-5 * step / 100, 1e-4, 60.0, 1e-5, 1e-3) for step in range(101)]
    far2 = [targeted_far(1e-7, 1e-3 * step / 100, 60.0, 1e-5, 1e-3) for step in range(101)]
    assert far1 == sorted(far1)
    assert far2 == sorted(far2)


@pytest.mark.parametrize("argument", [-1.0, math.nan, math.inf])
def test_untargeted_rejects(argument: float) -> None:
    for arguments in ((argument, 1.0, 1.0), (1.0, argument, 1.0), (1.0, 1.0, argument), (1.0, 1.0, 1.0, argument)):
        with pytest.raises(ValueError, match=r"must be|window"):
            untargeted_far(*arguments)


def test_window_forms() -> None:
    assert window_length_s((-60, 600)) == 660
    with pytest.raises(ValueError, match="low <= high"):
        window_length_s((5, -1))


def test_intervals_touch_more_often_than_instants() -> None:
    assert expected_intervals(2e-6, (100.0, 50.0), (-10, 10)) == pytest.approx(2e-6 * 170)
    assert interval_rate(1e-6, 2e-6, (100.0, 50.0), 20.0) == pytest.approx(1e-6 * 2e-6 * 170)
    assert interval_rate(1e-6, 2e-6, (0.0, 0.0), 20.0) == pytest.approx(untargeted_far(1e-6, 2e-6, 20.0))


@pytest.mark.parametrize(
    ("p_astro", "far", "real_rate", "expected"),
    [
        (0.5, None, None, True),
        (0.49, None, None, False),
        (0.2, 1e-9, 1e-6, True),
        (None, 1e-9, 1e-6, True),
        (None, 1e-5, 1e-6, False),
        (None, 0.0, 1e-6, True),
        (None, 1e-9, None, None),
        (None, None, 1e-6, None),
        (None, None, None, None),
    ],
)
def test_which_null(p_astro: float | None, far: float | None, real_rate: float | None, expected: bool | None) -> None:  # noqa: FBT001  a table's column
    assert is_astrophysical(p_astro, far, real_rate) is expected
