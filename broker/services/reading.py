"""What one packet says, before anything is written: alerts, rows, a known non-alert, or why it cannot be read."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final

from nuncius.broker.services.packets import Packet
from nuncius.producers.facility import Context
from nuncius.schemas import (
    NO_TIME,
    Alert,
    CandidateBatch,
    LimitExceeded,
    MalformedAlert,
    NotAnAlert,
    Quarantine,
    Quarantined,
    ids,
)
from nuncius.schemas.quarantined import KEPT_BYTES

Parse = Callable[[bytes, Context], "tuple[Alert | NotAnAlert, ...] | CandidateBatch"]
"""A facility's reading of a packet: alerts and non-alerts, or columns where it is a survey."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
TIMELESS: Final = datetime(9999, 12, 31, tzinfo=UTC)
"""Stands for the time of a packet that states none: it sorts after all others."""


@dataclass(frozen=True, slots=True)
class Reading:
    """One packet and what it turned out to be.

    Parameters
    ----------
    packet, sha256
        The bytes and their hash. Of a packet that cannot be read only its head is kept (in ``fault``, too).
    alerts, non_alerts
        What it says, in the packet's own order.
    rows
        Candidates, where a survey wrote it; empty otherwise.
    fault
        Why it cannot be read; None where it can.
    """

    packet: Packet
    sha256: str
    alerts: tuple[Alert, ...] = ()
    non_alerts: tuple[NotAnAlert, ...] = ()
    rows: CandidateBatch | None = None
    fault: Quarantined | None = None

    @property
    def issued_time(self) -> datetime:
        """When the world received it: latest issue time stated, else event time; without any `TIMELESS`."""
        stated = [alert.issued_time or alert.time_start for alert in self.alerts]
        stated += [other.issued_time for other in self.non_alerts]
        times = [time for time in stated if time is not None]
        if self.rows is not None and len(self.rows):
            latest = int(self.rows.time_us.max())
            times += [_EPOCH + timedelta(microseconds=latest)] if latest != NO_TIME else []
        return max(times, default=TIMELESS)

    @property
    def event_time(self) -> datetime:
        """Earliest event time in the packet; where none is stated, its issue time."""
        times = [alert.time_start for alert in self.alerts if alert.time_start is not None]
        return min(times, default=self.issued_time)


def read(packet: Packet, context: Context, parse: Parse) -> Reading:
    """Read one packet; whatever is wrong with it becomes its ``fault``, never an exception."""
    sha256 = ids.digest(packet.payload)
    try:
        return _read(packet, sha256, context, parse)
    except Quarantine as error:
        return refused(packet, sha256, error.reason, str(error), error.field)
    except Exception as error:  # noqa: BLE001  the one catch site: a fault in a parser must cost one packet, not the broker
        detail = f"a fault in Nuncius, please report: {type(error).__name__}: {error}"
        return refused(packet, sha256, "parser_fault", detail)


def _read(packet: Packet, sha256: str, context: Context, parse: Parse) -> Reading:
    if packet.nbytes > len(packet.payload):
        raise LimitExceeded(f"packet of {packet.nbytes} bytes, more than the {len(packet.payload)} that are read")
    found = parse(packet.payload, context)
    if not len(found):
        raise MalformedAlert("the packet holds no record at all")
    if isinstance(found, CandidateBatch):
        return Reading(packet, sha256, rows=found)
    alerts = tuple(item for item in found if isinstance(item, Alert))
    others = tuple(item for item in found if isinstance(item, NotAnAlert))
    return Reading(packet, sha256, alerts, others)


def refused(packet: Packet, sha256: str, reason: str, detail: str, field: str = "") -> Reading:
    """The reading of a packet that is set aside, with what, where and why."""
    nbytes = max(packet.nbytes, len(packet.payload))
    head = packet.payload[:KEPT_BYTES]
    fault = Quarantined(
        sha256=sha256,
        nbytes=nbytes,
        source=packet.source,
        stream=packet.stream,
        reason=reason,
        detail=detail,
        field=field,
        head=head,
    )
    return Reading(replace(packet, payload=head, nbytes=nbytes), sha256, fault=fault)
