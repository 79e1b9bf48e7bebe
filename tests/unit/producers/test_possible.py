"""Rates below zero and probabilities beyond one are no numbers to act on; the alert is."""

import math
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest

from nuncius.producers import parse
from nuncius.producers.possible import possible
from nuncius.schemas.alert import Alert
from nuncius.schemas.localization import Cone, Ellipse, Localization, Region, Shape


def superevent(far: float, terrestrial: float) -> Alert:
    event = {
        "time": "2026-11-23T12:00:01Z",
        "far": far,
        "group": "Burst",
        "classification": {"Terrestrial": terrestrial},
    }
    head = {"superevent_id": "S261123a", "alert_type": "INITIAL", "time_created": "2026-11-23T12:00:30Z"}
    return parse(orjson.dumps({**head, "event": event}))


def test_a_negative_rate_is_kept_as_a_property_only() -> None:
    alert = superevent(-1e-9, 0.25)
    assert (alert.far_hz, alert.far_kind, alert.far_scope) == (None, None, None)
    assert alert.properties["impossible_far_hz"] == -1e-9
    assert (alert.p_astro, alert.time_start) == (0.75, datetime(2026, 11, 23, 12, 0, 1, tzinfo=UTC))


@pytest.mark.parametrize("far", [0.0, 1e-9, 1e308])
def test_zero_and_huge_are_values(far: float) -> None:
    alert = superevent(far, 0.25)
    assert (alert.far_hz, alert.far_kind) == (far, "noise_only")


@pytest.mark.parametrize(("terrestrial", "p_astro"), [(1.0 + 1e-9, 0.0), (-1e-9, 1.0), (0.0, 1.0), (1.0, 0.0)])
def test_rounding_is_no_fault(terrestrial: float, p_astro: float) -> None:
    assert superevent(1e-9, terrestrial).p_astro == p_astro


@pytest.mark.parametrize("terrestrial", [-5.0, 1.5])
def test_a_probability_outside_its_range_is_none(terrestrial: float) -> None:
    alert = superevent(1e-9, terrestrial)
    assert alert.p_astro is None
    assert alert.properties["impossible_p_astro"] == pytest.approx(1.0 - terrestrial)


SKY = Cone(10.0, 20.0, 1.0)


@pytest.mark.parametrize(
    "shape",
    [
        replace(SKY, ra=math.nan),
        replace(SKY, dec=90.0001),
        replace(SKY, radius=-1.0),
        replace(SKY, radius=math.inf),
        replace(SKY, containment=0.0),
        replace(SKY, containment=math.nan),
        Ellipse(10.0, 20.0, 1.0, -1.0, 1.0, 1.0),
        Ellipse(10.0, 20.0, 1.0, 1.0, 1.0, 1.0, math.nan),
        Ellipse(10.0, -91.0, 1.0, 1.0, 1.0, 1.0),
        Region("", 0.9),
        Region("0/12", 0.9),
        Region("not a map", 0.9),
        Region("0/0", 0.0),
    ],
)
def test_a_place_that_is_none_is_left_out_and_said(shape: Shape) -> None:
    sound: tuple[Shape, ...] = (SKY, Region("0/0", 1.0), Ellipse(0.0, -90.0, 0.0, 0.0, 0.0, 0.0))
    good = tuple(Localization(one) for one in sound)
    alert = possible(replace(superevent(1e-9, 0.25), localizations=(Localization(shape), *good)))
    assert alert.localizations == good
    assert alert.properties["impossible_localization"]


@pytest.mark.parametrize("far", [math.nan, math.inf, -math.inf])
def test_a_rate_that_is_no_number_is_none(far: float) -> None:
    assert possible(replace(superevent(1e-9, 0.25), far_hz=far)).far_hz is None


@pytest.mark.parametrize("name", ["time_start", "time_stop", "issued_time"])
@pytest.mark.parametrize("year", [1, 1899, 2200, 9999])
def test_a_time_of_another_age_is_none(name: str, year: int) -> None:
    said: dict[str, Any] = {name: datetime(year, 7, 1, tzinfo=UTC)}
    alert = possible(replace(superevent(1e-9, 0.25), **said))
    assert getattr(alert, name) is None
    assert str(year) in str(alert.properties[f"impossible_{name}"])


@pytest.mark.parametrize("error", [-1.0, 1e300, math.inf, math.nan])
def test_an_error_in_time_beyond_all_times_is_none(error: float) -> None:
    assert possible(replace(superevent(1e-9, 0.25), time_err_s=error)).time_err_s is None
