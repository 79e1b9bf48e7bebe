"""Any other VOEvent 1.1, 2.0 or 2.1: nothing is lost, and known streams are named."""

from typing import Final

from nuncius.producers import notice, voevent
from nuncius.producers.build import kept, number
from nuncius.producers.facility import Context, Envelope, Facility, Parsed
from nuncius.producers.voevent import VOEvent
from nuncius.producers.voevent_streams import MESSENGERS, SOURCE_CLASSES, STREAMS, Stream
from nuncius.schemas.alert import Alert, NotAnAlert
from nuncius.schemas.vocabulary import Kind

_TRIGGERS: Final = ("TrigID", "Trigger_Number")
_NO_TRIGGER: Final = frozenset({"", "0", "-1"})
_KEPT: Final = ("Inten_Sigma", "Time_Error", "Time_Scale", "SRC_CLASS", "Source_Name", "SourceName", "Event_Class")
_KEPT_MORE: Final = ("Light_Curve", "LightCurve_URL", "Telescope", "Filter", "N_Events", "Src_Error68", "Src_Error90")
_RADIO: Final = (
    "dm",
    "dm_error",
    "width",
    "snr",
    "flux",
    "centre_frequency",
    "beam_semi-major_axis",
    "averagemag",
    "mag_v",
)
_SIGNIFICANCE: Final = (
    ("Inten_Sigma", "sigma"),
    ("SIGNIFICANCE", "sigma"),
    ("TRIGGER_SIGNIF", "sigma"),
    ("snr", "snr"),
)


def parse(payload: bytes, context: Context) -> Parsed:
    """One alert, or for role utility the non-alert ``utility``."""
    event = voevent.read(payload)
    shared = notice.common(event, payload, context)
    if event.role == "utility":
        return (NotAnAlert("utility", shared["stream"], shared["issued_time"]),)
    stream = _stream(event)
    params = event.params
    significance, unit = next(
        ((value, unit) for name, unit in _SIGNIFICANCE if (value := number(params.get(name)))), (None, None)
    )
    alert = Alert(
        **shared,
        thread_id=_thread(event, stream),
        sequence=int(serial) if (serial := params.get("Pkt_Ser_Num", "")).isdecimal() else None,
        kind=_kind(event),
        messenger=stream.messenger,
        band=stream.band,
        facility=stream.facility,
        instrument=stream.instrument,
        event_class=_event_class(event, stream),
        time_kind="detection" if stream.band in ("optical", "radio") else "trigger",
        time_err_s=number(params.get("Time_Error")),
        localizations=notice.position(event, stream.containment),
        significance=significance,
        significance_unit=unit,
        dispersion_measure_pc_cm3=number(params.get("dm")),
        properties=notice.stated(event, kept(params, _KEPT + _KEPT_MORE + _RADIO)),
    )
    return (alert,)


def _stream(event: VOEvent) -> Stream:
    name = event.ivorn.removeprefix("ivo://")
    for stream in STREAMS:
        if name.startswith(stream.start):
            return stream
    words = " ".join(event.concepts)
    for word, messenger, band in MESSENGERS:
        if word in words:
            return Stream("", event.authority or "unknown", "", messenger, band, "unknown")
    return Stream("", event.authority or "unknown", "", "photon", None, "unknown")


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


def _owns(seen: Envelope, _payload: bytes) -> bool:
    return seen.format == "voevent"


FACILITY: Final = Facility("Any VOEvent", ("voevent",), _owns, parse, None, "https://ivoa.net/documents/VOEvent/")
