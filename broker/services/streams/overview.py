"""What is to be said of every stream: its definition, what it published, and how far behind it is."""

from datetime import datetime
from typing import Literal, NamedTuple

from nuncius.broker.services.streams.selecting import TOPIC_OF
from nuncius.broker.services.streams.state import Kept, kept
from nuncius.broker.transport.port import Log, TopicPartition
from nuncius.broker.transport.position import from_token
from nuncius.schemas import StreamDefinition, StreamProgress

ViewState = Literal["active", "paused", "deleted", "broken", "waiting"]
"""As defined; ``broken`` cannot be used here, ``waiting`` was not taken up yet."""


class StreamView(NamedTuple):
    """One stream as a person sees it.

    Parameters
    ----------
    name
        Of the stream.
    definition
        The last one that can be read here; None where there is none.
    state
        What became of it.
    published, skipped
        Rows written, and rows beyond the quota.
    behind
        Offsets of its table that it has yet to be held against, its back-fill left out; None before the service
        first ran.
    past, past_end
        Where the back-fill stands and ends; empty where none is under way.
    last_time
        When the log took the last record that it selected live, UTC.
    detail
        Why it is broken.
    """

    name: str
    definition: StreamDefinition | None
    state: ViewState
    published: int = 0
    skipped: int = 0
    behind: int | None = None
    past: str = ""
    past_end: str = ""
    last_time: datetime | None = None
    detail: str = ""


def overview(log: Log) -> tuple[StreamView, ...]:
    """Every stream that was not deleted, by name; one whose definition cannot be read here, too."""
    found = kept(log)
    behind = {table: _behind(log, topic, found) for table, topic in TOPIC_OF.items()}
    views = []
    for name in sorted({*found.definitions, *found.unreadable}):
        definition, progress = found.definitions.get(name), found.progress.get(name)
        detail = found.unreadable.get(name, "") or ("" if progress is None else progress.broken)
        if definition is not None and definition.state == "deleted" and not detail:
            continue
        view = StreamView(name, definition, _state(definition, progress, detail), detail=detail)
        if definition is not None:
            view = view._replace(behind=behind[definition.table])
        if progress is not None:
            view = view._replace(
                published=progress.published,
                skipped=progress.skipped,
                past=progress.past,
                past_end=progress.past_end,
                last_time=progress.last_time,
            )
        views.append(view)
    return tuple(views)


def _state(definition: StreamDefinition | None, progress: StreamProgress | None, detail: str) -> ViewState:
    if detail or definition is None:
        return "broken"
    if progress is None or progress.definition != definition:
        return "waiting"
    return definition.state


def _behind(log: Log, topic: str, found: Kept) -> int | None:
    token = "" if found.checkpoint is None else found.checkpoint.positions.get(topic, "")
    if not token:
        return None
    return sum(max(0, log.end(TopicPartition(topic, number)) - at) for number, at in from_token(token).items())
