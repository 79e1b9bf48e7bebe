"""The fields of a plan on the sky: the map behind them, their outlines in the colours of their order, their numbers."""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Ellipse, Patch, Rectangle

from nuncius.broker.plots.graticule import Rule, close_up_rules, whole_sky_rules
from nuncius.broker.plots.lines import frame
from nuncius.broker.plots.plan import outline
from nuncius.broker.plots.plan_lanes import Lane
from nuncius.broker.plots.plan_style import EDGE, GREY, INK, MAP, PALE, REGION, RIM
from nuncius.broker.plots.projection import CloseUp, WholeSky, grid
from nuncius.broker.sky.skymap import SkyMap

_LEVELS: Final = (0.5, 0.9)
_ROOT: Final = 0.4
_APART_PT: Final = 4.4
"""Least distance of two numbers in the picture, a digit; and once more."""
_RULE_PT: Final = 22.0
"""Likewise, of a number from the label of a line inside the picture."""
_CROWD: Final = 80
"""Of more fields than that the outlines are thin."""


def draw_whole_sky(axes: Axes, sky: SkyMap | None, lanes: Sequence[Lane], near: CloseUp) -> None:
    """Everything small, and the frame of the close-up."""
    view = WholeSky()
    edge = _open(axes, view)
    for rule in whole_sky_rules(view):
        _rule(axes, rule, edge, 8.0)
    if sky is not None:
        _map(axes, view, sky, edge, 900)
    for lane in lanes:
        _outlines(axes, view, lane, edge, 0.8)
    axes.plot(*view.curve(*frame(near)), color=INK, lw=0.9, zorder=7, clip_path=edge)


def draw_close_up(axes: Axes, sky: SkyMap | None, lanes: Sequence[Lane], near: CloseUp) -> None:
    """The fields with their numbers, as many as do not stand in each other's way."""
    edge = _open(axes, near)
    if sky is not None:
        _map(axes, near, sky, edge, 450)
    crowded = sum(len(lane.plan.tiles) for lane in lanes) > _CROWD
    for lane in lanes:
        _outlines(axes, near, lane, edge, 0.8 if crowded else 1.5)
    places = _numbers(axes, lanes, near)
    width_pt = axes.get_window_extent().width * 72 / axes.figure.dpi
    room = _RULE_PT * 2 * near.radius_deg / width_pt
    for rule in close_up_rules(near):
        hidden = rule.side == "on" and any(np.hypot(rule.x - x, rule.y - y) < room for x, y in places)
        _rule(axes, rule._replace(text="") if hidden else rule, edge, 9.0)


def _numbers(axes: Axes, lanes: Sequence[Lane], near: CloseUp) -> list[tuple[float, float]]:
    """As many as have room; where they stand."""
    of_lanes = [[_Mark.of(lane, index, near) for index in range(len(lane.plan.tiles))] for lane in lanes]
    if len(lanes) == len(of_lanes[0]) == 1 and lanes[0].plan.field is None:
        return []
    width_pt = axes.get_window_extent().width * 72 / axes.figure.dpi
    apart = _APART_PT * (max(len(one.text) for marks in of_lanes for one in marks) + 1) * 2 * near.radius_deg / width_pt
    room = near.radius_deg - apart / 2
    inside = [[one for one in marks if max(abs(one.x), abs(one.y)) < room] for marks in of_lanes]
    # the first and the last of each plan before all others
    ends = [one for some in inside for one in (*some[:1], *some[1:][-1:])]
    marks = ends + [one for some in inside for one in some[1:-1]]
    drawn = [marks[index] for index in numbered([(one.x, one.y) for one in marks], apart)]
    for one in drawn:
        centred: dict[str, Any] = {"ha": "center", "va": "center", "fontweight": "bold", "fontsize": 9}
        axes.text(one.x, one.y, one.text, color=one.colour, zorder=9, **centred, **RIM)
    return [(one.x, one.y) for one in drawn]


class _Mark(NamedTuple):
    """The number of a field where it may stand."""

    x: float
    y: float
    text: str
    colour: Any

    @classmethod
    def of(cls, lane: Lane, index: int, view: CloseUp) -> "_Mark":
        tile = lane.plan.tiles[index]
        x, y = (float(values[0]) for values in view.plane(tile.ra, tile.dec))
        return cls(x, y, lane.mark(index), lane.colour if lane.letter else INK)


def numbered(places: Sequence[tuple[float, float]], apart: float) -> list[int]:
    """Which marks are drawn: in order all that stand ``apart`` from those before."""
    taken: list[int] = []
    for index, (x, y) in enumerate(places):
        if all(np.hypot(x - places[other][0], y - places[other][1]) >= apart for other in taken):
            taken.append(index)
    return taken


def _outlines(axes: Axes, view: WholeSky | CloseUp, lane: Lane, edge: Patch, width: float) -> None:
    field = lane.plan.field
    for tile, colour in zip(lane.plan.tiles, lane.colours, strict=True):
        if field is None:
            axes.plot(*view.plane(tile.ra, tile.dec), "+", ms=14, mew=1.6, color=colour, zorder=6, clip_path=edge)
            continue
        line = view.curve(*outline(field, tile))
        behind = EDGE if isinstance(view, CloseUp) and width > 1 and lane.dashes == "solid" else {}
        axes.plot(*line, color=colour, lw=width, ls=lane.dashes, zorder=6, clip_path=edge, **behind)
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
