"""The topics of the log: names, partitions and how long each is kept.

Partition counts are fixed at creation (a key would change its partition otherwise); retention may change at any start.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class Topic:
    """One named stream of records.

    Parameters
    ----------
    name
        Letters, digits, ``.``, ``_`` and ``-``.
    partitions
        1 or more, fixed for ever.
    retention
        Age, by append time, beyond which records may be dropped; None keeps them for ever.
    compacted
        True where only the last record of each key need be kept; a record without a value then deletes its key.
    avro
        True where the values are records of ours in Avro; elsewhere they are bytes as received.
    """

    name: str
    partitions: int = 1
    retention: timedelta | None = None
    compacted: bool = False
    avro: bool = False


INBOX: Final = Topic(name="nuncius.inbox", partitions=8, retention=timedelta(days=30))
"""Where facilities publish packets in their own formats, for ingest. A header ``nuncius-stream`` names the stream."""

RAW_EVENTS: Final = Topic(name="nuncius.raw.events")
"""Packets of events, as received."""

RAW_CANDIDATES: Final = Topic(name="nuncius.raw.candidates", retention=timedelta(days=7))
"""Survey packets as received: 0.4 to 1.4 TB a night at Rubin's rate, the surveys keep their own archives."""

RAW_OTHER: Final = Topic(name="nuncius.raw.other", retention=timedelta(days=30))
"""What is no alert (pointings, slews, heartbeats, tests of a stream), as received."""

MAPS: Final = Topic(name="nuncius.maps")
"""Sky maps: FITS bytes keyed by their sha256 in hexadecimal."""

EVENTS: Final = Topic(name="nuncius.events", avro=True)
"""Normalised alerts of events, in one order for everybody."""

CANDIDATES: Final = Topic(name="nuncius.candidates", partitions=64, retention=timedelta(days=30), avro=True)
"""Slim rows keyed by ``thread_id``. Kept longer than any shipped look-back window (14 days)."""

COUNTERPARTS: Final = Topic(name="nuncius.counterparts", avro=True)
"""Candidates found for an event, and where surveys looked in its region; keyed by event."""

COINCIDENCES: Final = Topic(name="nuncius.coincidences", avro=True)
"""Coincidences and candidate lists with all their revisions."""

QUARANTINE: Final = Topic(name="nuncius.quarantine", retention=timedelta(days=90), avro=True)
"""What could not be read, and why."""

HEARTBEATS: Final = Topic(name="nuncius.heartbeats", retention=timedelta(days=1))
"""Signs of life, so that idle partitions advance in time."""

STREAMS: Final = Topic(name="nuncius.streams", compacted=True, avro=True)
"""Definitions of named streams, and how far each has come, keyed by name."""

TOO_REQUESTS: Final = Topic(name="nuncius.too.requests", avro=True)
"""Target-of-opportunity requests with all their revisions."""

TOO_STATUS: Final = Topic(name="nuncius.too.status", avro=True)
"""What became of them."""

OBSERVATIONS: Final = Topic(name="nuncius.observations", avro=True)
"""Who looked where for which event, ours and others'; keyed by event."""

TOPICS: Final = (
    INBOX,
    RAW_EVENTS,
    RAW_CANDIDATES,
    RAW_OTHER,
    MAPS,
    EVENTS,
    CANDIDATES,
    COUNTERPARTS,
    COINCIDENCES,
    QUARANTINE,
    HEARTBEATS,
    STREAMS,
    TOO_REQUESTS,
    TOO_STATUS,
    OBSERVATIONS,
)
"""Every topic of a broker."""


def stream_topic(name: str) -> Topic:
    """The topic of a named stream's rows: one partition, so that their order is one, kept a month."""
    return Topic(name=f"nuncius.stream.{name}", retention=timedelta(days=30), avro=True)
