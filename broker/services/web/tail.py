"""The end of `nuncius.coincidences`, for one reader over HTTP."""

from typing import Final

from nuncius.broker.transport import topics
from nuncius.broker.transport.port import Log, TopicPartition
from nuncius.schemas import CandidateList, Coincidence
from nuncius.schemas.codec import decode, encode_json, kind_of

_TP: Final = TopicPartition(topics.COINCIDENCES.name, 0)
_WAIT_S: Final = 0.5


class Tail:
    """Records after an offset, as JSON.

    Parameters
    ----------
    log
        Where from.
    after
        Last offset the client has; None for what comes from now on.
    from_start
        Without ``after``: everything that is kept.
    """

    def __init__(self, log: Log, after: int | None, *, from_start: bool) -> None:
        start = log.start(_TP) if from_start else log.end(_TP)
        self._reader = log.reader({_TP: start if after is None else after + 1})

    def poll(self) -> list[tuple[int, str, str]]:
        """Offset, event name and JSON of what is new; waits up to half a second."""
        found = []
        for record in self._reader.poll(100, _WAIT_S):
            data = record.value or b""
            kind = kind_of(data)
            name = "coincidence" if kind is Coincidence else "candidate_list"
            value = decode(Coincidence, data) if kind is Coincidence else decode(CandidateList, data)
            found.append((record.offset, name, encode_json(value).decode()))
        return found

    def close(self) -> None:
        """Give the reader back."""
        self._reader.close()
