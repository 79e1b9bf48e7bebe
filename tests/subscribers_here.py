"""Where subscribers ask, for tests of every transport."""

from dataclasses import dataclass
from typing import Any

from matching_alerts import grb, gw, neutrino

from nuncius.broker.transport.port import Log

ALERTS = [gw("lvk:S0"), grb("fermi-gbm:1"), neutrino("icecube:1_1"), gw("lvk:S2"), grb("fermi-gbm:3")]
NAMES = [alert.thread_id for alert in ALERTS]


@dataclass(frozen=True)
class Place:
    """Where subscribers ask, and the log behind it."""

    address: str
    log: Log


def names(values: Any) -> list[str]:
    """Their threads."""
    return [value.thread_id for value in values]
