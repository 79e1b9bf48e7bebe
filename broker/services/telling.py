"""Telling: what a person must know of requests goes to whom the policy names. At least once; the log remembers."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from nuncius.broker.planning.telling import Case, Due, Item, Receiver, due
from nuncius.broker.planning.told import TELL, told_in
from nuncius.broker.services.listener import Listener
from nuncius.broker.services.sending import Sending, Sends, Sent
from nuncius.broker.services.too_book import Book, Entry
from nuncius.broker.services.worker import Send
from nuncius.broker.transport import topics
from nuncius.broker.transport.port import Log, TopicPartition
from nuncius.consumers.adapter import answer
from nuncius.consumers.notify.message import Message
from nuncius.consumers.outside import outside
from nuncius.schemas import NunciusError, Retry, ToOStatus
from nuncius.schemas.codec import encode

GROUP: Final = "nuncius-tell"
_REQUESTS: Final = TopicPartition(topics.TOO_REQUESTS.name, 0)
_STATUS: Final = TopicPartition(topics.TOO_STATUS.name, 0)
_LOOK: Final = timedelta(seconds=1)
"""How often it is looked whether a time has come."""
_AGAIN_S: Final = 5.0
_AGAIN_MAX_S: Final = 300.0
"""A receiver that is not reached is tried after 5 s, then after twice as long each time, up to 5 minutes (ours)."""
_SLOW: Final = timedelta(seconds=20)
"""After so long without an end to a message its receiver counts as not reached, and the next is asked (ours)."""
_LOST: Final = timedelta(minutes=10)
"""After so long its sending is given up, so that the receiver is tried again (ours)."""
_TICK_S: Final = 0.05
"""How often it is looked whether a message came to its end."""
_FAREWELL_S: Final = 5.0
"""At the end of the process it is waited so long for messages on their way (ours)."""
_FORGOTTEN: Final = timedelta(days=2)


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
        self._telephone = telephone
        self._clock = clock
        self._trouble: dict[str, _Trouble] = {}
        self._sending = Sending(telephone.senders)
        self._book = Book()
        self._looked = clock() - 2 * _LOOK
        self._listener = Listener(log, GROUP, self.name, _REQUESTS, (_STATUS,))

    def work(self, timeout_s: float) -> int:
        """Read what is new, then send what is due, a message a receiver; returns how much was read or done."""
        heard = self._listener.hear(0.0 if self._sending.busy else timeout_s)
        if heard.anew:
            self._forget()
            return heard.count
        self._book.take(heard.records)
        if not self._listener.active:
            return 0
        if self._sending.busy:
            if not self._listener.has_read_all():
                return heard.count + 1
            sent = self._sending.next_done(0.0 if heard.records else _TICK_S)
            if sent is not None:
                self._note(sent)
                self._looked = self._clock() - _LOOK  # what else is due goes out at once
                return heard.count + 1
            for lost in self._sending.give_up(self._clock(), _LOST):
                self._note(lost)
        now = self._clock()
        if not heard.records and self._looked - _LOOK < now < self._looked + _LOOK:
            return len(self._sending.busy)
        if not self._listener.has_read_all():
            return heard.count + 1
        self._looked = now
        return heard.count + self._tell(now) + len(self._sending.busy)

    def caught_up(self) -> bool:
        """Whether every request on the log has been taken."""
        return self._listener.caught_up()

    def reopen(self) -> None:
        """Drop everything and read the log again."""
        self._listener.reopen()
        self._forget()

    def close(self) -> None:
        """Leave the group and give the slot back; messages on their way may come to their end and be noted before."""
        with suppress(NunciusError):  # what is not noted is told again by the next process
            while self._sending.busy and (sent := self._sending.next_done(_FAREWELL_S)) is not None:
                self._note(sent)
        self._listener.close()

    def _tell(self, now: datetime) -> int:
        """Start what is due, the first for each receiver; how many were started, or gave no answer."""
        slow = self._sending.slow(now, _SLOW)
        silent = frozenset(self._trouble) | slow
        away = self._sending.busy | {name for name, one in self._trouble.items() if now < one.until}
        first: dict[str, Due] = {}
        for message in due(list(self._cases(now)), self._telephone.receivers, now=now, silent=silent):
            first.setdefault(message.receiver, message)
        started = [message for name, message in first.items() if name not in away]
        for message in started:
            about = dict.fromkeys(item.request_id for item in message.items)
            entries = {ident: entry for ident in about if (entry := self._book.entry(ident)) is not None}
            try:
                words = outside(partial(self._telephone.compose, message, entries, now))
            except Retry as error:
                self._is_silent(message, error)
            else:
                self._sending.start(message, words, now)
        return len(started)

    def _note(self, sent: Sent) -> None:
        """What became of a message, for the log."""
        if sent.error is not None:
            self._is_silent(sent.due, sent.error)
            return
        self._trouble.pop(sent.due.receiver, None)
        now = self._clock()
        self._write(list(self._statuses(sent.due.items, sent.due.receiver, sent.said, now)))

    def _is_silent(self, message: Due, error: Retry) -> None:
        """A receiver was not reached: the first time that is written, for who looks why nobody came."""
        times = self._trouble[message.receiver].times if message.receiver in self._trouble else 0
        wait_s = min(_AGAIN_MAX_S, _AGAIN_S * 2.0**times)
        self._trouble[message.receiver] = _Trouble(times + 1, self._clock() + timedelta(seconds=wait_s))
        if not times:
            said = self._statuses(message.items[:1], message.receiver, str(error), self._clock())
            self._write([replace(status, state="proposed", reference="") for status in said])

    def _statuses(self, items: Iterable[Item], receiver: str, said: str, now: datetime) -> Iterator[ToOStatus]:
        """What is written of each; nothing of what is not known any more, and is told again once it is."""
        for item in items:
            entry = self._book.entry(item.request_id)
            for about in () if entry is None else entry.revisions:
                if about.revision == item.revision:
                    detail = f"{item.state.replace('_', ' ')}: {said}"
                    status = answer(about, "recorded", f"{TELL}{receiver}", detail, item.mark)
                    yield replace(status, time=now)

    def _write(self, statuses: Sequence[ToOStatus]) -> None:
        self._listener.commit(Send(_STATUS.topic, one.request_id.encode(), encode(one)) for one in statuses)

    def _cases(self, now: datetime) -> Iterator[Case]:
        """Requests of policies that name somebody, but for those that were over long ago.

        A policy that is gone names nobody any more: those who were told of its requests hear how they end.
        """
        for entry in self._book.entries():
            latest = entry.latest
            names = self._telephone.names.get(latest.policy) or _who_was_told(entry.told)
            if names and (latest.expires is None or now < latest.expires + _FORGOTTEN):
                yield Case(revisions=entry.revisions, statuses=entry.told, names=names)

    def _forget(self) -> None:
        """All that lies on the log is read by `work`, before anything is decided."""
        self._book = Book()
        self._looked = self._clock() - 2 * _LOOK


def _who_was_told(statuses: Sequence[ToOStatus]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(one.receiver for one in told_in(statuses)))
