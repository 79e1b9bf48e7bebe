"""What a telescope can see, and when: of many positions at once, over each of its sites, night by night."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

import numpy as np

from nuncius.broker.planning.apparent import Floats, Overhead, overhead
from nuncius.broker.planning.telescope import Telescope
from nuncius.broker.planning.visibility import MAX_SPAN, Site
from nuncius.broker.sky.healpix import BoolArray, IntArray

STEP_S: Final = 120.0
"""Between samples; the edges are interpolated, and the sky's turning bends a margin by 0.0005 degrees in between."""
LOOK_S: Final = 600.0


@dataclass(frozen=True, slots=True)
class Night:
    """A dark time of one site: seconds after the start of planning, both ends inclusive."""

    site: Site
    open_s: float
    close_s: float


@dataclass(frozen=True, slots=True, eq=False)
class Spells:
    """When an exposure may begin: first and last moment in seconds, shape (positions, most spells of any).

    A position with fewer has infinite firsts and minus infinite lasts in their place.
    """

    first_s: Floats
    last_s: Floats


def visible(telescope: Telescope, ra_deg: Floats, dec_deg: Floats, times: Sequence[datetime]) -> BoolArray:
    """Whether positions can be observed at moments from each site, shape (sites, times, positions).

    Parameters
    ----------
    telescope
        Its limits (inclusive) and horizon hold on the geometric place of the position.
    ra_deg, dec_deg
        ICRS degrees, shape (positions,).
    times
        Aware, in any order, within a month.
    """
    out = np.zeros((len(telescope.sites), len(times), len(ra_deg)), np.bool_)
    if not times:
        return out
    start = min(times)
    offset_s = np.array([(moment - start).total_seconds() for moment in times])
    for number, site in enumerate(telescope.sites):
        over = _over(site, start, offset_s)
        margin = _margin_deg(telescope, over, over.directions(ra_deg, dec_deg))
        out[number] = ((margin >= 0) & (over.sun_altitude_deg <= telescope.limits.sun_altitude_max_deg)).T
    return out


def nights(telescope: Telescope, start: datetime, stop: datetime) -> tuple[Night, ...]:
    """The dark times of every site in [start, stop], by site and time; local mean noon parts the nights of the poles.

    A span of more than `MAX_SPAN` is cut to it.
    """
    span_s = min(stop - start, MAX_SPAN).total_seconds()
    found: list[Night] = []
    for site in telescope.sites if span_s > 0 else ():
        noon_s = (night_number(site, start) + 1 - _solar_days(site, start)) * 86400.0
        cuts = np.arange(noon_s, span_s, 86400.0)
        for low, high in zip([0.0, *cuts.tolist()], [*cuts.tolist(), span_s], strict=True):
            offset_s = _samples(low, high)
            over = _over(site, start, offset_s)
            dark = telescope.limits.sun_altitude_max_deg - over.sun_altitude_deg
            _, first, last = _runs(dark[None, :], offset_s)
            found += [Night(site, a, b) for a, b in zip(first.tolist(), last.tolist(), strict=True) if b > a]
    return tuple(found)


def night_number(site: Site, moment: datetime) -> int:
    """Number of the night a moment belongs to; it changes at local mean noon."""
    return int(np.floor(_solar_days(site, moment)))


def spells(
    telescope: Telescope, night: Night, ra_deg: Floats, dec_deg: Floats, start: datetime, exposure_s: float
) -> Spells:
    """When exposures of positions may begin in a night so that the limits hold throughout.

    Parameters
    ----------
    telescope, night
        A night of one of its sites.
    ra_deg, dec_deg
        ICRS degrees, shape (positions,).
    start
        Seconds are counted from here.
    exposure_s
        Spells that are shorter are left out.
    """
    return Sight(telescope, night, ra_deg, dec_deg, start, exposure_s).spells(np.arange(len(ra_deg)))


class Sight:
    """When exposures of many positions may begin in a night, worked out for those that are asked for.

    Parameters
    ----------
    telescope, night, ra_deg, dec_deg, start, exposure_s
        As in `spells`.
    """

    def __init__(
        self, telescope: Telescope, night: Night, ra_deg: Floats, dec_deg: Floats, start: datetime, exposure_s: float
    ) -> None:
        self._telescope, self._ra_deg, self._dec_deg, self._exposure_s = telescope, ra_deg, dec_deg, exposure_s
        self._offset_s = _samples(night.open_s, night.close_s)
        self._over = _over(night.site, start, self._offset_s)
        self._known = np.zeros(len(ra_deg), np.bool_)
        self._all = Spells(np.full((len(ra_deg), 1), np.inf), np.full((len(ra_deg), 1), -np.inf))

    def spells(self, rows: IntArray) -> Spells:
        """Of some positions, by their places among all; no place twice."""
        self.look(rows, rows)
        return Spells(self._all.first_s[rows], self._all.last_s[rows])

    def look(self, rows: IntArray, soon: IntArray) -> None:
        """Works some positions out; where one of them was not yet, those too that are asked for soon: it costs little.

        Parameters
        ----------
        rows, soon
            Places among all positions, none twice; ``soon`` has all of ``rows``.
        """
        if not self._known[rows].all():
            new = soon[~self._known[soon]]
            directions = self._over.directions(self._ra_deg[new], self._dec_deg[new])
            margin = _margin_deg(self._telescope, self._over, directions)
            found = _spells(margin, self._offset_s, self._exposure_s)
            more = found.first_s.shape[1] - self._all.first_s.shape[1]
            if more > 0:
                self._all = Spells(
                    np.pad(self._all.first_s, ((0, 0), (0, more)), constant_values=np.inf),
                    np.pad(self._all.last_s, ((0, 0), (0, more)), constant_values=-np.inf),
                )
            self._all.first_s[new, : found.first_s.shape[1]] = found.first_s
            self._all.last_s[new, : found.last_s.shape[1]] = found.last_s
            self._known[new] = True


