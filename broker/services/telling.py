"""Telling: what a person must know of requests goes to whom the policy names. At least once; the log remembers."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final, Protocol

from nuncius.broker.planning.telling import Case, Due, Item, Receiver, due
from nuncius.broker.planning.told import TELL
from nuncius.broker.services.seat import Seat
from nuncius.broker.services.too_book import Entry
from nuncius.broker.transport import topics
from nuncius.broker.transport.port import Log, Reader, TopicPartition
from nuncius.consumers.notify.message import Message
from nuncius.schemas import Retry, ToORequest, ToOStatus
from nuncius.schemas.codec import decode, encode

GROUP: Final = "nuncius-tell"
_REQUESTS: Final = TopicPartition(topics.TOO_REQUESTS.name, 0)
_STATUS: Final = TopicPartition(topics.TOO_STATUS.name, 0)
_LOOK: Final = timedelta(seconds=1)
"""How often it is looked whether a time has come."""
_AGAIN_S: Final = 5.0
_AGAIN_MAX_S: Final = 300.0
"""A receiver that is not reached is tried after 5 s, then after twice as long each time, up to 5 minutes (ours)."""
_FORGOTTEN: Final = timedelta(days=2)


class Sends(Protocol):
    """The addresses of one receiver."""

    def send(self, message: Message, /) -> str:
        """Send it; what came of it, in words. `Retry` where nobody was reached."""
        ...


Compose = Callable[[Due, Mapping[str, Entry], datetime], Message]
"""A message in words, from what is due, the requests by id, and now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Telephone:
    """Who can be told, at which addresses, and of which policies' requests.

    Parameters
    ----------
    receivers, senders
        By name.
    names
        Receivers by policy.
    compose
        Makes the message.
    """

    receivers: Mapping[str, Receiver]
    senders: Mapping[str, Sends]
    names: Mapping[str, tuple[str, ...]]
    compose: Compose


@dataclass(frozen=True, slots=True)
class _Trouble:
    """A receiver that was not reached: how often, and when it may be tried again."""

    times: int
    until: datetime


@dataclass(slots=True)
class _Known:
    """One request as the log has it."""

    revisions: dict[int, ToORequest] = field(default_factory=dict)
    statuses: list[ToOStatus] = field(default_factory=list)


