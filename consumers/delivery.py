"""Hands requests to an adapter as `nuncius.broker.planning.lifecycle` says, and reads what became of them.

What counts as done is read from the statuses on the log, so a restart loses nothing.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from types import MappingProxyType
from typing import Final

from nuncius.broker.planning.elsewhere import Elsewhere
from nuncius.broker.planning.lifecycle import (
    PERSON,
    SILENT,
    Cancel,
    Held,
    Life,
    Move,
    Say,
    Submit,
    Wait,
    leave,
    next_move,
)
from nuncius.broker.planning.renamed import FORMERLY, newest
from nuncius.broker.planning.restraint import Restraint, hold_back
from nuncius.broker.planning.twice import ByEvent, asked_already
from nuncius.consumers.adapter import Adapter, answer
from nuncius.consumers.calls import Slow
from nuncius.consumers.outside import LOOKED, Guarded
from nuncius.schemas.errors import Fault, Retry
from nuncius.schemas.too import ToORequest, ToOStatus

_LOOK: Final = timedelta(seconds=60)
"""How often a facility is asked what became of a request (ours)."""
_FORGOTTEN: Final = timedelta(days=1)
_NEVER: Final = datetime.min.replace(tzinfo=UTC)
FAULT: Final = "adapter at fault: "
"""How the detail of a status begins where the adapter raised what nobody foresaw, or answered what is none."""
NO_ANSWER: Final = "no answer, to be asked again: "
"""How it begins where the facility did not answer, or could not now."""
_LOST: Final = "the call has not come back; what it did is not known, and nothing more is asked of this before it has"
_UNRESTRAINED: Final[Mapping[str, Restraint]] = MappingProxyType({})
_ALONE: Final[Mapping[str, frozenset[str] | None]] = MappingProxyType({})
_AS_THEY_ARE: Final[Mapping[str, str]] = MappingProxyType({})


class Outbox:
    """The requests and statuses of one adapter, folded from the log in any order and with any copies.

    Parameters
    ----------
    adapter
        Who is asked; as `Guarded` where calls may be under way when the log is folded anew.
    facilities
        The facilities that it serves; None for all. What it was asked for others before is taken back.
    restraints
        Quotas and quiet hours by policy.
    neighbours
        The other real adapters of this broker, each with the facilities that it serves.
    renamed
        The names of now of all adapters, by former ones: what was said under those counts as theirs.
    """

    def __init__(
        self,
        adapter: Adapter,
        facilities: frozenset[str] | None = None,
        restraints: Mapping[str, Restraint] = _UNRESTRAINED,
        neighbours: Mapping[str, frozenset[str] | None] = _ALONE,
        renamed: Mapping[str, str] = _AS_THEY_ARE,
    ) -> None:
        self._adapter = adapter if isinstance(adapter, Guarded) else Guarded(adapter)
        self._facilities = facilities
        self._restraints = restraints
        self._elsewhere = Elsewhere(neighbours)
        self._renamed = renamed
        self._inherited: dict[str, set[str]] = {}
        """By request, former names of the adapter that it is not said of yet that they are."""
        self._lives: dict[str, Life] = {}
        self._orphans: dict[str, list[ToOStatus]] = {}
        self._due: dict[str, None] = {}
        self._said: dict[str, tuple[int, str]] = {}
        self._lost: set[str] = set()
        self._looked: dict[str, datetime] = {}
        self._asked: dict[tuple[str, str], dict[str, Life]] = {}
        """By policy and facility, those that went out: all that a quota looks at."""
        self._by_event = ByEvent()
        """Those that went out: what another policy asks may be the same look."""
        self._resting: dict[str, tuple[datetime, datetime]] = {}
        """Held back, since when and until when: nothing but news or time changes that."""

    def take(self, requests: Iterable[ToORequest]) -> None:
        """Requests from the log."""
        for request in requests:
            ident = request.request_id
            known = self._lives.get(ident)
            life = Life(revisions=(request,)) if known is None else known.with_request(request)
            for status in self._orphans.pop(ident, ()):
                life = life.with_status(status)
            if life is not known:
                self._know(life)

    def learn(self, statuses: Iterable[ToOStatus]) -> None:
        """Statuses from the log: this adapter's and a person's; of others, where the request may stand."""
        for said in statuses:
            name = newest(said.adapter, self._renamed)
            status = said if name == said.adapter else replace(said, adapter=name)
            if status.adapter not in {self._adapter.name, PERSON}:
                self._elsewhere.learn(status)
                continue
            if status is not said:
                self._inherited.setdefault(said.request_id, set()).add(said.adapter)
            elif said.detail.startswith(FORMERLY):
                self._inherited.get(said.request_id, set()).discard(said.detail.removeprefix(FORMERLY))
            life = self._lives.get(status.request_id)
            if life is None:
                self._orphans.setdefault(status.request_id, []).append(status)
                continue
            self._know(life.with_status(status))

    def heeds(self, status: ToOStatus) -> bool:
        """Whether a status that somebody else wrote may change what is to be done."""
        return status.adapter == PERSON or self._elsewhere.heeds(status)

    def waiting(self) -> tuple[str, ...]:
        """Ids of the requests about which something may have to be done: what is taken back, then by priority."""
        return tuple(sorted(self._due, key=self._order))

    def hand_over(self, ident: str, *, now: datetime) -> Iterator[ToOStatus]:
        """Do what is due about one request, with one call to the outside at the most.

        A call that takes long goes on by itself; what it says comes from a later `hand_over`.

        Make each status durable on the log before asking for the next one: what follows may be a call to the outside.
        A status counts here, too, only once the next one is asked for.

        Parameters
        ----------
        ident
            One of `waiting`.
        now
            UTC.
        """
        yield from self._late(ident, now)
        yield from self._taken_over(ident, now)
        since, until = self._resting.get(ident, (now, now))
        if since <= now < until or self._adapter.is_waited_for(ident):
            return
        latest = self._lives[ident].latest
        for status in self._real(ident, now) if self._adapter.real else self._stand_in(ident):
            yield replace(status, time=now)
            self.learn((replace(status, time=now),))
        if self._lives[ident].latest is latest and self._settled(ident, now):
            self._due.pop(ident, None)

    def deliver(self, *, now: datetime) -> Iterator[ToOStatus]:
        """`hand_over` of all that waits, once through; call it again for what failed or waits."""
        for ident in self.waiting():
            yield from self.hand_over(ident, now=now)

    def to_look_at(self, *, now: datetime) -> tuple[str, ...]:
        """Ids of the requests of which the facility may have news, the one looked at longest ago first.

        A day after a request has expired its fate is no longer asked for (ours).
        """
        found = sorted(
            (self._looked.get(ident, _NEVER), ident)
            for ident, life in self._lives.items()
            if self._adapter.real
            and (standing := life.in_force) is not None
            and (standing.expires is None or now < standing.expires + _FORGOTTEN)
        )
        return tuple(ident for looked, ident in found if not looked <= now < looked + _LOOK)

    def look_at(self, ident: str, *, now: datetime) -> Iterator[ToOStatus]:
        """Ask what became of one request; a status where it changed, made durable as in `hand_over`."""
        life = self._lives[ident]
        standing = life.in_force
        if standing is None:
            return
        self._looked[ident] = now
        try:
            status = self._adapter.look(standing, life.reference)
        except Fault as error:
            detail = f"{FAULT}{error}; to be looked at again"
            if (why := (standing.revision, detail)) == self._said.get(ident):
                return
            self._said[ident] = why
            status = answer(standing, "proposed", self._adapter.name, detail)
        except Retry:
            return
        if status is not None and status.state != self._last_news(life, standing):
            yield replace(status, time=now)
            self.learn((replace(status, time=now),))

    def look(self, *, now: datetime) -> Iterator[ToOStatus]:
        """`look_at` all there is to look at."""
        for ident in self.to_look_at(now=now):
            yield from self.look_at(ident, now=now)

    def holds_something(self) -> bool:
        """Whether the facility may hold anything of what is known here."""
        return any(life.outstanding for life in self._lives.values())

    def _taken_over(self, ident: str, now: datetime) -> Iterator[ToOStatus]:
        """For who reads the log: what stands under a former name of the adapter stands under this one."""
        life = self._lives[ident]
        for old in sorted(self._inherited.get(ident, ())) if life.outstanding else ():
            status = replace(answer(life.latest, "proposed", self._adapter.name, f"{FORMERLY}{old}"), time=now)
            yield status
            self.learn((status,))

    def _late(self, ident: str, now: datetime) -> Iterator[ToOStatus]:
        """What became of a call that took long: its end, or once that nobody knows."""
        left = self._adapter.late(ident)
        if left is None:
            return
        asked, end = left
        if end is None and self._adapter.is_waited_for(ident):
            return
        if end is None:
            if ident in self._lost:
                return
            self._lost.add(ident)
            status = answer(asked, "sent", self._adapter.name, f"{FAULT}{_LOST}")
        else:
            status = self._told(asked, end.result)
        yield replace(status, time=now)
        self.learn((replace(status, time=now),))
        if end is not None:
            self._adapter.forget(ident)
            self._lost.discard(ident)

    def _know(self, life: Life) -> None:
        latest = life.latest
        self._lives[latest.request_id] = life
        self._resting.pop(latest.request_id, None)
        if any(status.state == "sent" for status in life.told):
            self._asked.setdefault((latest.policy, latest.facility), {})[latest.request_id] = life
            self._by_event.put(latest)
        if self._serves(life) or life.told:
            self._due[latest.request_id] = None

    def _order(self, ident: str) -> tuple[bool, float, str]:
        latest = self._lives[ident].latest
        return latest.state == "proposed", -latest.priority, ident

    def _serves(self, life: Life) -> bool:
        return self._facilities is None or life.latest.facility in self._facilities

    def _move(self, ident: str, now: datetime) -> Move:
        life = self._lives[ident]
        if not self._serves(life):
            return leave(life, now=now)
        move = next_move(life, now=now, public=self._adapter.public)
        if not isinstance(move, Submit):
            return move
        if hindrance := self._adapter.hindrance(ident):
            return Held(hindrance, None)
        leaving = self._elsewhere.leaving(life)
        if leaving:
            return Held(f"it still stands at {' and '.join(leaving)}, to be taken back there first", None)
        asked = self._asked.get((life.latest.policy, life.latest.facility), {})
        same_event = (self._lives[one] for one in self._by_event.like(life.latest))
        return hold_back(life, asked.values(), self._restraints, now) or asked_already(life, same_event, now) or move

    def _real(self, ident: str, now: datetime) -> Iterator[ToOStatus]:
        life, move = self._lives[ident], self._move(ident, now)
        request = life.latest
        match move:
            case Submit():
                yield answer(request, "sent", self._adapter.name, self._elsewhere.words(life))
                yield from self._ask(request, move, life)
            case Cancel():
                yield from self._ask(request, move, life)
                if self._lives[ident].silent(now):
                    said = f"{SILENT}it was told to drop this again and again, and is told on; call them"
                    yield answer(request, "not_cancelled", self._adapter.name, said, self._lives[ident].reference)
            case Say(state, detail):
                yield answer(request, state, self._adapter.name, detail, self._lives[ident].reference)
            case Held(why, until):
                if self._said.get(ident) != (request.revision, why):
                    self._said[ident] = (request.revision, why)
                    yield answer(request, "proposed", self._adapter.name, move.words)
                if until is not None and request.expires is not None:
                    self._resting[ident] = (now, min(until, request.expires))
            case Wait():
                return

    def _stand_in(self, ident: str) -> Iterator[ToOStatus]:
        life = self._lives[ident]
        if life.states(life.latest.revision) or not self._serves(life):
            return
        if life.latest.state == "proposed":
            yield from self._ask(life.latest, Submit(), life)
        elif life.told:
            yield from self._ask(life.latest, Cancel(), life)

    def _ask(self, request: ToORequest, move: Submit | Cancel, life: Life) -> Iterator[ToOStatus]:
        """What the facility says; nothing where that is waited for. Of the life before the call."""
        if isinstance(move, Submit):
            unsure = life.outstanding and life.in_force is None
            call = partial(self._adapter.unsure if unsure else self._adapter.submit, request, life.reference)
        else:
            hidden = self._adapter.public and request.team_only
            call = partial(self._adapter.cancel, life.as_told if hidden else request, life.reference)
        with suppress(Slow):
            yield self._told(request, call)

    def _told(self, request: ToORequest, call: Callable[[], ToOStatus]) -> ToOStatus:
        try:
            return call()
        except Slow:
            raise
        except Fault as error:
            return answer(request, "sent", self._adapter.name, f"{FAULT}{error}; to be asked again")
        except Retry as error:
            return answer(request, "sent", self._adapter.name, f"{NO_ANSWER}{error}")

    def _last_news(self, life: Life, standing: ToORequest) -> str:
        """What the facility said last of a revision when it was asked for, or looked at."""
        return next((state for state in reversed(life.states(standing.revision)) if state in LOOKED), "")

    def _settled(self, ident: str, now: datetime) -> bool:
        if not self._adapter.real:
            return True
        move = self._move(ident, now)
        return isinstance(move, Wait) and move.until is None
