"""Several telescopes on one map: who looks where and when, knowing what was looked at already."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

import numpy as np

from nuncius.broker.planning.cells import Galaxies
from nuncius.broker.planning.composing import Field, Job
from nuncius.broker.planning.footprints import footprint
from nuncius.broker.planning.sightlines import altitudes_deg, night_number
from nuncius.broker.planning.staying import revised
from nuncius.broker.planning.tally import first_seen
from nuncius.broker.planning.telescope import Telescope
from nuncius.broker.planning.visibility import airmass
from nuncius.broker.sky.ranges import NOTHING, Ranges, joined
from nuncius.broker.sky.region import moc_ranges
from nuncius.broker.sky.skymap import SkyMap
from nuncius.schemas.plan import ObservationReport, PlannedTile


@dataclass(frozen=True, slots=True, kw_only=True)
class TelescopePlan:
    """What one telescope is to do, or did of what it was to do: its name, and tiles in their order."""

    telescope: str
    tiles: tuple[PlannedTile, ...]

    @property
    def probability(self) -> float:
        """Of the map within the tiles, as they count it."""
        return sum(tile.probability for tile in self.tiles)


def plan_jointly(
    sky: SkyMap,
    telescopes: Sequence[Telescope],
    *,
    start: datetime,
    stop: datetime,
    exposure_s: float,
    filter_name: str = "",
    covered: Ranges | None = None,
    tiles_max: int = 200,
    probability_min: float = 0.0,
    share: Literal["split", "repeat"] = "split",
    observed: Sequence[TelescopePlan | ObservationReport] = (),
    galaxies: Galaxies | None = None,
    earlier: Sequence[TelescopePlan] = (),
) -> tuple[TelescopePlan, ...]:
    """Plans several telescopes on one map, in the order in which they are given.

    Parameters
    ----------
    sky
        Where the source may be.
    telescopes
        Names unique; the answer does not depend on their order.
    start, stop
        Aware; exposures lie within. A span of more than a month is cut to it.
    exposure_s, filter_name
        Of every tile; the exposure above 0.
    covered
        Pixels that need not be looked at.
    tiles_max
        Most tiles a telescope.
    probability_min
        A plan (of all telescopes; under ``repeat``: of one) that holds less of the map has no tiles.
    share
        ``split``: no place is covered twice but where fields overlap. ``repeat``: each telescope plans for itself.
    observed
        What was done since: tiles of an earlier plan, or reports of anybody (those that are ``completed`` count). It is
        covered, and time it took counts against `Telescope.night_max_s`. Tiles that were not observed are planned anew.
    galaxies
        Fields are laid on these instead of on the map alone; what a tile states as its probability is the map's.
    earlier
        The plan that was in force, of the same telescopes, limits and exposure: it stays where it is nearly as good as
        a new one, else its fields that are to come and still good keep their times, as `staying.revised` says.

    Raises
    ------
    ValueError
        A name is used twice, an observed plan is of a telescope that is not there, or the exposure is not above 0.
    MalformedAlert
        The footprint of a report cannot be read.
    """
    known = {telescope.name: telescope for telescope in telescopes}
    if len(known) < len(telescopes):
        raise ValueError("two telescopes of one name: a plan could not tell them apart")
    if not exposure_s > 0:
        raise ValueError(f"exposure of {exposure_s} s; expected more than 0")
    looked_at = joined(covered or NOTHING, observed_sky(observed, telescopes))
    in_order = [known[name] for name in sorted(known)]
    job = Job(
        sky=sky,
        covered=looked_at,
        telescopes=(),
        start=start,
        stop=stop,
        exposure_s=exposure_s,
        tiles_max=tiles_max,
        galaxies=galaxies,
        used_s=_used_s(observed, known),
    )
    teams = [in_order] if share == "split" else [[telescope] for telescope in in_order]
    made = [_tiles(job, team, filter_name, probability_min, earlier) for team in teams if team]
    tiles = {name: plan for of_team in made for name, plan in of_team.items()}
    return tuple(TelescopePlan(telescope=one.name, tiles=tiles[one.name]) for one in telescopes)


def observed_sky(observed: Iterable[TelescopePlan | ObservationReport], telescopes: Iterable[Telescope]) -> Ranges:
    """Pixels that were looked at.

    Parameters
    ----------
    observed
        Tiles that were taken, and reports; of these only ``completed`` ones count.
    telescopes
        Those of the tiles.

    Raises
    ------
    ValueError
        A plan is of a telescope that is not there.
    MalformedAlert
        The footprint of a report cannot be read.
    """
    known = {telescope.name: telescope for telescope in telescopes}
    pieces: list[Ranges] = []
    for one in observed:
        if isinstance(one, ObservationReport):
            if one.state == "completed":
                pieces.append(moc_ranges(one.footprint))
            continue
        field = _named(one.telescope, known).field
        pieces += [footprint(field, tile.ra, tile.dec, tile.position_angle_deg) for tile in one.tiles]
    return joined(*pieces)


def _named(name: str, known: dict[str, Telescope]) -> Telescope:
    if name not in known:
        raise ValueError(f"what was observed names telescope {name!r}; known: {sorted(known)}")
    return known[name]


def _used_s(
    observed: Iterable[TelescopePlan | ObservationReport], known: dict[str, Telescope]
) -> dict[tuple[str, str, int], float]:
    """Time of each telescope, site and night that the tiles took, moves left out."""
    used: dict[tuple[str, str, int], float] = {}
    for one in observed:
        if isinstance(one, ObservationReport):
            continue
        telescope = _named(one.telescope, known)
        sites = {site.name: site for site in telescope.sites}
        for tile in one.tiles:
            if tile.site in sites:
                key = (telescope.name, tile.site, night_number(sites[tile.site], tile.start))
                took = telescope.settle_s + tile.exposure_s + telescope.readout_s
                used[key] = used.get(key, 0.0) + took
    return used


def _tiles(
    job: Job,
    team: Sequence[Telescope],
    filter_name: str,
    probability_min: float,
    earlier: Sequence[TelescopePlan],
) -> dict[str, tuple[PlannedTile, ...]]:
    """Tiles of telescopes that share a map, by name."""
    job = replace(job, telescopes=tuple(team))
    fields = revised(job, _fields(team, earlier))
    seen = first_seen(job.sky, job.covered, team, fields)
    if sum(seen) < probability_min:
        fields = ()
    thick = _airmasses(fields, job.start, job.exposure_s)
    chosen = list(zip(fields, seen[: len(fields)], thick, strict=True))
    return {
        telescope.name: tuple(
            _tile(number, *one, telescope.position_angle_deg, job.exposure_s, filter_name)
            for number, one in enumerate((one for one in chosen if one[0].owner == owner), 1)
        )
        for owner, telescope in enumerate(team)
    }


def _fields(team: Sequence[Telescope], plans: Sequence[TelescopePlan]) -> list[Field]:
    """Of plans of telescopes of a team; what was planned for a site that is no longer there is left out."""
    owners = {telescope.name: owner for owner, telescope in enumerate(team)}
    return [
        Field(owners[plan.telescope], site, tile.ra, tile.dec, tile.start, tile.target_name)
        for plan in plans
        if plan.telescope in owners
        for tile in plan.tiles
        for site in team[owners[plan.telescope]].sites
        if site.name == tile.site
    ]


def _tile(
    number: int,
    field: Field,
    held: float,
    thick: float,
    position_angle_deg: float,
    exposure_s: float,
    filter_name: str,
) -> PlannedTile:
    return PlannedTile(
        number=number,
        site=field.site.name,
        ra=field.ra_deg,
        dec=field.dec_deg,
        position_angle_deg=position_angle_deg,
        start=field.begin,
        stop=field.begin + timedelta(seconds=exposure_s),
        exposure_s=exposure_s,
        filter=filter_name,
        airmass=thick,
        probability=held,
        target_name=field.name,
    )


def _airmasses(fields: Sequence[Field], start: datetime, exposure_s: float) -> list[float]:
    """In the middle of each exposure."""
    out = np.ones(len(fields))
    for site in {one.site for one in fields}:
        row = [n for n, one in enumerate(fields) if one.site == site]
        ra, dec, offset_s = np.array(
            [(one.ra_deg, one.dec_deg, (one.begin - start).total_seconds()) for one in (fields[n] for n in row)]
        ).T
        out[row] = airmass(altitudes_deg(site, ra, dec, start, offset_s + exposure_s / 2))
    return [float(one) for one in out]
