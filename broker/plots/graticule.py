"""Lines of right ascension and declination in a panel, and where their labels go."""

from collections.abc import Iterator
from typing import Final, NamedTuple

import numpy as np

from nuncius.broker.plots.projection import CloseUp, Curve, WholeSky
from nuncius.broker.sky.healpix import FloatArray

_STEPS_DEG: Final = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 45.0, 60.0)
_POINTS: Final = 721
_WELL_INSIDE: Final = 0.95
"""Of the way to the edge: a label there does not stand on it."""


class Rule(NamedTuple):
    """One line: its curve in the plane, and its label with the side of the panel it stands at."""

    curve: Curve
    text: str
    x: float
    y: float
    side: str


def whole_sky_rules(view: WholeSky) -> Iterator[Rule]:
    """Every 60 degrees of right ascension, labelled on the equator; every 30 of declination, labelled at the left."""
    for ra in (60.0, 120.0, 180.0, 240.0, 300.0):
        dec = np.linspace(-90.0, 90.0, _POINTS)
        curve = view.plane(np.full_like(dec, ra), dec)
        yield Rule(curve, f"{ra:.0f}°", float(curve.x[_POINTS // 2]), 0.0, "on")
    for height in (-60.0, -30.0, 0.0, 30.0, 60.0):
        ra_around = np.linspace(0.0, 360.0, _POINTS)[:-1]
        curve = view.plane(ra_around, np.full_like(ra_around, height))
        left = int(np.argmin(curve.x))
        yield Rule(curve, _signed(height, 30.0), float(curve.x[left]), float(curve.y[left]), "left")


def close_up_rules(view: CloseUp) -> Iterator[Rule]:
    """About four lines each way; right ascensions labelled below where they can be, declinations at the left."""
    radius = view.radius_deg
    step = _step(radius / 2)
    low, high = max(-90.0, view.dec - 1.5 * radius), min(90.0, view.dec + 1.5 * radius)
    pole = high >= 90 or low <= -90
    ra_step = 30.0 if pole else min(60.0, _step(step / max(0.05, float(np.cos(np.radians(view.dec))))))
    reach = 180.0 if pole else min(180.0, 1.5 * radius / float(np.cos(np.radians(max(abs(low), abs(high))))))
    first = np.ceil((view.ra - reach) / ra_step) * ra_step
    for ra in np.arange(first, view.ra + reach - (ra_step / 2 if reach == 180 else 0), ra_step).tolist():
        dec = np.linspace(low, high, _POINTS)
        curve = view.curve(np.full_like(dec, ra % 360), dec)
        text = f"{_trimmed(ra % 360, ra_step)}°"
        yield _at_side(curve, text, radius, ("bottom", "left") if pole else ("bottom",))
    for height in np.arange(np.ceil(low / step) * step, high + step / 2, step).tolist():
        if abs(height) < 90 - step / 10:
            ra_around = view.ra + np.linspace(-reach, reach, _POINTS)
            curve = view.curve(ra_around, np.full_like(ra_around, height))
            yield _at_side(curve, _signed(height, step), radius, ("left", "inside") if pole else ("left",))


def _at_side(curve: Curve, text: str, radius: float, sides: tuple[str, ...]) -> Rule:
    """The label at the first of the sides that the curve reaches; without a label where it reaches none."""
    for side in sides:
        if side == "inside":
            seen = np.maximum(np.abs(curve.x), np.abs(curve.y)) < _WELL_INSIDE * radius
            if seen.any():
                lowest = int(np.argmin(np.where(seen, curve.y, np.inf)))
                return Rule(curve, text, float(curve.x[lowest]), float(curve.y[lowest]), "on")
            continue
        along, across = (curve.x, curve.y) if side == "bottom" else (curve.y, curve.x)
        place = _crossing(along, across, -radius, radius)
        if place is not None:
            x, y = (place, -radius) if side == "bottom" else (-radius, place)
            return Rule(curve, text, x, y, side)
    return Rule(curve, "", 0.0, 0.0, "on")


def _crossing(along: FloatArray, across: FloatArray, wanted: float, radius: float) -> float | None:
    """Where a curve first crosses a side of the panel, short of its corners; None where it does not."""
    away = across - wanted
    for i in np.flatnonzero(away[:-1] * away[1:] <= 0):
        share = away[i] / (away[i] - away[i + 1]) if away[i] != away[i + 1] else 0.0
        place = float(along[i] + share * (along[i + 1] - along[i]))
        if abs(place) < 0.97 * radius:
            return place
    return None


def _step(least: float) -> float:
    """The first of the usual steps that is not smaller."""
    return next((step for step in _STEPS_DEG if step >= least * 0.8), _STEPS_DEG[-1])


def _trimmed(degrees: float, step: float) -> str:
    """With the digits the step needs."""
    digits = max(0, int(np.ceil(-np.log10(step) - 1e-9)))
    return f"{degrees:.{digits}f}"


def _signed(degrees: float, step: float) -> str:
    text = _trimmed(abs(degrees), step)
    sign = "" if float(text) == 0 else "+" if degrees > 0 else "−"
    return f"{sign}{text}°"
