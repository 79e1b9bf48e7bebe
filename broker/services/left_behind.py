"""Says on the log, and to the operator, what stands at adapters that the settings name no more."""

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final

from nuncius.broker.planning.left import Left, left_behind
from nuncius.broker.services.listener import Listener
from nuncius.broker.services.too_book import SHORT, Entry
from nuncius.broker.services.worker import Send
from nuncius.broker.transport import topics
from nuncius.broker.transport.port import Log, TopicPartition
from nuncius.consumers.desk.desk import desk_name
from nuncius.schemas import ToORequest, ToOStatus
from nuncius.schemas.codec import decode, encode

GROUP: Final = "nuncius-left"
_REQUESTS: Final = TopicPartition(topics.TOO_REQUESTS.name, 0)
_STATUS: Final = TopicPartition(topics.TOO_STATUS.name, 0)
_DESK: Final = desk_name("")
"""A telescope's own desk is in no settings."""


@dataclass(slots=True)
class _Known:
    """One request as the log has it."""

    revisions: dict[int, ToORequest] = field(default_factory=dict)
    statuses: list[ToOStatus] = field(default_factory=list)


class LeftBehind:
    """Watches what stands at adapters that are gone; when it is no longer wanted, people are told as of any other.

    Parameters
    ----------
    log
        Read and written.
    adapters
        Names of those that there are.
    clock
        UTC now.
    say
        Takes one line for the operator, once for each request and adapter.
    """

    name = GROUP

    def __init__(
        self, log: Log, adapters: Collection[str], clock: Callable[[], datetime], say: Callable[[str], object]
    ) -> None:
        self._adapters = frozenset(adapters)
        self._clock = clock
        self._say = say
        self._told: set[tuple[str, str, int, bool]] = set()
        self._known: dict[str, _Known] = {}
        self._due: set[str] = set()
        self._listener = Listener(log, GROUP, self.name, _REQUESTS, (_STATUS,))

    def work(self, timeout_s: float) -> int:
        """Read what is new, then say what is left; returns how much was read or said."""
        heard = self._listener.hear(timeout_s)
        if heard.anew:
            self._forget()
            return heard.count
        for record in heard.records:
            if record.value is None:
                continue
            if record.topic == _REQUESTS.topic:
                request = decode(ToORequest, record.value)
                self._of(request.request_id).revisions[request.revision] = request
            else:
                status = decode(ToOStatus, record.value)
                self._of(status.request_id).statuses.append(status)
        if not self._due or not self._listener.active:
            return heard.count
        if not self._listener.has_read_all():
            return heard.count + 1
        due = sorted(self._due)
        self._due = set()
        for one in [left for ident in due for left in self._left(self._known[ident])]:
            self._note(one)
        return heard.count + 1

    def caught_up(self) -> bool:
        """Whether every request on the log has been taken."""
        return self._listener.caught_up()

    def reopen(self) -> None:
        """Drop everything and read the log again."""
        self._listener.reopen()
        self._forget()

    def close(self) -> None:
        """Leave the group and give the slot back."""
        self._listener.close()

    def _of(self, ident: str) -> _Known:
        self._due.add(ident)
        return self._known.setdefault(ident, _Known())

    def _left(self, known: _Known) -> Iterator[Left]:
        revisions = tuple(known.revisions[number] for number in sorted(known.revisions))
        if revisions:
            yield from left_behind(revisions, known.statuses, is_known(self._adapters), self._clock())

    def _note(self, one: Left) -> None:
        """Once in the life of this process, so that it and an adapter that is here after all do not talk for ever."""
        latest = one.life.latest
        mark = (one.adapter, latest.request_id, latest.revision, one.life.wanted)
        if mark in self._told:
            return
        self._told.add(mark)
        self._say(words(one))
        if not one.is_said:
            status = replace(one.status, time=self._clock())
            self._listener.commit((Send(_STATUS.topic, latest.request_id.encode(), encode(status)),))

    def _forget(self) -> None:
        self._known, self._due = {}, set()


def is_known(adapters: Collection[str]) -> Callable[[str], bool]:
    """Whether a name is that of an adapter that there is, or of a telescope's own desk."""
    return lambda name: name in adapters or name.startswith(_DESK)


def left_in(entries: Iterable[Entry], adapters: Collection[str], now: datetime) -> Iterator[Left]:
    """All that is left of these requests."""
    known = is_known(adapters)
    for entry in entries:
        yield from left_behind(entry.revisions, entry.told, known, now)


def said_to_be_left(entry: Entry, now: datetime) -> tuple[Left, ...]:
    """The same of one request, by what the broker said of it."""
    every = left_behind(entry.revisions, entry.told, lambda name: not entry.life(name).left, now)
    return tuple(every)


def words(one: Left) -> str:
    """One line for the operator."""
    there = f" (there {one.life.reference})" if one.life.reference else ""
    wanted = "" if one.life.wanted else "is no longer wanted and "
    return (
        f"request {one.life.latest.request_id[:SHORT]} {wanted}still stands at {one.adapter}{there}, and the settings "
        "have no such adapter any more: nobody can take it back; put the adapter back, or call them"
    )
