"""What we observed ourselves, told to everybody: a report for each field of a request that was observed."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from nuncius.broker.planning.footprints import footprint
from nuncius.broker.planning.telescope import Telescope
from nuncius.broker.services.fold import fold
from nuncius.broker.services.plan_found import tiles_of
from nuncius.broker.services.readable import readable
from nuncius.broker.services.worker import Send, Step
from nuncius.broker.sky.moc import moc_ascii
from nuncius.broker.transport import topics
from nuncius.broker.transport.port import Log, Record, TopicPartition
from nuncius.schemas import ObservationReport, ToORequest, ToOStatus
from nuncius.schemas.codec import decode, encode

GROUP: Final = "nuncius-reports"
TOPICS: Final = (topics.TOO_REQUESTS.name, topics.TOO_STATUS.name)
Key = tuple[str, int]
"""Id and revision of a request."""


def reports_of(
    request: ToORequest, status: ToOStatus, telescopes: Mapping[str, Telescope]
) -> tuple[ObservationReport, ...]:
    """A report for each field; of a pointing one.

    Empty where the facility is no telescope that is known, for its footprint is not.

    Parameters
    ----------
    request
        The revision that was observed.
    status
        Its ``observed``. Where it does not say which fields were taken, all count as taken. Facilities do not say when:
        the times are the plan's, and of a pointing, which has a window only, no time is stated.
    telescopes
        By the name of the facility.
    """
    telescope = telescopes.get(request.facility)
    if telescope is None:
        return ()
    return tuple(
        ObservationReport(
            report_id=f"{request.request_id}/{request.revision}/{tile.number}",
            thread_id=request.event_thread,
            facility=request.facility,
            instrument=request.instrument or telescope.instrument,
            state="completed",
            footprint=moc_ascii(footprint(telescope.field, tile.ra, tile.dec, tile.position_angle_deg)),
            ra=tile.ra,
            dec=tile.dec,
            position_angle_deg=tile.position_angle_deg,
            time_start=tile.start if request.tiles else None,
            time_stop=tile.stop if request.tiles else None,
            filter=tile.filter,
            request_id=request.request_id,
            run_mode=request.run_mode,
            issued_time=status.time,
        )
        for tile in tiles_of(request)
        if status.taken is None or tile.number in status.taken
    )


@dataclass(frozen=True, slots=True)
class Delta:
    """What a step learned."""

    requests: Mapping[Key, ToORequest] = field(default_factory=dict)
    observed: Mapping[Key, ToOStatus] = field(default_factory=dict)
    done: frozenset[Key] = frozenset()


class Reporting:
    """Writes the reports of what was observed, once a revision. Its requests may be read after their statuses.

    Parameters
    ----------
    telescopes
        By the name of the facility; requests to others give no report.
    """

    name = "nuncius-reports"
    group = GROUP
    topics = TOPICS

    def __init__(self, telescopes: Mapping[str, Telescope]) -> None:
        self._telescopes = telescopes
        self._forget()

    def restore(self, log: Log, committed: dict[TopicPartition, int]) -> None:
        """Fold up to the committed point; what could be reported by then was."""
        self._forget()
        starts = log.starts(committed)
        for records in fold(log, {tp: (starts[tp], offset) for tp, offset in committed.items()}):
            self.apply(self._learn(records))

    def amends(self) -> None:
        """Nothing: what was observed stays so, whatever telescopes the policies know today."""

    def step(self, records: Sequence[Record], now: datetime) -> Step[Delta]:  # noqa: ARG002  reports bear the time of the status
        """What these records lead to."""
        delta = self._learn(records)
        sends: list[Send] = []
        for key in sorted(delta.done):
            request = delta.requests.get(key) or self._requests[key]
            status = delta.observed.get(key) or self._observed[key]
            sends += [
                Send(topics.OBSERVATIONS.name, report.thread_id.encode(), encode(report))
                for report in reports_of(request, status, self._telescopes)
            ]
        return Step(delta, tuple(sends))

    def apply(self, delta: Delta) -> None:
        """Take a committed step over."""
        self._requests.update(delta.requests)
        self._observed.update(delta.observed)
        self._done |= delta.done

    def _learn(self, records: Iterable[Record]) -> Delta:
        requests: dict[Key, ToORequest] = {}
        observed: dict[Key, ToOStatus] = {}
        for one in readable(_request_or_status, records):
            if isinstance(one, ToOStatus):
                if one.state == "observed":
                    observed.setdefault((one.request_id, one.revision), one)
            elif one.facility in self._telescopes:
                requests[one.request_id, one.revision] = one
        known = requests.keys() | self._requests.keys()
        seen = observed.keys() | self._observed.keys()
        return Delta(requests, observed, frozenset((known & seen) - self._done))

    def _forget(self) -> None:
        self._requests: dict[Key, ToORequest] = {}
        self._observed: dict[Key, ToOStatus] = {}
        self._done: set[Key] = set()


def _request_or_status(record: Record) -> ToORequest | ToOStatus:
    if record.topic == topics.TOO_REQUESTS.name:
        return decode(ToORequest, record.value or b"")
    return decode(ToOStatus, record.value or b"")
