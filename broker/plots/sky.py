"""Pictures of the sky: probability maps and marked points, the whole sky and a close-up beside it."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from nuncius.broker.plots.projection import Grid, all_sky_grid, local_grid, mollweide, on_tangent
from nuncius.broker.sky.geometry import Place, geometry
from nuncius.broker.sky.healpix import FloatArray, IntArray, pixel
from nuncius.broker.sky.skymap import SkyMap
from nuncius.broker.sky.sphere import offsets_deg, separation_deg
from nuncius.schemas.errors import SettingsError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LEVELS = (0.5, 0.9)
_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
_INK = "#1a1a1a"
_PALE = "#8a8f98"
_SMALLEST_RING_DEG = 6.0


@dataclass(frozen=True, slots=True)
class Layer:
    """A localization (shape or map) and its name in the legend."""

    place: Place
    label: str


@dataclass(frozen=True, slots=True)
class Mark:
    """A point to mark: ICRS degrees, the name beside it, a matplotlib marker."""

    ra: float
    dec: float
    label: str = ""
    marker: str = "*"


@dataclass(frozen=True, slots=True, eq=False)
class Crowd:
    """Many points drawn as small dots under one name, for the unrelated alerts around an event. ICRS degrees."""

    ra: FloatArray
    dec: FloatArray
    label: str


def plot_skymap(
    sky: SkyMap, path: str | Path, *, points: Sequence[Mark] = (), title: str = "", label: str = "probability"
) -> None:
    """Draws one map with its 50 % and 90 % regions: all-sky Mollweide, right ascension to the left, and a close-up.

    Parameters
    ----------
    sky
        The map.
    path
        Where the picture goes; its suffix says the format (``.png``, ``.svg``, ``.pdf``).
    points
        Positions to mark.
    title, label
        Text above the picture, and the map's name in the legend.

    Raises
    ------
    SettingsError
        matplotlib is not installed, or the suffix names no format it writes.
    """
    plot_places([Layer(sky, label)], path, points=points, title=title)


def plot_places(
    layers: Sequence[Layer],
    path: str | Path,
    *,
    points: Sequence[Mark] = (),
    crowd: Crowd | None = None,
    title: str = "",
    zoom_on: tuple[float, float] | None = None,
    zoom_radius_deg: float | None = None,
) -> None:
    """Draws several localizations and points into one picture.

    The first map is shaded by density; each map has its 50 % and 90 % borders. The close-up is centred on ``zoom_on``
    (default: the densest place of the first map) and reaches ``zoom_radius_deg`` from it (default: so that the first
    map and the maps and points near it fit, 0.5 to 60 degrees).

    Raises
    ------
    ValueError
        No layer is given.
    SettingsError
        As `plot_skymap`.
    """
    if not layers:
        raise ValueError("nothing to draw: give at least one map")
    try:
        import matplotlib as mpl  # noqa: PLC0415  an extra, and slow to import
        from matplotlib.figure import Figure  # noqa: PLC0415  as above
    except ImportError as error:
        raise SettingsError("pictures need matplotlib: pip install 'nuncius[plots]'") from error
    target = Path(path)
    drawn = [_Drawn(_fine_map(layer), layer.label) for layer in layers]
    centre = zoom_on or drawn[0].sky.maximum()
    radius = zoom_radius_deg or _fitting_radius([layer.sky for layer in drawn], centre, points)
    with mpl.rc_context({"font.size": 10, "axes.edgecolor": _PALE, "svg.hashsalt": "nuncius", "text.color": _INK}):
        figure = Figure(figsize=(13, 5.8), facecolor="white")
        wide = figure.add_axes((0.035, 0.17, 0.60, 0.66), projection="mollweide")
        close = figure.add_axes((0.70, 0.215, 0.28, 0.28 * 13 / 5.8))
        _draw_all_sky(wide, drawn, points, crowd, centre, radius)
        _draw_close_up(close, drawn, points, crowd, centre, radius)
        figure.suptitle(title, fontsize=14, fontweight="bold")
        handles, names = wide.get_legend_handles_labels()
        figure.legend(handles, names, loc="lower center", ncols=min(4, max(1, len(names))), frameon=False)
        stable = {"Date": None} if target.suffix == ".svg" else {}
        try:
            figure.savefig(target, dpi=130, metadata=stable)
        except ValueError as error:
            raise SettingsError(f"cannot draw {target.name}: {error}") from error


class _Drawn(NamedTuple):
    sky: SkyMap
    label: str


def _fine_map(layer: Layer) -> SkyMap:
    """The layer's map, circles and ellipses cut so finely that their borders look smooth."""
    sky = geometry(layer.place, tolerance=1e-5)
    if sky is None:
        raise ValueError(f"{layer.label}: its sky map is known by hash or address only; read it first")
    return sky