class Telling:
    """Tells people of requests. One at a time is active; others stand by.

    Parameters
    ----------
    log
        Read, and written with who was told.
    telephone
        Whom, how, and in which words.
    clock
        UTC now.
    """

    name = GROUP

    def __init__(self, log: Log, telephone: Telephone, clock: Callable[[], datetime]) -> None:
        self._log = log
        self._telephone = telephone
        self._clock = clock
        self._trouble: dict[str, _Trouble] = {}
        self._known: dict[str, _Known] = {}
        self._answers: Reader | None = None
        self._looked = clock() - 2 * _LOOK
        self._open()

    def work(self, timeout_s: float) -> int:
        """Read what is new, then send one message at most; returns how much was read or done."""
        batch = self._seat.poll(500, timeout_s)
        if batch.assigned or batch.revoked:
            self._restore()
            return len(batch.assigned)
        if self._seat.writer is None or self._answers is None or not self._seat.member.assignment():
            return 0
        for record in batch.records:
            if record.value is not None:
                request = decode(ToORequest, record.value)
                self._known.setdefault(request.request_id, _Known()).revisions.setdefault(request.revision, request)
        told = [decode(ToOStatus, record.value) for record in self._answers.poll(500, 0.0) if record.value is not None]
        for status in told:
            self._known.setdefault(status.request_id, _Known()).statuses.append(status)
        now = self._clock()
        read = len(batch.records) + len(told)
        if not read and self._looked - _LOOK < now < self._looked + _LOOK:
            return 0
        if not (self._seat.member.caught_up() and self._answers.caught_up()):
            return read + 1
        self._looked = now
        return read + self._tell(now)

    def caught_up(self) -> bool:
        """Whether every request on the log has been taken."""
        return self._seat.member.caught_up()

    def reopen(self) -> None:
        """Drop everything and read the log again."""
        self.close()
        self._open()

    def close(self) -> None:
        """Leave the group and give the slot back."""
        self._seat.close()
        if self._answers is not None:
            self._answers.close()
            self._answers = None

    def _tell(self, now: datetime) -> int:
        silent = frozenset(self._trouble)
        waiting = {name for name, one in self._trouble.items() if now < one.until}
        messages = due(self._cases(now), self._telephone.receivers, now=now, silent=silent)
        first = next((one for one in messages if one.receiver not in waiting), None)
        if first is None:
            return 0
        self._looked = now - _LOOK  # what else is due goes out at once
        try:
            said = self._send(first, now)
        except Retry as error:
            self._is_silent(first, error)
            return 1
        self._trouble.pop(first.receiver, None)
        self._write([self._status(item, first.receiver, said) for item in first.items])
        return 1

    def _send(self, message: Due, now: datetime) -> str:
        entries = {item.request_id: self._entry(item.request_id) for item in message.items}
        return self._telephone.senders[message.receiver].send(self._telephone.compose(message, entries, now))

    def _is_silent(self, message: Due, error: Retry) -> None:
        """A receiver was not reached: the first time that is written, for who looks why nobody came."""
        times = self._trouble[message.receiver].times if message.receiver in self._trouble else 0
        wait_s = min(_AGAIN_MAX_S, _AGAIN_S * 2.0**times)
        self._trouble[message.receiver] = _Trouble(times + 1, self._clock() + timedelta(seconds=wait_s))
        if not times:
            status = self._status(message.items[0], message.receiver, str(error))
            self._write([replace(status, state="proposed", reference="")])

    def _status(self, item: Item, receiver: str, said: str) -> ToOStatus:
        about = self._known[item.request_id].revisions[item.revision]
        return ToOStatus(
            request_id=item.request_id,
            revision=item.revision,
            state="recorded",
            facility=about.facility,
            adapter=f"{TELL}{receiver}",
            detail=f"{item.state.replace('_', ' ')}: {said}",
            idempotency_key=about.idempotency_key,
            reference=item.mark,
            time=self._clock(),
        )

    def _write(self, statuses: Sequence[ToOStatus]) -> None:
        if self._seat.writer is None:
            return
        with self._seat.writer.transaction() as tx:
            for status in statuses:
                tx.send(topics.TOO_STATUS.name, encode(status), key=status.request_id.encode())
            tx.commit_offset(GROUP, _REQUESTS, self._seat.member.position(_REQUESTS))

    def _cases(self, now: datetime) -> list[Case]:
        """Requests of policies that name somebody, but for those that were over long ago."""
        found: list[Case] = []
        for known in self._known.values():
            if not known.revisions:
                continue
            latest = known.revisions[max(known.revisions)]
            names = self._telephone.names.get(latest.policy, ())
            if names and (latest.expires is None or now < latest.expires + _FORGOTTEN):
                revisions = tuple(known.revisions[number] for number in sorted(known.revisions))
                found.append(Case(revisions=revisions, statuses=tuple(known.statuses), names=names))
        return found

    def _entry(self, ident: str) -> Entry:
        known = self._known[ident]
        return Entry(tuple(known.revisions[number] for number in sorted(known.revisions)), tuple(known.statuses))

    def _open(self) -> None:
        self._known = {}
        self._looked = self._clock() - 2 * _LOOK
        self._seat = Seat(self._log, GROUP, [topics.TOO_REQUESTS.name], self.name)

    def _restore(self) -> None:
        """All that lies on the log is read by `work`, before anything is decided."""
        self._known = {}
        if self._answers is not None:
            self._answers.close()
            self._answers = None
        if self._seat.member.assignment():
            self._seat.member.seek(_REQUESTS, self._log.start(_REQUESTS))
            self._answers = self._log.reader({_STATUS: self._log.start(_STATUS)})
