"""The demo's packets, in the facilities' own formats, from published facts. Pure: a seed in, the same bytes out."""

from typing import Final

from nuncius.producers.simulation import gw170817, ic170922a
from nuncius.producers.simulation.act import Act, TimedPacket

__all__ = ["NAMES", "Act", "TimedPacket", "acts", "epilogue"]

NAMES: Final = {
    "lvk:G298048": "GW170817",
    "fermi-gbm:524666471": "GRB 170817A",
    "ztf:ZTF17gfoaaaa": "AT2017gfo",
    "lvk:S170819x": "an injected wave",
    "fermi-gbm:524833806": "its injected burst",
    "lvk:S170820q": "a made-up wave that is taken back",
    "fermi-gbm:524903405": "its made-up burst",
    "icecube:130033_50579430": "IC-170922A",
    "fermi-lat:TXS 0506+056": "TXS 0506+056",
}
"""What people call the threads of the demo."""


def acts() -> tuple[Act, ...]:
    """The demo's two acts, 36 days apart, each packet at its true time."""
    return gw170817.act(), ic170922a.act()


def epilogue() -> Act:
    """What was published two months later, for those who want to see a late revision: GW170817's refined map."""
    return gw170817.epilogue()
