"""Packets that must not get through: broken, hostile, or no alerts at all."""

from datetime import datetime, timedelta
from typing import Final

import orjson

from nuncius.producers.simulation import ztf
from nuncius.producers.simulation.act import TimedPacket
from nuncius.producers.simulation.voevents import Packet, Param, Position, iso, write

_DTD: Final = b"""<?xml version="1.0"?>
<!DOCTYPE voe:VOEvent [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>
<voe:VOEvent xmlns:voe="http://www.ivoa.net/xml/VOEvent/v2.0" ivorn="ivo://example/hostile#1" role="observation"
 version="2.0"><Who><Author><title>&b;</title></Author></Who></voe:VOEvent>
"""
_PICKLE: Final = b"\x80\x04\x95\x0f\x00\x00\x00\x00\x00\x00\x00}\x94\x8c\x04tier\x94K\x01s."
"""``{"tier": 1}`` as a Python pickle, protocol 4: harmless, and refused all the same."""


def broken_packets(start: datetime) -> tuple[TimedPacket, ...]:
    """Three that end in quarantine, a few minutes apart: cut short, with a DTD, a pickle."""
    whole = ztf.write(
        ztf.Detection(
            object_id="ZTF17brokenx",
            candid=1,
            time=start,
            first=start,
            ra=10.0,
            dec=10.0,
            filter="r",
            mag=18.0,
            mag_err=0.1,
            score=0.9,
            star_score=0.1,
            star_arcsec=5.0,
        ),
    )
    said = (
        ("ztf", whole[: len(whole) - 40], "made up: a ZTF packet cut short"),
        ("gcn.classic.voevent", _DTD, "made up: a VOEvent with a document type, whose entities would multiply"),
        ("snews", _PICKLE, "made up: a Python pickle"),
    )
    return tuple(
        TimedPacket(start + timedelta(minutes=3 * number), stream, payload, label)
        for number, (stream, payload, label) in enumerate(said)
    )


def heartbeat(time: datetime) -> TimedPacket:
    """GCN's sign of life, as on the topic ``gcn.heartbeat``; it says nothing about the sky."""
    payload = orjson.dumps(
        {
            "$schema": "https://gcn.nasa.gov/schema/v7.2.1/gcn/Heartbeat.schema.json",
            "alert_datetime": iso(time, 3) + "Z",
        },
    )
    return TimedPacket(time, "gcn.heartbeat", payload, "re-staged: a heartbeat")


def pointing(time: datetime) -> TimedPacket:
    """Where Swift is going to look (made up); it says nothing about the sky."""
    packet = Packet(
        ivorn=f"ivo://nasa.gsfc.gcn/SWIFT#Point_Dir_{iso(time, 2)}_00000001-001",
        role="utility",
        date=time,
        author_ivorn="ivo://nasa.gsfc.tan/gcn",
        author="SWIFT (via VO-GCN)",
        what=[Param("Packet_Type", "83"), Param("Coords_Type", "2", "dn")],
        time=time + timedelta(minutes=10),
        position=Position(120.0, -45.0, 0.0),
    )
    return TimedPacket(time, "gcn.classic.voevent", write(packet), "made up: a pointing notice of Swift")
