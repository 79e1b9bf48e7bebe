"""Golden packets that no editor can write: ``python tests/golden_avro.py`` writes them, a test compares."""

from pathlib import Path
from typing import Any, Final

import avro_packets as packets

FOLDER: Final = Path(__file__).parent / "data" / "producers"


def _header(*cards: str) -> str:
    return "".join(card.ljust(80) for card in ("SIMPLE  =                    T", *cards, "END")).ljust(2880)


MAP: Final = _header("DISTMEAN=  40.5", "DISTSTD =  8.25")
TABLE: Final = _header("TTYPE1  = 'PROBDENSITY'")

CANDIDATE: Final = packets.record(
    "atlas.candidate",
    {
        "mjd": "double",
        "filter": "string",
        "RA": "double",
        "Dec": "double",
        "Mag": "double",
        "Dmag": "double",
        "rb": "double",
        "isdiffpos": "string",
    },
)
ATLAS: Final = packets.record("atlas.alert", {"objectId": "string", "candid": "string", "candidate": CANDIDATE})
EVENT: Final = packets.record(
    "igwn.alerts.v1_0.EventInfo",
    {
        "time": "string",
        "far": "double",
        "significant": "boolean",
        "instruments": {"type": "array", "items": "string"},
        "group": "string",
        "pipeline": "string",
        "search": "string",
        "classification": {"type": "map", "values": "double"},
        "properties": {"type": "map", "values": "double"},
        "skymap": packets.optional("bytes"),
    },
)
LVK: Final = packets.record(
    "igwn.alerts.v1_0.Alert",
    {
        "alert_type": "string",
        "time_created": "string",
        "superevent_id": "string",
        "event": packets.optional(EVENT),
        "external_coinc": "null",
        "urls": {"type": "map", "values": "string"},
    },
)


def files() -> dict[str, bytes]:
    """File name -> its bytes."""
    atlas: dict[str, Any] = {
        "mjd": 61000.5,
        "filter": "o",
        "RA": 15.5,
        "Dec": 2.25,
        "Mag": 18.5,
        "Dmag": 0.125,
        "rb": 0.75,
    }
    event: dict[str, Any] = {
        "time": "2031-02-03T04:05:06.500Z",
        "far": 1e-10,
        "significant": True,
        "instruments": ["H1", "V1"],
        "group": "CBC",
        "pipeline": "made-up",
        "search": "AllSky",
        "classification": {"BNS": 0.75, "Terrestrial": 0.25},
        "properties": {"HasNS": 1.0},
        "skymap": MAP.encode(),
    }
    lvk = {
        "alert_type": "UPDATE",
        "time_created": "2031-02-03T05:00:00Z",
        "superevent_id": "S310203z",
        "event": event,
        "external_coinc": None,
        "urls": {"gracedb": "https://example.org/S310203z"},
    }
    earlier = packets.filled(packets.CANDIDATE, jd=2459999.75, fid=1, diffmaglim=20.5)
    ztf = packets.ztf_record([earlier], sigmapsf=0.0625, drb=0.875, ndethist=1, jdstarthist=2460000.75)
    rubin = packets.rubin_record(psfFlux=1000.0, psfFluxErr=100.0, reliability=0.75, snr=10.0)
    return {
        "atlas.detection.avro": packets.container(
            ATLAS, {"objectId": "8001", "candid": "c-1", "candidate": {**atlas, "rb": 0.75, "isdiffpos": "t"}}
        ),
        "lvk_avro.update.avro": packets.container(LVK, lvk),
        "ztf.first.avro": packets.container(packets.ZTF, ztf),
        "rubin.first.avro": packets.container(packets.rubin(), rubin),
        "sky_map.bare.fits": TABLE.encode(),
    }


if __name__ == "__main__":
    for name, data in files().items():
        (FOLDER / name).write_bytes(data)
