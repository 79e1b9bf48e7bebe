"""IceCube EHE notices as AMON sent them in 2017."""

from datetime import UTC, datetime
from typing import Final

from nuncius.producers.simulation.voevents import Group, Packet, Param, Position, iso, write

_TJD_ZERO: Final = datetime(1968, 5, 24, tzinfo=UTC)


def ehe(
    *,
    run: int,
    event: int,
    revision: int,
    time: datetime,
    issued: datetime,
    position: Position | None,
    signalness: float | None,
    remark: str,
) -> bytes:
    """One revision of one neutrino; the radius of an EHE notice holds 50 %.

    ``remark`` is for the reader. What no source gives (energy, charge, rate) is left out.
    """
    midnight = time.replace(hour=0, minute=0, second=0, microsecond=0)
    known = position is not None
    local_id = f"ICECUBE_EHE_Event{iso(time, 2)}_{run}_{event:09d}_{revision}-{revision + 1:03d}"
    what: list[Param | Group] = [
        Param("Packet_Type", "169"),
        Param("Pkt_Ser_Num", str(revision + 1)),
        Param("run_id", str(run), ucd="meta.id"),
        Param("event_id", str(event), ucd="meta.id"),
        Param("Event_TJD", str((midnight - _TJD_ZERO).days), "days", "time"),
        Param("Event_SOD", f"{(time - midnight).total_seconds():.2f}", "sec", "time"),
        Param("Nevents", "1", "dn", "arith.count"),
        Param("Stream", "2", "dn", "meta.id"),
        Param("Rev", str(revision), "dn", "meta.id"),
    ]
    if position is not None:
        what.append(Param("src_error_50", f"{position.radius_deg:.4f}", "deg", "stat.error.sys"))
    if signalness is not None:
        what.append(Param("signalness", f"{signalness:.3f}", "dn"))
    names = (("SubType", "indi"), ("Test", "false"), ("RADec_valid", str(known).lower()), ("Retraction", "false"))
    what.append(Group([Param(name, value) for name, value in names], name="Trigger_ID"))
    what.append(Param("Coords_Type", str(int(known)), "dn"))
    return write(
        Packet(
            ivorn=f"ivo://nasa.gsfc.gcn/AMON#{local_id}",
            date=issued,
            author_ivorn="ivo://nasa.gsfc.tan/gcn",
            author="AMON (via VO-TAN)",
            what=what,
            time=time,
            position=position or Position(0.0, 0.0, 0.0),
            concept="process.variation.burst;em",
            description=remark,
        ),
    )
