"""Definitions of named streams: checked, then written where no other writer came in between."""

from collections.abc import Mapping
from typing import Final

from nuncius.broker.transport import topics
from nuncius.broker.transport.port import Fenced, Log
from nuncius.broker.transport.reading import read_all
from nuncius.consumers.opening import STREAMS
from nuncius.filters import FIELDS, NO_NAMES, Names, parse_filter
from nuncius.schemas import Quarantine, SettingsError, StreamDefinition
from nuncius.schemas.codec import decode, encode
from nuncius.schemas.stream import STREAM_NAME

MOST_PER_S: Final = 1000.0
"""Three times Rubin's mean rate of alerts (10 million a night of 8 hours is 350 a second)."""

LEAST_PER_S: Final = 1e-6
"""A row in twelve days: what is asked for less often needs no quota, and times in microseconds stay within 64 bits."""

MOST_STREAMS: Final = 2000
"""That are not deleted, where the broker's settings say nothing else."""

_MOST_CHARACTERS: Final = 500
"""Of an owner or a description: they stand in lists, one line each."""


def define(
    log: Log, definition: StreamDefinition, names: Names = NO_NAMES, most: int = MOST_STREAMS
) -> StreamDefinition:
    """Make, change, pause, resume or delete a stream: write the next revision of its definition.

    Parameters
    ----------
    log
        Written, and given the stream's topic.
    definition
        With ``revision`` one more than the one it was made from; 1 for a new name.
    names
        Named filters and regions that its filter may use.
    most
        Streams that there may be.

    Raises
    ------
    SettingsError
        If it cannot be used, is one too many, or somebody else changed the stream in between.
    """
    check(definition, names)
    writer = log.writer(f"nuncius-define-{definition.name}")
    try:
        every = last_definitions(log)
        last = every.get(definition.name)
        _check_order(definition, last)
        _check_number(definition, every, most)
        if last is None:
            log.create([topics.stream_topic(definition.name)])
        with writer.transaction() as tx:
            tx.send(topics.STREAMS.name, encode(definition), key=definition.name.encode())
    except Fenced as error:
        raise SettingsError(f"{definition.name}: somebody else changes it now; look at it and try again") from error
    finally:
        writer.close()
    return definition


def last_definition(log: Log, name: str) -> StreamDefinition | None:
    """The last definition of a stream that can be read here, a deleted one too; None where it never had one."""
    return last_definitions(log).get(name)


def last_definitions(log: Log) -> dict[str, StreamDefinition]:
    """The last definition of every stream that can be read here, deleted ones too, by name."""
    found: dict[str, StreamDefinition] = {}
    for record in read_all(log, topics.STREAMS.name):
        if record.value is None or record.key is None or record.key.startswith(b"."):
            continue
        try:
            found[record.key.decode(errors="replace")] = decode(StreamDefinition, record.value)
        except Quarantine:
            continue
    return found


def check(definition: StreamDefinition, names: Names = NO_NAMES) -> None:
    """Whether a definition can be used, by itself.

    Raises
    ------
    SettingsError
        With what is wrong, and what to write instead; a `FilterError` where it is the filter.
    """
    name = definition.name
    check_name(name)
    if not LEAST_PER_S <= definition.quota_per_s <= MOST_PER_S:
        raise SettingsError(
            f"{name}: quota {definition.quota_per_s:g} rows a second; from {LEAST_PER_S:g} to {MOST_PER_S:g}"
        )
    for what in ("owner", "description"):
        text = getattr(definition, what)
        if len(text) > _MOST_CHARACTERS or not (text.isprintable() or not text):
            raise SettingsError(f"{name}: {what}: one line of at most {_MOST_CHARACTERS} characters")
    unknown = [field for field in definition.include if field not in FIELDS[definition.table]]
    if unknown:
        known = ", ".join(FIELDS[definition.table])
        raise SettingsError(f"{name}: {definition.table} have no field {unknown[0]!r} to include; they have {known}")
    if definition.state != "deleted" and definition.filter:
        parse_filter(definition.filter, definition.table, names)


def check_name(name: str) -> None:
    """Whether a stream can have the name; what else looks like one may be a path to something else.

    Raises
    ------
    SettingsError
        If it cannot.
    """
    if STREAM_NAME.fullmatch(name) is None:
        raise SettingsError(f"stream name {name[:70]!r}: 1 to 63 lower-case letters, digits and -, no - in front")


def _check_order(definition: StreamDefinition, last: StreamDefinition | None) -> None:
    name, wanted = definition.name, 1 if last is None else last.revision + 1
    if last is None and definition.state == "deleted":
        raise SettingsError(f"{name}: no such stream; see: nuncius streams list")
    if last is None and name in STREAMS:
        raise SettingsError(f"{name}: whoever subscribes to {name} gets what every broker has under it; another name")
    if definition.revision != wanted:
        raise SettingsError(
            f"{name}: this would be revision {definition.revision}, but revision {wanted} comes next: the stream was"
            " changed in between, look at it and try again"
        )
    if last is not None and last.table != definition.table:
        raise SettingsError(f"{name}: selects from {last.table}; for {definition.table} make a stream of another name")


def _check_number(definition: StreamDefinition, every: Mapping[str, StreamDefinition], most: int) -> None:
    others = sum(one.state != "deleted" for name, one in every.items() if name != definition.name)
    last = every.get(definition.name)
    is_new = last is None or last.state == "deleted"
    if is_new and definition.state != "deleted" and others >= most:
        raise SettingsError(
            f"{definition.name}: there are {others} streams, as many as this broker takes; delete one that nobody reads"
            " (nuncius streams list), or set most under [streams] in nuncius.toml"
        )
