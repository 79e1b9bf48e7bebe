"""What cannot be: a rate below zero, a probability beyond one, a place that is none. The alert is kept without it."""

from dataclasses import replace
from math import inf, isfinite
from typing import Any, Final

from nuncius.broker.sky.region import moc_ranges
from nuncius.producers.times import of_this_age
from nuncius.schemas.alert import Alert
from nuncius.schemas.errors import Quarantine
from nuncius.schemas.localization import Cone, Ellipse, Region, Shape

_ROUNDING: Final = 1e-6
"""Probabilities that senders add up may miss 0 or 1 by so much."""

_TIMES: Final = ("time_start", "time_stop", "issued_time")
_LONGEST_S: Final = 300 * 365.25 * 86400.0
"""An error as long as all the years that alerts are of."""


def possible(alert: Alert) -> Alert:
    """The alert without a rate below 0, a ``p_astro`` outside [0, 1], a time of another age or a place that is none.

    ``properties`` keep the number and the time, and say what is wrong with the place. A chance made from such a number
    would be below zero or stop the engines, and a telescope could be asked for it; so would a window around such a time
    and a place that no map can be made of.
    """
    return _possible_places(_possible_times(_possible_numbers(alert)))


def _possible_numbers(alert: Alert) -> Alert:
    far, p_astro = alert.far_hz, alert.p_astro
    stated: dict[str, float] = {}
    if far is not None and not 0 <= far < inf:
        stated["impossible_far_hz"], far = far, None
    if p_astro is not None:
        if -_ROUNDING <= p_astro <= 1 + _ROUNDING:
            p_astro = min(1.0, max(0.0, p_astro))
        else:
            stated["impossible_p_astro"], p_astro = p_astro, None
    if (far, p_astro) == (alert.far_hz, alert.p_astro):
        return alert
    kind, scope = (alert.far_kind, alert.far_scope) if far is not None else (None, None)
    properties = {**alert.properties, **stated}
    return replace(alert, far_hz=far, far_kind=kind, far_scope=scope, p_astro=p_astro, properties=properties)


def _possible_times(alert: Alert) -> Alert:
    said = {name: getattr(alert, name) for name in _TIMES}
    odd: dict[str, Any] = {
        name: moment for name, moment in said.items() if moment is not None and not of_this_age(moment)
    }
    error = alert.time_err_s
    if error is not None and not 0 <= error <= _LONGEST_S:
        odd["time_err_s"] = error
    if not odd:
        return alert
    properties = {**alert.properties, **{f"impossible_{name}": str(value) for name, value in odd.items()}}
    gone: dict[str, Any] = dict.fromkeys(odd)
    return replace(alert, properties=properties, **gone)


def _possible_places(alert: Alert) -> Alert:
    faults = [fault for item in alert.localizations if (fault := _fault(item.shape))]
    if not faults:
        return alert
    kept = tuple(item for item in alert.localizations if not _fault(item.shape))
    properties = {**alert.properties, "impossible_localization": "; ".join(faults)[:500]}
    return replace(alert, localizations=kept, properties=properties)


def _fault(shape: Shape) -> str:
    """Why no geometry can be made of a shape; empty where it can. A sky map's file is read at ingest."""
    if not isinstance(shape, Cone | Ellipse | Region):
        return ""
    if not 0 < shape.containment <= 1:
        return f"containment {shape.containment}"
    if isinstance(shape, Region):
        try:
            moc_ranges(shape.moc)
        except Quarantine as error:
            return str(error)
        return ""
    if not (isfinite(shape.ra) and -90 <= shape.dec <= 90):
        return f"position ({shape.ra}, {shape.dec})"
    if isinstance(shape, Cone):
        return "" if 0 <= shape.radius <= 360 else f"radius {shape.radius}"
    axes = (shape.ra_minus, shape.ra_plus, shape.dec_minus, shape.dec_plus)
    if not all(0 <= axis <= 180 for axis in axes) or not isfinite(shape.position_angle):
        return f"half axes {axes}, position angle {shape.position_angle}"
    return ""
