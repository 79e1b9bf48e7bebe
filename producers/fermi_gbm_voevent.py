"""Fermi GBM VOEvents: alert, flight, ground and final positions, and sub-threshold candidates."""

from typing import Final, NamedTuple

from nuncius.producers import notice, voevent
from nuncius.producers.build import kept, number
from nuncius.producers.facility import Context, Envelope, Facility, Parsed
from nuncius.producers.fermi_gbm_sources import SOURCES
from nuncius.producers.voevent import VOEvent
from nuncius.schemas.alert import Alert
from nuncius.schemas.vocabulary import Kind


class Notice(NamedTuple):
    """What a type of notice is: its kind, its error model, the parameter with its significance."""

    kind: Kind
    model: str | None
    significance: str


NOTICES: Final = {
    "GBM_Alert": Notice("initial", None, "Trig_Signif"),
    "GBM_ALERT": Notice("initial", "fermi-gbm-final", "Burst_Signif"),
    "GBM_Flt_Pos": Notice("update", "fermi-gbm-flight", "Data_Signif"),
    "GBM_Gnd_Pos": Notice("update", "fermi-gbm-ground", "Burst_Signif"),
    "GBM_Fin_Pos": Notice("update", "fermi-gbm-final", "Burst_Signif"),
    "GBM_SubThresh": Notice("initial", "fermi-gbm-ground", ""),
}
STATISTICAL_1_SIGMA: Final = 0.683
"""Probability inside GBM's stated radius, its systematic error left out."""

_KEPT: Final = (
    "Trig_Dur",
    "Trig_Timescale",
    "Data_Timescale",
    "Data_Integ",
    "Trans_Duration",
    "Hardness_Ratio",
    "Reliability",
)
_MARKS: Final = (
    "Def_NOT_a_GRB",
    "Target_in_Blk_Catalog",
    "Spatial_Prox_Match",
    "Long_short",
    "Spectral_class",
    "LAT_FoV",
)
_LINKS: Final = ("LightCurve_URL", "LocationMap_URL", "HealPix_URL", "Map_URL", "LC_URL")


def parse(payload: bytes, context: Context) -> Parsed:
    """One notice of one trigger."""
    event = voevent.read(payload)
    params = event.params
    says = next((says for name, says in NOTICES.items() if event.local_id.startswith(name)), NOTICES["GBM_Flt_Pos"])
    trigger, candidate = params.get("TrigID"), params.get("Trans_Num")
    significance = number(params.get(says.significance))
    shared = notice.common(event, payload, context)
    shared["references"] += tuple(params[link] for link in _LINKS if params.get(link))
    alert = Alert(
        **shared,
        thread_id=f"fermi-gbm:{trigger}" if trigger else f"fermi-gbm-sub:{candidate or event.local_id}",
        sequence=int(serial) if (serial := params.get("Pkt_Ser_Num", "")).isdecimal() else None,
        kind=says.kind if notice.kind(event) != "retraction" else "retraction",
        messenger="photon",
        band="gamma",
        facility="Fermi",
        instrument="GBM",
        event_class=_event_class(event),
        localizations=notice.position(
            event, STATISTICAL_1_SIGMA, systematic_included=False, systematic_model=says.model
        ),
        significance=significance or None,
        significance_unit="sigma" if significance else None,
        classification=_classification(event),
        properties=notice.stated(event, kept(params, _KEPT + _MARKS)),
    )
    return (alert,)


def _event_class(event: VOEvent) -> str:
    if event.local_id.startswith("GBM_SubThresh"):
        return "sub_grb"
    if event.params.get("Def_NOT_a_GRB") == "true":
        return "not_astrophysical"
    _, event_class = SOURCES.get(event.params.get("Most_Likely_Index", ""), ("", "grb"))
    return event_class


def _classification(event: VOEvent) -> dict[str, float]:
    found: dict[str, float] = {}
    for rank in ("", "Sec_"):
        source = SOURCES.get(event.params.get(f"{rank}Most_Likely_Index", ""))
        percent = number(event.params.get(f"{rank}Most_Likely_Prob"))
        if source and percent is not None:
            found[source[0]] = percent / 100.0
    return found


def _owns(seen: Envelope, _payload: bytes) -> bool:
    return seen.name.startswith("ivo://nasa.gsfc.gcn/Fermi#GBM_")


FACILITY: Final = Facility(
    "Fermi GBM VOEvent", ("voevent",), _owns, parse, None, "https://gcn.gsfc.nasa.gov/fermi.html"
)
