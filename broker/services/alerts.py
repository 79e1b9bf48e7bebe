"""Alerts off the log: several services in one process read the same record, which is decoded once."""

from functools import lru_cache

from nuncius.broker.transport.port import Record
from nuncius.schemas import Alert
from nuncius.schemas.codec import decode


@lru_cache(maxsize=4096)
def decode_alert(data: bytes) -> Alert:
    """The alert in an event record."""
    return decode(Alert, data)


def alert_of(record: Record) -> Alert:
    """The alert of an event record."""
    return decode_alert(record.value or b"")
