"""A test, an injection with its injected partner, an alert that is taken back. All made up."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

import numpy as np

from nuncius.producers.simulation import fermi, lvk
from nuncius.producers.simulation.act import TimedPacket
from nuncius.producers.simulation.multiorder import Distance, refine, write
from nuncius.producers.simulation.shapes import Banana
from nuncius.producers.simulation.voevents import Position

_GCN: Final = "gcn.classic.voevent"
_CLASSES: Final = {"BNS": 0.95, "NSBH": 0.02, "BBH": 0.0, "MassGap": 0.0, "Terrestrial": 0.03}
_PROPERTIES: Final = {"HasNS": 1.0, "HasRemnant": 1.0}
MOCK_TIME: Final = datetime(2017, 8, 17, 12, 41, 5, tzinfo=UTC)
"""A second before GRB 170817A triggered: a test matched with the real burst would be seen at once."""
INJECTED_TIME: Final = datetime(2017, 8, 19, 3, 10, 0, tzinfo=UTC)
RETRACTED_TIME: Final = datetime(2017, 8, 20, 6, 30, 0, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Drills:
    """The packets and the maps beside them."""

    packets: tuple[TimedPacket, ...]
    skymaps: Mapping[str, bytes]


def drill_packets(rng: np.random.Generator) -> Drills:
    """All three; the burst's and the injection's positions are drawn within their maps."""
    injected, injected_map = _pair(INJECTED_TIME, "S170819x", 524833806, rng, injection=True)
    retracted, retracted_map = _pair(RETRACTED_TIME, "S170820q", 524903405, rng, injection=False)
    return Drills((*_mock(), *injected, *retracted), {**injected_map, **retracted_map})


def _mock() -> tuple[TimedPacket, ...]:
    """A mock superevent, its map inside the JSON."""
    event = lvk.Superevent(name="MS170817m", time=MOCK_TIME, search="MDC", role="test")
    notice = lvk.Notice(
        number=1,
        alert_type="Initial",
        issued=MOCK_TIME + timedelta(minutes=4),
        instruments="H1,L1,V1",
        far_hz="9.1e-14",
        classification=_CLASSES,
        properties=_PROPERTIES,
    )
    region = Banana(ra=180.0, dec=-42.0, position_angle=60.0, area90_deg2=120.0, axis_ratio=5.0, bend=0.2)
    skymap = write(refine(region, 6000), Distance(140.0, 30.0), {"OBJECT": event.name}, compress=True)
    label = "made up: a mock superevent, at the very time of GRB 170817A"
    return (TimedPacket(notice.issued, "igwn.gwalert", lvk.json(event, notice, skymap), label),)


def _pair(
    time: datetime, name: str, trigger_id: int, rng: np.random.Generator, *, injection: bool
) -> tuple[tuple[TimedPacket, ...], dict[str, bytes]]:
    """A superevent with a burst two seconds after it: both injected, or the first soon taken back."""
    event = lvk.Superevent(name=name, time=time, injection=injection)
    notice = lvk.Notice(
        number=1,
        alert_type="Preliminary",
        issued=time + timedelta(minutes=6),
        instruments="H1,L1",
        far_hz="2.1e-09",
        skymap=f"{name}.multiorder.fits.gz",
        classification=_CLASSES,
        properties=_PROPERTIES,
    )
    ra, dec = float(rng.uniform(20.0, 60.0)), float(rng.uniform(-30.0, 30.0))
    region = Banana(ra=ra, dec=dec, position_angle=20.0, area90_deg2=400.0, axis_ratio=6.0, bend=0.3)
    skymap = write(refine(region, 8000), Distance(90.0, 25.0), {"OBJECT": name}, compress=True)
    trigger = fermi.Trigger(trigger_id, time + timedelta(seconds=1.8))
    place = Position(round(ra + 2.0, 2), round(dec + 1.5, 2), 5.2)
    found = time + timedelta(seconds=42)
    what = "an injected superevent" if injection else "a superevent that will be taken back"
    packets = [TimedPacket(notice.issued, _GCN, lvk.voevent(event, notice), f"made up: {what}")]
    if injection:
        payload = fermi.gbm_json(trigger, found, place, "injection")
        packets.append(
            TimedPacket(found, "gcn.notices.fermi.gbm.trigger", payload, "made up: the injected burst to it")
        )
    else:
        first = fermi.Notice(kind="Alert", sequence=1, serial=1, issued=time + timedelta(seconds=16))
        ground = fermi.Notice(kind="Gnd_Pos", sequence=50, serial=3, issued=found, position=place, significance=7.1)
        back = lvk.Notice(number=2, alert_type="Retraction", issued=time + timedelta(minutes=47))
        packets += [
            TimedPacket(first.issued, _GCN, fermi.voevent(trigger, first), "made up: a burst, first alert"),
            TimedPacket(ground.issued, _GCN, fermi.voevent(trigger, ground, first), "made up: the burst's position"),
            TimedPacket(
                back.issued, _GCN, lvk.voevent(event, back, (notice,)), "made up: the superevent is taken back"
            ),
        ]
    return tuple(packets), {notice.skymap: skymap}
