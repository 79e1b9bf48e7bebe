"""What the log holds already: hashes and sources of packets, hashes of maps. The log is the state, this is its fold."""

from collections import Counter
from typing import Final

from nuncius.broker.services.fates import HEADER, SOURCE, Fate, Tally, from_header
from nuncius.broker.transport import topics
from nuncius.broker.transport.port import Log, Record, TopicPartition
from nuncius.broker.transport.reading import read_up

PACKET_TOPICS: Final = (
    topics.RAW_EVENTS.name,
    topics.RAW_CANDIDATES.name,
    topics.RAW_OTHER.name,
    topics.QUARANTINE.name,
)
"""Every packet leaves one record on one of these."""


Origin = tuple[str, str]
"""Source and sha256 of a packet."""


class Seen:
    """Grows with the log; reads only what is new since the last `catch_up`.

    ``hashes`` and ``maps`` are those of packets and sky maps on the log, ``readable`` those of packets that were not
    quarantined; ``packets`` counts how often each came from where.
    """

    def __init__(self, log: Log) -> None:
        self.hashes: set[str] = set()
        self.readable: set[str] = set()
        self.packets: Counter[Origin] = Counter()
        self.maps: set[str] = set()
        wanted = [
            TopicPartition(topic, p)
            for topic in (*PACKET_TOPICS, topics.MAPS.name)
            for p in range(log.partitions(topic))
        ]
        self._reader = log.reader({tp: log.start(tp) for tp in wanted})
        self.fates: dict[Fate, int] = {}

    def catch_up(self) -> None:
        """Fold every record that was acknowledged before this call."""
        for records in read_up(self._reader):
            for record in records:
                self._fold(record)

    def tally(self) -> Tally:
        """Counts of every packet's fate."""
        return Tally(Counter(self.fates), self.packets.total())

    def _fold(self, record: Record) -> None:
        key = (record.key or b"").decode()
        if record.topic == topics.MAPS.name:
            self.maps.add(key)
            return
        headers = dict(record.headers)
        if HEADER not in headers:
            return
        self.hashes.add(key)
        fates = from_header(headers[HEADER])
        if any(fate.word in ("alert", "not_an_alert") for fate in fates):
            self.readable.add(key)
        self.packets[headers.get(SOURCE, b"").decode(), key] += 1
        for fate in fates:
            self.fates[fate] = self.fates.get(fate, 0) + 1
