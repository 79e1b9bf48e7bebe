"""What a packet's history says of a detection's light curve: rate of change, peak, colour; pure, one object at a time.

The rate is the slope of a straight line through magnitudes, each weighted by its inverse variance: through all
detections in the band where this one is the brightest, else through those from the brightest on. So split ZTFReST
(Andreoni et al. 2021, ApJ 918, 63, arXiv:2104.06352, and its published code) and BOOM's per-band ``photstats``.
"""

from collections.abc import Iterable, Sequence
from math import inf, sqrt
from typing import Final, NamedTuple

MIN_SPAN_DAYS: Final = 0.5
"""The line needs detections at least so far apart, as in Fink's rate-based kilonova filter (ZTFReST: 0.5 to 1 day)."""

COLOR_DAYS: Final = 0.5
"""Detections in g and r nearer in time than this make a colour: the same night. Our own choice."""


class Point(NamedTuple):
    """A detection brighter than the reference: days in any one scale, band, magnitude and its error (None: unknown)."""

    day: float
    filter: str
    mag: float
    mag_err: float | None


class LightCurve(NamedTuple):
    """What is known of the light curve at a detection, None where it cannot be told.

    Parameters
    ----------
    rate_mag_per_day
        Slope in the detection's own band, negative while it brightens.
    rate_err_mag_per_day
        Its one-sigma error from the stated errors alone.
    peak_mag
        Brightest in that band, this detection included.
    color_g_r_mag
        g minus r, of this detection and the one nearest in time in the other band.
    """

    rate_mag_per_day: float | None = None
    rate_err_mag_per_day: float | None = None
    peak_mag: float | None = None
    color_g_r_mag: float | None = None


UNKNOWN: Final = LightCurve()


def light_curve(this: Point | None, history: Iterable[Point]) -> LightCurve:
    """The light curve at a detection.

    Parameters
    ----------
    this
        The detection; None where its flux is no excess.
    history
        In any order and of any band; what is not earlier than ``this`` is left out.
    """
    if this is None:
        return UNKNOWN
    earlier = [point for point in history if point.day < this.day]
    if not earlier:
        return LightCurve(peak_mag=this.mag)
    same = [*sorted((point for point in earlier if point.filter == this.filter), key=_by_time), this]
    peak = min(point.mag for point in same)
    brightest = max(at for at, point in enumerate(same) if point.mag == peak)
    rate, error = _slope(same if same[brightest] is this else same[brightest:])
    return LightCurve(rate, error, peak, _color(this, earlier))


def _slope(points: Sequence[Point]) -> tuple[float | None, float | None]:
    weighed = [(p.day, p.mag, 1.0 / p.mag_err / p.mag_err) for p in points if p.mag_err is not None and p.mag_err > 0.0]
    if len(weighed) < len(points) or points[-1].day - points[0].day < MIN_SPAN_DAYS:
        return None, None
    total = sum(w for _, _, w in weighed)
    if not 0.0 < total < inf:
        return None, None
    day = sum(w * d for d, _, w in weighed) / total
    mag = sum(w * m for _, m, w in weighed) / total
    spread = sum(w * (d - day) * (d - day) for d, _, w in weighed)
    if not 0.0 < spread < inf:
        return None, None
    return sum(w * (d - day) * (m - mag) for d, m, w in weighed) / spread, 1.0 / sqrt(spread)


def _color(this: Point, earlier: Iterable[Point]) -> float | None:
    other = {"g": "r", "r": "g"}.get(this.filter)
    near = [point for point in earlier if point.filter == other and this.day - point.day < COLOR_DAYS]
    if not near:
        return None
    partner = max(near, key=_by_time)
    return this.mag - partner.mag if this.filter == "g" else partner.mag - this.mag


def _by_time(point: Point) -> tuple[float, float]:
    """An error may be unknown, so that whole points have no order."""
    return point.day, point.mag
