"""Messages on their way, each in a thread of its own: a receiver that does not answer holds up no other."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Protocol

from nuncius.broker.planning.telling import Due
from nuncius.consumers.notify.message import Message
from nuncius.consumers.outside import outside
from nuncius.schemas import Retry


class Sends(Protocol):
    """The addresses of one receiver."""

    def send(self, message: Message, /) -> str:
        """Send it; what came of it, in words. `Retry` where nobody was reached."""
        ...


@dataclass(frozen=True, slots=True)
class Sent:
    """What became of one message: what was said of it, or why nobody was reached."""

    due: Due
    said: str
    error: Retry | None = None


class Sending:
    """One message at a time for each receiver.

    Parameters
    ----------
    senders
        By receiver.
    """

    def __init__(self, senders: Mapping[str, Sends]) -> None:
        self._senders = senders
        self._under_way: dict[str, tuple[Due, datetime]] = {}
        self._done: SimpleQueue[Sent] = SimpleQueue()

    def start(self, due: Due, message: Message, now: datetime) -> None:
        """Send it to its receiver, who must not be `busy`."""
        self._under_way[due.receiver] = (due, now)
        Thread(target=self._send, args=(due, message), daemon=True).start()

    @property
    def busy(self) -> frozenset[str]:
        """Receivers to whom a message is on its way."""
        return frozenset(self._under_way)

    def slow(self, now: datetime, after: timedelta) -> frozenset[str]:
        """Those among them to whom it has been so for longer."""
        return frozenset(name for name, (_, since) in self._under_way.items() if now > since + after)

    def give_up(self, now: datetime, after: timedelta) -> Iterator[Sent]:
        """Those among them that count as not reached, and may be tried again; how such a message ends is still told."""
        for name in sorted(self.slow(now, after)):
            due, _ = self._under_way.pop(name)
            yield Sent(due, "", Retry(f"no end in {after.total_seconds():.0f} s; it may have been sent"))

    def next_done(self, timeout_s: float) -> Sent | None:
        """What became of one that has come to its end; waits so long for it."""
        try:
            sent = self._done.get(timeout=timeout_s) if timeout_s else self._done.get_nowait()
        except Empty:
            return None
        if self._under_way.get(sent.due.receiver, (None, None))[0] is sent.due:
            del self._under_way[sent.due.receiver]
        return sent

    def _send(self, due: Due, message: Message) -> None:
        try:
            said = outside(lambda: self._senders[due.receiver].send(message))
        except Retry as error:
            self._done.put(Sent(due, "", error))
        else:
            self._done.put(Sent(due, said))
