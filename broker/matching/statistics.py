"""Coincidence statistics: how often chance alone makes such a pair.

Formulas: untargeted and targeted joint false-alarm rate as in RAVEN (`ligo-raven.readthedocs.io/joint_far`), overlap
integral of Ashton et al. 2018 (doi:10.3847/1538-4357/aabfd2). All rates in Hz, a year is 365 days.
"""

import math
from typing import Final

YEAR_S: Final = 365 * 86400.0
"""Seconds in a year of 365 days, for rates stated per year."""

ASTROPHYSICAL: Final = 0.5
"""From this probability of astrophysical origin on, an event is not treated as noise."""

Window = float | tuple[float, float]
"""Length in seconds, or (low, high) in seconds, both inclusive."""


def window_length_s(window: Window) -> float:
    """Length of a window in seconds.

    Raises
    ------
    ValueError
        If it is negative, reversed or not finite.
    """
    if isinstance(window, tuple):
        low, high = window
        length = high - low
    else:
        length = window
    if not (math.isfinite(length) and length >= 0):
        raise ValueError(f"window {window!r}: give a finite length >= 0 s, or (low, high) with low <= high")
    return length


def expected_partners(rate_hz: float, window_s: Window, overlap: float | None = None) -> float:
    """Expected number of unrelated partners: R dt, or R dt / I where the sky is used.

    Parameters
    ----------
    rate_hz
        Rate of partners over the whole sky, Hz.
    window_s
        Coincidence window.
    overlap
        Overlap integral I (1 where the positions say nothing); None leaves the sky out. 0 (positions that exclude
        each other) gives infinity.

    Raises
    ------
    ValueError
        If an argument is negative or not a number.
    """
    number = _checked("rate_hz", rate_hz) * window_length_s(window_s)
    if overlap is None:
        return number
    if _checked("overlap", overlap) == 0:
        return math.inf
    return number / overlap


def untargeted_far(far_hz: float, rate_hz: float, window_s: Window, overlap: float | None = None) -> float:
    """Joint false-alarm rate, Hz, of a noise event with an unrelated partner: dt R FAR / I.

    Parameters
    ----------
    far_hz
        False-alarm rate of the event; zero is a value.
    rate_hz
        Rate of partners over the whole sky, Hz.
    window_s
        Coincidence window.
    overlap
        Overlap integral I; None leaves the sky out, 0 gives infinity.

    Raises
    ------
    ValueError
        If an argument is negative or not a number.
    """
    _checked("far_hz", far_hz)
    number = expected_partners(rate_hz, window_s, overlap)
    return math.inf if math.isinf(number) else number * far_hz


def targeted_far(
    far1_hz: float,
    far2_hz: float,
    window_s: Window,
    far1_max_hz: float,
    far2_max_hz: float,
    overlap: float | None = None,
) -> float:
    """Joint false-alarm rate, Hz, where one search looked at the other's times: Z (1 + ln(Zmax / Z)) / I.

    Z = dt FAR1 FAR2, Zmax the same at the caps: the distribution of the product of two uniform variables. Inside the
    caps it grows with each rate; outside them it would not, and could be negative.

    Parameters
    ----------
    far1_hz, far2_hz
        False-alarm rates of the two events; zero is a value and gives 0.
    window_s
        Coincidence window.
    far1_max_hz, far2_max_hz
        Caps: the highest false-alarm rates that either search passes on.
    overlap
        Overlap integral I; None leaves the sky out, 0 gives infinity.

    Raises
    ------
    ValueError
        If a rate lies above its cap, or an argument is negative or not a number.
    """
    for name, far, cap in (("far1_hz", far1_hz, far1_max_hz), ("far2_hz", far2_hz, far2_max_hz)):
        if _checked(name, far) > _checked(f"{name[:-3]}_max_hz", cap):
            raise ValueError(f"{name} = {far} lies above its cap {cap}: outside the search, use untargeted_far")
    length = window_length_s(window_s)
    z = length * far1_hz * far2_hz
    if overlap is not None and _checked("overlap", overlap) == 0:
        return math.inf
    if z == 0:
        return 0.0
    # the logarithm of each ratio by itself, so that a tiny product does not underflow into it
    temporal = z * (1 + math.log(far1_max_hz / far1_hz) + math.log(far2_max_hz / far2_hz))
    return temporal if overlap is None else temporal / overlap


def expected_intervals(
    rate_hz: float, durations_s: tuple[float, float], window_s: Window, overlap: float | None = None
) -> float:
    """Expected number of unrelated partners that touch an interval: R (D1 + D2 + W) / I.

    Two intervals of lengths D1 and D2 come within a window of length W of each other when their starts lie within
    D1 + D2 + W. For an instant D is 0.

    Raises
    ------
    ValueError
        If an argument is negative or not a number.
    """
    duration = sum(_checked("durations_s", each) for each in durations_s)
    return expected_partners(rate_hz, duration + window_length_s(window_s), overlap)


def interval_rate(
    rate1_hz: float,
    rate2_hz: float,
    durations_s: tuple[float, float],
    window_s: Window,
    overlap: float | None = None,
) -> float:
    """Rate of chance pairs of intervals, Hz: R1 R2 (D1 + D2 + W) / I.

    Raises
    ------
    ValueError
        If an argument is negative or not a number.
    """
    _checked("rate1_hz", rate1_hz)
    number = expected_intervals(rate2_hz, durations_s, window_s, overlap)
    return math.inf if math.isinf(number) else rate1_hz * number


def is_astrophysical(p_astro: float | None, far_hz: float | None, real_rate_hz: float | None) -> bool | None:
    """Whether an event is to be treated as real rather than as noise; None where nothing says.

    Real is ``p_astro >= 0.5``, or a false-alarm rate below the rate of real events of its class.
    """
    if p_astro is not None and p_astro >= ASTROPHYSICAL:
        return True
    if far_hz is not None and real_rate_hz is not None:
        return far_hz < real_rate_hz
    return None if p_astro is None else False


def _checked(name: str, value: float) -> float:
    if not value >= 0 or math.isinf(value):
        raise ValueError(f"{name} = {value}: must be a finite number >= 0")
    return value
