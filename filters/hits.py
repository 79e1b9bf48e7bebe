"""Which targets of a filter's watchlists a record is near."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from nuncius.filters.parse import Filter
from nuncius.filters.places import NO_PLACES, Places
from nuncius.filters.rows import AnyRows
from nuncius.filters.sky import on_sky
from nuncius.filters.tree import NamedRegion
from nuncius.filters.watch import Watchlist


class Hit(NamedTuple):
    """A target whose circle holds the record's position.

    Parameters
    ----------
    region
        Name of the watchlist.
    target
        Name of the target in it.
    separation_arcsec
        From the record's position.
    """

    region: str
    target: str
    separation_arcsec: float


def targets_near(checked: Filter, rows: AnyRows, places: Places = NO_PLACES) -> Sequence[tuple[Hit, ...]]:
    """The targets near each row, the nearest first; of one watchlist at most `nuncius.filters.watch.MOST_TARGETS`.

    Parameters
    ----------
    checked
        Its IN_REGION conditions say which watchlists; also those that stand behind NOT or OR.
    rows
        From `nuncius.filters.rows_of`, of the filter's table.
    places
        Where watchlists are looked up; one that is not known, or is a watchmap, has no targets.
    """
    found: list[list[Hit]] = [[] for _ in range(len(rows))]
    lists = {place.name: places.region(place.name) for place in checked.places if isinstance(place, NamedRegion)}
    watched = {name: area for name, area in sorted(lists.items()) if isinstance(area, Watchlist)}
    if watched and len(rows):
        ra, dec = rows.column("ra", places), rows.column("dec", places)
        known = ra.known & dec.known
        known[known] = on_sky(ra.values[known], dec.values[known])
        at = np.flatnonzero(known).tolist()
        for name, area in watched.items():
            for row, targets in zip(at, area.targets(ra.values[known], dec.values[known]), strict=True):
                found[row] += [Hit(name, *target) for target in targets]
    return [tuple(sorted(each, key=lambda hit: hit.separation_arcsec)) for each in found]
