"""What policies would have asked of what lies on a log: the planner over the past, with nothing written."""

from collections.abc import Callable
from typing import Final

from nuncius.broker.planning.cells import Galaxies
from nuncius.broker.planning.engine import Planner
from nuncius.broker.planning.fitting import Fits
from nuncius.broker.planning.policy import Policies
from nuncius.broker.services.fold import fold
from nuncius.broker.services.maps import MapShelf
from nuncius.broker.services.planning import TOPICS, inputs_of
from nuncius.broker.transport.port import Log, TopicPartition
from nuncius.schemas import Alert, ToORequest

_ALL: Final = tuple(TopicPartition(topic, 0) for topic in TOPICS)


def would_have_asked(
    log: Log,
    policies: Policies,
    fits: Callable[[MapShelf], Fits],
    galaxies: Galaxies | None,
    tick: Callable[[int], object],
    hear: Callable[[Alert], object],
) -> tuple[ToORequest, ...]:
    """Every revision of every request, in the order in which they would have been published.

    Parameters
    ----------
    log
        Read only.
    policies
        Those that act are tried.
    fits
        Makes their filters, given the log's sky maps.
    galaxies
        For policies that ask for galaxies.
    tick
        Called with the number of records read since the last call.
    hear
        Called with every alert.
    """
    maps = MapShelf(log)
    planner = Planner(policies, fits(maps), galaxies)
    starts = log.starts(_ALL)
    found: list[ToORequest] = []
    for records in fold(log, {tp: (starts[tp], log.end(tp)) for tp in _ALL}):
        known = inputs_of(records, maps)
        for alert in known.alerts:
            hear(alert)
        outcome = planner.step(known)
        planner.apply(outcome.delta)
        found += outcome.effects
        tick(len(records))
    return tuple(found)
