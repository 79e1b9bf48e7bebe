"""Pictures of the sky: probability maps and what stands around them, the whole sky and a close-up beside it."""

from collections.abc import Sequence
from pathlib import Path

from nuncius.broker.plots.closeup import fitting
from nuncius.broker.plots.scene import (
    LEVELS,
    NOTHING_BEHIND,
    Backdrop,
    Crowd,
    Footprint,
    Layer,
    Mark,
    Scene,
    checked_levels,
    members,
)
from nuncius.broker.sky.skymap import SkyMap
from nuncius.schemas.errors import SettingsError

__all__ = ["Backdrop", "Crowd", "Footprint", "Layer", "Mark", "plot_places", "plot_skymap"]


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
    footprints: Sequence[Footprint] = (),
    backdrop: Backdrop = NOTHING_BEHIND,
    levels: tuple[float, ...] = LEVELS,
    title: str = "",
    notes: Sequence[str] = (),
    zoom_on: tuple[float, float] | None = None,
    zoom_radius_deg: float | None = None,
) -> None:
    """Draws several localizations, points and coverages into one picture.

    The first layer is shaded by the square root of its density; each has the borders of its credible regions in a
    colour and dashes of its own, with their areas in the legend. A layer of even density has its outline; one too small
    to show its shape has a ring around it.

    Parameters
    ----------
    layers
        At least one.
    path
        As in `plot_skymap`.
    points, crowd, footprints, backdrop
        What is drawn beside them: marks, a crowd of dots, covered areas, Sun and Moon, the galactic plane.
    levels
        One to four credible levels, rising, in (0, 1).
    title, notes
        Text above the picture, and lines below the title.
    zoom_on, zoom_radius_deg
        Centre (ICRS degrees) and reach, in (0, 90], of the close-up. By default it shows the densest lobe of the first
        layer, and the layers and points near it.

    Raises
    ------
    ValueError
        No layer is given, a layer's map is known by name only, or a level or radius is out of its range.
    SettingsError
        As `plot_skymap`.
    """
    if zoom_radius_deg is not None and not 0 < zoom_radius_deg <= 90:
        raise ValueError(f"close-up of {zoom_radius_deg:g} degrees: give more than 0 and at most 90")
    drawn = members(layers)
    scene = Scene(
        members=drawn,
        levels=checked_levels(levels),
        points=tuple(points),
        crowd=crowd,
        footprints=tuple(footprints),
        backdrop=backdrop,
        title=title,
        notes=tuple(notes),
    )
    places = [(mark.ra, mark.dec) for mark in points]
    view = fitting([member.sky for member in drawn], places, centre=zoom_on, radius_deg=zoom_radius_deg)
    try:
        import matplotlib.figure  # noqa: F401, PLC0415  an extra, and slow to import
    except ImportError as error:
        raise SettingsError("pictures need matplotlib: pip install 'nuncius[plots]'") from error
    from nuncius.broker.plots.figure import draw  # noqa: PLC0415  imports matplotlib

    draw(scene, view, Path(path))
