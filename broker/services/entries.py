"""What a packet puts on the log: records, made ready before the transaction begins."""

from dataclasses import dataclass

from nuncius.broker.services.fates import HEADER, SOURCE, STREAM, Fate, to_header
from nuncius.broker.services.reading import Reading
from nuncius.broker.transport.port import Headers, Transaction
from nuncius.schemas import CandidateBatch
from nuncius.schemas.limits import MAX_MESSAGE_BYTES

_HEADER_BYTES = 16
"""At most what a backend adds to the name and value of a header."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One record to be written."""

    topic: str
    key: str
    value: bytes
    headers: Headers = ()

    @property
    def too_large(self) -> str:
        """Why the log cannot hold it; empty where it can."""
        nbytes = len(self.key.encode()) + len(self.value)
        nbytes += sum(len(name.encode()) + len(value) + _HEADER_BYTES for name, value in self.headers)
        if nbytes <= MAX_MESSAGE_BYTES:
            return ""
        return f"a record of {nbytes} bytes for {self.topic} is over the limit of {MAX_MESSAGE_BYTES} bytes"

    def send(self, tx: Transaction) -> None:
        """Add it to a transaction."""
        tx.send(self.topic, self.value, key=self.key.encode(), headers=self.headers)


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that one packet puts on the log.

    Parameters
    ----------
    fates
        Of its records.
    entries
        To be written in this order; the packet itself is the last one.
    batch
        Of a survey's packet: rows, to be written once it is known where the packet lies.
    """

    fates: tuple[Fate, ...]
    entries: tuple[Entry, ...]
    batch: CandidateBatch | None = None

    @property
    def too_large(self) -> str:
        """Why the log cannot hold it; empty where it can."""
        return next((entry.too_large for entry in self.entries if entry.too_large), "")


def packet_entry(topic: str, reading: Reading, fates: tuple[Fate, ...], value: bytes) -> Entry:
    """The one record that every packet leaves, with its fates, its source and its stream."""
    packet = reading.packet
    headers: Headers = ((HEADER, to_header(fates)), (SOURCE, packet.source.encode()))
    if packet.stream:
        headers = (*headers, (STREAM, packet.stream.encode()))
    return Entry(topic, reading.sha256, value, headers)
