"""Takes a person's yes over from requests to the one that came in their place, on the log, where everybody sees it."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Final

from nuncius.broker.planning.carried import carried
from nuncius.broker.planning.lifecycle import PERSON, Life
from nuncius.broker.services.listener import Listener
from nuncius.broker.services.worker import Send
from nuncius.broker.transport import topics
from nuncius.broker.transport.port import Log, TopicPartition
from nuncius.schemas import ToORequest, ToOStatus
from nuncius.schemas.codec import decode, encode

GROUP: Final = "nuncius-carry"
_REQUESTS: Final = TopicPartition(topics.TOO_REQUESTS.name, 0)
_STATUS: Final = TopicPartition(topics.TOO_STATUS.name, 0)


class Carrying:
    """Watches requests that supersede others.

    Parameters
    ----------
    log
        Read and written.
    clock
        UTC now.
    """

    name = GROUP

    def __init__(self, log: Log, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._lives: dict[str, Life] = {}
        self._early: dict[str, list[ToOStatus]] = {}
        self._more = False
        self._listener = Listener(log, GROUP, self.name, _REQUESTS, (_STATUS,))

    def work(self, timeout_s: float) -> int:
        """Read what is new, then say what holds; returns how much was read or said."""
        heard = self._listener.hear(timeout_s)
        if heard.anew:
            self._forget()
            return heard.count
        for record in heard.records:
            if record.value is None:
                continue
            if record.topic == _REQUESTS.topic:
                self._take(decode(ToORequest, record.value))
            else:
                self._learn(decode(ToOStatus, record.value))
        self._more |= bool(heard.records)
        if not self._more or not self._listener.active:
            return heard.count
        if not self._listener.has_read_all():
            return heard.count + 1
        self._more = False
        held = [status for life in self._lives.values() if (status := self._carried(life)) is not None]
        self._listener.commit([Send(_STATUS.topic, one.request_id.encode(), encode(one)) for one in held])
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

    def _take(self, request: ToORequest) -> None:
        known = self._lives.get(request.request_id)
        life = Life(revisions=(request,)) if known is None else known.with_request(request)
        for status in self._early.pop(request.request_id, ()):
            life = life.with_status(status)
        self._lives[request.request_id] = life

    def _learn(self, status: ToOStatus) -> None:
        if status.adapter != PERSON:
            return
        known = self._lives.get(status.request_id)
        if known is None:
            self._early.setdefault(status.request_id, []).append(status)
        else:
            self._lives[status.request_id] = known.with_status(status)

    def _carried(self, life: Life) -> ToOStatus | None:
        smaller = [self._lives[ident] for ident in life.latest.supersedes if ident in self._lives]
        status = carried(life, smaller) if smaller else None
        return None if status is None else replace(status, time=self._clock())

    def _forget(self) -> None:
        self._lives, self._early = {}, {}
