"""How many records of the past a filter selects."""

from collections.abc import Mapping
from datetime import datetime

from nuncius.broker.services.maps import MapShelf
from nuncius.broker.services.streams.held import decoded, held
from nuncius.broker.services.streams.places import EventPlaces
from nuncius.broker.services.streams.selecting import TOPIC_OF, Selector, selections
from nuncius.broker.transport.port import Log, TopicPartition
from nuncius.broker.transport.reading import read_all, read_up
from nuncius.filters import NO_NAMES, Area, Names, parse_filter
from nuncius.schemas import StreamDefinition
from nuncius.schemas.vocabulary import StreamTable


def count(
    log: Log,
    text: str,
    table: StreamTable,
    since: datetime,
    names: Names = NO_NAMES,
    regions: Mapping[str, Area] | None = None,
) -> tuple[int, int]:
    """Selected, and all that can be read, of what the log took at or after ``since``; events as they are known now.

    Raises
    ------
    FilterError
        If it is no filter of the table.
    """
    checked = parse_filter(text, table, names)
    selector = Selector(StreamDefinition(name="", table=table, filter=text, changed_time=since), checked)
    places = EventPlaces(MapShelf(log), regions or {})
    if selector.follows_events:
        for item in decoded("alerts", tuple(read_all(log, TOPIC_OF["alerts"]))):
            places.take(item.value)
    topic = TOPIC_OF[table]
    every = [TopicPartition(topic, number) for number in range(log.partitions(topic))]
    reader = log.reader({tp: log.offset_at(tp, since) for tp in every})
    hits = total = 0
    try:
        for records in read_up(reader, 5000):
            here = held(table, records)
            total += len(here)
            hits += sum(len(found) for _, found in selections([selector], here, places))
    finally:
        reader.close()
    return hits, total
