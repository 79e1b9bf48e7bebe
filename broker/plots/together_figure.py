"""Several plans on one page: legend, whole sky, close-up, airmass over each site and night, and a lane a telescope."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator

from nuncius.broker.plots.plan import close_up, nights_of
from nuncius.broker.plots.plan_figure import CHART_IN, fields_in_words
from nuncius.broker.plots.plan_lanes import Lane, side_by_side
from nuncius.broker.plots.plan_night import Part, bars, beneath, draw_chart, moon_in_words
from nuncius.broker.plots.plan_page import DPI, SIDE_IN, STYLE, WIDTH_IN, Page, head_in
from nuncius.broker.plots.plan_sky import draw_close_up, draw_whole_sky
from nuncius.broker.plots.plan_style import GREY, INK, RIM, WARNING
from nuncius.broker.plots.plan_time import along_time, twilights
from nuncius.broker.plots.saving import save
from nuncius.broker.plots.together import MOST, TogetherPicture, lowest_sun, span_of
from nuncius.broker.plots.turns import styled

_ROW_IN: Final = 0.21
_LANE_IN: Final = 0.36
_NIGHT_IN: Final = CHART_IN + 0.72
_NIGHTS: Final = 4
"""Most charts of airmass."""
_NAMED: Final = 20
"""Most lines about what is not drawn (ours)."""


def draw(picture: TogetherPicture, target: Path) -> None:
    """Draws the plans into a file; the same plans give the same SVG.

    Raises
    ------
    SettingsError
        As `saving.save`.
    """
    with styled(STYLE):
        lanes = side_by_side(picture.plans[:MOST])
        near, shown = close_up(*(lane.plan for lane in lanes))
        nights = _nights(lanes)
        rest = _not_drawn(picture)
        head = head_in(len(picture.notes) + bool(picture.warning))
        legend = _ROW_IN * (len(lanes) + len(rest)) + 0.12
        wide, close = WIDTH_IN - 2 * SIDE_IN, WIDTH_IN - 2 * SIDE_IN - 0.1
        strip = _LANE_IN * len(lanes)
        tops = np.cumsum([head + legend, wide / 2 + 0.35, close + 0.45, strip + 0.6, _NIGHT_IN * len(nights[:_NIGHTS])])
        page = Page(float(tops[-1]) + 0.3)
        page.head(picture.title, picture.notes, picture.warning)
        _legend(page, head, lanes, rest)
        draw_whole_sky(page.axes(float(tops[0]), SIDE_IN, wide, wide / 2), picture.sky, lanes, near)
        count = sum(len(lane.plan.tiles) for lane in lanes)
        where = f"{shown} of {count} fields" if shown < count else "the frame"
        words = f"{where} around RA {near.ra:.2f}°, Dec {near.dec:+.2f}°"
        page.text(float(tops[1]) - 0.1, words, va="bottom", fontsize=9, color=GREY)
        draw_close_up(page.axes(float(tops[1]), SIDE_IN + 0.05, close, close), picture.sky, lanes, near)
        _timeline(page.axes(float(tops[2]), SIDE_IN, wide - 0.05, strip), lanes)
        for row, parts in enumerate(nights[:_NIGHTS]):
            chart = page.axes(float(tops[3]) + 0.28 + _NIGHT_IN * row, SIDE_IN, wide - 0.05, CHART_IN)
            draw_chart(chart, parts)
            beneath(chart, f"UTC · {moon_in_words(parts)}", left=False)
        _foot(page, float(tops[-1]) + 0.14, len(nights))
        save(page.figure, target, title=picture.title, words=described(picture), dpi=DPI)


def described(picture: TogetherPicture) -> str:
    """The plans for who cannot see them: each telescope with its fields."""
    words = [picture.title, *picture.notes, *([picture.warning] if picture.warning else [])]
    said = ". ".join(words) + "."
    for lane in side_by_side(picture.plans[:MOST]):
        about = ", ".join((lane.plan.title, *lane.plan.notes[:1]))
        said += f" {lane.letter}, {about}: {fields_in_words(lane.plan, lane.letter)}"
    return " ".join([said, *(f"{line}." for line in picture.idle)])


def _not_drawn(picture: TogetherPicture) -> list[str]:
    """A line for each plan that has no place in the picture and each telescope that has no plan, while they fit."""
    lines = [f"not drawn: {plan.title}" for plan in picture.plans[MOST:]] + list(picture.idle)
    more = len(lines) - _NAMED
    return lines if more <= 0 else [*lines[:_NAMED], f"and {more} more"]


def _legend(page: Page, top_in: float, lanes: Sequence[Lane], rest: Sequence[str]) -> None:
    axes = page.axes(top_in, 0.25, WIDTH_IN - 0.5, _ROW_IN * (len(lanes) + len(rest)))
    axes.set_xlim(0, WIDTH_IN - 0.5)
    axes.set_ylim(len(lanes) + len(rest), 0)
    axes.set_axis_off()
    for row, lane in enumerate(lanes):
        axes.add_line(Line2D([0, 0.34], [row + 0.5, row + 0.5], color=lane.colour, ls=lane.dashes, lw=2))
        axes.text(0.44, row + 0.5, lane.letter, va="center", fontsize=9.5, fontweight="bold", color=lane.colour, **RIM)
        axes.text(
            0.62, row + 0.5, ": ".join((lane.plan.title, *lane.plan.notes[:1])), va="center", fontsize=9, color=INK
        )
    for row, line in enumerate(rest, len(lanes)):
        axes.text(0.62, row + 0.5, line, va="center", fontsize=8.5, color=GREY)


def _timeline(axes: Axes, lanes: Sequence[Lane]) -> None:
    """Exposures of all on one axis, the first telescope above, each before the twilights over its site."""
    start, stop = span_of([lane.plan for lane in lanes])
    lines = along_time(axes, start, 0.0, (stop - start).total_seconds())
    axes.set_ylim(0, len(lanes))
    axes.yaxis.set_major_locator(FixedLocator([]))
    for row, lane in enumerate(reversed(lanes)):
        share = 1 / len(lanes)
        twilights(axes, *lowest_sun(lane.plan, start, stop), row * share, (row + 1) * share)
        axes.axhline(row, color=GREY, lw=0.4, zorder=2)
        spans = [((t.start - start).total_seconds(), (t.stop - start).total_seconds()) for t in lane.plan.tiles]
        bars(axes, lane, range(len(spans)), spans, float(row))
        middle: dict[str, Any] = {"ha": "right", "va": "center", "fontsize": 9.5, "fontweight": "bold"}
        axes.annotate(
            lane.letter, (0, row + 0.5), (-6, 0), xycoords=axes.get_yaxis_transform(), textcoords="offset points",
            color=lane.colour, annotation_clip=False, **middle,
        )  # fmt: skip
    beneath(axes, _date(start, stop), left=True, lines=lines)
    beneath(axes, "UTC · windows and exposures", left=False, lines=lines)


def _date(start: datetime, stop: datetime) -> str:
    return f"{start:%Y-%m-%d}" if start.date() == stop.date() else f"{start:%Y-%m-%d} to {stop:%Y-%m-%d}"


def _nights(lanes: Sequence[Lane]) -> list[list[Part]]:
    """The lanes that look from one site in one night belong into one chart; by time."""
    found: dict[tuple[str, str], list[Part]] = {}
    for lane in lanes:
        for night in nights_of(lane.plan):
            found.setdefault((f"{night.noon:%Y-%m-%d}", night.site), []).append(Part(lane, night))
    return sorted(found.values(), key=lambda parts: parts[0].night.noon)


def _foot(page: Page, top_in: float, nights: int) -> None:
    legend = "bars below: a field is within all limits · dashed grey: Moon · shades: Sun below 0, 6, 12, 18°"
    words = legend if nights else "no nights: where the telescopes stand is not known"
    page.text(top_in, words, va="bottom", fontsize=7.5, color=GREY)
    if nights > _NIGHTS:
        more = f"{nights - _NIGHTS} more nights and sites are in the table only"
        page.text(top_in + 0.14, more, va="bottom", fontsize=7.5, color=WARNING)
