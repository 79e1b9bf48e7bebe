"""IceCube notices of the GCN unified schema: single neutrinos, and searches around LVK alerts."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from nuncius.producers import gcn_notice, json_text
from nuncius.producers.build import number
from nuncius.producers.facility import Context, Envelope, Facility, Parsed
from nuncius.producers.gcn_fields import event_class, texts
from nuncius.producers.gcn_missions import MISSIONS, notice_path
from nuncius.producers.gcn_places import localizations
from nuncius.schemas.alert import Alert, Quantity
from nuncius.schemas.errors import MalformedAlert

_SEARCH: Final = "lvk_nu_track_search"


def owns(seen: Envelope, _payload: bytes) -> bool:
    """By schema or topic."""
    return notice_path(seen.name, seen.stream).startswith("icecube/")


def parse(payload: bytes, context: Context) -> Parsed:
    """One revision of one neutrino, or of one search."""
    notice = json_text.load_object(payload)
    if _SEARCH in str(notice.get("$schema")):
        return (_search(notice, payload, context),)
    track = event_class(notice, MISSIONS["icecube"]) == "neutrino_track"
    model = "icecube-track" if track and notice.get("systematic_included") is not True else None
    alert = gcn_notice.read(notice, payload, context, model)
    energy = number(notice.get("nu_energy"))
    return (replace(alert, energy=None if energy is None else Quantity(energy, "TeV")),)


def _search(notice: Mapping[str, Any], payload: bytes, context: Context) -> Alert:
    """A search's thread is the superevent it follows; its p-values are no false-alarm rates."""
    event = next(iter(texts(notice.get("ref_ID"))), None)
    if event is None:
        raise MalformedAlert("a neutrino search must name the alert it follows", "ref_ID")
    alert = gcn_notice.read({**notice, "id": event}, payload, context)
    best = notice.get("most_probable_direction")
    return replace(
        alert,
        kind="followup" if alert.kind == "initial" else alert.kind,
        localizations=localizations(best, context) if isinstance(best, Mapping) else (),
        time_kind="interval",
    )


FACILITY: Final = Facility(
    name="IceCube (JSON)",
    formats=("json",),
    owns=owns,
    parse=parse,
    reference="https://gcn.nasa.gov/missions/icecube",
)