def _draw_all_sky(
    axes: "Axes",
    layers: Sequence[_Drawn],
    points: Sequence[Mark],
    crowd: Crowd | None,
    centre: tuple[float, float],
    radius: float,
) -> None:
    grid = all_sky_grid()
    pixels = pixel(grid.ra, grid.dec)
    _shade(axes, layers[0].sky, grid, pixels)
    if crowd is not None:
        axes.plot(*mollweide(crowd.ra, crowd.dec), ".", ms=1.5, color=_PALE, alpha=0.6, rasterized=True)
    for index, layer in enumerate(layers):
        colour = _COLOURS[index % len(_COLOURS)]
        _borders(axes, layer.sky, grid, pixels, colour)
        half, most = (layer.sky.area(level) for level in LEVELS)
        axes.plot(
            [], [], color=colour, lw=2, label=f"{layer.label}: {_degrees2(half)} (50 %), {_degrees2(most)} (90 %)"
        )
        axes.plot(*mollweide(*layer.sky.maximum()), "x", color=colour, ms=5)
    if crowd is not None:
        axes.plot([], [], ".", color=_PALE, label=f"{crowd.label} ({len(crowd.ra)})")
    for index, mark in enumerate(points):
        x, y = mollweide(mark.ra, mark.dec)
        axes.plot(x, y, mark.marker, **_mark_style(index), label=mark.label or None)
    bearing = np.linspace(0, 2 * np.pi, 181)
    ring = max(radius, _SMALLEST_RING_DEG)
    ring_x, ring_y = mollweide(*on_tangent(*centre, ring * np.sin(bearing), ring * np.cos(bearing)))
    ring_x[np.abs(np.diff(ring_x, append=ring_x[:1])) > np.pi] = np.nan
    axes.plot(ring_x, ring_y, color=_INK, lw=1.1, ls=(0, (4, 3)), zorder=8)
    axes.grid(visible=True, color=_PALE, lw=0.4, alpha=0.5)
    axes.set_xticks(np.radians(np.arange(-120, 121, 60)), [f"{hours} h" for hours in (20, 16, 12, 8, 4)])
    axes.set_yticks(np.radians(np.arange(-60, 61, 30)), [f"{degrees:+d}°" for degrees in range(-60, 61, 30)])
    axes.tick_params(colors="#5b616b", labelsize=9)
    for text in axes.get_xticklabels():
        text.set_bbox({"facecolor": "white", "edgecolor": "none", "alpha": 0.7, "pad": 0.5})
    axes.set_title("whole sky (ICRS); the dashed circle marks the close-up", fontsize=10, color="#5b616b", pad=14)


