"""One look for several policies: what one of them has asked of a facility is not asked there again by another.

The higher priority asks, of equal ones whoever asked first; the other waits behind it, and takes over where that one
ends without a look. What stands already for a lower priority holds nothing up, and stays. All of it is read from what
the log says of both requests, so it does not matter which lane made which, or when.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Final

from nuncius.broker.planning.lifecycle import Held, Life
from nuncius.broker.planning.order import same_wish
from nuncius.broker.planning.restraint import asked_s
from nuncius.broker.sky.sphere import separation_deg
from nuncius.schemas.too import ToORequest

_POLICIES: Final = frozenset({"coincidence", "candidate_list", "alert"})
"""Kinds of cause that policies ask for; what people ask for elsewhere they mean."""
_PLANS: Final = frozenset({"tiles", "galaxies"})
_PLACE_DEG: Final = 2.0 / 3600.0
"""Positions closer than that are one, where neither has an error circle (ours)."""
_BURST: Final = timedelta(seconds=10)
"""Two causes without a position, of one class, within this are one event: SNEWS's own window between detectors."""
_SHOWN: Final = 8


class ByEvent:
    """Ids of requests by what two of them share that ask for one look: few are compared, however many there are."""

    def __init__(self) -> None:
        self._idents: dict[str, dict[str, None]] = {}

    def put(self, request: ToORequest) -> None:
        """One more, or a later revision of one."""
        for key in (*_names(request), request.event_class):
            if key:
                self._idents.setdefault(key, {})[request.request_id] = None

    def like(self, wanted: ToORequest) -> Iterator[str]:
        """All whose `same_look` with ``wanted`` may hold, each once, and others."""
        keys = (*_names(wanted), *([wanted.event_class] if wanted.position is None else ()))
        yield from dict.fromkeys(ident for key in keys for ident in self._idents.get(key, ()))


def asked_already(life: Life, others: Iterable[Life], now: datetime) -> Held | None:
    """Why a request that may go out waits behind another one at the same adapter; None where it need not.

    Parameters
    ----------
    life
        The request's.
    others
        Lives at the adapter, with or without its own; those of other facilities are passed over.
    now
        UTC.
    """
    wanted = life.latest
    for other in others:
        one = other.latest
        goes_first = one.request_id != wanted.request_id and one.priority >= wanted.priority
        if goes_first and same_look(one, wanted) and _is_young(one, now) and _takes(other, wanted):
            ident = one.request_id[:_SHOWN]
            return Held(f"policy {one.policy} asked for it already, request {ident}; it takes over from there", None)
    return None


def doubled(requests: Iterable[ToORequest]) -> Iterator[tuple[ToORequest, ToORequest]]:
    """Those that would wait behind another, each once, with that other before it; whatever is said of either.

    Parameters
    ----------
    requests
        The latest revisions; those that are not wanted are passed over.
    """
    first: dict[str, ToORequest] = {}
    by_event = ByEvent()
    wanted = [one for one in requests if one.state == "proposed"]
    for one in sorted(wanted, key=lambda one: (-one.priority, one.request_id)):
        before = next((first[ident] for ident in by_event.like(one) if same_look(first[ident], one)), None)
        if before is not None:
            yield before, one
            continue
        first[one.request_id] = one
        by_event.put(one)


def same_look(one: ToORequest, wanted: ToORequest) -> bool:
    """Whether a facility that looks for the one need not look for the other: same place, or plan, of one event.

    Exposures may differ: how long is looked at it the higher priority says. Who has no position yet is served by who
    has one; the reverse is not so.
    """
    if _where(one) != _where(wanted) or not {one.cause_kind, wanted.cause_kind} <= _POLICIES:
        return False
    if wanted.position is None:
        return _one_event(one, wanted) or _one_burst(one, wanted)
    if one.position is None or not _one_event(one, wanted):
        return False
    if one.ask in _PLANS or wanted.ask in _PLANS:
        return one.ask == wanted.ask
    here, there = one.position, wanted.position
    apart = separation_deg(here.ra, here.dec, there.ra, there.dec)
    return apart <= max(here.radius_deg, there.radius_deg, _PLACE_DEG) and one.target_name == wanted.target_name


def _where(request: ToORequest) -> tuple[str, str, str, str]:
    return request.facility, request.filter, request.reality, request.run_mode


def _names(request: ToORequest) -> tuple[str, ...]:
    return request.event_thread, request.target_name, *request.follows


def _one_event(one: ToORequest, other: ToORequest) -> bool:
    """By its thread, which may be the target of a coincidence with another event, or by a notice of it."""
    threads = {one.event_thread, one.target_name} & {other.event_thread, other.target_name}
    named = not threads.isdisjoint({one.event_thread, other.event_thread} - {""})
    return named or not set(one.follows).isdisjoint(other.follows)


def _one_burst(one: ToORequest, other: ToORequest) -> bool:
    if (
        not one.event_class
        or one.event_class != other.event_class
        or one.event_time is None
        or other.event_time is None
    ):
        return False
    return abs(one.event_time - other.event_time) <= _BURST


def _is_young(one: ToORequest, now: datetime) -> bool:
    return one.expires is not None and one.expires > now


def _takes(other: Life, wanted: ToORequest) -> bool:
    """Whether it is being looked at for another request, or was, for as long as is wanted."""
    if not other.wanted:
        return False
    if other.outstanding:
        return True
    seen = {status.revision for status in other.told if status.state == "observed"}
    done = [one for one in other.revisions if one.revision in seen and same_wish(one, other.latest)]
    return any(asked_s(one) >= asked_s(wanted) for one in done)
