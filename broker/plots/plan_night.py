"""One night of plans: altitude and airmass of the fields, twilights, Moon and limits; and exposures in time."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Final, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, FuncFormatter, MultipleLocator

from nuncius.broker.planning.visibility import airmass, altitude_of
from nuncius.broker.plots.bodies import bodies
from nuncius.broker.plots.plan import Night
from nuncius.broker.plots.plan_lanes import Lane
from nuncius.broker.plots.plan_style import GREY, INK, LIMIT, POSSIBLE, RIM
from nuncius.broker.plots.plan_time import along_time, twilights

_AIRMASSES: Final = (1.0, 1.2, 1.5, 2.0, 3.0)
_LOWEST_DEG: Final = 10.0
_MOMENTS: Final = 100
"""Along the way of a field while it is observed: enough that a whole night is a smooth line."""
_TRACKS: Final = 12
"""Most fields whose whole way over the sky is drawn; of more it is that of the first and the last."""
_POSSIBLE_HIGH: Final = 0.035
"""Of the bar that says when fields are within all limits, a share of the chart."""


class Part(NamedTuple):
    """A lane, and its night over a site."""

    lane: Lane
    night: Night


def draw_chart(axes: Axes, parts: Sequence[Part]) -> None:
    """Airmass over a night of one site.

    Parameters
    ----------
    axes
        Empty.
    parts
        Of one site and night; at least one.
    """
    night = parts[0].night
    twilights(axes, night.offset_s, night.sun_deg)
    along_time(axes, night.noon, float(night.offset_s[0]), float(night.offset_s[-1]))
    axes.plot(night.offset_s, night.moon_deg, color=GREY, lw=1.2, ls=(0, (4, 2)), zorder=3)
    for number, part in enumerate(parts):
        _altitudes(axes, part)
        _limits(axes, part, number)
    _airmasses(axes)
    axes.set_title(f"{night.site}, night of {night.noon:%Y-%m-%d}", loc="left", fontsize=10, color=INK, pad=5)


def moon_in_words(parts: Sequence[Part]) -> str:
    """How bright the Moon is, and how far from the nearest of the fields."""
    night = parts[0].night
    if not (night.moon_deg > 0).any():
        return "no Moon"
    lit = bodies(night.noon + timedelta(hours=12)).moon_lit
    return f"Moon {100 * lit:.0f} % lit, {min(p.night.moon_away_deg for p in parts):.0f}° away at the nearest"


def draw_strip(axes: Axes, part: Part) -> None:
    """The exposures of one night, between the first and the last."""
    lane, night = part
    spans = [_span_s(part, index) for index in night.indices]
    begin, end = min(span[0] for span in spans), max(span[1] for span in spans)
    room = 0.03 * (end - begin)
    twilights(axes, night.offset_s, night.sun_deg)
    first, last = float(night.offset_s[0]), float(night.offset_s[-1])
    along_time(axes, night.noon, max(first, begin - room), min(last, end + room))
    axes.set_ylim(0, 1)
    axes.yaxis.set_major_locator(FixedLocator([]))
    bars(axes, lane, night.indices, spans, 0.0)
    beneath(axes, _what(lane), left=True)
    beneath(axes, f"UTC · {moon_in_words([part])}", left=False)


def bars(axes: Axes, lane: Lane, indices: Sequence[int], spans_s: Sequence[tuple[float, float]], bottom: float) -> None:
    """A bar an exposure, with numbers above where there is room; one lane is 1 high."""
    left, right = axes.get_xlim()
    point_s = (right - left) / axes.get_window_extent().width * axes.figure.dpi / 72
    apart = 4.6 * (len(str(len(lane.plan.tiles))) + len(lane.letter) + 1) * point_s
    last = -np.inf
    for index, (begin, end) in zip(indices, spans_s, strict=True):
        width = max(end - begin, point_s)
        axes.bar(begin, 0.48, width, bottom + 0.08, align="edge", color=lane.colours[index], lw=0, zorder=5)
        middle = (begin + end) / 2
        if middle - last >= apart and left + apart / 2 <= middle <= right - apart / 2:
            last = middle
            centred: dict[str, Any] = {"ha": "center", "va": "center", "fontsize": 8}
            axes.text(last, bottom + 0.79, lane.mark(index), color=INK, clip_on=True, zorder=6, **centred, **RIM)


def beneath(axes: Axes, text: str, *, left: bool, lines: int = 1) -> None:
    """Words below an axis of time whose labels have so many lines, at one of its ends."""
    axes.annotate(
        text, (0 if left else 1, 0), (0, -5 - 12 * lines), xycoords="axes fraction", textcoords="offset points",
        ha="left" if left else "right", va="top", fontsize=8.5, color=GREY,
    )  # fmt: skip


def _what(lane: Lane) -> str:
    """What the bars are: a pointing has a window, and no share of the map."""
    return "window" if all(np.isnan(tile.probability) for tile in lane.plan.tiles) else "exposures"


def _altitudes(axes: Axes, part: Part) -> None:
    lane, night = part
    fields = list(enumerate(night.indices))
    shown = fields if len(fields) <= _TRACKS else [fields[0], fields[-1]]
    for row, index in shown:
        axes.plot(night.offset_s, night.altitude_deg[row], color=lane.colours[index], lw=0.8, alpha=0.55, zorder=4)
    first, last = night.offset_s[0], night.offset_s[-1]
    for row, index in fields:
        begin, end = _span_s(part, index)
        moments = np.clip(np.linspace(max(begin, first), max(min(end, last), begin + 60), _MOMENTS), first, last)
        height = np.interp(moments, night.offset_s, night.altitude_deg[row])
        axes.plot(moments, height, color=lane.colours[index], lw=4.5, solid_capstyle="round", zorder=6)


def _airmasses(axes: Axes) -> None:
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


def _limits(axes: Axes, part: Part, number: int) -> None:
    """The lowest altitude, and below a bar for each lane, where a field is within all limits."""
    lane, night = part
    lowest = lane.plan.limits.min_altitude_deg
    if lowest > _LOWEST_DEG:
        colour = lane.colour if lane.letter else LIMIT
        axes.axhline(lowest, color=colour, lw=1.0, ls=(0, (2, 2)), zorder=5)
        axes.annotate(
            f"{lane.letter} limit {float(airmass(lowest)):.2g}".strip(), (1, lowest), (-3 - 52 * number, 2),
            xycoords=axes.get_yaxis_transform(), textcoords="offset points", ha="right", va="bottom", fontsize=8,
            color=colour, zorder=8, **RIM,
        )  # fmt: skip
    low = _POSSIBLE_HIGH * 1.3 * number
    axes.fill_between(
        night.offset_s, low, low + _POSSIBLE_HIGH, where=night.possible, transform=axes.get_xaxis_transform(),
        color=lane.colour if lane.letter else POSSIBLE, lw=0, zorder=7,
    )  # fmt: skip


def _span_s(part: Part, index: int) -> tuple[float, float]:
    tile, noon = part.lane.plan.tiles[index], part.night.noon
    return (tile.start - noon).total_seconds(), (tile.stop - noon).total_seconds()
