"""Replay: files through the whole road, in the order the world received them, again and again with the same end."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from nuncius.broker.services.ingest import Ingest
from nuncius.broker.services.reading import Reading
from nuncius.broker.services.runner import Work, drain

GROUP: Final = 1000
"""Packets a transaction where no speed is asked for."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast the past goes by.

    Parameters
    ----------
    speed
        Seconds of the past in one second; None for as fast as possible.
    wait
        Waits so many seconds.
    """

    speed: float | None
    wait: Callable[[float], object]


def replay(
    readings: Sequence[Reading],
    ingest: Ingest,
    workers: Sequence[Work],
    pace: Pace,
    done: Callable[[Reading], None],
) -> int:
    """Feed readings that the log does not hold yet, in the given order, and work on them; returns how many were fed.

    Parameters
    ----------
    readings
        In the order they are to come.
    ingest, workers
        The road.
    pace
        How fast.
    done
        Called for every reading once it has gone the whole road (or was there already).
    """
    ingest.seen.catch_up()
    known = frozenset(ingest.seen.sources)
    drain(workers)
    fed = 0
    previous: datetime | None = None
    for group in _groups(readings, 1 if pace.speed else GROUP):
        fresh = [reading for reading in group if reading.packet.source not in known]
        if fresh and pace.speed and previous is not None:
            pace.wait(max(0.0, (fresh[0].issued_time - previous).total_seconds() / pace.speed))
        if fresh:
            ingest.accept(fresh)
            drain(workers)
            previous = fresh[-1].issued_time
            fed += len(fresh)
        for reading in group:
            done(reading)
    return fed


def _groups(readings: Sequence[Reading], size: int) -> list[Sequence[Reading]]:
    return [readings[i : i + size] for i in range(0, len(readings), size)]
