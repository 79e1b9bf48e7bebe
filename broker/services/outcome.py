"""The final state of a log: the last record of every id on the output topics, without revision and record times."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from nuncius.broker.services.fates import Tally
from nuncius.broker.services.readable import readable
from nuncius.broker.services.seen import Seen
from nuncius.broker.transport import topics
from nuncius.broker.transport.port import Log, Record
from nuncius.broker.transport.reading import read_all
from nuncius.broker.transport.topics import Topic
from nuncius.schemas import CandidateList, Coincidence, Quarantined, ToORequest, ToOStatus
from nuncius.schemas.codec import decode, kind_of
from nuncius.schemas.wire import to_json

T = TypeVar("T")

_TYPES: Final = {Coincidence: "coincidence", CandidateList: "candidate_list", ToORequest: "too_request"}
_NOT_STATE: Final[dict[type, tuple[str, ...]]] = {
    Coincidence: ("revision",),
    CandidateList: ("revision",),
    ToORequest: ("revision", "idempotency_key", "issued_time"),
}
"""How the state was reached, not what it is (DESIGN 4). A request that stays as it is keeps the time of the record that
first asked for it so, and which one that was depends on how the stream was cut.
"""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a log ended with.

    Parameters
    ----------
    coincidences, lists, requests
        Last record of every id, sorted by id.
    statuses
        All status records, in order.
    quarantined
        Sorted by source, then hash.
    tally
        Fates of all packets.
    """

    coincidences: tuple[Coincidence, ...]
    lists: tuple[CandidateList, ...]
    requests: tuple[ToORequest, ...]
    statuses: tuple[ToOStatus, ...]
    quarantined: tuple[Quarantined, ...]
    tally: Tally

    def as_json(self) -> Iterator[dict[str, Any]]:
        """One object an id with its ``type``, sorted by id within a type, then the summary."""
        for value in (*self.coincidences, *self.lists, *self.requests):
            record = to_json(value)
            for name in _NOT_STATE[type(value)]:
                del record[name]
            yield {"type": _TYPES[type(value)], **record}
        for fault in self.quarantined:
            record = to_json(fault)
            del record["head"]
            yield {"type": "quarantined", **record}
        yield {"type": "summary", **self.tally.as_json(), **self._counts()}

    def _counts(self) -> dict[str, int]:
        live = [c for c in self.coincidences if c.state != "retracted"]
        return {
            "coincidences": len(self.coincidences),
            "coincidences_live": len(live),
            "candidate_lists": len(self.lists),
            "too_requests": len(self.requests),
            "too_late": sum(fault.reason == "too_late" for fault in self.quarantined),
        }


def outcome(log: Log, seen: Seen | None = None) -> Outcome:
    """Read the output topics to their ends. A fold of the packets' topics that exists goes on from where it is."""
    coincidences, lists = findings(log)
    requests = {one.request_id: one for one in _lying(log, topics.TOO_REQUESTS, ToORequest)}
    quarantined = list(_lying(log, topics.QUARANTINE, Quarantined))
    seen = seen or Seen(log)
    seen.catch_up()
    return Outcome(
        coincidences=coincidences,
        lists=lists,
        requests=tuple(requests[key] for key in sorted(requests)),
        statuses=tuple(_lying(log, topics.TOO_STATUS, ToOStatus)),
        quarantined=tuple(sorted(quarantined, key=lambda q: (q.source, q.sha256))),
        tally=seen.tally(),
    )


def findings(log: Log) -> tuple[tuple[Coincidence, ...], tuple[CandidateList, ...]]:
    """The last record of every coincidence and of every candidate list, sorted by id."""
    coincidences: dict[str, Coincidence] = {}
    lists: dict[str, CandidateList] = {}
    for one in readable(_finding, read_all(log, topics.COINCIDENCES.name)):
        if isinstance(one, Coincidence):
            coincidences[one.coincidence_id] = one
        else:
            lists[one.list_id] = one
    return tuple(coincidences[key] for key in sorted(coincidences)), tuple(lists[key] for key in sorted(lists))


def _finding(record: Record) -> Coincidence | CandidateList:
    data = record.value or b""
    return decode(Coincidence, data) if kind_of(data) is Coincidence else decode(CandidateList, data)


def _lying(log: Log, topic: Topic, kind: type[T]) -> Iterator[T]:
    return readable(lambda record: decode(kind, record.value or b""), read_all(log, topic.name))


def values(log: Log, topic: str) -> Iterator[bytes]:
    """Value of every record of a topic, to its end."""
    return (record.value for record in read_all(log, topic) if record.value is not None)
