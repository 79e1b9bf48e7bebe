"""Named streams from Python: selections that the broker makes at the source, by the words of `subscribe`."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from nuncius.broker.transport.clock import utc_now
from nuncius.broker.transport.kafka.cluster import Connection
from nuncius.consumers.opening import moment_of
from nuncius.consumers.stream_owner import changed, desk_at
from nuncius.filters import NO_NAMES, Names
from nuncius.schemas import SettingsError, StreamDefinition
from nuncius.schemas.vocabulary import StreamTable


def create_stream(
    name: str,
    *,
    table: StreamTable = "candidates",
    filter: str = "",  # noqa: A002  what a filter is called everywhere else
    include: Sequence[str] = (),
    since: datetime | str | None = None,
    owner: str = "",
    description: str = "",
    quota_per_s: float = 50.0,
    broker: str | None = None,
    names: Names = NO_NAMES,
    connection: Connection | None = None,
    folder_of_node: Path | None = None,
) -> StreamDefinition:
    """Make a named stream: the broker publishes what a filter selects, and ``subscribe(name)`` reads it.

    ``subscribe("candidates", filter=…)`` selects where it runs, or over HTTP for as long as it runs; a named stream is
    selected once for all who read it, is kept by the broker, and can be read by any Kafka client.

    Parameters
    ----------
    name
        Lower-case letters, digits and ``-``.
    table
        ``alerts``, ``candidates`` or ``coincidences``.
    filter
        As in `subscribe`; empty selects everything.
    include
        Fields that every row carries.
    since
        Back-fill from records that the log took at or after this time: aware, or ISO 8601 text; None for what comes.
    owner, description
        Who wants it, and what for: one line each.
    quota_per_s
        Most rows a second, as a mean over a minute.
    broker, connection, folder_of_node
        As in `subscribe`. Over HTTP a broker may ask for the token of its ``$NUNCIUS_HTTP_TOKEN``; set it here, too.
    names
        Named filters and regions that the filter may use; over HTTP the broker has its own.

    Returns
    -------
    StreamDefinition
        As it was written.

    Raises
    ------
    SettingsError
        If there is such a stream already, if it cannot be used (a `nuncius.filters.FilterError` where it is the filter
        and the log is at hand), or if there is no broker.
    """
    definition = StreamDefinition(
        name=name,
        table=table,
        filter=filter,
        include=tuple(include),
        since=moment_of(since, "since"),
        owner=owner,
        description=description,
        quota_per_s=quota_per_s,
        changed_time=utc_now(),
    )
    with desk_at(broker, names, connection, folder_of_node) as desk:
        if desk.last(name) is not None:
            raise SettingsError(
                f"{name}: there is such a stream already; change it with edit_stream, or take another name"
            )
        return desk.write(definition, None)


def edit_stream(
    name: str,
    *,
    filter: str | None = None,  # noqa: A002  as above
    include: Sequence[str] | None = None,
    since: datetime | str | None = None,
    owner: str | None = None,
    description: str | None = None,
    quota_per_s: float | None = None,
    broker: str | None = None,
    names: Names = NO_NAMES,
    connection: Connection | None = None,
    folder_of_node: Path | None = None,
) -> StreamDefinition:
    """Change what is given, and leave the rest: a new revision; the old one ends cleanly. See `create_stream`."""
    said = {
        "filter": filter,
        "include": None if include is None else tuple(include),
        "since": moment_of(since, "since"),
        "owner": owner,
        "description": description,
        "quota_per_s": quota_per_s,
    }
    with desk_at(broker, names, connection, folder_of_node) as desk:
        return changed(desk, name, {field: value for field, value in said.items() if value is not None})


def pause_stream(
    name: str,
    *,
    broker: str | None = None,
    names: Names = NO_NAMES,
    connection: Connection | None = None,
    folder_of_node: Path | None = None,
) -> StreamDefinition:
    """Stop a stream; what comes meanwhile is not selected. See `create_stream`."""
    with desk_at(broker, names, connection, folder_of_node) as desk:
        return changed(desk, name, {"state": "paused"})


def resume_stream(
    name: str,
    *,
    broker: str | None = None,
    names: Names = NO_NAMES,
    connection: Connection | None = None,
    folder_of_node: Path | None = None,
) -> StreamDefinition:
    """Let a paused stream go on, from now. See `create_stream`."""
    with desk_at(broker, names, connection, folder_of_node) as desk:
        return changed(desk, name, {"state": "active"})


def delete_stream(
    name: str, *, broker: str | None = None, connection: Connection | None = None, folder_of_node: Path | None = None
) -> StreamDefinition:
    """End a stream; its rows stay for the time that rows are kept. See `create_stream`."""
    with desk_at(broker, NO_NAMES, connection, folder_of_node) as desk:
        return changed(desk, name, {"state": "deleted"})
