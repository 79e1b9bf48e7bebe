"""Numbers of a coincidence, an alert and a request in words that a tired person reads right."""

import math
from datetime import datetime
from typing import Final

from nuncius.schemas import Significance

_SPANS: Final = ((365.25 * 86400.0, "years"), (86400.0, "days"), (3600.0, "hours"), (60.0, "minutes"), (1.0, "seconds"))
"""Seconds in each, the Julian year among them."""

_ORDINARY: Final = 0.3
"""With so many expected by chance nobody should be surprised by one: the probability of any is 1 - exp(-0.3) = 26 %."""


def surprise(significance: Significance) -> str:
    """How surprising it is, in one line; where the number must not be used, why."""
    if significance.validity != "valid":
        return f"No number to rely on: {significance.validity}"
    if significance.null == "noise_pair":
        far_hz = significance.joint_far_hz
        return "No number" if far_hz is None else f"If this is noise: such a pair {often(far_hz)}"
    expected = significance.expected_by_chance
    if expected is None:
        return "No number"
    if expected >= _ORDINARY:
        return f"Not surprising: {expected:.2g} unrelated partners expected by chance"
    if expected <= 0:
        return "No unrelated partner expected by chance, if both are real"
    return f"1 in {counted(1 / expected)} by chance, if both are real"


def often(rate_hz: float) -> str:
    """A rate in Hz as one event in so much time."""
    if rate_hz <= 0:
        return "never"
    for seconds, name in _SPANS:
        if 1 / rate_hz >= seconds:
            return f"once in {counted(1 / rate_hz / seconds)} {name}"
    return f"{counted(rate_hz)} times a second"


def counted(number: float) -> str:
    """Two digits that count, thousands set apart; as a power of ten from a billion on."""
    if not math.isfinite(number) or number >= 1e9:
        return f"{number:.1e}"
    if number < 10:
        return f"{number:.2g}"
    digits = math.floor(math.log10(number)) - 1
    return f"{round(number, -digits):,.0f}".replace(",", " ")


def moment(time: datetime | None) -> str:
    """A time to the second, UTC; a dash where there is none."""
    return "–" if time is None else f"{time:%Y-%m-%d %H:%M:%S}"


def apart(dt_s: float) -> str:
    """How long the partner came after the anchor, or before it."""
    if dt_s == 0:
        return "at the same time"
    size = abs(dt_s)
    seconds, name = next((span for span in _SPANS if size >= span[0]), _SPANS[-1])
    return f"{size / seconds:.3g} {name} {'after' if dt_s > 0 else 'before'}"
