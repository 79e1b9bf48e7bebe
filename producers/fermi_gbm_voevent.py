"""Fermi GBM VOEvents: alert, flight, ground and final positions, and sub-threshold candidates."""

from typing import Final

from nuncius.producers import notice, voevent
from nuncius.producers.build import kept, number
from nuncius.producers.facility import Context, Facility, Parsed
from nuncius.producers.fermi_gbm_notices import NOTICES, SOURCES, STATISTICAL_1_SIGMA
from nuncius.producers.voevent import VOEvent
from nuncius.schemas.alert import Alert

_KEPT: Final = ("Trig_Dur", "Trig_Timescale", "Data_Timescale", "Data_Integ", "Trans_Duration", "Hardness_Ratio")
_MARKS: Final = ("Def_NOT_a_GRB", "Target_in_Blk_Catalog", "Temporal_Prox_Match", "Long_short", "LAT_FoV")
_SUB: Final = ("Reliability", "Spectral_class", "Duration_class", "Earth_angle")
_LINKS: Final = ("LightCurve_URL", "LocationMap_URL", "HealPix_URL", "Map_URL", "LC_URL")


def parse(payload: bytes, context: Context) -> Parsed:
    """One notice of one trigger."""
    event = voevent.read(payload)
    params = event.params
    says = next((says for name, says in NOTICES.items() if event.local_id.startswith(name)), NOTICES["GBM_Flt_Pos"])
    trigger, candidate = params.get("TrigID"), params.get("Trans_Num")
    shared = notice.common(event, payload, context)
    shared["references"] += tuple(params[link] for link in _LINKS if params.get(link))
    alert = Alert(
        **shared,
        thread_id=f"fermi-gbm:{trigger}" if trigger else f"fermi-gbm-sub:{candidate or event.local_id}",
        sequence=notice.serial(event),
        kind=says.kind if notice.kind(event) != "retraction" else "retraction",
        messenger="photon",
        band="gamma",
        facility="Fermi",
        instrument="GBM",
        event_class=_event_class(event),
        localizations=notice.position(
            event, STATISTICAL_1_SIGMA, systematic_included=False, systematic_model=says.model
        ),
        **notice.strength(event, (says.significance,)),
        classification=_classification(event),
        properties=notice.stated(event, kept(params, _KEPT + _MARKS + _SUB)),
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


_OWNS: Final = notice.owner("ivo://nasa.gsfc.gcn/Fermi#GBM_")
FACILITY: Final = Facility(
    "Fermi GBM VOEvent", ("voevent",), _OWNS, parse, None, "https://gcn.gsfc.nasa.gov/fermi.html"
)
