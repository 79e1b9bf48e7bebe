"""One panel of a picture: a projection on matplotlib's axes, and what can be drawn into it."""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Ellipse, Patch, Rectangle
from matplotlib.patheffects import withStroke

from nuncius.broker.plots.graticule import Rule
from nuncius.broker.plots.lines import Line
from nuncius.broker.plots.projection import CloseUp, Grid, WholeSky, grid
from nuncius.broker.plots.scene import Footprint, Member
from nuncius.broker.sky import healpix
from nuncius.broker.sky.healpix import FloatArray
from nuncius.broker.sky.lookup import Lookup
from nuncius.broker.sky.skymap import SkyMap

INK: Final = "#1a1a1a"
GREY: Final = "#5b616b"
PALE: Final = "#8a8f98"
_FEW: Final = 16
"""A region under fewer points of the grid is a dot in the picture: it gets a ring around it."""
_SIDES: Final = {
    "left": ("right", "center", (-4, 0)),
    "bottom": ("center", "top", (0, -4)),
    "on": ("center", "center", (0, 0)),
}


@dataclass(frozen=True, slots=True)
class Panel:
    """Axes that show a projection.

    Parameters
    ----------
    axes, view
        In the plane of ``view``; north up, right ascension to the left.
    grid
        Points of the plane at which maps are looked up.
    edge
        The outline; nothing is drawn beyond it but labels.
    """

    axes: Axes
    view: WholeSky | CloseUp
    grid: Grid
    edge: Patch

    @classmethod
    def on(cls, axes: Axes, view: WholeSky | CloseUp, columns: int) -> "Panel":
        """A panel whose maps are looked up at ``columns`` points from left to right."""
        left, right, bottom, top = view.extent
        axes.set_xlim(left, right)
        axes.set_ylim(bottom, top)
        axes.set_aspect("equal")
        axes.set_axis_off()
        shape: dict[str, Any] = {"fill": False, "edgecolor": PALE, "linewidth": 1.0, "zorder": 7, "clip_on": False}
        edge: Patch = (
            Ellipse((0, 0), right - left, top - bottom, **shape)
            if isinstance(view, WholeSky)
            else Rectangle((left, bottom), right - left, top - bottom, **shape)
        )
        axes.add_patch(edge)
        return cls(axes, view, grid(view, columns), edge)

    def sees(self, ra: float, dec: float) -> bool:
        """Whether a position lies in the panel."""
        left, right, bottom, top = self.view.extent
        x, y = (float(values[0]) for values in self.view.plane(ra, dec))
        return left <= x <= right and bottom <= y <= top

    def shade(self, sky: SkyMap) -> None:
        """The square root of the density as a share of the densest: faint wings stay visible."""
        index = sky.tile(self.grid.pixels)
        density = np.where(index < 0, 0.0, sky.density[index])
        image = self.axes.imshow(
            np.sqrt(density / (float(density.max()) or 1.0)),
            extent=self.view.extent,
            origin="lower",
            cmap="Blues",
            vmin=0,
            vmax=1.25,
            zorder=1,
        )
        image.set_clip_path(self.edge)

    def borders(self, member: Member, levels: tuple[float, ...], *, filled: bool) -> None:
        """Borders of a member's credible regions, thinner outwards; of an even region its outline."""
        index = member.sky.tile(self.grid.pixels)
        level = np.where(index < 0, 1.0, member.sky.levels[index])
        if member.even:
            level, levels = np.where((index < 0) | (member.sky.density[index] <= 0), 1.0, 0.0), (0.5,)
        if np.count_nonzero(level <= levels[-1]) < _FEW and self.sees(*member.sky.maximum()):
            spot = self.view.plane(*member.sky.maximum())
            self.axes.plot(*spot, "o", ms=11, mfc="none", mec=member.colour, mew=1.8, zorder=6)
            self.axes.plot(*spot, "o", ms=2.5, color=member.colour, zorder=6)
            return
        if filled:
            self._fill(level, levels[-1], member.colour, 0.14)
        widths = np.linspace(2.0, 1.1, len(levels)) if len(levels) > 1 else (1.6,)
        for wanted, width in zip(levels, widths, strict=True):
            self._contour(level, wanted, color=member.colour, lw=float(width), ls=member.dashes, zorder=5)

    def footprint(self, footprint: Footprint, colour: str) -> None:
        """A covered area: a light wash and its outline."""
        inside = Lookup(footprint.start, footprint.stop).find(self.grid.pixels) >= 0
        if np.count_nonzero(inside) < _FEW:
            largest = int(np.argmax(footprint.stop - footprint.start))
            at = healpix.position(healpix.ORDER, (footprint.start[largest] + footprint.stop[largest]) >> 1)
            spot = self.view.plane(*at)
            self.axes.plot(*spot, "s", ms=9, mfc="none", mec=colour, mew=1.2, zorder=4, clip_path=self.edge)
            return
        outside = np.where(inside, 0.0, 1.0)
        self._fill(outside, 0.5, colour, 0.13)
        self._contour(outside, 0.5, color=colour, lw=1.0, ls="solid", zorder=4)

    def _fill(self, field: FloatArray, below: float, colour: str, alpha: float) -> None:
        wash = self.axes.contourf(
            self.grid.x, self.grid.y, field, levels=[-1.0, below], colors=[colour], alpha=alpha, zorder=2
        )
        wash.set_clip_path(self.edge)

    def _contour(self, field: FloatArray, level: float, *, color: str, lw: float, ls: Any, zorder: float) -> None:
        if field.min() < level < field.max():
            drawn = self.axes.contour(
                self.grid.x, self.grid.y, field, [level], colors=[color], linewidths=lw, linestyles=[ls], zorder=zorder
            )
            drawn.set_clip_path(self.edge)

    def curve(self, line: Line, **style: Any) -> None:
        """A line on the sky, in matplotlib's style words."""
        self.axes.plot(*self.view.curve(*line), clip_path=self.edge, **style)

    def dots(self, ra: FloatArray, dec: FloatArray, size: float) -> None:
        """Many points."""
        self.axes.plot(
            *self.view.plane(ra, dec), ".", ms=size, color=PALE, alpha=0.7, mew=0, rasterized=True, zorder=3,
            clip_path=self.edge,
        )  # fmt: skip

    def sign(self, ra: float, dec: float, marker: Any, **style: Any) -> None:
        """One marker, in matplotlib's style words."""
        self.axes.plot(*self.view.plane(ra, dec), marker=marker, ls="none", **style)

    def name(self, ra: float, dec: float, text: str, *, size: float = 10, bold: bool = False) -> None:
        """Text beside a position, on the side where there is room, with a white rim."""
        left, right, bottom, top = self.view.extent
        x, y = (float(values[0]) for values in self.view.plane(ra, dec))
        to_left, below = x > left + 0.7 * (right - left), y > bottom + 0.85 * (top - bottom)
        self.axes.annotate(
            text,
            (x, y),
            (-9 if to_left else 9, -9 if below else 7),
            textcoords="offset points",
            ha="right" if to_left else "left",
            va="top" if below else "baseline",
            fontsize=size,
            fontweight="bold" if bold else "normal",
            color=INK,
            path_effects=[withStroke(linewidth=3, foreground="white")],
            zorder=10,
        )

    def rule(self, rule: Rule) -> None:
        """A line of right ascension or declination with its label."""
        self.axes.plot(*rule.curve, color=PALE, lw=0.5, alpha=0.6, zorder=2.5, clip_path=self.edge)
        across, up, shift = _SIDES[rule.side]
        self.axes.annotate(
            rule.text,
            (rule.x, rule.y),
            shift,
            textcoords="offset points",
            ha=across,
            va=up,
            fontsize=9.5,
            color=GREY,
            path_effects=[withStroke(linewidth=2.5, foreground="white")],
            annotation_clip=False,
            zorder=8 if rule.side == "on" else 3,
        )
