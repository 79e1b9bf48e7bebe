"""Fermi GBM notices of the GCN unified schema: alert, positions from flight to final, sub-threshold candidates."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from nuncius.producers import gcn_notice, json_text
from nuncius.producers.facility import Context, Envelope, Facility, Parsed
from nuncius.producers.fermi_gbm_notices import SOURCES
from nuncius.producers.gcn_fields import texts
from nuncius.producers.gcn_missions import notice_path

MODELS: Final = {
    "FLIGHT_POSITION": "fermi-gbm-flight",
    "GROUND_POSITION": "fermi-gbm-ground",
    "FINAL_POSITION": "fermi-gbm-final",
}
"""Notice subtype -> error model, where the notice says that its radius leaves the systematic error out."""

_CLASSES: Final = {name.upper(): event_class for name, event_class in SOURCES.values()}


def owns(seen: Envelope, _payload: bytes) -> bool:
    """By schema or topic."""
    return notice_path(seen.name, seen.stream).startswith("fermi/gbm")


def parse(payload: bytes, context: Context) -> Parsed:
    """One notice of one trigger; its thread is the trigger number, which VOEvents carry too."""
    notice = json_text.load_object(payload)
    subtype = str(notice.get("subtype", ""))
    model = None if notice.get("systematic_included") is True else MODELS.get(subtype, "fermi-gbm-ground")
    alert = gcn_notice.read(notice, payload, context, model)
    trigger = next((name for name in texts(notice.get("id")) if name.isdecimal()), None)
    return (
        replace(
            alert,
            thread_id=f"fermi-gbm:{trigger}" if trigger else alert.thread_id,
            event_class=event_class(notice, alert.classification),
        ),
    )


def event_class(notice: Mapping[str, Any], classification: Mapping[str, float]) -> str:
    """By the likeliest class; a notice with a reliability is of the sub-threshold search."""
    if notice.get("reliability") is not None:
        return "sub_grb"
    likeliest = max(sorted(classification), key=classification.__getitem__, default="")
    return _CLASSES.get(likeliest.upper(), "grb")


FACILITY: Final = Facility(
    name="Fermi GBM (JSON)",
    formats=("json",),
    owns=owns,
    parse=parse,
    reference="https://gcn.nasa.gov/missions/fermi",
)
