"""Numbers that cannot be: a rate below zero, a probability beyond one. The alert is kept, such a number is not used."""

from dataclasses import replace
from typing import Final

from nuncius.schemas.alert import Alert

_ROUNDING: Final = 1e-6
"""Probabilities that senders add up may miss 0 or 1 by so much."""


def possible(alert: Alert) -> Alert:
    """The alert without a false-alarm rate below 0 or a ``p_astro`` outside [0, 1]; ``properties`` keep the number.

    A chance made from such a number would be below zero or stop the engines, and a telescope could be asked for it.
    """
    far, p_astro = alert.far_hz, alert.p_astro
    stated: dict[str, float] = {}
    if far is not None and far < 0:
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
