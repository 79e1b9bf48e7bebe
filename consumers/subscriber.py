"""``subscribe``: typed records from a broker, as they are published."""

import os
from collections import deque
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from nuncius.broker.transport import topics
from nuncius.broker.transport.address import (
    HttpAddress,
    LocalAddress,
    data_folder,
    find_address,
    node_folder,
    shown,
)
from nuncius.broker.transport.clock import utc_now
from nuncius.broker.transport.kafka.cluster import Connection
from nuncius.broker.transport.local_file import FILE_NAME
from nuncius.broker.transport.opening import NotRunning, open_address
from nuncius.broker.transport.port import Log, Record, TopicPartition
from nuncius.broker.transport.reading import read_up
from nuncius.schemas import Retry, SettingsError
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
    connection: Connection | None = None,
    folder_of_node: Path | None = None,
) -> Iterator[Any]:
    """Records of one stream, oldest first within a partition.

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
    connection
        How to connect to a Kafka cluster, where it is not open to everybody.
    folder_of_node
        Where the node of ``kafka:local`` lies; None for the user's data folder.

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
    log = _open(broker, topic, connection, folder_of_node)
    try:
        yield from _records(log, topic, since, last, until_end=until_end)
    finally:
        log.close()


def _open(broker: str | None, topic: str, connection: Connection | None, folder_of_node: Path | None) -> Log:
    address = find_address(broker, os.environ)
    match address:
        case LocalAddress(folder) if not (folder / FILE_NAME).is_file():
            raise NoBroker(f"no broker in {folder}; start one with: nuncius up --broker local:{folder}")
        case HttpAddress(url):
            raise SettingsError(f"over HTTP only the coincidences are streamed: curl -N {url}/coincidences/stream")
    try:
        log = open_address(
            address, utc_now, connection or Connection(), folder_of_node or node_folder(data_folder(os.environ))
        )
    except (NotRunning, Retry) as error:
        raise NoBroker(str(error)) from error
    try:
        log.partitions(topic)
    except SettingsError as error:
        log.close()
        raise NoBroker(f"the log at {shown(address)} is not ready yet; start a broker: nuncius up") from error
    return log


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
            tail = deque((data for records in read_up(reader) for data in _values(records)), maxlen=last)
            yield from map(_decoded, tail)
        if until_end:
            for records in read_up(reader):
                yield from map(_decoded, _values(records))
            return
        while True:
            yield from map(_decoded, _values(reader.poll(_POLL, _WAIT_S)))
    finally:
        reader.close()


def _values(records: Sequence[Record]) -> list[bytes]:
    return [record.value for record in records if record.value is not None]


def _decoded(data: bytes) -> Any:
    return decode(kind_of(data), data)
