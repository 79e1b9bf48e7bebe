"""Whether a broker does its work: its services, its log, its disk; and what it knows of telescopes and people."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from threading import Lock
from time import monotonic
from typing import Any, Final

from nuncius.broker.services.crew import Crew
from nuncius.broker.services.doctor import Finding, examine_disk
from nuncius.broker.services.settling import examine_work
from nuncius.broker.services.troubles import Troubles
from nuncius.broker.transport import topics
from nuncius.broker.transport.port import Log, Reader, TopicPartition
from nuncius.broker.transport.reading import read_up
from nuncius.schemas import NunciusError, Quarantine, ToOStatus
from nuncius.schemas.codec import decode

KEPT_S: Final = 5.0
"""How old an answer may be (ours): who asks often costs the log no more than a write in so long."""

_STATUS: Final = TopicPartition(topics.TOO_STATUS.name, 0)
_COUNTED: Final = (topics.EVENTS, topics.COINCIDENCES, topics.QUARANTINE, topics.TOO_REQUESTS)


class Health:
    """Asked from any thread.

    Parameters
    ----------
    log
        Read, and written to as far as `Log.probe` does.
    crew
        The services of this process.
    folder
        Of an embedded log; None elsewhere.
    clock
        UTC now.
    """

    def __init__(self, log: Log, crew: Crew, folder: Path | None, clock: Callable[[], datetime]) -> None:
        self._log = log
        self._crew = crew
        self._folder = folder
        self._clock = clock
        self._turn = Lock()
        self._made = float("-inf")
        self._facts: dict[str, Any] = {}
        self._troubles = Troubles()
        self._reader: Reader | None = None

    def facts(self) -> dict[str, Any]:
        """``ok`` is False where anything is ``wrong`` of ``checks``; ``error`` says what, the first of it."""
        with self._turn:
            if not self._crew.works or monotonic() - self._made > KEPT_S:
                self._facts = self._looked()
                self._made = monotonic()
            return dict(self._facts)

    def _looked(self) -> dict[str, Any]:
        found = [*self._services(), *self._log_and_disk()]
        ends: dict[str, int] = {}
        if not any((one.what, one.verdict) == ("log", "wrong") for one in found):
            try:
                ends = {topic.name: self._end(topic) for topic in _COUNTED}
                found += [*examine_work(self._log), *self._outside()]
            except NunciusError as error:
                found.append(Finding("log", "wrong", str(error)))
        wrong = [f"{one.what}: {one.detail}" for one in found if one.verdict == "wrong"]
        checks = [{"what": one.what, "verdict": one.verdict, "detail": one.detail} for one in found]
        return {"ok": not wrong, "error": wrong[0] if wrong else "", "log_ends": ends, "checks": checks}

    def _services(self) -> Iterator[Finding]:
        if not self._crew.works:
            yield Finding("services", "wrong", f"ended: {self._crew.error or 'the broker is ending'}")
        for one in self._crew.pulse.ailing():
            yield Finding(f"service {one.name}", "wrong", f"for {one.for_s:.0f} s: {one.why}")

    def _log_and_disk(self) -> Iterator[Finding]:
        if self._folder is not None:
            yield examine_disk(self._folder)
        try:
            yield Finding("log", "ok", self._log.probe())
        except NunciusError as error:
            yield Finding("log", "wrong", str(error))

    def _end(self, topic: topics.Topic) -> int:
        return sum(self._log.end(TopicPartition(topic.name, number)) for number in range(topic.partitions))

    def _outside(self) -> Iterator[Finding]:
        """What the log says of telescopes and people, read on from where the last look ended."""
        if self._reader is None:
            self._reader = self._log.reader(self._log.starts([_STATUS]))
        for records in read_up(self._reader):
            for record in records:
                with suppress(Quarantine):  # of another version, or foreign: pages tell of it
                    self._troubles.learn(decode(ToOStatus, record.value or b""))
        yield from self._troubles.findings(self._clock())
