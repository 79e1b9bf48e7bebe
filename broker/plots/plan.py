"""A picture of a plan: fields in their order on the sky, the nights over the site, and the exposures in time."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import numpy as np

from nuncius.broker.planning.apparent import Floats, overhead
from nuncius.broker.planning.footprints import corners
from nuncius.broker.planning.sightlines import night_number
from nuncius.broker.planning.telescope import CircleField, FieldOfView
from nuncius.broker.planning.visibility import Limits, Site
from nuncius.broker.plots.closeup import middle
from nuncius.broker.plots.lines import Line, circle
from nuncius.broker.plots.projection import CloseUp
from nuncius.broker.sky.healpix import BoolArray, vectors
from nuncius.broker.sky.skymap import SkyMap
from nuncius.broker.sky.sphere import separation_deg
from nuncius.schemas.errors import SettingsError
from nuncius.schemas.plan import PlannedTile

_TOGETHER_DEG: Final = 50.0
"""Fields that lie so far from their middle at most are shown in one close-up."""
_MARGIN: Final = 1.12
_SMALLEST_DEG: Final = 1.0
_AROUND_DEG: Final = 10.0
"""So much of the sky around is shown where the 90 % region reaches farther than the fields."""
_EVERY: Final = 8
"""Of the points of a circle, which lie half a degree apart: it is round where one field fills the picture, too."""
_NIGHTS: Final = 3
"""Most nights that are drawn."""
_STEP_S: Final = 120.0
_J2000: Final = datetime(2000, 1, 1, 12, tzinfo=UTC)


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class PlanPicture:
    """What is drawn.

    Parameters
    ----------
    title, notes
        The first line, and up to three more below it.
    warning
        Why no telescope is asked (a drill, a replay); empty where one is.
    sky
        Where the source may be; None where that is not known.
    tiles
        One at least. Of a pointing one, whose start and stop are its window.
    field
        What the telescope sees at once; None where that is not known: a mark stands for each field.
    sites, limits
        Where it stands, by name; sites that are not among them are left out of the nights.
    """

    title: str
    notes: tuple[str, ...] = ()
    warning: str = ""
    sky: SkyMap | None
    tiles: tuple[PlannedTile, ...]
    field: FieldOfView | None
    sites: tuple[Site, ...]
    limits: Limits


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Night:
    """What passes over a site from sunset to sunrise; of a polar day or night from noon to noon.

    Parameters
    ----------
    site, noon
        Its name, and the local mean noon before, UTC.
    offset_s
        Moments, seconds after ``noon``, shape (moments,).
    sun_deg, moon_deg
        Altitudes, shape (moments,).
    altitude_deg
        Of the fields, shape (fields, moments).
    possible
        Whether any of the fields is within all limits, shape (moments,).
    moon_away_deg
        Of the Moon from the nearest of the fields, at its nearest.
    indices
        Places of these fields in the plan, from 0.
    """

    site: str
    noon: datetime
    offset_s: Floats
    sun_deg: Floats
    moon_deg: Floats
    altitude_deg: Floats
    possible: BoolArray
    moon_away_deg: float
    indices: tuple[int, ...]


def plot_plan(picture: PlanPicture, path: str | Path) -> None:
    """Draws a plan: the whole sky, a close-up, up to three nights with airmass, twilights, Moon and exposures.

    Upright and dark, for a phone at night. Colours run with the order.

    Parameters
    ----------
    picture
        What is drawn.
    path
        Where the picture goes; its suffix says the format (``.png``, ``.svg``, ``.pdf``).

    Raises
    ------
    ValueError
        There is no field.
    SettingsError
        matplotlib is not installed, or the suffix names no format it writes.
    """
    if not picture.tiles:
        raise ValueError("a plan without a field: nothing to draw")
    try:
        import matplotlib.figure  # noqa: F401, PLC0415  an extra, and slow to import
    except ImportError as error:
        raise SettingsError("pictures need matplotlib: pip install 'nuncius[plots]'") from error
    from nuncius.broker.plots.plan_figure import draw  # noqa: PLC0415  imports matplotlib

    draw(picture, nights_of(picture), Path(path))


def outline(field: FieldOfView, tile: PlannedTile) -> Line:
    """The border of a field, once around, the sides of a rectangle along great circles."""
    if isinstance(field, CircleField):
        ra, dec = circle(tile.ra, tile.dec, field.radius_deg)
        return ra[::_EVERY], dec[::_EVERY]
    around = np.array(corners(field, tile.ra, tile.dec, tile.position_angle_deg))
    ends = vectors(around[:, 0], around[:, 1])
    share = np.linspace(0.0, 1.0, 12, endpoint=False)[None, :, None]
    points = (ends[:, None, :] * (1 - share) + np.roll(ends, -1, axis=0)[:, None, :] * share).reshape(-1, 3)
    x, y, z = np.concatenate([points, points[:1]]).T
    return np.degrees(np.arctan2(y, x)) % 360.0, np.degrees(np.arctan2(z, np.hypot(x, y)))


def shares(count: int) -> Floats:
    """Where each of so many fields stands in the order: 0 the first, 1 the last, and one alone."""
    return np.linspace(0.0, 1.0, count) if count > 1 else np.ones(count)


def close_up(*pictures: PlanPicture) -> tuple[CloseUp, int]:
    """A square around the fields, all of them where they lie together, else those near the best; and how many."""
    every = [(picture.field, tile) for picture in pictures for tile in picture.tiles]
    ra, dec = (np.array(values) for values in zip(*((tile.ra, tile.dec) for _, tile in every), strict=True))
    held = np.ones(len(ra), np.bool_)
    at = middle(ra, dec)
    if float(np.max(separation_deg(*at, ra, dec))) > _TOGETHER_DEG:
        best = max((tile for _, tile in every), key=lambda tile: np.nan_to_num(tile.probability))
        held = np.atleast_1d(separation_deg(best.ra, best.dec, ra, dec)) <= _TOGETHER_DEG
        at = middle(ra[held], dec[held])
    kept = [one for one, near in zip(every, held.tolist(), strict=True) if near]
    edges = [_edge(field, tile) for field, tile in kept]
    reach = max(float(np.max(separation_deg(*at, *edge))) for edge in edges)
    sky = pictures[0].sky
    if sky is not None:
        reach = max(reach, min(_AROUND_DEG, 1.3 * float(np.sqrt(sky.area(0.9) / np.pi))))
    return CloseUp(*at, min(90.0, max(_SMALLEST_DEG, _MARGIN * reach))), len(kept)


def _edge(field: FieldOfView | None, tile: PlannedTile) -> Line:
    return (np.array([tile.ra]), np.array([tile.dec])) if field is None else outline(field, tile)


def nights_of(picture: PlanPicture) -> tuple[Night, ...]:
    """The nights of the plan, the first ones where there are many, by their beginning; each of a window of days."""
    sites = {site.name: site for site in picture.sites}
    found: dict[tuple[str, int], list[int]] = {}
    noons: dict[tuple[str, int], datetime] = {}
    for index, tile in enumerate(picture.tiles):
        if tile.site in sites:
            site = sites[tile.site]
            first = night_number(site, tile.start)
            last = min(night_number(site, tile.stop), first + _NIGHTS - 1)
            for number in range(first, last + 1):
                noons.setdefault((site.name, number), _noon_before(site, tile.start) + timedelta(days=number - first))
                found.setdefault((site.name, number), []).append(index)
    return tuple(_night(picture, sites[key[0]], noons[key], found[key]) for key in list(found)[:_NIGHTS])


def _night(picture: PlanPicture, site: Site, noon: datetime, indices: Sequence[int]) -> Night:
    """What passes over the site from sunset to sunrise; of a polar day or night the whole day."""
    tiles = [picture.tiles[index] for index in indices]
    offset_s = np.arange(0.0, 86400.0 + _STEP_S, _STEP_S)
    over = overhead(lon_deg=site.lon_deg, lat_deg=site.lat_deg, height_m=site.height_m, start=noon, offset_s=offset_s)
    night = np.flatnonzero(over.sun_altitude_deg < 0)
    seen = slice(int(night[0]), int(night[-1]) + 1) if len(night) else slice(0, len(offset_s))
    target = over.directions(np.array([tile.ra for tile in tiles]), np.array([tile.dec for tile in tiles]))
    altitude, moon_away = over.altitude_deg(target), over.moon_separation_deg(target)
    limits = picture.limits
    lowest = np.full_like(altitude, limits.min_altitude_deg)
    if limits.horizon:
        azimuth, hidden = np.array(limits.horizon).T
        lowest = np.maximum(lowest, np.interp(over.azimuth_deg(target), azimuth, hidden, period=360.0))
    within = (
        (altitude >= lowest)
        & (moon_away >= limits.moon_separation_min_deg)
        & (over.sun_altitude_deg <= limits.sun_altitude_max_deg)
    )
    return Night(
        site=site.name,
        noon=noon,
        offset_s=offset_s[seen],
        sun_deg=over.sun_altitude_deg[seen],
        moon_deg=np.degrees(np.arcsin(np.einsum("ij,ij->i", over.moon, over.zenith)))[seen],
        altitude_deg=altitude[:, seen],
        possible=np.asarray(within[:, seen].any(axis=0), np.bool_),
        moon_away_deg=float(moon_away[:, seen].min()),
        indices=tuple(indices),
    )


def _noon_before(site: Site, moment: datetime) -> datetime:
    """The last local mean noon."""
    east = (site.lon_deg + 180.0) % 360.0 - 180.0
    days = (moment - _J2000) / timedelta(days=1) + east / 360.0
    return moment - timedelta(days=days % 1.0)
