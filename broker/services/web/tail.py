"""The end of `nuncius.coincidences`, for one reader over HTTP."""

from threading import Lock
from typing import Final

from nuncius.broker.transport import topics
from nuncius.broker.transport.port import Log, Reader, Record, TopicPartition
from nuncius.schemas import CandidateList, Coincidence
from nuncius.schemas.codec import decode, encode_json, kind_of

_TP: Final = TopicPartition(topics.COINCIDENCES.name, 0)


class Tail:
    """Records after an offset, as JSON.

    Parameters
    ----------
    log
        Where from.
    after
        Last offset the client has; None for what comes from now on. One that this log never gave is another log's: then
        all that is kept comes.
    from_start
        Without ``after``: everything that is kept.
    """

    def __init__(self, log: Log, after: int | None, *, from_start: bool) -> None:
        first, end = log.start(_TP), log.end(_TP)
        everything = from_start if after is None else after >= end
        begin = end if after is None else after + 1
        self._lock = Lock()
        self._reader: Reader | None = log.reader({_TP: first if everything else begin})

    def poll(self) -> list[tuple[int, str, str]]:
        """Offset, event name and JSON of what is new; nothing where nothing is, without waiting."""
        with self._lock:
            records = () if self._reader is None else self._reader.poll(100, 0.0)
        return [_line(record) for record in records]

    def close(self) -> None:
        """Give the reader back, when the poll that may be running has ended."""
        with self._lock:
            if self._reader is not None:
                self._reader.close()
                self._reader = None


def _line(record: Record) -> tuple[int, str, str]:
    data = record.value or b""
    if kind_of(data) is Coincidence:
        return record.offset, "coincidence", encode_json(decode(Coincidence, data)).decode()
    return record.offset, "candidate_list", encode_json(decode(CandidateList, data)).decode()
