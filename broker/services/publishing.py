"""Publishing from a shell: into a log on this machine, or to a broker's HTTP service."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import orjson

from nuncius.broker.services.fates import Fate
from nuncius.broker.services.ingest import Ingest
from nuncius.broker.services.packets import Packet, from_paths
from nuncius.broker.services.reading import Parse, Reading, read
from nuncius.broker.services.supplies import Supplies
from nuncius.schemas.limits import MAX_PACKET_BYTES


@dataclass(frozen=True, slots=True)
class Line:
    """What became of one packet.

    Parameters
    ----------
    text
        For the screen.
    quarantined
        True where it could not be read.
    """

    text: str
    quarantined: bool


def packets_of(paths: Sequence[Path], stdin: BinaryIO) -> Iterator[Packet]:
    """Packets below the paths; ``-`` reads one from standard input."""
    for path in paths:
        if str(path) == "-":
            yield Packet(stdin.read(MAX_PACKET_BYTES + 1), "stdin")
        else:
            yield from from_paths([path])


def publish_local(
    ingest: Ingest, packets: Iterator[Packet], supplies: Supplies, parse: Parse, *, json: bool
) -> Iterator[Line]:
    """Write each packet in a transaction of its own; the line comes when it is durable."""
    for packet in packets:
        reading = read(packet, supplies.context(packet, "live"), parse)
        yield _line(reading, ingest.accept([reading])[0], json=json)


def _line(reading: Reading, fates: tuple[Fate, ...], *, json: bool) -> Line:
    refused = reading.fault is not None
    if json:
        row = {
            "file": reading.packet.source,
            "sha256": reading.sha256,
            "fates": [str(fate) for fate in fates],
            "alert_ids": [alert.alert_id for alert in reading.alerts],
        }
        if reading.fault is not None:
            row["error"] = reading.fault.detail
        return Line(orjson.dumps(row).decode(), refused)
    if reading.fault is not None and fates[0].word == "quarantined":
        return Line(f"{reading.packet.source}: quarantined: {reading.fault.detail}", refused)
    names = ", ".join(f"alert {a.thread_id} ({a.kind}, {a.reality})" for a in reading.alerts)
    others = ", ".join(f"no alert ({fate.detail})" for fate in fates if fate.word == "not_an_alert")
    said = "duplicate, already on the log" if fates[0].word == "duplicate" else ""
    return Line(f"{reading.packet.source}: {', '.join(filter(None, (said, names, others)))}", refused)
