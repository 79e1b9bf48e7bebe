"""One night of a plan: altitude and airmass of its fields, twilights, Moon and limits, and below it the exposures."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import BoundaryNorm, ListedColormap
from matplotlib.ticker import FixedLocator, FuncFormatter, MultipleLocator

from nuncius.broker.planning.visibility import airmass, altitude_of
from nuncius.broker.plots.bodies import bodies
from nuncius.broker.plots.plan import Night, PlanPicture
from nuncius.broker.plots.plan_style import GREY, GROUND, INK, LIMIT, PALE, POSSIBLE, RIM, TWILIGHTS

_AIRMASSES: Final = (1.0, 1.2, 1.5, 2.0, 3.0)
_LOWEST_DEG: Final = 10.0
_TICKS_S: Final = (60, 120, 300, 600, 900, 1800, 3600, 7200, 14400)
_TICKS: Final = 7
_MOMENTS: Final = 100
"""Along the way of a field while it is observed: enough that a whole night is a smooth line."""
_TRACKS: Final = 12
"""Most fields whose whole way over the sky is drawn; of more it is that of the first and the last."""


def draw_night(chart: Axes, strip: Axes, picture: PlanPicture, night: Night, colours: Sequence[Any]) -> None:
    """Airmass above, exposures below, on one axis of time.

    Parameters
    ----------
    chart, strip
        Above each other.
    picture, night
        The plan, and one of its nights.
    colours
        One a field of the plan.
    """
    first, last = float(night.offset_s[0]), float(night.offset_s[-1])
    spans = [_span_s(picture, night, index) for index in night.indices]
    begin, end = min(span[0] for span in spans), max(span[1] for span in spans)
    room = 0.03 * (end - begin)
    _ground(chart, night, first, last)
    _ground(strip, night, max(first, begin - room), min(last, end + room))
    _altitudes(chart, picture, night, colours)
    _limits(chart, picture, night)
    _exposures(strip, picture, night, colours)
    lit = bodies(night.noon + timedelta(hours=12)).moon_lit
    up = bool((night.moon_deg > 0).any())
    moon = f"Moon {100 * lit:.0f} % lit, {night.moon_away_deg:.0f}° away at the nearest" if up else "no Moon"
    chart.set_title(f"{night.site}, night of {night.noon:%Y-%m-%d}", loc="left", fontsize=10, color=INK, pad=5)
    strip.annotate(
        _what(picture), (0, 0), (0, -17), xycoords="axes fraction", textcoords="offset points", ha="left", va="top",
        fontsize=8.5, color=GREY,
    )  # fmt: skip
    strip.annotate(
        f"UTC · {moon}", (1, 0), (0, -17), xycoords="axes fraction", textcoords="offset points", ha="right", va="top",
        fontsize=8.5, color=GREY,
    )  # fmt: skip


def _what(picture: PlanPicture) -> str:
    """What the bars are: a pointing has a window, and no share of the map."""
    return "window" if all(np.isnan(tile.probability) for tile in picture.tiles) else "exposures"


def _ground(axes: Axes, night: Night, first: float, last: float) -> None:
    """Twilights and the axis of time between two moments."""
    # from dark to day, as the Sun rises
    steps = TWILIGHTS[::-1]
    norm = BoundaryNorm([-90.0, *(level for level, _ in steps), 90.0], len(steps) + 1)
    shades = ListedColormap([GROUND, *(colour for _, colour in steps)])
    axes.imshow(
        night.sun_deg[None, :], extent=(night.offset_s[0], night.offset_s[-1], 0, 1), aspect="auto", cmap=shades,
        transform=axes.get_xaxis_transform(), norm=norm, zorder=0, interpolation="nearest",
    )  # fmt: skip
    axes.set_xlim(first, last)
    step = next((step for step in _TICKS_S if (last - first) / step <= _TICKS), _TICKS_S[-1])
    shift = (night.noon - night.noon.replace(hour=0, minute=0, second=0, microsecond=0)).total_seconds()
    ticks = np.arange(np.ceil((first + shift) / step) * step, last + shift, step) - shift
    axes.xaxis.set_major_locator(FixedLocator(ticks.tolist()))
    axes.xaxis.set_major_formatter(
        FuncFormatter(lambda value, _: f"{night.noon + timedelta(seconds=float(value) + 30):%H:%M}")
    )
    axes.tick_params(colors=GREY, labelsize=9, length=3)
    for side in axes.spines.values():
        side.set_color(PALE)


def _altitudes(axes: Axes, picture: PlanPicture, night: Night, colours: Sequence[Any]) -> None:
    fields = list(enumerate(night.indices))
    axes.plot(night.offset_s, night.moon_deg, color=GREY, lw=1.2, ls=(0, (4, 2)), zorder=3)
    shown = fields if len(fields) <= _TRACKS else [fields[0], fields[-1]]
    for row, index in shown:
        axes.plot(night.offset_s, night.altitude_deg[row], color=colours[index], lw=0.8, alpha=0.55, zorder=4)
    for row, index in fields:
        begin, end = _span_s(picture, night, index)
        first, last = night.offset_s[0], night.offset_s[-1]
        moments = np.clip(np.linspace(max(begin, first), max(min(end, last), begin + 60), _MOMENTS), first, last)
        height = np.interp(moments, night.offset_s, night.altitude_deg[row])
        axes.plot(moments, height, color=colours[index], lw=4.5, solid_capstyle="round", zorder=6)
    axes.set_ylim(_LOWEST_DEG, 90)
    axes.yaxis.set_major_locator(FixedLocator([altitude_of(value) for value in _AIRMASSES]))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{float(airmass(value)):.1f}"))
    axes.set_ylabel("airmass", fontsize=9, color=GREY)
    right = axes.twinx()
    right.set_ylim(_LOWEST_DEG, 90)
    right.yaxis.set_major_locator(MultipleLocator(30))
    right.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.0f}°"))
    right.tick_params(colors=GREY, labelsize=9, length=3)
    right.spines[:].set_visible(False)


def _limits(axes: Axes, picture: PlanPicture, night: Night) -> None:
    lowest = picture.limits.min_altitude_deg
    if lowest > _LOWEST_DEG:
        axes.axhline(lowest, color=LIMIT, lw=1.0, ls=(0, (2, 2)), zorder=5)
        axes.annotate(
            f"limit {float(airmass(lowest)):.2g}", (1, lowest), (-3, 2), xycoords=axes.get_yaxis_transform(),
            textcoords="offset points", ha="right", va="bottom", fontsize=8, color=LIMIT, zorder=8, **RIM,
        )  # fmt: skip
    axes.fill_between(
        night.offset_s,
        0,
        0.035,
        where=night.possible,
        transform=axes.get_xaxis_transform(),
        color=POSSIBLE,
        lw=0,
        zorder=7,
    )


def _exposures(axes: Axes, picture: PlanPicture, night: Night, colours: Sequence[Any]) -> None:
    axes.set_ylim(0, 1)
    axes.yaxis.set_major_locator(FixedLocator([]))
    left, right = axes.get_xlim()
    point_s = (right - left) / axes.get_window_extent().width * axes.figure.dpi / 72
    apart = 4.6 * (len(str(len(picture.tiles))) + 1) * point_s
    last = -np.inf
    for index in night.indices:
        begin, end = _span_s(picture, night, index)
        axes.axvspan(begin, max(end, begin + point_s), 0.08, 0.56, color=colours[index], lw=0, zorder=5)
        if (begin + end) / 2 - last >= apart:
            last = (begin + end) / 2
            axes.text(
                last, 0.79, str(picture.tiles[index].number), ha="center", va="center", fontsize=8, color=INK,
                clip_on=True, zorder=6, **RIM,
            )  # fmt: skip


def _span_s(picture: PlanPicture, night: Night, index: int) -> tuple[float, float]:
    tile = picture.tiles[index]
    return (tile.start - night.noon).total_seconds(), (tile.stop - night.noon).total_seconds()
