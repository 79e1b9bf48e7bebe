"""Whoever owns a named stream: its definition looked up and written, on a log or over HTTP."""

import os
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, Protocol

from nuncius.broker.transport.address import HttpAddress, find_address
from nuncius.broker.transport.clock import utc_now
from nuncius.broker.transport.kafka.cluster import Connection
from nuncius.broker.transport.port import Log
from nuncius.consumers.defining import define, last_definition
from nuncius.consumers.opening import open_broker
from nuncius.filters import Names
from nuncius.schemas import SettingsError, StreamDefinition

VARIABLE: Final = "NUNCIUS_HTTP_TOKEN"
"""Variable that holds what a broker asks of those who change its streams over HTTP."""


class Desk(Protocol):
    """Where definitions are kept."""

    def last(self, name: str) -> StreamDefinition | None:
        """The definition that holds; None where there is none, or it was deleted."""

    def write(self, definition: StreamDefinition, before: StreamDefinition | None) -> StreamDefinition:
        """Write a definition in place of the one it was made from; the one that was written.

        Raises
        ------
        SettingsError
            If it cannot be used, or somebody else changed the stream in between.
        """


class LogDesk:
    """Definitions on a log.

    Parameters
    ----------
    log
        Read and written.
    names
        Named filters and regions that filters may use.
    """

    def __init__(self, log: Log, names: Names) -> None:
        self._log = log
        self._names = names

    def last(self, name: str) -> StreamDefinition | None:
        """The definition that holds."""
        found = last_definition(self._log, name)
        return None if found is None or found.state == "deleted" else found

    def write(self, definition: StreamDefinition, before: StreamDefinition | None) -> StreamDefinition:
        """Write the next one."""
        buried = last_definition(self._log, definition.name) if before is None else before
        if before is None and buried is not None and buried.state != "deleted":
            raise SettingsError(f"{definition.name}: somebody else has just made it; look at it and try again")
        number = 1 if buried is None else buried.revision + 1
        return define(self._log, replace(definition, revision=number, changed_time=utc_now()), self._names)


@contextmanager
def desk_at(
    broker: str | None, names: Names, connection: Connection | None, folder_of_node: Path | None
) -> Iterator[Desk]:
    """The desk of a broker, by its address; see `nuncius.consumers.subscribe`.

    Raises
    ------
    SettingsError
        If there is no broker, or more must be installed to reach it.
    """
    address = find_address(broker, os.environ)
    if not isinstance(address, HttpAddress):
        with closing(open_broker(address, connection, folder_of_node)) as log:
            yield LogDesk(log, names)
        return
    if names.filters or names.regions:
        raise SettingsError(f"{address.url}: over HTTP filters use the broker's own names; leave `names` out")
    try:
        from nuncius.consumers.http_desk import HttpDesk  # noqa: PLC0415  httpx is in the extra `client`
    except ModuleNotFoundError as error:
        raise SettingsError(f"{address.url}: this needs more: pip install 'nuncius[client]'") from error
    with closing(HttpDesk(address.url, os.environ.get(VARIABLE, ""))) as desk:
        yield desk


def changed(desk: Desk, name: str, given: dict[str, Any]) -> StreamDefinition:
    """Write a stream's definition with other values."""
    before = desk.last(name)
    if before is None:
        raise SettingsError(f"{name}: no such stream; see: nuncius streams list")
    return desk.write(replace(before, **given), before)
