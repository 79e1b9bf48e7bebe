"""Reading what lies before a committed point, to build state from the log again."""

from collections.abc import Iterator, Mapping

from nuncius.broker.transport.port import Log, Record, TopicPartition
from nuncius.broker.transport.reading import read_to

_STEP = 1000


def fold(log: Log, spans: Mapping[TopicPartition, tuple[int, int]]) -> Iterator[tuple[Record, ...]]:
    """Records of each partition from its first offset (inclusive) up to its second (exclusive), in batches of one or
    more.
    """
    wanted = {tp: span for tp, span in spans.items() if span[0] < span[1]}
    if not wanted:
        return
    reader = log.reader({tp: start for tp, (start, _) in wanted.items()})
    try:
        for records in read_to(reader, {tp: stop for tp, (_, stop) in wanted.items()}, _STEP):
            before = tuple(r for r in records if r.offset < wanted[TopicPartition(r.topic, r.partition)][1])
            if before:
                yield before
    finally:
        reader.close()
