"""What each topic is for, in words: which records lie in it, and what their keys are."""

from dataclasses import dataclass
from typing import Final

from nuncius.broker.services.fates import HEADER, SOURCE, STREAM
from nuncius.broker.transport import topics
from nuncius.broker.transport.topics import Topic
from nuncius.schemas import (
    Alert,
    CandidateList,
    CandidateRow,
    Coincidence,
    Counterpart,
    Coverage,
    ObservationReport,
    Quarantined,
    StreamCheckpoint,
    StreamDefinition,
    StreamProgress,
    StreamRow,
    ToORequest,
    ToOStatus,
)

STREAM_NAME: Final = "{name}"
"""Stands for the name of a named stream."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """A topic as others see it.

    Parameters
    ----------
    topic
        Its name, partitions and retention.
    meaning
        What lies there, a sentence.
    key
        What records are keyed by, in words; for records of ours the field is named first.
    records
        Kinds of record; none where the values are bytes as they came.
    media_type
        Of those bytes.
    headers
        Name -> meaning.
    """

    topic: Topic
    meaning: str
    key: str
    records: tuple[type, ...] = ()
    media_type: str = "application/octet-stream"
    headers: tuple[tuple[str, str], ...] = ()


_CAME_ON: Final = (STREAM, "the stream that the packet came on, as its facility names it")
_RAW_HEADERS: Final = (
    (HEADER, "what became of the packet's records: alert, not_an_alert, duplicate or quarantined, joined by commas"),
    (SOURCE, "where the packet came from"),
    _CAME_ON,
)
_SHA256: Final = "sha256 of the bytes, hexadecimal"


def _raw(topic: Topic, meaning: str) -> Channel:
    return Channel(topic=topic, meaning=meaning, key=_SHA256, headers=_RAW_HEADERS)


CHANNELS: Final = (
    Channel(
        topic=topics.INBOX,
        meaning="Where facilities publish packets in their own formats.",
        key="anything; it is not read",
        headers=(_CAME_ON,),
    ),
    _raw(topics.RAW_EVENTS, "Packets of events as they came."),
    _raw(topics.RAW_CANDIDATES, "Packets of surveys as they came."),
    _raw(topics.RAW_OTHER, "What is no alert (pointings, tests of a stream, heartbeats) as it came."),
    Channel(topic=topics.MAPS, meaning="Sky maps, each once.", key=_SHA256, media_type="application/fits"),
    Channel(topic=topics.EVENTS, meaning="Alerts of events.", key="thread_id", records=(Alert,)),
    Channel(
        topic=topics.CANDIDATES, meaning="Alerts of surveys as slim rows.", key="thread_id", records=(CandidateRow,)
    ),
    Channel(
        topic=topics.COUNTERPARTS,
        meaning="Candidates in the region of an event, and where surveys looked there.",
        key="event_thread",
        records=(Counterpart, Coverage),
    ),
    Channel(
        topic=topics.COINCIDENCES,
        meaning="What belongs together and how surprising that is; every revision, the last one of an id holds.",
        key="coincidence_id of a Coincidence, list_id of a CandidateList",
        records=(Coincidence, CandidateList),
    ),
    Channel(
        topic=topics.QUARANTINE,
        meaning="What could not be read or came too late, and why.",
        key="sha256 of the packet; the alert's id where it came too late",
        records=(Quarantined,),
    ),
    Channel(topic=topics.HEARTBEATS, meaning="Signs of life, of no value to others.", key="none"),
    Channel(
        topic=topics.STREAMS,
        meaning="Definitions of named streams, and how far the broker has come with each; the last one of a key holds.",
        key="name of a StreamDefinition; keys that begin with '.' are the broker's own",
        records=(StreamDefinition, StreamProgress, StreamCheckpoint),
    ),
    Channel(
        topic=topics.TOO_REQUESTS,
        meaning="Requests to telescopes, every revision.",
        key="request_id",
        records=(ToORequest,),
    ),
    Channel(topic=topics.TOO_STATUS, meaning="What became of them.", key="request_id", records=(ToOStatus,)),
    Channel(
        topic=topics.OBSERVATIONS,
        meaning="Who looked where for which event; a later report of the same id replaces it.",
        key="thread_id",
        records=(ObservationReport,),
    ),
    Channel(
        topic=topics.stream_topic(STREAM_NAME),
        meaning="Rows of a named stream, in their order; begin, end, handover and skipped rows are told too.",
        key="none",
        records=(StreamRow,),
    ),
)
"""Every topic of a broker, and the topics of named streams as one."""
