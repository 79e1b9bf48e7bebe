"""Files into readings, in the order the world received them."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Literal

from nuncius.broker.services.ahead import ahead
from nuncius.broker.services.packets import Packet, from_paths
from nuncius.broker.services.reading import Parse, Reading, read
from nuncius.broker.services.supplies import Supplies
from nuncius.schemas.vocabulary import RunMode

Order = Literal["issued", "event", "given"]


def harvest(
    paths: Sequence[Path], supplies: Supplies, parse: Parse, run_mode: RunMode, seen: Callable[[Packet], None]
) -> Iterator[Reading]:
    """Read every packet below the paths; ``seen`` is called for each, for a progress bar."""
    for packet in ahead(from_paths(paths)):
        yield read(packet, supplies.context(packet, run_mode), parse)
        seen(packet)


def ordered(readings: Iterable[Reading], order: Order) -> list[Reading]:
    """Sorted by issue or event time, ties by sha256 and then source; ``given`` leaves them as they come."""
    if order == "given":
        return list(readings)
    if order == "issued":
        return sorted(readings, key=lambda r: (r.issued_time, r.sha256, r.packet.source))
    return sorted(readings, key=lambda r: (r.event_time, r.sha256, r.packet.source))
