"""Act one: GW170817, GRB 170817A and AT2017gfo, among thousands of alerts that have nothing to do with them.

Facts, each with its source
---------------------------
Merger 12:41:04.445710 by the first notice, which went out at 13:08:15 with H1 alone, FAR 3.47773e-12 Hz and the search
named ``O2VirgoTest`` (VOEvent of G298048). Three-detector map 17:54:51, 31 deg² at 90 %, 40 ± 8 Mpc (GCN 21513).
Refined, published on 2017-10-16: 28 deg², 40 +8/-14 Mpc, FAR below 1 in 8.0e4 years (PRL 119, 161101). GBM trigger
524666471 at 12:41:06.474598; ground position sent 12:41:43 (its VOEvent); circular 13:47:37 with 176.8, -39.8, 11.6
deg, statistical 1 sigma (GCN 21506). AT2017gfo at 197.450354, -23.381484, 23:33 (doi:10.1126/science.aap9811).

Assumed, because no source at hand states it: the shape of both maps (the single detector's is its antenna pattern, the
later ones bent ellipses of the published area around NGC 4993), the time of day of GBM's first alert, and everything
called made up. AT2017gfo's magnitude is left empty.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

import numpy as np

from nuncius.producers.simulation import faults, fermi, lvk, ztf
from nuncius.producers.simulation.act import Act, TimedPacket, in_order
from nuncius.producers.simulation.drills import drill_packets
from nuncius.producers.simulation.multiorder import Distance, refine, write
from nuncius.producers.simulation.night_sky import DELAY, Field, rubin_packets, ztf_packets
from nuncius.producers.simulation.shapes import HANFORD, Banana, antenna_pattern
from nuncius.producers.simulation.voevents import Position

MERGER: Final = datetime(2017, 8, 17, 12, 41, 4, 445710, tzinfo=UTC)
AT2017GFO: Final = (197.450354, -23.381484)
GW: Final = lvk.Superevent(name="G298048", time=MERGER, search="O2VirgoTest", stream="gcn_sender")
FIRST: Final = lvk.Notice(
    number=1,
    alert_type="Initial",
    issued=datetime(2017, 8, 17, 13, 8, 15, tzinfo=UTC),
    instruments="H1",
    far_hz="3.47773e-12",
    skymap="demo-H.multiorder.fits",
)
SECOND: Final = lvk.Notice(
    number=2,
    alert_type="Update",
    issued=datetime(2017, 8, 17, 17, 54, 51, tzinfo=UTC),
    instruments="H1,L1,V1",
    far_hz="3.47773e-12",
    skymap="demo-HLV.multiorder.fits.gz",
)
REFINED: Final = lvk.Notice(
    number=3,
    alert_type="Update",
    issued=datetime(2017, 10, 16, tzinfo=UTC),
    instruments="H1,L1,V1",
    far_hz="3.96e-13",
)
REGION: Final = Banana(ra=195.4, dec=-20.2, position_angle=141.0, area90_deg2=31.0, axis_ratio=8.0, bend=0.3)
REGION_REFINED: Final = Banana(ra=195.4, dec=-20.2, position_angle=141.0, area90_deg2=28.0, axis_ratio=8.0, bend=0.3)

TRIGGER: Final = fermi.Trigger(524666471, datetime(2017, 8, 17, 12, 41, 6, 474598, tzinfo=UTC))
ALERT: Final = fermi.Notice(kind="Alert", sequence=1, serial=429, issued=datetime(2017, 8, 17, 12, 41, 20, tzinfo=UTC))
GROUND: Final = fermi.Notice(
    kind="Gnd_Pos",
    sequence=57,
    serial=431,
    issued=datetime(2017, 8, 17, 12, 41, 43, tzinfo=UTC),
    position=Position(186.62, -48.84, 17.45),
    significance=6.0,
)
CIRCULAR: Final = fermi.Notice(
    kind="Fin_Pos",
    sequence=0,
    serial=500,
    issued=datetime(2017, 8, 17, 13, 47, 37, tzinfo=UTC),
    position=Position(176.8, -39.8, 11.6),
    long_short="Short",
)

FIRST_NIGHT: Final = datetime(2017, 8, 12, 23, 0, tzinfo=UTC)
NIGHTS: Final = tuple(FIRST_NIGHT + timedelta(days=n) for n in range(10))
"""Five before the merger, where the chance of unrelated transients is measured, and five from it on."""
VISIT: Final = timedelta(minutes=80)
NEW: Final = (9, 8, 10, 9, 8, 9, 10, 8, 9, 8)
"""Made up: unrelated transients first seen each night within 12 degrees, several of them within the map."""


def act(seed: int = 170817) -> Act:
    """The whole act; the same bytes for the same seed."""
    rng = np.random.default_rng(seed)
    maps = {
        FIRST.skymap: write(refine(antenna_pattern(HANFORD, MERGER), 6000), None, _header("H1"), compress=False),
        SECOND.skymap: write(refine(REGION, 20000), Distance(40.0, 8.0), _header("HLV"), compress=True),
    }
    drills = drill_packets(rng)
    packets = (
        *history(),
        *_optical(rng),
        *drills.packets,
        *faults.broken_packets(datetime(2017, 8, 17, 16, 0, tzinfo=UTC)),
        faults.heartbeat(datetime(2017, 8, 17, 12, 40, tzinfo=UTC)),
        faults.pointing(datetime(2017, 8, 17, 12, 50, tzinfo=UTC)),
    )
    return in_order("GW170817, GRB 170817A and AT2017gfo (August 2017)", packets, {**maps, **drills.skymaps})


def epilogue() -> Act:
    """The refined map of October 2017, inside an LVK JSON packet (a format of 2023)."""
    skymap = write(refine(REGION_REFINED, 20000), Distance(40.0, 11.0), _header("HLV"), compress=False)
    label = "re-staged as JSON: GW170817, refined, as published 2017-10-16 (time of day not stated)"
    packet = TimedPacket(REFINED.issued, "igwn.gwalert", lvk.json(GW, REFINED, skymap), label)
    return in_order("The refined map of GW170817 (October 2017)", (packet,), {})


def history() -> tuple[TimedPacket, ...]:
    """The notices of the gravitational wave and of the burst."""
    gcn = "gcn.classic.voevent"
    return (
        TimedPacket(
            ALERT.issued, gcn, fermi.voevent(TRIGGER, ALERT), "GRB 170817A: GBM's first alert (second assumed)"
        ),
        TimedPacket(GROUND.issued, gcn, fermi.voevent(TRIGGER, GROUND, ALERT), "GRB 170817A: GBM ground position"),
        TimedPacket(FIRST.issued, gcn, lvk.voevent(GW, FIRST), "GW170817: first notice, one detector"),
        TimedPacket(
            CIRCULAR.issued,
            gcn,
            fermi.voevent(TRIGGER, CIRCULAR, ALERT),
            "GRB 170817A: position of GCN 21506, re-staged as a final notice",
        ),
        TimedPacket(SECOND.issued, gcn, lvk.voevent(GW, SECOND, (FIRST,)), "GW170817: three detectors, 31 deg²"),
    )


def _optical(rng: np.random.Generator) -> tuple[TimedPacket, ...]:
    later = tuple(night + timedelta(hours=2) for night in NIGHTS)
    survey = _field(nights=NIGHTS, visit=VISIT, per_night=380, new=NEW, prefix=1)
    other = _field(nights=later, visit=timedelta(minutes=20), per_night=30, new=(0,) * len(later), prefix=2)
    return (*at2017gfo(), *ztf_packets(survey, rng), *rubin_packets(other, rng))


def _field(*, nights: Sequence[datetime], visit: timedelta, per_night: int, new: Sequence[int], prefix: int) -> Field:
    return Field(
        ra=REGION.ra,
        dec=REGION.dec,
        radius_deg=12.0,
        nights=nights,
        visit=visit,
        per_night=per_night,
        new=new,
        prefix=prefix,
    )


def at2017gfo() -> tuple[TimedPacket, ...]:
    """Its discovery at 23:33, and the next night again."""
    first = datetime(2017, 8, 17, 23, 33, tzinfo=UTC)
    packets = []
    for number, time in enumerate((first, first + timedelta(days=1))):
        seen = ztf.Detection(
            object_id="ZTF17gfoaaaa",
            candid=9 * 10**15 + number,
            time=time,
            first=first,
            ra=AT2017GFO[0],
            dec=AT2017GFO[1],
            filter="i",
            mag=None,
            mag_err=None,
            score=0.98,
            star_score=0.03,
            star_arcsec=9.0,
            detections=number + 1,
            limits=[(FIRST_NIGHT + timedelta(days=n, minutes=33), 20.5) for n in range(5)],
        )
        label = "re-staged ZTF: AT2017gfo, " + ("discovery" if not number else "the next night (made up)")
        packets.append(TimedPacket(time + DELAY, "ztf", ztf.write(seen), label))
    return tuple(packets)


def _header(detectors: str) -> dict[str, str | float]:
    return {
        "OBJECT": GW.name,
        "INSTRUME": detectors,
        "DATE-OBS": MERGER.strftime("%Y-%m-%dT%H:%M:%S.%f"),
        "ORIGIN": "Nuncius demo",
        "CREATOR": "nuncius.producers.simulation",
    }
