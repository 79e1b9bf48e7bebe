"""Delivery: requests to one adapter, what became of them to the log. At least once outside, with idempotency keys."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

from nuncius.broker.planning.restraint import Restraint
from nuncius.broker.services.fold import fold
from nuncius.broker.services.listener import Listener
from nuncius.broker.services.readable import readable
from nuncius.broker.services.worker import Send
from nuncius.broker.transport import topics
from nuncius.broker.transport.port import Log, Record, TopicPartition
from nuncius.broker.transport.reading import read_all
from nuncius.consumers.adapter import Adapter
from nuncius.consumers.delivery import Outbox
from nuncius.consumers.outside import Guarded
from nuncius.schemas import ToORequest, ToOStatus
from nuncius.schemas.codec import decode, encode

_REQUESTS: Final = TopicPartition(topics.TOO_REQUESTS.name, 0)
_STATUS: Final = TopicPartition(topics.TOO_STATUS.name, 0)
_AGAIN: Final = timedelta(seconds=1)
"""How often what waits is looked at: for a time that has come."""
_LOOK_PAUSE: Final = timedelta(seconds=5)
"""Between two looks at what became of a request: a fifth of what adapters let themselves ask in a minute (ours)."""
_TICK_S: Final = 0.005
_STALE: Final = timedelta(seconds=10)
"""What was decided so long ago is decided anew before anybody is asked (ours)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """Which requests go through which adapter.

    Parameters
    ----------
    adapter
        Who is asked.
    facilities
        The facilities that it serves; None for all.
    restraints
        Quotas and quiet hours by policy.
    neighbours
        The other real adapters of this broker, each with the facilities that it serves: see `acquainted`.
    kind
        Of the adapter, as the settings call it; empty where they do not.
    formerly
        Names that the adapter had before.
    renamed
        The names of now of all adapters, by former ones: see `acquainted`.
    """

    adapter: Adapter
    facilities: frozenset[str] | None = None
    restraints: Mapping[str, Restraint] = field(default_factory=dict)
    neighbours: Mapping[str, frozenset[str] | None] = field(default_factory=dict)
    kind: str = ""
    formerly: frozenset[str] = frozenset()
    renamed: Mapping[str, str] = field(default_factory=dict)


def acquainted(*routes: Route) -> tuple[Route, ...]:
    """The same routes, each knowing the others: what was moved from one to another is never asked at both."""
    real = {route.adapter.name: route.facilities for route in routes if route.adapter.real}
    renamed = {old: route.adapter.name for route in routes for old in route.formerly}
    return tuple(
        replace(
            route,
            neighbours={name: served for name, served in real.items() if name != route.adapter.name},
            renamed=renamed,
        )
        for route in routes
    )


def adapter_names(routes: Iterable[Route]) -> tuple[str, ...]:
    """All names under which something is looked after: those of now, and former ones."""
    return tuple(name for route in routes for name in (route.adapter.name, *sorted(route.formerly)))


def group_of(adapter: str) -> str:
    """The consumer group that delivers through an adapter."""
    return f"nuncius-deliver-{adapter}"


