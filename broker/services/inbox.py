"""The inbox: packets that facilities publish to a topic of the log, into ingest, each exactly once."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final

import numpy as np

from nuncius.broker.services.fates import STREAM
from nuncius.broker.services.ingest import Ingest
from nuncius.broker.services.reading import Reading
from nuncius.broker.transport import topics
from nuncius.broker.transport.port import Log, Record, TopicPartition, Transaction

GROUP: Final = "nuncius-ingest"
TEST: Final = "_test"
"""Header that hop-client puts on a message sent as a test; what the packet itself calls real is none then."""

_MOST: Final = 500

Read = Callable[[bytes, str, str, datetime], Reading]
"""A packet's bytes, stream, source and time of receipt into a reading."""


class Inbox:
    """One member of the group that reads the inbox.

    Parameters
    ----------
    log
        Read; written through ``ingest``, the offsets in the transaction of the packets.
    ingest
        Writes; closed with this.
    read
        Makes a reading of a packet.
    """

    name = "nuncius-inbox"

    def __init__(self, log: Log, ingest: Ingest, read: Read) -> None:
        self._log = log
        self._ingest = ingest
        self._read = read
        self._member = log.member(GROUP, [topics.INBOX.name])

    def work(self, timeout_s: float) -> int:
        """Take what has come; returns how many packets."""
        batch = self._member.poll(_MOST, timeout_s)
        if batch.assigned:
            for tp, at in self._member.committed().items():
                self._member.seek(tp, self._log.start(tp) if at is None else at.offset)
            return len(batch.assigned)
        if batch.records:
            self._take(batch.records)
        return len(batch.records)

    def caught_up(self) -> bool:
        """Whether all that was published has been taken."""
        return self._member.caught_up()

    def reopen(self) -> None:
        """Go back to the committed point, with a new writer."""
        self._member.close()
        self._ingest.reopen()
        self._member = self._log.member(GROUP, [topics.INBOX.name])

    def close(self) -> None:
        """Leave the group and give the writer back."""
        self._member.close()
        self._ingest.close()

    def _take(self, records: Sequence[Record]) -> None:
        places = {tp: self._member.position(tp) for tp in sorted({_partition(record) for record in records})}

        def also(tx: Transaction) -> None:
            for tp, position in places.items():
                tx.commit_offset(GROUP, tp, position)

        self._ingest.accept([self._reading(record) for record in records], also)

    def _reading(self, record: Record) -> Reading:
        headers = dict(record.headers)
        stream = headers.get(STREAM, b"").decode("utf-8", "backslashreplace")
        source = f"{record.topic}/{record.partition}/{record.offset}"
        reading = self._read(record.value or b"", stream, source, record.time)
        return _as_test(reading) if TEST in headers else reading


def _as_test(reading: Reading) -> Reading:
    """The same with everything real in it a test."""
    alerts = tuple(replace(a, reality="test") if a.reality == "real" else a for a in reading.alerts)
    batch = reading.rows
    if batch is not None:
        batch = replace(batch, reality=np.where(batch.reality == "real", "test", batch.reality).astype(object))
    return replace(reading, alerts=alerts, rows=batch)


def _partition(record: Record) -> TopicPartition:
    return TopicPartition(record.topic, record.partition)
