"""What holds a request back although it may go out: quotas, time a night, quiet hours."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Final

from nuncius.broker.planning.lifecycle import Held, Life
from nuncius.schemas.too import ToORequest


@dataclass(frozen=True, slots=True, kw_only=True)
class Restraint:
    """How much a policy may ask of one facility by itself.

    Parameters
    ----------
    quota
        Requests asked for within any ``within``, inclusive; however often it is revised within that span, a request
        counts once. None: any number.
    time_s
        Seconds of exposure asked for within any ``within``, inclusive; None: any.
    within
        Length of the span that both look back on.
    quiet
        Hours of the day, UTC, from (inclusive) and to (exclusive), in which nothing goes out without a person's yes;
        a span may pass midnight.
    """

    quota: int | None = None
    time_s: float | None = None
    within: timedelta = timedelta(hours=24)
    quiet: tuple[tuple[time, time], ...] = ()


FREE = Restraint()
QUIET: Final = "quiet hours"
"""So begins why, in hours in which a yes lets it out all the same."""


def hold_back(life: Life, others: Iterable[Life], restraints: Mapping[str, Restraint], now: datetime) -> Held | None:
    """Why what may go out must wait; quiet hours are no reason after a person's yes.

    Parameters
    ----------
    life
        The request's.
    others
        As in `held`.
    restraints
        By policy; one that is not named holds nothing back.
    now
        UTC.
    """
    restraint = restraints.get(life.latest.policy, FREE)
    stop = held(restraint, life.latest, others, now)
    quiet = quiet_until(restraint, now)
    if stop is None and quiet is not None and (life.word is None or life.word.state != "approved"):
        return Held(f"{QUIET}: it goes out by a person's yes, or after them", quiet)
    return stop


def held(restraint: Restraint, request: ToORequest, others: Iterable[Life], now: datetime) -> Held | None:
    """Why a request must wait, and until when at the earliest; None where nothing holds it back.

    Parameters
    ----------
    restraint
        Of the request's policy.
    request
        The latest revision.
    others
        Lives at the same adapter; those of other policies or facilities are passed over, and so is the request's own.
    now
        UTC.
    """
    if restraint.quota is None and restraint.time_s is None:
        return None
    spent = sorted(
        (last[0], asked_s(last[1]))
        for life in others
        if (life.latest.policy, life.latest.facility) == (request.policy, request.facility)
        and life.latest.request_id != request.request_id
        and (last := last_sent(life)) is not None
        and last[0] > now - restraint.within
    )
    if restraint.quota is not None and len(spent) >= restraint.quota:
        since = spent[len(spent) - restraint.quota][0] if restraint.quota else now  # of none nothing comes free
        free = since + restraint.within
        return Held(f"the quota of {restraint.quota} requests in {_hours(restraint.within)} is used", free)
    if restraint.time_s is not None:
        total = sum(seconds for _, seconds in spent) + asked_s(request)
        if total > restraint.time_s and not spent:
            return Held(f"it asks for {total:.0f} s, and {restraint.time_s:.0f} s are allowed", now + restraint.within)
        if total > restraint.time_s:
            return _until_time_is_free(restraint.time_s, restraint.within, spent, total)
    return None


def quiet_until(restraint: Restraint, now: datetime) -> datetime | None:
    """The end of the quiet hours that ``now`` lies in; None outside."""
    at = now.time()
    for start, stop in restraint.quiet:
        if (start <= at < stop) if start <= stop else (at >= start or at < stop):
            end = now.replace(hour=stop.hour, minute=stop.minute, second=stop.second, microsecond=0)
            return end if end > now else end + timedelta(days=1)
    return None


def last_sent(life: Life) -> tuple[datetime, ToORequest] | None:
    """When the facility was last asked for it, and for which revision; None where it never was.

    To ask again for want of an answer is to ask; to take back is not. The order is the log's: clocks go back.
    """
    wanted = {one.revision: one for one in life.revisions if one.state == "proposed"}
    sent = [
        (s.time, s.revision) for s in life.told if s.state == "sent" and s.time is not None and s.revision in wanted
    ]
    if not sent:
        return None
    latest = max(time for time, _ in sent)
    return latest, wanted[sent[-1][1]]


def asked_s(request: ToORequest) -> float:
    """Seconds of exposure that a request asks for."""
    return sum(tile.exposure_s for tile in request.tiles) if request.tiles else request.exposure_s


def _until_time_is_free(time_s: float, within: timedelta, spent: list[tuple[datetime, float]], total: float) -> Held:
    why = f"{total:.0f} s would be asked within {_hours(within)}, {time_s:.0f} s allowed"
    last = spent[-1][0]
    for first, seconds in spent:
        total -= seconds
        if total <= time_s:
            return Held(why, first + within)
    return Held(why, last + within)


def _hours(span: timedelta) -> str:
    return f"{span / timedelta(hours=1):g} h"
