"""Any other VOEvent 1.1, 2.0 or 2.1: nothing is lost, and known streams are named."""

from dataclasses import replace
from typing import Final

from nuncius.producers import notice, voevent
from nuncius.producers.build import kept, number
from nuncius.producers.facility import Context, Facility, Parsed
from nuncius.producers.voevent import VOEvent
from nuncius.producers.voevent_streams import SOURCE_CLASSES, Stream, find
from nuncius.schemas.alert import Alert, NotAnAlert
from nuncius.schemas.vocabulary import Kind

_TRIGGERS: Final = ("TrigID", "Trigger_Number")
_NO_TRIGGER: Final = frozenset({"", "0", "-1"})
_KEPT: Final = ("Inten_Sigma", "Time_Error", "Time_Scale", "SRC_CLASS", "Source_Name", "SourceName", "Event_Class")
_LINKS: Final = ("Light_Curve", "LightCurve_URL", "LC_URL")
_ERRORS: Final = ("Src_Error68", "Src_Error90", "Src_Error95", "N_Events", "Telescope", "Filter", "Temporal_Prox_Match")
_RADIO: Final = ("dm_error", "width", "snr", "flux", "centre_frequency", "beam_semi-major_axis")
_OTHER: Final = ("averagemag", "mag_v", "magnitude", "id_other", "comment", "SubType")
_SIGNIFICANCE: Final = ("snr", "Inten_Sigma", "SIGNIFICANCE", "TRIGGER_SIGNIF", "grb_signif")


def parse(payload: bytes, context: Context) -> Parsed:
    """One alert, or for role utility the non-alert ``utility``."""
    event = voevent.read(payload)
    shared = notice.common(event, payload, context)
    if event.role == "utility":
        return (NotAnAlert("utility", shared["stream"], shared["issued_time"]),)
    stream = find(event.ivorn, event.concepts)
    params = event.params
    shared["references"] += tuple(params[link] for link in _LINKS if params.get(link))
    located = replace(event, error_radius=params["Src_Error90"]) if "Src_Error90" in params else event
    properties = notice.stated(event, kept(params, _KEPT + _ERRORS + _RADIO + _OTHER))
    if "dm" in params:
        properties["time_reference"] = "as printed; whether at infinite frequency is not stated"
    alert = Alert(
        **shared,
        thread_id=_thread(event, stream),
        sequence=notice.serial(event),
        kind=_kind(event),
        messenger=stream.messenger,
        band=stream.band,
        facility=stream.facility,
        instrument=stream.instrument,
        event_class=_event_class(event, stream),
        time_kind="detection" if stream.band in ("optical", "radio") else "trigger",
        time_err_s=number(params.get("Time_Error")),
        localizations=notice.position(located, stream.containment),
        **notice.strength(event, _SIGNIFICANCE, "snr" if "snr" in params else "sigma"),
        dispersion_measure_pc_cm3=number(params.get("dm")),
        properties=properties,
    )
    return (alert,)


def _thread(event: VOEvent, stream: Stream) -> str:
    trigger = next((value for name in _TRIGGERS if (value := event.params.get(name, "")) not in _NO_TRIGGER), "")
    gcn = event.authority.startswith("nasa.gsfc.gcn")
    local_id = notice.without_serial(event.local_id) if gcn else event.local_id
    return f"{stream.thread or event.authority.lower()}:{trigger or local_id}"


def _kind(event: VOEvent) -> Kind:
    """As cited; a follow-up of a notice of the same stream is that stream's update."""
    own = any(citation.identifier.startswith(f"ivo://{event.authority}#") for citation in event.cites)
    said = notice.kind(event)
    return "update" if said == "followup" and own else said


def _event_class(event: VOEvent, stream: Stream) -> str:
    if event.params.get("Def_NOT_a_GRB") == "true":
        return "not_astrophysical"
    if "SRC_CLASS" in event.params:
        return SOURCE_CLASSES.get(event.params["SRC_CLASS"].upper(), "unknown")
    return stream.event_class


_OWNS: Final = notice.owner("")
FACILITY: Final = Facility("Any VOEvent", ("voevent",), _OWNS, parse, None, "https://ivoa.net/documents/VOEvent/")
