"""The fields of a plan on the sky: the map behind them, their outlines in the colours of their order, their numbers."""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Ellipse, Patch, Rectangle

from nuncius.broker.plots.graticule import Rule, close_up_rules, whole_sky_rules
from nuncius.broker.plots.lines import frame
from nuncius.broker.plots.plan import PlanPicture, outline, shares
from nuncius.broker.plots.plan_style import GREY, INK, MAP, PALE, REGION, RIM, colours
from nuncius.broker.plots.projection import CloseUp, WholeSky, grid
from nuncius.broker.sky.skymap import SkyMap

_LEVELS: Final = (0.5, 0.9)
_ROOT: Final = 0.4
_APART_PT: Final = 4.4
"""Least distance of two numbers in the picture, a digit; and once more."""


def draw_whole_sky(axes: Axes, picture: PlanPicture, near: CloseUp) -> None:
    """Everything small, and the frame of the close-up."""
    view = WholeSky()
    edge = _open(axes, view)
    for rule in whole_sky_rules(view):
        _rule(axes, rule, edge, 8.0)
    if picture.sky is not None:
        _map(axes, view, picture.sky, edge, 900)
    _outlines(axes, view, picture, edge, 0.8)
    axes.plot(*view.curve(*frame(near)), color=INK, lw=0.9, zorder=7, clip_path=edge)


def draw_close_up(axes: Axes, picture: PlanPicture, near: CloseUp) -> None:
    """The fields with their numbers, as many as do not stand in each other's way."""
    edge = _open(axes, near)
    for rule in close_up_rules(near):
        _rule(axes, rule, edge, 9.0)
    if picture.sky is not None:
        _map(axes, near, picture.sky, edge, 450)
    _outlines(axes, near, picture, edge, 1.5)
    x, y = near.plane([tile.ra for tile in picture.tiles], [tile.dec for tile in picture.tiles])
    width_pt = axes.get_window_extent().width * 72 / axes.figure.dpi
    digits = len(str(len(picture.tiles)))
    apart = _APART_PT * (digits + 1) * 2 * near.radius_deg / width_pt
    if picture.field is None and len(picture.tiles) == 1:
        return
    for index in numbered(list(zip(x.tolist(), y.tolist(), strict=True)), apart):
        if max(abs(float(x[index])), abs(float(y[index]))) < near.radius_deg:
            number = str(picture.tiles[index].number)
            centred: dict[str, Any] = {"ha": "center", "va": "center", "fontweight": "bold", "fontsize": 9}
            axes.text(float(x[index]), float(y[index]), number, color=INK, zorder=9, **centred, **RIM)


def numbered(places: Sequence[tuple[float, float]], apart: float) -> list[int]:
    """Which fields get their number: the first and the last, and in order all that stand ``apart`` from those."""
    taken: list[int] = []
    for index in dict.fromkeys((0, len(places) - 1, *range(len(places)))):
        x, y = places[index]
        if all(np.hypot(x - places[other][0], y - places[other][1]) >= apart for other in taken):
            taken.append(index)
    return sorted(taken)


def _outlines(axes: Axes, view: WholeSky | CloseUp, picture: PlanPicture, edge: Patch, width: float) -> None:
    for tile, colour in zip(picture.tiles, colours(shares(len(picture.tiles))), strict=True):
        if picture.field is None:
            axes.plot(*view.plane(tile.ra, tile.dec), "+", ms=14, mew=1.6, color=colour, zorder=6, clip_path=edge)
            continue
        line = view.curve(*outline(picture.field, tile))
        axes.plot(*line, color=colour, lw=width, zorder=6, clip_path=edge)
        if isinstance(view, CloseUp):
            (wash,) = axes.fill(line.x, line.y, color=colour, alpha=0.14, lw=0, zorder=5)
            wash.set_clip_path(edge)


def _open(axes: Axes, view: WholeSky | CloseUp) -> Patch:
    left, right, bottom, top = view.extent
    axes.set_xlim(left, right)
    axes.set_ylim(bottom, top)
    axes.set_aspect("equal")
    axes.set_axis_off()
    shape: dict[str, Any] = {"fill": False, "edgecolor": PALE, "linewidth": 1.0, "zorder": 8, "clip_on": False}
    edge: Patch = (
        Ellipse((0, 0), right - left, top - bottom, **shape)
        if isinstance(view, WholeSky)
        else Rectangle((left, bottom), right - left, top - bottom, **shape)
    )
    axes.add_patch(edge)
    return edge


def _map(axes: Axes, view: WholeSky | CloseUp, sky: SkyMap, edge: Patch, columns: int) -> None:
    """A root of the density, so that faint wings stay visible, and the borders of the credible regions."""
    points = grid(view, columns)
    index = sky.tile(points.pixels)
    density = np.where(index < 0, 0.0, sky.density[index])
    image = axes.imshow(
        np.power(density / (float(density.max()) or 1.0), _ROOT),
        extent=view.extent,
        origin="lower",
        cmap=MAP,
        vmin=0,
        vmax=1,
    )
    image.set_clip_path(edge)
    level = np.where(index < 0, 1.0, sky.levels[index])
    for wanted, width in zip(_LEVELS, (1.0, 0.7), strict=True):
        if level.min() < wanted < level.max():
            border = axes.contour(points.x, points.y, level, [wanted], colors=[REGION], linewidths=width, zorder=4)
            border.set_clip_path(edge)


def _rule(axes: Axes, rule: Rule, edge: Patch, size: float) -> None:
    axes.plot(*rule.curve, color=PALE, lw=0.5, alpha=0.7, zorder=2, clip_path=edge)
    across, up, shift = {
        "left": ("right", "center", (-4, 0)),
        "bottom": ("center", "top", (0, -4)),
        "on": ("center", "center", (0, 0)),
    }[rule.side]
    axes.annotate(
        rule.text, (rule.x, rule.y), shift, textcoords="offset points", ha=across, va=up, fontsize=size, color=GREY,
        annotation_clip=False, zorder=8 if rule.side == "on" else 3, **RIM,
    )  # fmt: skip
