"""Whether the services of a log are through with it, wherever they run: told by what they committed."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from nuncius.broker.services import associating, delivering, matching, planning
from nuncius.broker.services.doctor import Finding
from nuncius.broker.transport import topics
from nuncius.broker.transport.port import Log, TopicPartition
from nuncius.broker.transport.reading import read_up
from nuncius.consumers.recorder import Recorder
from nuncius.schemas import Retry, SettingsError

EVENTS: Final = TopicPartition(topics.EVENTS.name, 0)

CHECK_S: Final = 0.2
"""How often it is looked."""

_SAY_AFTER_S: Final = 15.0


@dataclass(frozen=True, slots=True)
class Stage:
    """A service as the log sees it.

    Parameters
    ----------
    command
        How it is started.
    group, topics
        Its consumer group, and what that reads.
    notes_events
        Whether the notes of its offsets say how far it has come in the events.
    """

    command: str
    group: str
    topics: tuple[str, ...]
    notes_events: bool = False


ROAD: Final = (
    Stage("match", matching.GROUP, (topics.CANDIDATES.name,), notes_events=True),
    Stage("associate", associating.GROUP, associating.TOPICS),
    *(Stage("too", group, planning.TOPICS) for group in planning.GROUPS.values()),
    Stage("too", delivering.group_of(Recorder.name), (topics.TOO_REQUESTS.name,)),
)
"""In the order of the road: what one writes only those after it read."""


def settle(log: Log, say: Callable[[str], object], wait: Callable[[float], object]) -> None:
    """Return when every service, wherever it runs, is through with all that was acknowledged before this call.

    Parameters
    ----------
    log
        Read only.
    say
        Told which service nobody runs, again and again until somebody does.
    wait
        Waits so many seconds.
    """
    for stage in ROAD:
        waited = 0.0
        while not _through(log, stage, say):
            wait(CHECK_S)
            waited += CHECK_S
            if waited > _SAY_AFTER_S:
                waited = 0.0
                if not log.members(stage.group):
                    say(f"nobody works as {stage.group}; start one: nuncius {stage.command} --broker ADDRESS")


def refuse_company(log: Log, wait: Callable[[float], object]) -> None:
    """Return when no service works on the log; those that have just been killed are waited for.

    Raises
    ------
    SettingsError
        If one does: it has partitions that this process then would not get.
    """
    left_s = log.session_s
    while at_work := _at_work(log, ROAD):
        if left_s <= 0:
            raise SettingsError(
                f"another process works on this log ({', '.join(at_work)}); stop it first, or leave the work to it:"
                " --feed-only, or nuncius publish"
            )
        wait(CHECK_S)
        left_s -= CHECK_S


def examine_work(log: Log) -> Iterator[Finding]:
    """Services that were at work on a log, are no more, and have something left to do."""
    for stage in dict.fromkeys(ROAD):
        if not log.members(stage.group) and _was_at_work(log, stage) and not _has_read_all(log, stage):
            mend = f"start it with nuncius {stage.command}, or nuncius up"
            yield Finding(stage.group, "wrong", f"nobody works, and records wait: {mend}")


def _was_at_work(log: Log, stage: Stage) -> bool:
    tps = [TopicPartition(topic, number) for topic in stage.topics for number in range(log.partitions(topic))]
    return any(at is not None for at in log.all_committed(stage.group, tps).values())


def _at_work(log: Log, stages: Sequence[Stage]) -> list[str]:
    return [stage.group for stage in stages if log.members(stage.group)]


def _through(log: Log, stage: Stage, say: Callable[[str], object]) -> bool:
    try:
        return _has_read_all(log, stage)
    except Retry as error:
        say(f"{error}; trying again")
        return False


def places_of(log: Log, stage: Stage) -> dict[TopicPartition, int]:
    """How far a service has come, by what it committed: the next offset of each partition that it reads."""
    tps = [TopicPartition(topic, number) for topic in stage.topics for number in range(log.partitions(topic))]
    found = log.all_committed(stage.group, tps)
    starts = log.starts([*tps, EVENTS])
    places = {tp: starts[tp] if at is None else at.offset for tp, at in found.items()}
    if stage.notes_events:
        noted = [int(at.metadata) if at is not None and at.metadata else starts[EVENTS] for at in found.values()]
        places[EVENTS] = min(noted)
    return places


def _has_read_all(log: Log, stage: Stage) -> bool:
    reader = log.reader(places_of(log, stage))
    try:
        return next(read_up(reader, 1), None) is None
    finally:
        reader.close()
