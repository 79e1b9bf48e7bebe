"""Replay: files through the whole road, in the order the world received them, again and again with the same end."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from nuncius.broker.services.ingest import Ingest
from nuncius.broker.services.reading import TIMELESS, Reading
from nuncius.broker.services.runner import Work, drain
from nuncius.broker.services.seen import Origin
from nuncius.schemas import SettingsError

GROUP: Final = 1000
"""Packets a transaction where no speed is asked for."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast the past goes by; packets that state no time come at once.

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

    Raises
    ------
    SettingsError
        If another process works on this log: its services have the partitions, and when they are through cannot be
        told from here.
    """
    ingest.seen.catch_up()
    there = ingest.seen.packets.copy()
    drain(workers)
    standing_by = [worker.name for worker in workers if not worker.caught_up()]
    if standing_by:
        raise SettingsError(
            f"another process works on this log ({', '.join(standing_by)}); stop it first, or use: nuncius publish"
        )
    fed = 0
    now: datetime | None = None
    for group in _groups(readings, 1 if pace.speed else GROUP):
        fresh = [reading for reading in group if not _taken(there, (reading.packet.source, reading.sha256))]
        if fresh:
            now = _let_time_pass(pace, now, fresh)
            ingest.accept(fresh)
            drain(workers)
            fed += len(fresh)
        for reading in group:
            done(reading)
    return fed


def _taken(there: Counter[Origin], origin: Origin) -> bool:
    """Whether the log holds this packet from there, and strike it off: the same file may have been given twice."""
    if not there[origin]:
        return False
    there[origin] -= 1
    return True


def _let_time_pass(pace: Pace, now: datetime | None, readings: Sequence[Reading]) -> datetime | None:
    """Wait until the first of the readings is due; returns the time that the last of them has reached."""
    dated = [reading.issued_time for reading in readings if reading.issued_time != TIMELESS]
    if not dated:
        return now
    if pace.speed and now is not None:
        pace.wait(max(0.0, (dated[0] - now).total_seconds() / pace.speed))
    return dated[-1]


def _groups(readings: Sequence[Reading], size: int) -> list[Sequence[Reading]]:
    return [readings[i : i + size] for i in range(0, len(readings), size)]
