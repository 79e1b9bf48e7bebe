"""One picture of what several telescopes are to do on one map: fields, the nights over each site, an axis of time."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

import numpy as np

from nuncius.broker.planning.apparent import Floats, overhead
from nuncius.broker.plots.plan import PlanPicture
from nuncius.broker.sky.skymap import SkyMap
from nuncius.schemas.errors import SettingsError

MOST: Final = 12
"""Plans of one picture; some more are named below it."""
_SAMPLES: Final = 600


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class TogetherPicture:
    """What is drawn.

    Parameters
    ----------
    title, notes
        The first line, and up to three more below it.
    warning
        Why no telescope is asked; empty where one is.
    sky
        Where the source may be; None where that is not known.
    plans
        One a telescope; ``title`` is its name and the first note what it is to do, for the legend.
    idle
        Those who are asked for nothing, and why: a line each.
    """

    title: str
    notes: tuple[str, ...] = ()
    warning: str = ""
    sky: SkyMap | None
    plans: tuple[PlanPicture, ...]
    idle: tuple[str, ...] = ()


def plot_together(picture: TogetherPicture, path: str | Path) -> None:
    """Draws several plans into one picture; a colour, dashes and a letter a telescope.

    Parameters
    ----------
    picture
        What is drawn; plans beyond `MOST` are named and not drawn.
    path
        As `nuncius.broker.plots.plan.plot_plan`.

    Raises
    ------
    ValueError
        There is no plan, or one without a field.
    SettingsError
        As `nuncius.broker.plots.plan.plot_plan`.
    """
    if not picture.plans or not all(plan.tiles for plan in picture.plans):
        raise ValueError("no plan, or a plan without a field: nothing to draw")
    try:
        import matplotlib.figure  # noqa: F401, PLC0415  an extra, and slow to import
    except ImportError as error:
        raise SettingsError("pictures need matplotlib: pip install 'nuncius[plots]'") from error
    from nuncius.broker.plots.together_figure import draw  # noqa: PLC0415  imports matplotlib

    draw(picture, Path(path))


def span_of(plans: Sequence[PlanPicture]) -> tuple[datetime, datetime]:
    """From the first exposure of all to the end of the last, and a little room at both ends."""
    first = min(tile.start for plan in plans for tile in plan.tiles)
    last = max(tile.stop for plan in plans for tile in plan.tiles)
    room = max((last - first) * 0.03, timedelta(minutes=1))
    return first - room, last + room


def lowest_sun(plan: PlanPicture, start: datetime, stop: datetime) -> tuple[Floats, Floats]:
    """Altitude of the Sun over a plan's sites in a span, the darkest of them, at moments in seconds after its start.

    Without a site the Sun counts as far below: no twilight is drawn.
    """
    offset_s = np.linspace(0.0, (stop - start).total_seconds(), _SAMPLES)
    over = [
        overhead(lon_deg=one.lon_deg, lat_deg=one.lat_deg, height_m=one.height_m, start=start, offset_s=offset_s)
        for one in plan.sites
    ]
    dark = np.full(_SAMPLES, -90.0)
    return offset_s, np.min([one.sun_altitude_deg for one in over], axis=0) if over else dark
