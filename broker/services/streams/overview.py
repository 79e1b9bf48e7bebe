"""What is to be said of every stream: its definition, what it published, and how far behind it is."""

from datetime import datetime
from typing import Literal, NamedTuple

from nuncius.broker.services.streams.selecting import TOPIC_OF
from nuncius.broker.services.streams.state import kept
from nuncius.broker.transport.port import Log, TopicPartition
from nuncius.broker.transport.position import from_token
from nuncius.schemas import StreamDefinition

ViewState = Literal["active", "paused", "deleted", "broken", "waiting"]
"""As defined; ``broken`` cannot be used here, ``waiting`` was not taken up yet."""


class StreamView(NamedTuple):
    """One stream as a person sees it.

    Parameters
    ----------
    definition
        The last one.
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

    definition: StreamDefinition
    state: ViewState
    published: int = 0
    skipped: int = 0
    behind: int | None = None
    past: str = ""
    past_end: str = ""
    last_time: datetime | None = None
    detail: str = ""


def overview(log: Log) -> tuple[StreamView, ...]:
    """Every stream that was not deleted, by name."""
    found = kept(log)
    views = []
    for name, definition in sorted(found.definitions.items()):
        progress = found.progress.get(name)
        detail = found.unreadable.get(name, "") or ("" if progress is None else progress.broken)
        if definition.state == "deleted" and not detail:
            continue
        state: ViewState = definition.state
        if detail:
            state = "broken"
        elif progress is None or progress.definition.revision < definition.revision:
            state = "waiting"
        topic = TOPIC_OF[definition.table]
        token = "" if found.checkpoint is None else found.checkpoint.positions.get(topic, "")
        behind = _behind(log, topic, token) if token else None
        view = StreamView(definition, state, behind=behind, detail=detail)
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


def _behind(log: Log, topic: str, token: str) -> int:
    return sum(max(0, log.end(TopicPartition(topic, number)) - at) for number, at in from_token(token).items())
