"""One telescope on one map: fields that hold the most probability it can see, in an order and at times it can keep."""

import math
from datetime import datetime, timedelta

import numpy as np

from nuncius.broker.planning.cells import Galaxies
from nuncius.broker.planning.joint import plan_jointly
from nuncius.broker.planning.place import Place
from nuncius.broker.planning.sightlines import altitudes_deg, nights, spells
from nuncius.broker.planning.telescope import CircleField, FieldOfView, Telescope
from nuncius.broker.planning.visibility import airmass
from nuncius.broker.sky.ranges import Ranges
from nuncius.broker.sky.skymap import SkyMap
from nuncius.schemas.plan import PlannedTile


def plan_tiles(
    sky: SkyMap,
    telescope: Telescope,
    *,
    start: datetime,
    stop: datetime,
    exposure_s: float,
    filter_name: str = "",
    covered: Ranges | None = None,
    tiles_max: int = 200,
    probability_min: float = 0.0,
    galaxies: Galaxies | None = None,
) -> tuple[PlannedTile, ...]:
    """Plans one telescope on a map: its tiles by time, numbered from 1.

    A tile is worth the probability in it that no tile before holds, three tenths less at the end of the time than at
    its beginning. All limits hold at the tile's centre throughout the exposure. Between exposures lie read-out, move
    and settling; the first of a night needs only to settle. Equal inputs give equal plans.

    Parameters
    ----------
    sky
        Where the source may be.
    telescope, start, stop, exposure_s, filter_name, covered, tiles_max, probability_min, galaxies
        As in `joint.plan_jointly`.

    Raises
    ------
    ValueError
        As `joint.plan_jointly` does.
    """
    (plan,) = plan_jointly(
        sky,
        (telescope,),
        start=start,
        stop=stop,
        exposure_s=exposure_s,
        filter_name=filter_name,
        covered=covered,
        tiles_max=tiles_max,
        probability_min=probability_min,
        galaxies=galaxies,
    )
    return plan.tiles


def one_tile(
    place: Place, telescope: Telescope, *, start: datetime, stop: datetime, exposure_s: float, filter_name: str = ""
) -> PlannedTile | None:
    """One field on a position, as soon as any site can: the quick road for a small error box.

    Parameters
    ----------
    place
        Where to look; its 90 % circle is taken as that of a round Gaussian.
    telescope
        A horizon mask is heeded; of sites whose window opens at the same time the first is taken.
    start, stop
        Aware; the exposure lies within. A span of more than a month is cut to it.
    exposure_s, filter_name
        Of the tile.

    Returns
    -------
    PlannedTile or None
        None where no site can in that time.
    """
    ra, dec = np.array([place.ra_deg]), np.array([place.dec_deg])
    ready = start + timedelta(seconds=telescope.settle_s)
    can = [
        (float(spells(telescope, night, ra, dec, ready, exposure_s).first_s.min()), night.site)
        for night in nights(telescope, ready, stop)
    ]
    first_s, site = min(can, key=lambda one: one[0], default=(math.inf, None))
    if site is None or not math.isfinite(first_s):
        return None
    begin = ready + timedelta(seconds=first_s)
    altitude = altitudes_deg(site, ra, dec, begin, np.array([exposure_s / 2]))
    return PlannedTile(
        number=1,
        site=site.name,
        ra=place.ra_deg,
        dec=place.dec_deg,
        position_angle_deg=telescope.position_angle_deg,
        start=begin,
        stop=begin + timedelta(seconds=exposure_s),
        exposure_s=exposure_s,
        filter=filter_name,
        airmass=float(airmass(altitude)[0]),
        probability=held(telescope.field, place.radius_deg),
    )


def held(field: FieldOfView, radius90_deg: float) -> float:
    """Probability of a round Gaussian, of which a circle of a radius holds 90 %, in a field on its centre; flat sky."""
    if radius90_deg <= 0:
        return 1.0
    if isinstance(field, CircleField):
        return -math.expm1(-math.log(10) * (field.radius_deg / radius90_deg) ** 2)
    # sigma is the radius over sqrt(2 ln 10), and a side s holds erf(s / (2 sqrt(2) sigma))
    scale = math.sqrt(math.log(10)) / (2 * radius90_deg)
    return math.erf(field.width_deg * scale) * math.erf(field.height_deg * scale)