class Delivering:
    """Hands requests to one adapter, so that a facility that does not answer holds up no other.

    What counts as done is read from the statuses on the log, and so is a person's yes or no.

    Parameters
    ----------
    log
        Read and written.
    route
        What goes where.
    clock
        UTC now: a request that has expired is not delivered.
    """

    def __init__(self, log: Log, route: Route, clock: Callable[[], datetime]) -> None:
        self.name = self.group = group_of(route.adapter.name)
        self._log = log
        self._route = route
        self._adapter = Guarded(route.adapter)  # outlives what is folded: calls may be under way
        self._clock = clock
        self._note = route.kind
        self._next = self._look = clock()
        self._more = False
        self._done = -1
        self._listener = Listener(log, self.group, self.name, _REQUESTS, (_STATUS,))
        self._outbox = self._empty()

    def work(self, timeout_s: float) -> int:
        """Deliver what is new or due again; returns how many records were read or written."""
        batch = self._listener.poll(0.0 if self._more else timeout_s)
        if batch.assigned or batch.revoked:
            self._restore()
            return len(batch.assigned)
        if not self._listener.active:
            return 0
        self._outbox.take(readable(_request, batch.records))
        if not self._listener.caught_up():
            return len(batch.records)
        told = tuple(readable(_status, self._listener.beside(_TICK_S if self._more else 0.0)))
        self._outbox.learn([status for status in told if status.adapter != self._route.adapter.name])
        self._more |= any(map(self._outbox.heeds, told))
        now, position = self._clock(), self._listener.position
        if position == self._done and self._next - _AGAIN <= now < self._next and not self._more:
            return len(batch.records) + len(told)
        if not self._listener.has_read_all():
            self._more = True
            return len(batch.records) + len(told) + 1
        self._next = now + _AGAIN
        written = self._deliver()
        if position != self._done:
            self._listener.commit(note=self._note)
            self._done = position
        return len(batch.records) + len(told) + written

    def caught_up(self) -> bool:
        """Whether every request on the log has been taken."""
        return self._listener.caught_up()

    def reopen(self) -> None:
        """Drop everything and go back to the committed point."""
        self._listener.reopen()
        self._outbox = self._empty()
        self._more = False
        self._done = -1

    def close(self) -> None:
        """Leave the group and give the slot back."""
        self._listener.close()

    def _deliver(self) -> int:
        """Hand over until there is news to read; then, now and then, look what became of one request."""
        written = 0
        self._more = False
        for ident in self._outbox.waiting():
            done = self._write(self._outbox.hand_over(ident, now=self._clock()))
            written += done
            if done and self._has_news():
                self._more = True
                return written
        now = self._clock()
        if not self._look - _LOOK_PAUSE <= now < self._look:
            self._look = now + _LOOK_PAUSE
            for ident in self._outbox.to_look_at(now=now)[:1]:
                written += self._write(self._outbox.look_at(ident, now=now))
        return written

    def _write(self, statuses: Iterable[ToOStatus]) -> int:
        """Make each durable. After one that took long to write, what was to follow is decided anew."""
        written = 0
        for status in statuses:
            if not self._listener.active:
                break
            self._listener.write((Send(topics.TOO_STATUS.name, status.request_id.encode(), encode(status)),))
            written += 1
            if status.time is not None and self._clock() - status.time > _STALE:
                self._outbox.learn((status,))
                break
        return written

    def _has_news(self) -> bool:
        """Whether something that nobody read yet may change what is to be delivered."""
        return not self._listener.has_read_all()

    def _empty(self) -> Outbox:
        route = self._route
        return Outbox(self._adapter, route.facilities, route.restraints, route.neighbours, route.renamed)

    def _restore(self) -> None:
        """Fold what is committed. What is said after this is read by the reader of answers, once more perhaps."""
        self._outbox = self._empty()
        self._listener.stop_listening()
        committed = self._listener.seat.committed().get(_REQUESTS)
        if committed is None:
            return
        until = committed.offset
        self._listener.listen({_STATUS: self._log.end(_STATUS)})
        spans = {_REQUESTS: (self._log.start(_REQUESTS), until)}
        for records in fold(self._log, spans):
            self._outbox.take(readable(_request, records))
        self._outbox.learn(readable(_status, read_all(self._log, topics.TOO_STATUS.name)))
        was = committed.metadata or self._route.kind
        self._note = was if self._outbox.holds_something() else self._route.kind
        self._listener.seat.member.seek(_REQUESTS, until)
        self._done = until


def _request(record: Record) -> ToORequest:
    return decode(ToORequest, record.value or b"")


def _status(record: Record) -> ToOStatus:
    return decode(ToOStatus, record.value or b"")
