"""A plan on paper: words, the whole sky, the close-up, the nights; and words for who cannot see it."""

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final
from xml.sax.saxutils import escape

import matplotlib as mpl
from matplotlib.backend_bases import FigureCanvasBase
from matplotlib.figure import Figure

from nuncius.broker.plots.plan import Night, PlanPicture, close_up, shares
from nuncius.broker.plots.plan_night import draw_night
from nuncius.broker.plots.plan_sky import draw_close_up, draw_whole_sky
from nuncius.broker.plots.plan_style import GREY, GROUND, INK, WARNING, colours
from nuncius.schemas.errors import SettingsError

_WIDTH_IN: Final = 5.4
_DPI: Final = 200
_SIDE_IN: Final = 0.55
_CHART_IN: Final = 1.45
_STRIP_IN: Final = 0.36
_NIGHT_IN: Final = _CHART_IN + _STRIP_IN + 1.0


def draw(picture: PlanPicture, nights: Sequence[Night], target: Path) -> None:
    """Draws the plan into a file; the same plan gives the same SVG.

    Raises
    ------
    SettingsError
        The file's suffix names no format matplotlib writes.
    """
    kinds = FigureCanvasBase.get_supported_filetypes()
    if target.suffix.lower().removeprefix(".") not in kinds:
        raise SettingsError(f"cannot draw {target.name}: name a file that ends in {', '.join(f'.{k}' for k in kinds)}")
    style: dict[Any, Any] = {
        "font.size": 10,
        "svg.hashsalt": "nuncius",
        "text.parse_math": False,  # names that others chose may hold dollar signs
        "text.color": INK,
        "figure.facecolor": GROUND,
        "axes.facecolor": GROUND,
    }
    with mpl.rc_context(style):
        near, shown = close_up(picture)
        lines = [*picture.notes, *([picture.warning] if picture.warning else [])]
        head = 0.42 + 0.2 * len(lines)
        wide_in, near_in = _WIDTH_IN - 2 * _SIDE_IN, _WIDTH_IN - 2 * _SIDE_IN - 0.1
        height = head + wide_in / 2 + 0.35 + near_in + 0.3 + _NIGHT_IN * len(nights) + 0.2
        figure = Figure(figsize=(_WIDTH_IN, height))
        _words(figure, picture, lines, height)

        def at(top_in: float, left_in: float, width_in: float, height_in: float) -> Any:
            return figure.add_axes(
                (left_in / _WIDTH_IN, 1 - (top_in + height_in) / height, width_in / _WIDTH_IN, height_in / height)
            )

        draw_whole_sky(at(head, _SIDE_IN, wide_in, wide_in / 2), picture, near)
        top = head + wide_in / 2 + 0.35
        where = f"{shown} of {len(picture.tiles)} fields" if shown < len(picture.tiles) else "the frame"
        text = f"{where} around RA {near.ra:.2f}°, Dec {near.dec:+.2f}°"
        figure.text(0.5, 1 - (top - 0.1) / height, text, ha="center", va="bottom", fontsize=9, color=GREY)
        draw_close_up(at(top, _SIDE_IN + 0.05, near_in, near_in), picture, near)
        top += near_in + 0.3
        time = colours(shares(len(picture.tiles)))
        left_out = len(picture.tiles) - len({index for night in nights for index in night.indices})
        if left_out and nights:
            text = f"{left_out} fields of other nights and sites are not among the nights below"
            figure.text(0.5, 1 - (top - 0.06) / height, text, ha="center", va="top", fontsize=8.5, color=WARNING)
        for night in nights:
            chart = at(top + 0.28, _SIDE_IN, wide_in - 0.05, _CHART_IN)
            strip = at(top + 0.52 + _CHART_IN, _SIDE_IN, wide_in - 0.05, _STRIP_IN)
            draw_night(chart, strip, picture, night, time)
            top += _NIGHT_IN
        legend = "green: a field is within all limits · dashed: Moon · shades: Sun below 0, 6, 12, 18°"
        words = legend if nights else "no nights: where the telescope stands is not known"
        figure.text(0.5, 0.12 / height, words, ha="center", va="bottom", fontsize=7.5, color=GREY)
        _save(figure, target, picture)


def described(picture: PlanPicture) -> str:
    """The plan for who cannot see it: every field with its place and time."""
    fields = [
        f"{tile.number}: RA {tile.ra:.3f}, Dec {tile.dec:+.3f} degrees, {tile.start:%Y-%m-%d %H:%M:%S} UTC, {tile.site}"
        for tile in picture.tiles
    ]
    words = [picture.title, *picture.notes, *([picture.warning] if picture.warning else [])]
    return ". ".join(words) + ". " + "; ".join(fields) + "."


def _words(figure: Figure, picture: PlanPicture, lines: Sequence[str], height: float) -> None:
    first: dict[str, Any] = {"ha": "left", "va": "top"}
    left = 0.25 / _WIDTH_IN
    figure.text(left, 1 - 0.12 / height, picture.title, fontsize=13, fontweight="bold", **first)
    for row, line in enumerate(lines):
        colour = WARNING if line == picture.warning else INK
        figure.text(left, 1 - (0.40 + 0.2 * row) / height, line, fontsize=9.5, color=colour, **first)


def _save(figure: Figure, target: Path, picture: PlanPicture) -> None:
    title, words = picture.title, described(picture)
    named: dict[str, dict[str, Any]] = {
        ".svg": {"Date": None, "Title": title, "Description": words},
        ".png": {"Title": title, "Description": words},
        ".pdf": {"Title": title, "Subject": words, "CreationDate": None},
    }
    suffix = target.suffix.lower()
    written = io.BytesIO()
    figure.savefig(written, format=suffix.removeprefix("."), dpi=_DPI, metadata=named.get(suffix))
    data = written.getvalue()
    if suffix == ".svg":
        # screen readers say what stands in <desc>; matplotlib writes the title alone
        data = data.replace(b"</title>", f"</title>\n <desc>{escape(words)}</desc>".encode(), 1)
    target.write_bytes(data)
