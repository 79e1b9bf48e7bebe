"""BOOM notices: optical transients near the events of others, several targets a notice."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from nuncius.producers import gcn_notice, json_text
from nuncius.producers.build import number
from nuncius.producers.detection import parts
from nuncius.producers.facility import Context, Envelope, Facility, Parsed
from nuncius.producers.gcn_fields import moment, numbers, texts
from nuncius.producers.gcn_missions import notice_path
from nuncius.schemas.alert import Alert, Citation, Photometry
from nuncius.schemas.errors import MalformedAlert

MAX_TARGETS: Final = 1000


def owns(seen: Envelope, _payload: bytes) -> bool:
    """By schema or topic."""
    return notice_path(seen.name, seen.stream).startswith("boom/")


def parse(payload: bytes, context: Context) -> Parsed:
    """One alert a target."""
    notice = json_text.load_object(payload)
    data = notice.get("data")
    targets = parts(data, "targets") if isinstance(data, Mapping) else []
    if not 0 < len(targets) <= MAX_TARGETS or not isinstance(data, Mapping):
        raise MalformedAlert(f"data.targets holds {len(targets)} targets; expected 1 to {MAX_TARGETS}", "data.targets")
    rest = {name: value for name, value in notice.items() if name != "data"}
    return tuple(_target(target, parts(data, "photometry"), rest, payload, context) for target in targets)


def _target(
    target: Mapping[str, Any],
    photometry: Sequence[Mapping[str, Any]],
    rest: Mapping[str, Any],
    payload: bytes,
    context: Context,
) -> Alert:
    alert = gcn_notice.read({**rest, **target}, payload, context)
    name = next(iter(texts(target.get("event_name"))), "")
    rows = [row for row in photometry if name in texts(row.get("event_name"))]
    points = [point for row in rows if (point := _point(row)) is not None]
    points.sort(key=lambda point: point.time.isoformat() if point.time else "", reverse=True)
    seen = [point.time for point in points if point.time is not None and not point.limit]
    return replace(
        alert,
        time_start=min(seen, default=alert.time_start),
        time_kind="first_detection",
        photometry=tuple(points),
        classification=numbers(target.get("classification_scores")),
        cites=tuple(Citation("followup", i) for m in parts(target, "gcn_crossmatch") for i in texts(m.get("ref_ID"))),
    )


def _point(row: Mapping[str, Any]) -> Photometry | None:
    mag, limit = number(row.get("mag")), number(row.get("limiting_mag"))
    value = limit if mag is None else mag
    if value is None:
        return None
    system, error = str(row.get("mag_system", "AB")), number(row.get("mag_error"))
    return Photometry(moment(row, "observation_start"), str(row.get("filter", "")), value, error, system, mag is None)


FACILITY: Final = Facility(
    name="BOOM (JSON)",
    formats=("json",),
    owns=owns,
    parse=parse,
    reference="https://github.com/nasa-gcn/gcn-schema",
)
