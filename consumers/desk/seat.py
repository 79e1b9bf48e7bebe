"""Who sits at a facility's desk, and when they last came: a note beside the offset of a consumer group of its own."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, ValidationError

from nuncius.broker.transport import topics
from nuncius.broker.transport.port import Fenced, Log, TopicPartition

Over = Literal["log", "http"]

SAID_EVERY: Final = timedelta(minutes=1)
"""How often who sits there says so on the log (ours)."""

GONE_AFTER: Final = timedelta(minutes=5)
"""Who has not said so for that long is taken for gone (ours)."""

_MOST_RUNS: Final = 16
"""That are known by name (ours): a note on the log has at most 4096 bytes."""

_PLACE: Final = TopicPartition(topics.TOO_REQUESTS.name, 0)


@dataclass(frozen=True, slots=True)
class Run:
    """One process that takes a facility's tasks.

    Parameters
    ----------
    name
        Its own, made when it began: letters, digits and ``-``.
    over
        How it comes.
    """

    name: str
    over: Over


@dataclass(frozen=True, slots=True)
class Seat:
    """What the log says of a desk.

    Parameters
    ----------
    runs
        Names in the order in which they came; the last one hands out, the others were ended by it.
    over
        How the last one comes.
    came
        When it last said that it is there, UTC.
    """

    runs: tuple[str, ...]
    over: Over
    came: datetime

    def is_due(self, now: datetime) -> bool:
        """Whether it is time to say again that somebody is there; also after a clock was set back."""
        return not self.came <= now < self.came + SAID_EVERY


class _Note(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    runs: tuple[str, ...]
    over: Over
    came: AwareDatetime


def taken(seat: Seat | None, run: Run, facility: str, now: datetime) -> Seat:
    """The desk with ``run`` at work.

    Raises
    ------
    Fenced
        If a newer one came after it.
    """
    known = () if seat is None else seat.runs
    if run.name in known[:-1]:
        raise Fenced(f"a newer desk hands out the requests of {facility}; answer what this one had: nuncius too answer")
    others = [name for name in known if name != run.name]
    return Seat((*others, run.name)[-_MOST_RUNS:], run.over, now)


def seen(seat: Seat, now: datetime) -> Seat:
    """The desk whose run is still there."""
    return replace(seat, came=now)


def seat_of(log: Log, facility: str) -> Seat | None:
    """What the log says of a facility's desk; None where nobody ever came, or what it says cannot be read here."""
    found = log.committed(seat_group(facility), _PLACE)
    if found is None:
        return None
    try:
        note = _Note.model_validate_json(found.metadata)
    except ValidationError:
        return None
    return Seat(note.runs, note.over, note.came)


def seat_group(facility: str) -> str:
    """The consumer group beside whose offset the note stands."""
    return f"nuncius-desk-{facility}"


def note_of(seat: Seat) -> str:
    """The note."""
    return _Note(runs=seat.runs, over=seat.over, came=seat.came).model_dump_json()
