"""Error models by name (statistics.md, D.4, last paragraph)."""

import math

import pytest

from nuncius.broker.sky import MODELS, Cone, geometry, overlap, point
from nuncius.schemas.localization import Localization

POINT = Cone(100.0, 20.0, 0.0, 1.0)


def gbm(radius: float, name: str) -> Localization:
    return Localization(Cone(100.0, 20.0, radius, 0.68), systematic_included=False, systematic_model=name)


@pytest.mark.parametrize(
    ("name", "weight", "core", "tail"),
    [
        ("fermi-gbm-flight", 0.897, 7.52, 55.6),
        ("fermi-gbm-ground", 0.804, 3.72, 13.7),
        ("fermi-gbm-final", 0.900, 3.71, 14.3),
    ],
)
@pytest.mark.parametrize("stated", [1.0, 11.6])
@pytest.mark.parametrize("distance", [0.0, 3.0, 25.0])
def test_gbm_is_a_core_and_a_tail(
    name: str, weight: float, core: float, tail: float, stated: float, distance: float
) -> None:
    expected = 0.0
    for share, systematic in ((weight, core), (1 - weight, tail)):
        kappa = 1 / (0.4356 * (math.radians(stated) ** 2 + math.radians(systematic) ** 2))
        peak = kappa / (2 * math.pi * (1 - math.exp(-2 * kappa)))
        expected += share * peak * math.exp(kappa * (math.cos(math.radians(distance)) - 1))
    place = Cone(100.0, 20.0 + distance, 0.0, 1.0)
    assert overlap(gbm(stated, name), place) == pytest.approx(4 * math.pi * expected, rel=1e-9)
    sky = geometry(gbm(stated, name))
    assert sky is not None
    assert overlap(sky, place) == pytest.approx(4 * math.pi * expected, rel=0.1)  # cells of the tail are wide


def test_the_tail_of_a_bright_burst_reaches_its_true_place() -> None:
    """GRB 221009A: 1.0 degree stated, its centre about 3 degrees off (alerts README)."""
    away = Cone(100.0, 23.0, 0.0, 1.0)
    assert overlap(Cone(100.0, 20.0, 1.0, 0.68), away) < 5
    assert overlap(gbm(1.0, "fermi-gbm-final"), away) > 100


def test_ehe_circles_are_widened_fivefold_and_state_half() -> None:
    """A 50 % radius r is 1.8226 r at 90 % by Rayleigh."""
    found = point(Localization(Cone(77.285, 5.752, 0.25, 0.5), systematic_model="icecube-ehe"))
    assert found is not None
    assert found[2] == pytest.approx(5 * 0.25 * 1.8226, rel=1e-3)


@pytest.mark.parametrize(
    ("systematic_included", "name", "expected"),
    [(True, None, 0.01), (False, None, 0.01), (None, None, 0.08), (None, "swift-bat", 0.08), (None, "of-later", 0.08)],
)
def test_the_floor_is_for_what_is_unknown(
    *, systematic_included: bool | None, name: str | None, expected: float
) -> None:
    place = Localization(Cone(10.0, 20.0, 0.01, 0.9), systematic_included=systematic_included, systematic_model=name)
    found = point(place)
    assert found is not None
    assert found[2] == pytest.approx(expected, rel=1e-6)


def test_a_wide_circle_and_a_point_know_no_floor() -> None:
    assert point(Localization(Cone(10.0, 20.0, 2.0, 0.9))) == pytest.approx((10.0, 20.0, 2.0))
    assert point(Localization(POINT)) == (100.0, 20.0, 0.0)


def test_every_model_says_where_it_is_from() -> None:
    assert all(model.source for model in MODELS.values())
    for model in MODELS.values():
        if model.systematic:
            assert sum(weight for weight, _ in model.systematic) == pytest.approx(1.0)