def _draw_close_up(
    axes: "Axes",
    layers: Sequence[_Drawn],
    points: Sequence[Mark],
    crowd: Crowd | None,
    centre: tuple[float, float],
    radius: float,
) -> None:
    grid = local_grid(*centre, radius)
    pixels = pixel(grid.ra, grid.dec)
    _shade(axes, layers[0].sky, grid, pixels)
    if crowd is not None:
        near = np.asarray(separation_deg(*centre, crowd.ra, crowd.dec)) < radius * 1.5
        east, north = offsets_deg(*centre, crowd.ra[near], crowd.dec[near])
        axes.plot(east, north, ".", ms=3, color=_PALE, alpha=0.8, rasterized=True)
    for index, layer in enumerate(layers):
        _borders(axes, layer.sky, grid, pixels, _COLOURS[index % len(_COLOURS)])
    for index, mark in enumerate(points):
        if separation_deg(*centre, mark.ra, mark.dec) > radius:
            continue
        east, north = offsets_deg(*centre, np.array([mark.ra]), np.array([mark.dec]))
        axes.plot(east, north, mark.marker, **_mark_style(index))
        to_left = east[0] < -0.2 * radius
        name = axes.annotate(
            mark.label,
            (east[0], north[0]),
            (-8 if to_left else 8, 8),
            textcoords="offset points",
            ha="right" if to_left else "left",
            fontweight="bold",
        )
        name.set_bbox({"facecolor": "white", "edgecolor": "none", "alpha": 0.75, "pad": 1.5})
    axes.set_xlim(radius, -radius)
    axes.set_ylim(-radius, radius)
    axes.set_aspect("equal")
    axes.grid(visible=True, color=_PALE, lw=0.4, alpha=0.5)
    axes.set_xlabel("degrees east of centre")
    axes.set_ylabel("degrees north of centre")
    axes.set_title(f"centre RA {centre[0]:.3f}°, Dec {centre[1]:+.3f}°", fontsize=10, color="#5b616b")


def _shade(axes: "Axes", sky: SkyMap, grid: Grid, pixels: IntArray) -> None:
    """Density as a share of the densest, white where there is none."""
    index = sky.tile(pixels)
    density = np.where(index < 0, 0.0, sky.density[index])
    top = float(density.max()) or 1.0
    axes.pcolormesh(grid.x, grid.y, density / top, cmap="Blues", vmin=0, vmax=1.35, shading="nearest", rasterized=True)


def _borders(axes: "Axes", sky: SkyMap, grid: Grid, pixels: IntArray, colour: str) -> None:
    """Borders of the credible regions; none where the region is smaller than the grid shows."""
    index = sky.tile(pixels)
    level = np.where(index < 0, 1.0, sky.levels[index])
    for wanted, width in zip(LEVELS, (1.6, 1.0), strict=True):
        if level.min() < wanted < level.max():
            axes.contour(grid.x, grid.y, level, levels=[wanted], colors=[colour], linewidths=width)


def _mark_style(index: int) -> dict[str, Any]:
    faces = ("#ffd400", "#e8476a", "#7ad151", "#ffffff")
    return {"ms": 12, "mfc": faces[index % len(faces)], "mec": _INK, "mew": 0.8, "ls": "none", "zorder": 9}


def _degrees2(area: float) -> str:
    if area >= 100:
        return f"{area:,.0f} deg²"
    return f"{area:.3g} deg²"


def _fitting_radius(skies: Sequence[SkyMap], centre: tuple[float, float], points: Sequence[Mark]) -> float:
    """Reaches most of the first map, and those other maps and points that lie within twice that."""
    reach, *others = (_reach(sky, centre) for sky in skies)
    others += [separation_deg(*centre, mark.ra, mark.dec) for mark in points]
    near = [away for away in others if away < 2 * reach + 1]
    return float(np.clip(1.15 * max([reach, *near]), 0.5, 60.0))


def _reach(sky: SkyMap, centre: tuple[float, float]) -> float:
    """Distance from the centre within which lie 97 % of a map, degrees."""
    distance = np.asarray(separation_deg(*centre, *sky.centres))
    by_distance = np.argsort(distance)
    held = np.cumsum((sky.density * sky.solid_angle_sr)[by_distance])
    return float(distance[by_distance[min(int(np.searchsorted(held, 0.97)), sky.tiles - 1)]])
