"""Act two: the neutrino IC-170922A, and the flare of TXS 0506+056 that was reported six days later.

Facts, each with its source
---------------------------
IceCube run 130033, event 50579430, 2017-09-22 20:54:30.43; circular 2017-09-23 01:09:26 with RA 77.43 -0.80/+1.30 and
Dec +5.72 -0.40/+0.70 at 90 % (GCN 21916). TXS 0506+056 at 77.358185, +5.693148, z 0.3365 (ATel 11419). LAT reported its
flare on 2017-09-28, in words (ATel 10791); that it flared close to the neutrino is in ATel 11419.

Probability of astrophysical origin 56.5 % (IceCube et al. 2018, doi:10.1126/science.aat1378).

Not stated by any source at hand and therefore left out: position and rate of the first notice. Assumed: that both
notices state the probability, the minute the first went out, the flare's interval (the seven days before the telegram)
and the telegram's time of day. An EHE notice can state only a circle that holds 50 %: it has the area of the published
ellipse, scaled from 90 % as a Gaussian.
"""

import math
from datetime import UTC, datetime, timedelta
from typing import Final

import numpy as np

from nuncius.producers.simulation import fermi, icecube
from nuncius.producers.simulation.act import Act, TimedPacket, in_order
from nuncius.producers.simulation.night_sky import Field, ztf_packets
from nuncius.producers.simulation.voevents import Position

NEUTRINO: Final = datetime(2017, 9, 22, 20, 54, 30, 430000, tzinfo=UTC)
CIRCULAR: Final = datetime(2017, 9, 23, 1, 9, 26, tzinfo=UTC)
TELEGRAM: Final = datetime(2017, 9, 28, 12, 0, tzinfo=UTC)
SIGNALNESS: Final = 0.565
TXS: Final = (77.358185, 5.693148)

_HALF_RA: Final = (0.80 + 1.30) / 2.0 * math.cos(math.radians(5.72))
_HALF_DEC: Final = (0.40 + 0.70) / 2.0
RADIUS_50_DEG: Final = math.sqrt(_HALF_RA * _HALF_DEC * math.log(2.0) / math.log(10.0))
"""A Gaussian's radius at 50 % over that at 90 % is sqrt(ln 2 / ln 10)."""

NIGHTS: Final = tuple(datetime(2017, 9, day, 8, 0, tzinfo=UTC) for day in (16, 18, 20, 23, 25, 27))


def act(seed: int = 170922) -> Act:
    """The whole act; the same bytes for the same seed."""
    rng = np.random.default_rng(seed)
    field = Field(
        ra=77.43,
        dec=5.72,
        radius_deg=4.0,
        nights=NIGHTS,
        visit=timedelta(minutes=40),
        per_night=60,
        new=(3, 2, 3, 3, 2, 3),
        prefix=3,
    )
    packets = (*history(), *ztf_packets(field, rng))
    return in_order("IC-170922A and TXS 0506+056 (September 2017)", packets, {})


def history() -> tuple[TimedPacket, ...]:
    """The neutrino's two notices and the flare."""
    first = NEUTRINO.replace(second=0, microsecond=0) + timedelta(minutes=1)
    remark = "Position refined offline (GCN 21916), as the circle that holds 50 %."
    week = (TELEGRAM - timedelta(days=7), TELEGRAM)
    flare = fermi.lat_flare_json("TXS 0506+056", TELEGRAM, week, TXS, "ATel 10791; interval and time of day assumed.")
    return (
        TimedPacket(
            first,
            "gcn.classic.voevent",
            _ehe(0, first, None, "Position of the first notice not at hand."),
            "IC-170922A: first notice (minute assumed, position left out)",
        ),
        TimedPacket(
            CIRCULAR,
            "gcn.classic.voevent",
            _ehe(1, CIRCULAR, Position(77.43, 5.72, RADIUS_50_DEG), remark),
            "IC-170922A: position of GCN 21916, re-staged as a revised EHE notice",
        ),
        TimedPacket(
            TELEGRAM,
            "gcn.notices.fermi.lat.flare",
            flare,
            "re-staged as JSON: TXS 0506+056 in flare (ATel 10791), six days late",
        ),
    )


def _ehe(revision: int, issued: datetime, position: Position | None, remark: str) -> bytes:
    return icecube.ehe(
        run=130033,
        event=50579430,
        revision=revision,
        time=NEUTRINO,
        issued=issued,
        position=position,
        signalness=SIGNALNESS,
        remark=remark,
    )
