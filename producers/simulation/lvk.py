"""LIGO/Virgo/KAGRA packets: VOEvents that name their map by URL, and JSON that carries it inside."""

from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Literal

import orjson

from nuncius.producers.simulation.voevents import NOTE, Group, Packet, Param, write

AlertType = Literal["Preliminary", "Initial", "Update", "Retraction"]
_PACKET_TYPES: Final[Mapping[str, str]] = {"Preliminary": "150", "Initial": "151", "Update": "152", "Retraction": "164"}
MAP_FOLDER: Final = "https://gracedb.ligo.org/api/superevents"


@dataclass(frozen=True, slots=True, kw_only=True)
class Superevent:
    """What all notices of one superevent share.

    Parameters
    ----------
    name
        ``G298048``, ``S190425z``; ``MS…`` for a mock one.
    time
        Of the merger, UTC.
    group, pipeline, search
        As LVK writes them.
    stream
        Of the ivorn: ``LVC`` since 2019, ``gcn_sender`` before (LVK user guide, change log, version 3).
    role, injection
        ``observation`` or ``test``; whether it is a hardware injection.
    """

    name: str
    time: datetime
    group: str = "CBC"
    pipeline: str = "gstlal"
    search: str = "AllSky"
    stream: str = "LVC"
    role: str = "observation"
    injection: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """One revision.

    Parameters
    ----------
    number, alert_type, issued
        Serial number, type, UTC.
    instruments
        ``H1``, ``H1,L1,V1``.
    far_hz
        As text, with the digits LVK prints.
    skymap
        File name of the map; empty for none.
    classification, properties
        Probabilities by name.
    """

    number: int
    alert_type: AlertType
    issued: datetime
    instruments: str = ""
    far_hz: str = ""
    skymap: str = ""
    classification: Mapping[str, float] = field(default_factory=dict)
    properties: Mapping[str, float] = field(default_factory=dict)


def ivorn(event: Superevent, notice: Notice) -> str:
    """``ivo://gwnet/LVC#S190425z-1-Preliminary``."""
    return f"ivo://gwnet/{event.stream}#{event.name}-{notice.number}-{notice.alert_type}"


def voevent(event: Superevent, notice: Notice, earlier: Sequence[Notice] = ()) -> bytes:
    """The notice as VOEvent; it replaces the earlier ones, or takes them back."""
    what: list[Param | Group] = [
        Param("Packet_Type", _PACKET_TYPES[notice.alert_type]),
        Param("internal", "0"),
        Param("Pkt_Ser_Num", str(notice.number)),
        Param("GraceID", event.name, ucd="meta.id"),
        Param("AlertType", notice.alert_type, ucd="meta.version"),
        Param("HardwareInj", str(int(event.injection)), ucd="meta.number"),
        Param("OpenAlert", "1", ucd="meta.number"),
        Param("EventPage", f"https://gracedb.ligo.org/superevents/{event.name}/view/", ucd="meta.ref.url"),
    ]
    if notice.alert_type != "Retraction":
        what += [
            Param("Instruments", notice.instruments, ucd="meta.code"),
            Param("FAR", notice.far_hz, "Hz", "arith.rate;stat.falsealarm"),
            Param("Group", event.group, ucd="meta.code"),
            Param("Pipeline", event.pipeline, ucd="meta.code"),
            Param("Search", event.search, ucd="meta.code"),
        ]
        if notice.skymap:
            url = f"{MAP_FOLDER}/{event.name}/files/{notice.skymap}"
            what.append(Group([Param("skymap_fits", url, ucd="meta.ref.url")], type="GW_SKYMAP"))
        for kind, values in (("Classification", notice.classification), ("Properties", notice.properties)):
            if values:
                params = [Param(name, str(value), ucd="stat.probability") for name, value in values.items()]
                what.append(Group(params, type=kind))
    cite = "retraction" if notice.alert_type == "Retraction" else "supersedes"
    return write(
        Packet(
            ivorn=ivorn(event, notice),
            role=event.role,
            date=notice.issued,
            author="LIGO Scientific Collaboration and Virgo Collaboration",
            what=what,
            time=event.time,
            time_digits=6,
            cites=[(cite, ivorn(event, old)) for old in earlier],
            description="Report of a candidate gravitational wave event",
        ),
    )


def json(event: Superevent, notice: Notice, skymap: bytes) -> bytes:
    """The notice as the JSON of ``igwn.gwalert`` (igwn-gwalert-schema 1.3), its map inside as base64."""
    said = {
        "time": _zulu(event.time),
        "far": float(notice.far_hz),
        "significant": True,
        "instruments": notice.instruments.split(","),
        "group": event.group,
        "pipeline": event.pipeline,
        "search": event.search,
        "properties": dict(notice.properties),
        "classification": dict(notice.classification),
        "duration": None,
        "central_frequency": None,
        "skymap": b64encode(skymap).decode(),
    }
    return orjson.dumps(
        {
            "alert_type": notice.alert_type.upper(),
            "time_created": _zulu(notice.issued),
            "superevent_id": event.name,
            "urls": {"gracedb": f"https://gracedb.ligo.org/superevents/{event.name}/view/"},
            "event": None if notice.alert_type == "Retraction" else said,
            "external_coinc": None,
            "comment": NOTE,
        },
    )


def _zulu(time: datetime) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
