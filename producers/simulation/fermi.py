"""Fermi packets: GBM's alert, ground and final notices as VOEvent, and GCN's unified JSON for GBM and LAT."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Literal

import orjson

from nuncius.producers.simulation.voevents import NOTE, Group, Packet, Param, Position, iso, write

NoticeType = Literal["Alert", "Gnd_Pos", "Fin_Pos"]
_PACKET_TYPES: Final = {"Alert": "110", "Gnd_Pos": "112", "Fin_Pos": "115"}
_TJD_ZERO: Final = datetime(1968, 5, 24, tzinfo=UTC)
_SCHEMAS: Final = "https://gcn.nasa.gov/schema/v7.2.1/gcn/notices/fermi"


@dataclass(frozen=True, slots=True)
class Trigger:
    """A GBM trigger: its id (seconds since 2001) and time, UTC."""

    trigger_id: int
    time: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """One notice of a trigger.

    Parameters
    ----------
    kind, sequence, serial
        Its type, its ``Sequence_Num``, and the number that ends its ivorn.
    issued
        UTC.
    position
        Centre and statistical 1-sigma radius; None in the first alert.
    significance
        In sigma; None to leave it out.
    long_short
        ``Long``, ``Short`` or ``unknown``.
    """

    kind: NoticeType
    sequence: int
    serial: int
    issued: datetime
    position: Position | None = None
    significance: float | None = None
    long_short: str = "unknown"


def ivorn(trigger: Trigger, notice: Notice) -> str:
    """``ivo://nasa.gsfc.gcn/Fermi#GBM_Gnd_Pos_<time>_<id>_<sequence>-<serial>``."""
    time = iso(trigger.time, 2)
    return f"ivo://nasa.gsfc.gcn/Fermi#GBM_{notice.kind}_{time}_{trigger.trigger_id}_{notice.sequence}-{notice.serial}"


def voevent(trigger: Trigger, notice: Notice, first: Notice | None = None) -> bytes:
    """The notice as GCN writes it; later ones cite the first as followed up."""
    midnight = trigger.time.replace(hour=0, minute=0, second=0, microsecond=0)
    significance = "Trig_Signif" if notice.kind == "Alert" else "Burst_Signif"
    flags = [Param(name, "false") for name in ("Def_NOT_a_GRB", "Target_in_Blk_Catalog", "Spatial_Prox_Match")]
    if notice.kind != "Alert":
        flags += [Param("Long_short", notice.long_short)]
    flags += [Param("Temporal_Prox_Match", "false"), Param("Test_Submission", "false")]
    what: list[Param | Group] = [
        Param("Packet_Type", _PACKET_TYPES[notice.kind]),
        Param("Pkt_Ser_Num", "1"),
        Param("TrigID", str(trigger.trigger_id), ucd="meta.id"),
        Param("Sequence_Num", str(notice.sequence), ucd="meta.id.part"),
        Param("Burst_TJD", str((midnight - _TJD_ZERO).days), "days", "time"),
        Param("Burst_SOD", f"{(trigger.time - midnight).total_seconds():.2f}", "sec", "time"),
    ]
    if notice.significance is not None:
        what.append(Param(significance, f"{notice.significance:.2f}", "sigma", "stat.snr"))
    known = notice.position is not None
    what += [
        Group(flags, name="Trigger_ID"),
        Group([Param("Gnd_Generated", str(notice.kind != "Alert").lower())], name="Misc_Flags"),
        Param("Coords_Type", str(int(known)), "dn"),
        Param("Coords_String", "source_object" if known else "unavailable/inappropriate"),
    ]
    return write(
        Packet(
            ivorn=ivorn(trigger, notice),
            date=notice.issued,
            author_ivorn="ivo://nasa.gsfc.tan/gcn",
            author="Fermi (via VO-GCN)",
            what=what,
            time=trigger.time,
            position=notice.position or Position(0.0, 0.0, 0.0),
            cites=[("followup", ivorn(trigger, first))] if first else [],
            concept="process.variation.burst;em.gamma",
        ),
    )


def gbm_json(trigger: Trigger, issued: datetime, position: Position, tense: str) -> bytes:
    """A ground position in GCN's unified schema, which can say that it is an injection."""
    return orjson.dumps(
        {
            "$schema": f"{_SCHEMAS}/gbm/trigger.schema.json",
            "mission": "Fermi",
            "instrument": "GBM",
            "messenger": "EM",
            "alert_datetime": iso(issued, 0) + "Z",
            "alert_tense": tense,
            "alert_type": "initial",
            "id": [str(trigger.trigger_id)],
            "trigger_time": iso(trigger.time, 2) + "Z",
            "ra": position.ra,
            "dec": position.dec,
            "ra_dec_error": position.radius_deg,
            "containment_probability": 0.68,
            "systematic_included": False,
            "subtype": "GROUND_POSITION",
            "record_number": 1,
            "additional_info": NOTE,
        },
    )


def lat_flare_json(
    name: str, issued: datetime, interval: Sequence[datetime], place: Sequence[float], info: str
) -> bytes:
    """A known source that LAT saw flare over an interval, at its catalogue position (ra, dec).

    In the core fields of GCN's unified schema; LAT itself sends its flares as telegrams.
    """
    return orjson.dumps(
        {
            "$schema": f"{_SCHEMAS}/lat/flare.schema.json",
            "mission": "Fermi",
            "instrument": "LAT",
            "messenger": "EM",
            "alert_datetime": iso(issued, 0) + "Z",
            "alert_tense": "current",
            "alert_type": "initial",
            "event_name": name,
            "id": [name],
            "observation_start": iso(interval[0], 0) + "Z",
            "observation_stop": iso(interval[1], 0) + "Z",
            "ra": place[0],
            "dec": place[1],
            "additional_info": f"{info} {NOTE}",
        },
    )
