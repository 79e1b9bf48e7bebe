"""``subscribe``: typed records from a broker, as they are published."""

import os
from collections import deque
from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final

from nuncius.broker.transport import topics
from nuncius.broker.transport.address import HttpAddress, LocalAddress, find_address
from nuncius.broker.transport.clock import utc_now
from nuncius.broker.transport.local import open_local
from nuncius.broker.transport.local_file import FILE_NAME
from nuncius.broker.transport.port import Log, Reader, TopicPartition
from nuncius.schemas import SettingsError
from nuncius.schemas.codec import decode, kind_of

STREAMS: Final = {
    "coincidences": topics.COINCIDENCES,
    "alerts": topics.EVENTS,
    "candidates": topics.CANDIDATES,
    "counterparts": topics.COUNTERPARTS,
    "too": topics.TOO_REQUESTS,
    "too-status": topics.TOO_STATUS,
    "quarantine": topics.QUARANTINE,
}
"""Names a subscriber may use, and the topics behind them."""

_POLL: Final = 500
_WAIT_S: Final = 0.5


class NoBroker(SettingsError):  # noqa: N818  named as the errors it belongs to
    """Nothing has written a log there yet; a broker that is just starting will."""


def subscribe(
    what: str = "coincidences",
    *,
    broker: str | None = None,
    since: datetime | None = None,
    last: int | None = None,
    until_end: bool = False,
) -> Iterator[Any]:
    """Records of one stream, oldest first.

    Parameters
    ----------
    what
        One of `STREAMS`.
    broker
        Address as on the command line; None takes ``$NUNCIUS_BROKER``, else the log in the user's data folder.
    since
        From records received at or after this time, aware UTC. Without it and ``last``: from now on, or with
        ``until_end`` from the start.
    last
        Begin with the last so many records.
    until_end
        Stop where the stream ends now, instead of waiting for more.

    Yields
    ------
    Alert, Coincidence, CandidateList, ToORequest, ToOStatus, Quarantined, …
        As the stream holds.

    Raises
    ------
    NoBroker
        If there is no log at the address (yet).
    SettingsError
        For an unknown stream, or an address that cannot be read from here.
    """
    if what not in STREAMS:
        raise SettingsError(f"no such stream: {what}; there are {', '.join(STREAMS)}")
    if last is not None and since is not None:
        raise SettingsError("give a time or a number of last records, not both")
    topic = STREAMS[what].name
    log = _open(broker, topic)
    try:
        yield from _records(log, topic, since, last, until_end=until_end)
    finally:
        log.close()


def _open(broker: str | None, topic: str) -> Log:
    address = find_address(broker, os.environ)
    match address:
        case LocalAddress(folder):
            if not (folder / FILE_NAME).is_file():
                raise NoBroker(f"no broker in {folder}; start one with: nuncius up --broker local:{folder}")
            log = open_local(folder, utc_now)
            try:
                log.partitions(topic)
            except SettingsError as error:
                log.close()
                raise NoBroker(f"the log in {folder} is not ready yet; start a broker: nuncius up") from error
            return log
        case HttpAddress(url):
            raise SettingsError(f"over HTTP only the coincidences are streamed: curl -N {url}/coincidences/stream")
        case _:
            raise SettingsError("Kafka is not built yet; use local:DIR")


def _records(log: Log, topic: str, since: datetime | None, last: int | None, *, until_end: bool) -> Iterator[Any]:
    tps = [TopicPartition(topic, p) for p in range(log.partitions(topic))]
    if since is not None:
        start = {tp: log.offset_at(tp, since) for tp in tps}
    elif until_end or last is not None:
        start = {tp: log.start(tp) for tp in tps}
    else:
        start = {tp: log.end(tp) for tp in tps}
    reader = log.reader(start)
    try:
        if last is not None:
            tail: deque[bytes] = deque(maxlen=last)
            while found := _values(reader, 0.0):
                tail.extend(found)
            yield from map(_decoded, tail)
        while True:
            found = _values(reader, 0.0 if until_end else _WAIT_S)
            yield from map(_decoded, found)
            if until_end and not found and reader.caught_up():
                return
    finally:
        reader.close()


def _values(reader: Reader, timeout_s: float) -> list[bytes]:
    return [record.value for record in reader.poll(_POLL, timeout_s) if record.value is not None]


def _decoded(data: bytes) -> Any:
    return decode(kind_of(data), data)
