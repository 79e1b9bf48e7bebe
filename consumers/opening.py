"""From an address and a stream's name to an open log, with a plain word where there is none."""

import os
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from nuncius.broker.transport import topics
from nuncius.broker.transport.address import Address, LocalAddress, data_folder, node_folder, shown
from nuncius.broker.transport.clock import utc_now
from nuncius.broker.transport.kafka.cluster import Connection
from nuncius.broker.transport.local_file import FILE_NAME
from nuncius.broker.transport.opening import NotRunning, open_address
from nuncius.broker.transport.port import Log
from nuncius.schemas import Retry, SettingsError

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

_NAME: Final = re.compile(r"[a-z0-9-]{1,100}")


class NoBrokerError(SettingsError):
    """Nothing has written a log there yet; a broker that is just starting will."""


def open_broker(address: Address, connection: Connection | None, folder_of_node: Path | None) -> Log:
    """The log of a broker.

    Raises
    ------
    NoBrokerError
        If there is none (yet).
    """
    if isinstance(address, LocalAddress) and not (address.folder / FILE_NAME).is_file():
        raise NoBrokerError(
            f"no broker in {address.folder}; start one with: nuncius up --broker local:{address.folder}"
        )
    try:
        log = open_address(
            address, utc_now, connection or Connection(), folder_of_node or node_folder(data_folder(os.environ))
        )
    except (NotRunning, Retry) as error:
        raise NoBrokerError(str(error)) from error
    try:
        log.partitions(topics.EVENTS.name)
    except SettingsError as error:
        log.close()
        raise NoBrokerError(f"the log at {shown(address)} is not ready yet; start a broker: nuncius up") from error
    return log


def open_stream(address: Address, what: str, connection: Connection | None, folder_of_node: Path | None) -> Log:
    """The log that has a stream.

    Raises
    ------
    NoBrokerError
        If there is no broker (yet).
    SettingsError
        If it has no such stream.
    """
    if what not in STREAMS:
        missing = isinstance(address, LocalAddress) and not (address.folder / FILE_NAME).is_file()
        if missing or _NAME.fullmatch(what) is None:
            raise _no_stream(what)
    log = open_broker(address, connection, folder_of_node)
    try:
        log.partitions(topic_of(what))
    except SettingsError as error:
        log.close()
        raise _no_stream(what) from error
    return log


def topic_of(what: str) -> str:
    """The topic of a stream, named by its owner or not."""
    return (STREAMS[what] if what in STREAMS else topics.stream_topic(what)).name


def moment_of(time: datetime | str | None, name: str) -> datetime | None:
    """An aware time; UTC where a text names no offset.

    Raises
    ------
    SettingsError
        If it is none, with the parameter's name.
    """
    if time is None or isinstance(time, datetime):
        if time is not None and time.tzinfo is None:
            raise SettingsError(f"{name} {time.isoformat()} has no time zone: give an aware time, or text")
        return time
    try:
        moment = datetime.fromisoformat(time)
    except ValueError as error:
        raise SettingsError(f"{name} {time[:40]!r}: no time; write 2026-11-23 or 2026-11-23T12:00:00Z") from error
    return moment.replace(tzinfo=moment.tzinfo or UTC)


def _no_stream(what: str) -> SettingsError:
    return SettingsError(
        f"no such stream: {what}; there are {', '.join(STREAMS)}, and the named ones: nuncius streams list"
    )
