"""What the demo plays: acts of packets, each at the time the world received it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True)
class TimedPacket:
    """One packet and when it went out.

    Parameters
    ----------
    issue_time
        UTC.
    stream
        Topic or stream it goes out on.
    payload
        The bytes, in the facility's own format.
    label
        One line for the reader: what it is, and whether it is history, re-staged or made up.
    """

    issue_time: datetime
    stream: str
    payload: bytes = field(repr=False)
    label: str


@dataclass(frozen=True, slots=True)
class Act:
    """Packets in the order of their issue times, and the files that lie beside them.

    Parameters
    ----------
    title
        For people.
    packets
        Sorted by issue time.
    skymaps
        File name (last path part of the URL in a packet) -> FITS bytes: for ``Context.skymaps``.
    """

    title: str
    packets: tuple[TimedPacket, ...] = field(repr=False)
    skymaps: Mapping[str, bytes] = field(default_factory=dict, repr=False)


def in_order(title: str, packets: tuple[TimedPacket, ...], skymaps: Mapping[str, bytes]) -> Act:
    """An act of packets in any order; those of one moment keep the order given."""
    return Act(title, tuple(sorted(packets, key=lambda packet: packet.issue_time)), skymaps)
