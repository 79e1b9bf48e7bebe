"""The demo: acts of history through the whole road, at a stated speed, with what the broker says as it says it."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from nuncius.broker.services.ingest import Ingest
from nuncius.broker.services.lines import as_text
from nuncius.broker.services.packets import Packet
from nuncius.broker.services.reading import Parse, Reading, read
from nuncius.broker.transport import topics
from nuncius.broker.transport.port import Log, TopicPartition
from nuncius.broker.transport.reading import read_up
from nuncius.producers.facility import Context
from nuncius.producers.simulation import Act, TimedPacket
from nuncius.schemas.codec import decode, kind_of

TOGETHER: Final = timedelta(minutes=5)
"""Packets of a survey that came within this time of the first are handed in together."""

LONGEST_WAIT_S: Final = 0.5
"""A longer silence is jumped over, and said."""

_TOLD: Final = (topics.QUARANTINE.name, topics.COINCIDENCES.name, topics.TOO_REQUESTS.name)
"""In the order of the road: a request comes after its cause."""


@dataclass(frozen=True, slots=True)
class Stage:
    """What the demo plays on.

    Parameters
    ----------
    log, ingest, work, parse
        The road; ``work`` does all there is to do behind ingest.
    speed
        Seconds of history a second; longer silences than `LONGEST_WAIT_S` are jumped over.
    wait
        Waits so many seconds.
    say
        Takes one line for the spectator.
    step
        Told how many packets went by.
    """

    log: Log
    ingest: Ingest
    work: Callable[[], None]
    parse: Parse
    speed: float
    wait: Callable[[float], object]
    say: Callable[[str], None]
    step: Callable[[int], None]


def play(stage: Stage, act: Act, number: int) -> None:
    """Play one act."""
    news = _News(stage.log)
    previous: datetime | None = None
    unrelated = 0
    for index, group in _groups(act.packets):
        if _let_time_pass(stage, previous, group[0].issue_time, unrelated):
            unrelated = 0
        previous = group[-1].issue_time
        for packet in group:
            if "unrelated" in packet.label:
                unrelated += 1
            else:
                stage.say(f"[dim]{packet.issue_time:%Y-%m-%d %H:%M:%S}[/]  {packet.label}")
        readings = [
            _reading(packet, f"act {number}/{index + i:04d} {packet.stream}", act.skymaps, stage.parse)
            for i, packet in enumerate(group)
        ]
        stage.ingest.accept(readings)
        stage.work()
        stage.step(len(group))
        for line in news.lines():
            stage.say(f"    [bold]-> {line}[/]")


def _reading(packet: TimedPacket, source: str, skymaps: Mapping[str, bytes], parse: Parse) -> Reading:
    context = Context(
        stream=packet.stream, source=source, received_time=packet.issue_time, run_mode="demo", skymaps=skymaps
    )
    return read(Packet(packet.payload, source, packet.stream, packet.issue_time), context, parse)


def _groups(packets: Sequence[TimedPacket]) -> Iterator[tuple[int, Sequence[TimedPacket]]]:
    start = 0
    for end in range(1, len(packets) + 1):
        first = packets[start]
        if (
            end == len(packets)
            or packets[end].stream != first.stream
            or (packets[end].issue_time - first.issue_time > TOGETHER)
        ):
            yield start, packets[start:end]
            start = end


def _let_time_pass(stage: Stage, previous: datetime | None, now: datetime, unrelated: int) -> bool:
    """Wait, or jump a long silence; True where that was said, with how many unrelated packets came before it."""
    if previous is None:
        return False
    gap = now - previous
    wait_s = gap.total_seconds() / stage.speed
    jumped = wait_s > LONGEST_WAIT_S
    if jumped:
        crowd = f"{unrelated} unrelated survey alerts; " if unrelated else ""
        stage.say(f"[dim]… {crowd}{_words(gap)} later[/]")
    stage.wait(min(max(wait_s, 0.0), LONGEST_WAIT_S))
    return jumped


def _words(gap: timedelta) -> str:
    hours = gap.total_seconds() / 3600
    return f"{hours:.1f} hours" if hours < 48 else f"{hours / 24:.1f} days"


class _News:
    """What the broker published since the last look."""

    def __init__(self, log: Log) -> None:
        tps = [TopicPartition(name, 0) for name in _TOLD]
        self._reader = log.reader({tp: log.end(tp) for tp in tps})

    def lines(self) -> Iterator[str]:
        """One line a record; of an id that changed several times only the last."""
        last: dict[tuple[str, bytes], bytes] = {}
        for records in read_up(self._reader):
            for record in records:
                last[record.topic, record.key or b""] = record.value or b""
        for _, data in sorted(last.items(), key=lambda item: _TOLD.index(item[0][0])):
            yield as_text(decode(kind_of(data), data)).replace("[", "\\[")
