"""Replay: files through the whole road, in the order the world received them, again and again with the same end."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from nuncius.broker.services.ingest import Ingest
from nuncius.broker.services.reading import TIMELESS, Reading
from nuncius.broker.services.runner import RETRY_WAIT_S
from nuncius.broker.services.seen import Origin
from nuncius.schemas import Retry

GROUP: Final = 1000
"""Packets a transaction where no speed is asked for."""

PATIENCE_S: Final = 120.0
"""How long a log may be away."""


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
    work: Callable[[], None],
    pace: Pace,
    done: Callable[[Reading], None],
    say: Callable[[str], object],
) -> int:
    """Feed readings that the log does not hold yet, in the given order; returns how many were fed.

    Parameters
    ----------
    readings
        In the order they are to come.
    ingest
        Writes them.
    work
        Called after each group: does what there is to do on the road now, or nothing where others do it.
    pace
        How fast.
    done
        Called for every reading once it is on the log and worked on (or was there already).
    say
        Told where the log is away for now.

    Raises
    ------
    Retry
        If the log is away for too long.
    """
    ingest.seen.catch_up()
    there = ingest.seen.packets.copy()
    work()
    fed = 0
    now: datetime | None = None
    for group in _groups(readings, 1 if pace.speed else GROUP):
        fresh = [reading for reading in group if not _taken(there, (reading.packet.source, reading.sha256))]
        if fresh:
            now = _let_time_pass(pace, now, fresh)
            _feed(ingest, fresh, pace.wait, say)
            work()
            fed += len(fresh)
        for reading in group:
            done(reading)
    return fed


def _feed(
    ingest: Ingest, readings: Sequence[Reading], wait: Callable[[float], object], say: Callable[[str], object]
) -> None:
    """Write readings once: where the log went away in between, look first what became of the transaction."""
    origins = {(reading.packet.source, reading.sha256) for reading in readings}
    before: dict[Origin, int] | None = None
    waited_s = 0.0
    while True:
        try:
            if waited_s:
                ingest.reopen()
            ingest.seen.catch_up()
            now = {origin: ingest.seen.packets[origin] for origin in origins}
            if before is None:
                before = now
            elif now != before:
                return
            ingest.accept(readings)
        except Retry as error:
            if waited_s >= PATIENCE_S:
                raise
            say(f"ingest: {error}; trying again")
            wait(RETRY_WAIT_S)
            waited_s += RETRY_WAIT_S
        else:
            return


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
