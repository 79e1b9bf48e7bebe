"""What a telescope may answer, given what was handed over to it and what it said before: pure."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import Final, Literal, get_args

from nuncius.broker.planning.gate import must_cancel
from nuncius.broker.planning.lifecycle import Life, Say, Submit, Wait, next_move
from nuncius.broker.planning.order import same_order
from nuncius.consumers.adapter import answer
from nuncius.consumers.desk.task import HANDED_OVER
from nuncius.schemas.errors import SettingsError
from nuncius.schemas.too import ToORequest, ToOStatus
from nuncius.schemas.vocabulary import RequestState

Answer = Literal["accepted", "rejected", "scheduled", "observed", "cancelled", "not_cancelled"]
ANSWERS: Final[tuple[Answer, ...]] = get_args(Answer)

MOST_REFERENCE: Final = 200
MOST_NOTE: Final = 2000
"""Characters that are kept (ours)."""

_SHOWN: Final = 8
_BEGUN: Final = ("accepted", "scheduled")
_OVER: Final = frozenset({"rejected", "observed", "expired", "cancelled"})
_BACK: Final = frozenset({"cancelled", "not_cancelled"})


class AnswerError(SettingsError):
    """An answer that cannot be about anything: of an unknown or superseded revision, or against an earlier one."""


class UnknownRequestError(AnswerError):
    """An answer about what was never asked of this facility."""


def promptly(life: Life) -> Life:
    """The life as a desk takes it: who comes for work gets it at once, and no pause grows while nobody comes."""
    return replace(life, told=tuple(replace(status, time=None) for status in life.told))


def statuses_of(
    life: Life,
    said: Answer,
    desk: str,
    *,
    now: datetime,
    revision: int | None = None,
    reference: str = "",
    note: str = "",
    public: bool = False,
) -> tuple[ToOStatus, ...]:
    """What is to be written for an answer; empty where it was said before.

    ``accepted`` and ``rejected`` answer what was handed over; ``scheduled`` and ``observed`` tell how it went on;
    ``rejected`` and ``cancelled`` also what the telescope drops by itself. ``cancelled`` and ``not_cancelled`` answer
    what is to be taken back.

    Parameters
    ----------
    life
        All that the log says of the request at this desk.
    said
        The answer.
    desk
        The adapter's name in the status.
    now
        UTC.
    revision
        Which one it is about; None for the one that was handed over last.
    reference, note
        The telescope's own name for it; why, or what is to be known.
    public
        Whether the telescope shows others what it is asked.

    Raises
    ------
    AnswerError
        If the answer cannot be; the message says why, and what can.
    """
    about = "request " + life.latest.request_id[:_SHOWN]
    first: tuple[ToOStatus, ...] = ()
    handed = _handed(life)
    if not handed:
        move = next_move(promptly(life), now=now, public=public)
        if not isinstance(move, Submit) or said in _BACK:
            raise AnswerError(f"{about} was not handed over to {life.latest.facility}{_because(move)}")
        first = (replace(answer(life.latest, "sent", desk, HANDED_OVER["observe"]), time=now),)
        handed = (life.latest.revision,)
    meant = _meant(life, said, handed, now) if revision is None else _numbered(life, revision, handed, about)
    status = replace(
        answer(meant, said, desk, kept(note, MOST_NOTE), kept(reference, MOST_REFERENCE) or life.reference), time=now
    )
    if _known(status, life.told):
        return ()
    why_not = _against(life, said, meant, handed[-1], now)
    if why_not:
        raise AnswerError(f"{about}: {why_not}")
    return (*first, status)


def _handed(life: Life) -> tuple[int, ...]:
    return tuple(number for number in life.sent if any(one.revision == number for one in life.revisions))


def _revision(life: Life, number: int) -> ToORequest:
    return next(one for one in life.revisions if one.revision == number)


def _numbered(life: Life, number: int, handed: tuple[int, ...], about: str) -> ToORequest:
    """The revision that is named, or the later one that asks for the same and stands for it."""
    if all(one.revision != number for one in life.revisions):
        raise AnswerError(f"{about} has no revision {number}; the latest is {life.latest.revision}")
    if number not in handed:
        raise AnswerError(f"{about}: revision {number} was not handed over; the last that was is {handed[-1]}")
    named, last = _revision(life, number), _revision(life, handed[-1])
    return last if same_order(named, last) else named


def _meant(life: Life, said: Answer, handed: tuple[int, ...], now: datetime) -> ToORequest:
    """The revision that an answer without a number is about."""
    if said in _BACK:
        standing = life.in_force
        return _revision(life, handed[-1]) if standing is None or _is_taken_back(life, now) else standing
    every = [_revision(life, number) for number in handed]
    return next((one for one in reversed(every) if not must_cancel(one)), every[-1])


def _against(life: Life, said: Answer, meant: ToORequest, newest: int, now: datetime) -> str:
    """Why such an answer on a revision cannot be; empty where it can."""
    states = life.states(meant.revision)
    superseded = (
        f"revision {meant.revision} was superseded by revision {newest}, which was handed over: answer that one"
    )
    if said in _BACK:
        if meant.revision != newest:
            return superseded
        if "cancelled" in states or (said == "not_cancelled" and "not_cancelled" in states):
            return f"it was {_last(states, _BACK)} already"
        if not life.outstanding:
            return "nothing of it stands"
        if said == "not_cancelled" and not must_cancel(meant) and not _is_taken_back(life, now):
            return "nobody takes it back; what you drop by yourself is cancelled"
        return ""
    if must_cancel(meant):
        return f"revision {meant.revision} takes it back: answer cancelled or not_cancelled"
    if meant.revision != newest and said != "observed":
        return superseded
    if not _OVER.isdisjoint(states):
        return f"it was {_last(states, _OVER)} already"
    if said == "accepted" and "scheduled" in states:
        return "it was scheduled already"
    return ""


def _is_taken_back(life: Life, now: datetime) -> bool:
    """Whether somebody wants it undone: cause gone, a person's no, or expired while nobody knows what stands."""
    expires = life.latest.expires
    return not life.wanted or (life.in_force is None and (expires is None or expires <= now))


def _known(status: ToOStatus, told: Iterable[ToOStatus]) -> bool:
    """Whether this was said of the revision, or was said, and then more."""
    said = [one for one in told if one.revision == status.revision and one.state == status.state]
    if not said:
        return False
    same = (said[-1].detail, said[-1].reference) == (status.detail, status.reference)
    return same or (status.state == "accepted" and not status.detail and said[-1].reference == status.reference)


def _last(states: Iterable[RequestState], among: frozenset[str]) -> str:
    return next((state for state in reversed(tuple(states)) if state in among), "answered")


def _because(move: object) -> str:
    match move:
        case Wait(why):
            return f": {why}"
        case Say(_, detail):
            return f": {detail}"
        case _:
            return ""


def kept(text: str, most: int) -> str:
    """As much of a text as is kept; what is no text comes as question marks."""
    return text[:most].encode("utf-8", "replace").decode()
