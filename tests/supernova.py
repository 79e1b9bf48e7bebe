"""Notices of a supernova's neutrinos, made here: detectors of SNEWS 2.0, and Super-Kamiokande, which points."""

from datetime import UTC, datetime, timedelta
from typing import Any, Final

import orjson
from voevents import GCN, packet, where

BURST: Final = datetime(2031, 2, 3, 4, 5, 6, tzinfo=UTC)
POINT: Final = (80.0, -30.0)
"""High in the evening sky of Chile and low from Palomar in February."""


def snews(detector: str, seconds: float, **more: Any) -> bytes:
    """A detector's message in SNEWS 2.0, so many seconds after the burst; real, unless said otherwise."""
    moment = BURST + timedelta(seconds=seconds)
    sent = moment + timedelta(minutes=2)
    body = {"detector_name": detector, "uuid": f"{detector}-1", "tier": "CoincidenceTier", "is_test": False}
    body |= {"neutrino_time_utc": moment.isoformat(), "sent_time_utc": sent.isoformat(), "p_val": 0.01}
    return orjson.dumps(body | more)


def taken_back(detector: str) -> bytes:
    """Its retraction of that message."""
    body = {"detector_name": detector, "uuid": f"{detector}-2", "tier": "Retraction", "is_test": False}
    sent = BURST + timedelta(minutes=30)
    return orjson.dumps(body | {"retract_message_uuid": f"{detector}-1", "sent_time_utc": sent.isoformat()})


def super_k(seconds: float, role: str = "observation") -> bytes:
    """Super-Kamiokande's notice by GCN."""
    moment = (BURST + timedelta(seconds=seconds)).replace(tzinfo=None).isoformat()
    return packet(
        f"{GCN}SK_SN#Event_{moment}_000001-1",
        role=role,
        date="2031-02-03T04:12:00",
        values={"Trigger_Number": 10070, "Src_Error90": 0.9, "N_Events": 6000},
        sky=where(time=moment, ra=POINT[0], dec=POINT[1], radius=0),
    )


def network(sub_type: str, role: str = "observation") -> bytes:
    """The alert of SNEWS itself by GCN: place (0, 0) with a radius of 360 degrees, which is none."""
    moment = BURST.replace(tzinfo=None).isoformat()
    return packet(
        f"{GCN}SNEWS#Event{moment}_1000300-1",
        role=role,
        date="2031-02-03T04:06:00",
        values={"TrigID": 1000300},
        groups={"Trigger_ID": {"SubType": sub_type, "Test": "false", "RADec_valid": "false"}},
        sky=where(time=moment, ra=0, dec=0, radius=360),
    )
