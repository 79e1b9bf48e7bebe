"""Causes, requests, and what is said of them, onto a log."""

from typing import Final

from nuncius.broker.transport import topics
from nuncius.broker.transport.port import Log
from nuncius.schemas import Alert, CandidateList, Coincidence, ObservationReport, ToORequest, ToOStatus
from nuncius.schemas.codec import encode

_TOPICS: Final = {
    Alert: topics.EVENTS.name,
    Coincidence: topics.COINCIDENCES.name,
    CandidateList: topics.COINCIDENCES.name,
    ToORequest: topics.TOO_REQUESTS.name,
    ToOStatus: topics.TOO_STATUS.name,
    ObservationReport: topics.OBSERVATIONS.name,
}

Cause = Alert | Coincidence | CandidateList


def lay(log: Log, *records: Cause | ToORequest | ToOStatus | ObservationReport) -> None:
    """In one transaction, each on its own topic."""
    writer = log.writer("somebody")
    with writer.transaction() as tx:
        for one in records:
            key = "cause" if isinstance(one, Cause) else one.request_id
            tx.send(_TOPICS[type(one)], encode(one), key=key.encode())
    writer.close()


def lay_bytes(log: Log, topic: str, *values: bytes) -> None:
    """Whatever it is, in one transaction, without a key."""
    writer = log.writer("somebody")
    with writer.transaction() as tx:
        for value in values:
            tx.send(topic, value)
    writer.close()
