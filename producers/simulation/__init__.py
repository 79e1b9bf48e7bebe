"""The demo's packets, in the facilities' own formats, from published facts. Pure: a seed in, the same bytes out."""

from nuncius.producers.simulation import gw170817, ic170922a
from nuncius.producers.simulation.act import Act, TimedPacket

__all__ = ["Act", "TimedPacket", "acts", "epilogue"]


def acts() -> tuple[Act, ...]:
    """The demo's two acts, 36 days apart, each packet at its true time."""
    return gw170817.act(), ic170922a.act()


def epilogue() -> Act:
    """What was published two months later, for those who want to see a late revision: GW170817's refined map."""
    return gw170817.epilogue()