def reachable(
    telescope: Telescope, nights: Sequence[Night], ra_deg: Floats, dec_deg: Floats, start: datetime, slack_deg: float
) -> BoolArray:
    """Whether positions come within a slack of the limits at any time, looked at every ten minutes; shape (positions,).

    Parameters
    ----------
    telescope, ra_deg, dec_deg, start
        As in `spells`.
    nights
        Of the telescope.
    slack_deg
        So far outside the limits is near enough; a few degrees at least, since the sky turns between looks.
    """
    out = np.zeros(len(ra_deg), np.bool_)
    for night in nights:
        offset_s = np.linspace(night.open_s, night.close_s, int(np.ceil((night.close_s - night.open_s) / LOOK_S)) + 1)
        over = _over(night.site, start, offset_s)
        out |= (_margin_deg(telescope, over, over.directions(ra_deg, dec_deg)) >= -slack_deg).any(axis=1)
    return out


def altitudes_deg(site: Site, ra_deg: Floats, dec_deg: Floats, start: datetime, offset_s: Floats) -> Floats:
    """Of each position at its own moment, shape (positions,)."""
    over = _over(site, start, offset_s)
    sine = np.einsum("ij,ij->i", over.directions(ra_deg, dec_deg), over.zenith)
    return np.asarray(np.degrees(np.arcsin(np.clip(sine, -1.0, 1.0))), np.float64)


def _solar_days(site: Site, moment: datetime) -> float:
    """Local mean solar days, whole at noon."""
    epoch = datetime(2000, 1, 1, 12, tzinfo=UTC)
    east = (site.lon_deg + 180.0) % 360.0 - 180.0
    return (moment - epoch) / timedelta(days=1) + east / 360.0


def _over(site: Site, start: datetime, offset_s: Floats) -> Overhead:
    return overhead(lon_deg=site.lon_deg, lat_deg=site.lat_deg, height_m=site.height_m, start=start, offset_s=offset_s)


def _samples(low_s: float, high_s: float) -> Floats:
    return np.linspace(low_s, high_s, int(np.ceil((high_s - low_s) / STEP_S)) + 1)


def _margin_deg(telescope: Telescope, over: Overhead, directions: Floats) -> Floats:
    """How far inside the limits the positions are, the Sun apart, degrees; shape (positions, moments)."""
    limits = telescope.limits
    altitude = over.altitude_deg(directions)
    margin = altitude - limits.min_altitude_deg
    if telescope.horizon:
        azimuth, lowest = np.array(telescope.horizon).T
        margin = np.minimum(margin, altitude - np.interp(over.azimuth_deg(directions), azimuth, lowest, period=360.0))
    if limits.moon_separation_min_deg > 0:
        margin = np.minimum(margin, over.moon_separation_deg(directions) - limits.moon_separation_min_deg)
    return np.asarray(margin, np.float64)


def _runs(margin: Floats, offset_s: Floats) -> tuple[IntArray, Floats, Floats]:
    """Row, begin and end of every run of margins that are not negative, by row and time; ends are interpolated."""
    edges = np.diff(np.pad((margin >= 0).astype(np.int8), ((0, 0), (1, 1))), axis=1)
    row, first = np.nonzero(edges == 1)
    _, end = np.nonzero(edges == -1)
    return row, _crossing(margin, offset_s, row, first, -1), _crossing(margin, offset_s, row, end - 1, +1)


def _spells(margin: Floats, offset_s: Floats, exposure_s: float) -> Spells:
    row, first, last = _runs(margin, offset_s)
    last = last - exposure_s
    kept = last >= first
    row, first, last = row[kept], first[kept], last[kept]
    rank = np.arange(len(row)) - np.searchsorted(row, row, side="left")
    shape = (len(margin), int(rank.max(initial=0)) + 1)
    out = Spells(np.full(shape, np.inf), np.full(shape, -np.inf))
    out.first_s[row, rank], out.last_s[row, rank] = first, last
    return out


def _crossing(
    margin: Floats,
    offset_s: Floats,
    row: IntArray,
    inside: IntArray,
    step: int,
) -> Floats:
    """Where margins cross zero between a sample inside and its neighbour outside; the end of the night if none is."""
    outside = np.clip(inside + step, 0, len(offset_s) - 1)
    within, beyond = margin[row, inside], margin[row, outside]
    share = np.divide(within, within - beyond, out=np.zeros_like(within), where=within != beyond)
    share = np.where(outside == inside, 0.0, share)
    return np.asarray(offset_s[inside] + share * (offset_s[outside] - offset_s[inside]), np.float64)
