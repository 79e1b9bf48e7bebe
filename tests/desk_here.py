"""A log with requests on it, and what tests of a telescope's desk do with it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from too_cases import MERGER, request
from too_log import lay

from nuncius.broker.planning.lifecycle import PERSON
from nuncius.broker.transport import topics
from nuncius.broker.transport.local import open_local
from nuncius.broker.transport.port import Log
from nuncius.broker.transport.reading import read_all
from nuncius.consumers.adapter import answer
from nuncius.consumers.desk.desk import Desk, desk_name
from nuncius.consumers.desk.handing import Handing
from nuncius.schemas import ToORequest, ToOStatus
from nuncius.schemas.codec import decode

NOW = MERGER + timedelta(hours=12)
FACILITY = "imager"
"""That of `too_cases.request`."""


@dataclass
class Room:
    """A log and a clock."""

    log: Log
    now: datetime = NOW
    said: list[str] = field(default_factory=list)

    def clock(self) -> datetime:
        return self.now

    def ask(self, *requests: ToORequest) -> None:
        lay(self.log, *requests)

    def person(self, say: str, revision: int = 1, ident: str = "r") -> None:
        status = answer(request(revision, ident), "approved" if say == "yes" else "rejected", PERSON)
        lay(self.log, replace(status, time=self.now))

    def told(self, name: str = desk_name(FACILITY)) -> list[ToOStatus]:
        every = [decode(ToOStatus, one.value) for one in read_all(self.log, topics.TOO_STATUS.name) if one.value]
        return [status for status in every if status.adapter == name]

    def states(self) -> list[str]:
        return [f"{status.state} {status.revision}" for status in self.told()]

    @contextmanager
    def desk(self, **more: Any) -> Iterator[Desk]:
        """A desk as a process that starts now has it."""
        slot = more.pop("slot", f"nuncius-{desk_name(FACILITY)}")
        desk = Desk(self.log, FACILITY, slot=slot, clock=self.clock, say=self.said.append, **more)
        try:
            yield desk
        finally:
            desk.close()


@contextmanager
def room() -> Iterator[Room]:
    log = open_local(None, lambda: NOW)
    log.create(topics.TOPICS)
    try:
        yield Room(log)
    finally:
        log.close()


def asked(desk: Handing) -> list[str]:
    """All that is due now, as ``observe r/1``."""
    found = []
    while (task := desk.next_task()) is not None:
        found.append(f"{task.action} {task.request.idempotency_key}{' again' if task.again else ''}")
    return found
