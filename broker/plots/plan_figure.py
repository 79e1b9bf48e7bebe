"""A plan on paper: words, the whole sky, the close-up, the nights; and words for who cannot see it."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from nuncius.broker.plots.plan import Night, PlanPicture, close_up
from nuncius.broker.plots.plan_lanes import alone
from nuncius.broker.plots.plan_night import Part, draw_chart, draw_strip
from nuncius.broker.plots.plan_page import DPI, SIDE_IN, STYLE, WIDTH_IN, Page, head_in
from nuncius.broker.plots.plan_sky import draw_close_up, draw_whole_sky
from nuncius.broker.plots.plan_style import GREY, WARNING
from nuncius.broker.plots.saving import save
from nuncius.broker.plots.turns import styled

CHART_IN: Final = 1.45
_STRIP_IN: Final = 0.36
_NIGHT_IN: Final = CHART_IN + _STRIP_IN + 1.0


def draw(picture: PlanPicture, nights: Sequence[Night], target: Path) -> None:
    """Draws the plan into a file; the same plan gives the same SVG.

    Raises
    ------
    SettingsError
        As `saving.save`.
    """
    with styled(STYLE):
        near, shown = close_up(picture)
        lane = alone(picture)
        head = head_in(len(picture.notes) + bool(picture.warning))
        wide, close = WIDTH_IN - 2 * SIDE_IN, WIDTH_IN - 2 * SIDE_IN - 0.1
        page = Page(head + wide / 2 + 0.35 + close + 0.3 + _NIGHT_IN * len(nights) + 0.2)
        page.head(picture.title, picture.notes, picture.warning)
        draw_whole_sky(page.axes(head, SIDE_IN, wide, wide / 2), picture.sky, [lane], near)
        top = head + wide / 2 + 0.35
        where = f"{shown} of {len(picture.tiles)} fields" if shown < len(picture.tiles) else "the frame"
        page.text(
            top - 0.1, f"{where} around RA {near.ra:.2f}°, Dec {near.dec:+.2f}°", va="bottom", fontsize=9, color=GREY
        )
        draw_close_up(page.axes(top, SIDE_IN + 0.05, close, close), picture.sky, [lane], near)
        top += close + 0.3
        left_out = len(picture.tiles) - len({index for night in nights for index in night.indices})
        if left_out and nights:
            words = f"{left_out} fields of other nights and sites are not among the nights below"
            page.text(top - 0.06, words, va="top", fontsize=8.5, color=WARNING)
        for night in nights:
            part = Part(lane, night)
            draw_chart(page.axes(top + 0.28, SIDE_IN, wide - 0.05, CHART_IN), [part])
            draw_strip(page.axes(top + 0.52 + CHART_IN, SIDE_IN, wide - 0.05, _STRIP_IN), part)
            top += _NIGHT_IN
        legend = "green: a field is within all limits · dashed: Moon · shades: Sun below 0, 6, 12, 18°"
        words = legend if nights else "no nights: where the telescope stands is not known"
        page.text(top + 0.08, words, va="bottom", fontsize=7.5, color=GREY)
        save(page.figure, target, title=picture.title, words=described(picture), dpi=DPI)


def described(picture: PlanPicture) -> str:
    """The plan for who cannot see it: every field with its place and time."""
    words = [picture.title, *picture.notes, *([picture.warning] if picture.warning else [])]
    return ". ".join(words) + ". " + fields_in_words(picture)


def fields_in_words(picture: PlanPicture, letter: str = "") -> str:
    """Every field with its place and time."""
    fields = [
        f"{letter}{tile.number}: RA {tile.ra:.3f}, Dec {tile.dec:+.3f} degrees, {tile.start:%Y-%m-%d %H:%M:%S} UTC, "
        f"{tile.site or 'site not known'}"
        for tile in picture.tiles
    ]
    return "; ".join(fields) + "."
