"""LIGO/Virgo/KAGRA public alerts: the same record in JSON (GCN) and in Avro (Hopskotch)."""

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from nuncius.producers import times
from nuncius.producers.build import kept, number, provenance
from nuncius.producers.embedded_map import distance_mpc
from nuncius.producers.facility import Context
from nuncius.producers.gcn_fields import LONGEST_ID, texts
from nuncius.schemas.alert import Alert
from nuncius.schemas.errors import MalformedAlert
from nuncius.schemas.localization import Localization, SkyMapRef
from nuncius.schemas.vocabulary import Kind, Reality

KINDS: Final[Mapping[str, Kind]] = {
    "EARLYWARNING": "initial",
    "PRELIMINARY": "initial",
    "INITIAL": "initial",
    "UPDATE": "update",
    "RETRACTION": "retraction",
}
"""LVK counts no revisions and a superevent may have several PRELIMINARY: only ``issued_time`` orders a thread."""

_REAL_ID: Final = re.compile(r"(?:S|GW|G)\d{5,6}[A-Za-z]*")
_EVENT: Final = ("significant", "group", "pipeline", "search", "duration", "central_frequency")
_COINCIDENCE: Final = (
    "gcn_notice_id",
    "ivorn",
    "observatory",
    "search",
    "time_difference",
    "time_coincidence_far",
    "time_sky_position_coincidence_far",
)
_CLASSES: Final = {"CBC": "cbc", "BURST": "burst"}

ReadMap = Callable[[Any, str], SkyMapRef]
"""How the format carries a map: the field's value and its name for messages."""


def alert(record: Mapping[str, Any], payload: bytes, context: Context, media_type: str, read_map: ReadMap) -> Alert:
    """One notice of a superevent.

    Raises
    ------
    MalformedAlert
        If identifier or type are missing. An embedded map that is none costs the map only: ``skymap_error`` says why.
    """
    superevent, stage = record.get("superevent_id"), record.get("alert_type")
    if not isinstance(superevent, str) or not 0 < len(superevent) <= LONGEST_ID:
        raise MalformedAlert(f"superevent_id is {str(superevent)[:80]!r}; expected a short text", "superevent_id")
    if not isinstance(stage, str) or stage not in KINDS:
        raise MalformedAlert(f"alert_type is {stage!r}; expected one of {sorted(KINDS)}", "alert_type")
    event, outside = _part(record, "event"), _part(record, "external_coinc")
    created = _text(record.get("time_created"))
    faults: list[str] = []
    own = _map(event, "skymap", read_map, faults)
    combined = _map(outside, "combined_skymap", read_map, faults)
    mean, std = distance_mpc(own.data) if own is not None and own.data else (None, None)
    classes = _numbers(_part(event, "classification"))
    merged = times.utc(_text(event.get("time")))
    far = number(event.get("far"))
    return Alert(
        **provenance(payload, context, f"{superevent}-{stage}-{created}", media_type, "igwn.gwalert"),
        thread_id=f"lvk:{superevent}",
        kind=KINDS[stage],
        reality=reality(superevent, event),
        messenger="gravitational_wave",
        facility="LIGO/Virgo/KAGRA",
        instrument=",".join(texts(event.get("instruments"))),
        event_class=_CLASSES.get(str(event.get("group", "")).upper(), "unknown"),
        time_start=merged,
        time_kind="merger" if event.get("group") == "CBC" else "trigger",
        time_frame="geocentric",
        issued_time=times.utc(created),
        localizations=(
            *(() if own is None else (Localization(own, "own"),)),
            *(() if combined is None else (Localization(combined, "combined"),)),
        ),
        far_hz=far,
        far_kind=None if far is None else "noise_only",
        far_scope=None if far is None else "pipeline",
        far_as_stated=None if far is None else f"{event['far']} Hz",
        p_astro=1.0 - classes["Terrestrial"] if "Terrestrial" in classes else None,
        classification=classes,
        distance_mpc=mean,
        distance_err_mpc=std,
        properties={
            "alert_type": stage,
            **kept(event, _EVENT),
            **_numbers(_part(event, "properties")),
            **{f"external_{name}": value for name, value in kept(outside, _COINCIDENCE).items()},
            **({"skymap_error": "; ".join(faults)} if faults else {}),
            **({"time_as_stated": str(event["time"])[:80]} if merged is None and event.get("time") else {}),
        },
        references=tuple(url for url in _part(record, "urls").values() if isinstance(url, str)),
    )


def reality(superevent: str, event: Mapping[str, Any]) -> Reality:
    """``real`` for a real superevent's id (S190425z), unless mock data were searched; MS, TS and others are tests."""
    if not _REAL_ID.fullmatch(superevent) or event.get("search") == "MDC":
        return "test"
    return "real"


def _map(record: Mapping[str, Any], name: str, read_map: ReadMap, faults: list[str]) -> SkyMapRef | None:
    value = record.get(name)
    try:
        return None if value is None else read_map(value, name)
    except MalformedAlert as error:
        faults.append(str(error))
        return None


def _part(record: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = record.get(name)
    return value if isinstance(value, Mapping) else {}


def _numbers(record: Mapping[str, Any]) -> dict[str, float]:
    found = {str(name): number(value) for name, value in record.items()}
    return {name: value for name, value in found.items() if value is not None}


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and len(value) <= LONGEST_ID else None
