"""What ``nuncius parse`` prints: one flat row an alert, for people and for scripts."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import orjson

from nuncius.broker.services.lines import printable
from nuncius.broker.services.packets import Packet
from nuncius.broker.services.reading import read
from nuncius.broker.services.supplies import Supplies
from nuncius.broker.sky import SkyMap
from nuncius.producers import parse_all
from nuncius.schemas import Alert, Cone, Ellipse, Quarantine, SkyMapRef
from nuncius.schemas.wire import to_json


def look(packet: Packet, supplies: Supplies) -> Iterator[dict[str, Any]]:
    """The rows of one packet: its alerts, the reason why it is none, or what is wrong with it."""
    context = supplies.context(packet, "replay")
    reading = read(packet, context, parse_all)
    if reading.fault is not None:
        yield {"file": packet.source, "error": reading.fault.detail, "reason": reading.fault.reason}
    for other in reading.non_alerts:
        yield {"file": packet.source, "not_an_alert": other.reason}
    for alert in reading.alerts:
        yield _row(packet.source, alert)


def as_line(row: dict[str, Any], *, json: bool) -> str:
    """A row as JSON, or as one readable line."""
    return orjson.dumps(row, option=orjson.OPT_UTC_Z).decode() if json else printable(_in_words(row))


def _in_words(row: dict[str, Any]) -> str:
    if "error" in row:
        return f"{row['file']}: cannot be read: {row['error']}"
    if "not_an_alert" in row:
        return f"{row['file']}: no alert ({row['not_an_alert']})"
    where = "no position"
    if row["ra_deg"] is not None:
        where = (
            f"RA {row['ra_deg']:.4f} Dec {row['dec_deg']:+.4f} r {row['radius_deg']:.3g} deg ({row['containment']:.0%})"
        )
    elif row["has_skymap"]:
        area = row["area90_deg2"]
        where = "sky map" if area is None else f"sky map, 90 % in {area:.0f} deg2"
    far = "" if row["far_hz"] is None else f", FAR {row['far_hz']:.3g} Hz"
    when = "no time" if row["time_start"] is None else f"{row['time_start']:%Y-%m-%d %H:%M:%S.%f}"[:-3]
    return (
        f"{row['file']}: {row['facility']} {row['event_class']} {row['kind']} ({row['reality']}) "
        f"{row['thread_id']} at {when}, {where}{far}"
    )


def _row(file: str, alert: Alert) -> dict[str, Any]:
    own = [item.shape for item in alert.localizations if item.origin == "own"]
    maps = [shape for shape in own if isinstance(shape, SkyMapRef)]
    places = [shape for shape in own if isinstance(shape, Cone | Ellipse)]
    record = to_json(_without_bytes(alert))
    row = {"file": file, **record, "event_time": alert.time_start}
    row.update(_place(places[0]) if places else dict.fromkeys(("ra_deg", "dec_deg", "radius_deg", "containment")))
    area, fault = _area90(maps)
    row.update(has_skymap=bool(maps), area90_deg2=area)
    if fault:
        row["skymap_error"] = fault
    return row


def _place(shape: Cone | Ellipse) -> dict[str, float]:
    if isinstance(shape, Cone):
        radius = shape.radius
    else:
        radius = max(shape.ra_minus, shape.ra_plus, shape.dec_minus, shape.dec_plus)
    return {"ra_deg": shape.ra, "dec_deg": shape.dec, "radius_deg": radius, "containment": shape.containment}


def _area90(maps: list[SkyMapRef]) -> tuple[float | None, str]:
    data = next((shape.data for shape in maps if shape.data), None)
    if data is None:
        return None, ""
    try:
        return float(SkyMap.read(data).area(0.9)), ""
    except Quarantine as error:
        return None, str(error)


def _without_bytes(alert: Alert) -> Alert:
    localizations = tuple(
        replace(item, shape=replace(item.shape, data=None)) if isinstance(item.shape, SkyMapRef) else item
        for item in alert.localizations
    )
    return replace(alert, localizations=localizations)
