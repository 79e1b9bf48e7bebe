"""Reading what lies before a stream, in slices, so that what is new never waits for more than one of them."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from nuncius.broker.transport import topics
from nuncius.broker.transport.port import Log, Reader, Record, TopicPartition
from nuncius.broker.transport.position import from_token, to_token
from nuncius.broker.transport.reading import read_up
from nuncius.schemas import Quarantine, StreamProgress, StreamRow
from nuncius.schemas.codec import decode

SLICES_A_TURN: Final = 20
"""Of one stream before the next one's turn: each turn opens a reader, a tenth of a second on Kafka."""


def span_of(log: Log, here: Mapping[TopicPartition, int], since: datetime) -> tuple[str, str]:
    """From the first record taken at or after ``since`` up to ``here`` (exclusive), as two positions."""
    start = {tp.partition: min(log.offset_at(tp, since), end) for tp, end in here.items()}
    return to_token(start), _token(here)


def earlier(before: str, start: str) -> str:
    """Where a back-fill starts that is to take in another one."""
    one, two = from_token(before or start), from_token(start)
    return to_token({number: min(at, one.get(number, at)) for number, at in two.items()})


def later(before: str, end: str) -> str:
    """Where a back-fill ends that is to take in another one."""
    one, two = from_token(before or end), from_token(end)
    return to_token({number: max(at, one.get(number, at)) for number, at in two.items()})


class Past:
    """Back-fills under way; holds one reader, that of the stream whose turn it was."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self._reader: Reader | None = None
        self._stands: tuple[str, str] = ("", "")
        self._last = ""
        self._slices = 0
        self._topic: Reader | None = None
        self._topic_of = ""
        self._published: set[tuple[int, int]] = set()

    def turn(self, waiting: Sequence[str]) -> str:
        """Whose turn it is; ``waiting`` sorted. A turn is several slices that brought something.

        On Kafka a new reader brings nothing at once: to give it up then, for the next stream's, would never end.
        """
        if self._last in waiting and self._slices < SLICES_A_TURN:
            return self._last
        self._slices = 0
        self._last = next((name for name in waiting if name > self._last), waiting[0])
        return self._last

    def slice(self, name: str, topic: str, progress: StreamProgress, most: int) -> tuple[tuple[Record, ...], str, bool]:
        """The next records of a back-fill, the position after them, and whether that is its end."""
        end = from_topic(topic, progress.past_end)
        if self._reader is None or self._stands != (name, progress.past):
            self._turn_over()
            start = from_topic(topic, progress.past)
            self._reader = self._log.reader({tp: at for tp, at in start.items() if at < end[tp]})
        reader = self._reader
        unread = [tp for tp, at in from_topic(topic, progress.past).items() if at < end[tp]]
        records = reader.poll(most, 0.0) if unread else ()
        inside = tuple(r for r in records if r.offset < end[TopicPartition(r.topic, r.partition)])
        after = {tp.partition: at for tp, at in from_topic(topic, progress.past).items()}
        after |= {tp.partition: min(reader.position(tp), end[tp]) for tp in unread}
        at = to_token(after)
        self._slices += at != progress.past
        self._stands = (name, at)
        return inside, at, all(after[tp.partition] >= stop for tp, stop in end.items())

    def published(self, name: str) -> set[tuple[int, int]]:
        """Partition and offset of every record that the stream has had: its own topic remembers them."""
        if self._topic is None or self._topic_of != name:
            if self._topic is not None:
                self._topic.close()
            tp = TopicPartition(topics.stream_topic(name).name, 0)
            self._topic, self._topic_of = self._log.reader({tp: self._log.start(tp)}), name
            self._published = set()
        for records in read_up(self._topic):
            for record in records:
                try:
                    row = decode(StreamRow, record.value or b"")
                except Quarantine:
                    continue
                if row.kind == "row":
                    self._published.add((row.partition, row.offset))
        return self._published

    def close(self) -> None:
        """Give back the readers. Twice is allowed."""
        self._turn_over()
        if self._topic is not None:
            self._topic.close()
            self._topic = None

    def _turn_over(self) -> None:
        if self._reader is not None:
            self._reader.close()
            self._reader = None


def from_topic(topic: str, token: str) -> dict[TopicPartition, int]:
    """A position as one of a topic's partitions."""
    return {TopicPartition(topic, number): at for number, at in from_token(token).items()}


def _token(here: Mapping[TopicPartition, int]) -> str:
    return to_token({tp.partition: at for tp, at in here.items()})
