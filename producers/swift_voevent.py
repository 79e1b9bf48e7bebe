"""Swift VOEvents: BAT bursts, transients, known and sub-threshold sources, and what XRT and UVOT add to their threads."""

from typing import Final, NamedTuple

from nuncius.producers import notice, voevent
from nuncius.producers.build import kept, number
from nuncius.producers.facility import Context, Envelope, Facility, Parsed
from nuncius.producers.voevent import VOEvent
from nuncius.schemas.alert import Alert
from nuncius.schemas.vocabulary import Band, Kind


class Instrument(NamedTuple):
    """The band it sees, and the error model of its positions."""

    band: Band
    model: str | None


INSTRUMENTS: Final = {
    "BAT": Instrument("gamma", "swift-bat"),
    "XRT": Instrument("x-ray", None),
    "UVOT": Instrument("uv", None),
}
# What BAT saw, by the beginning of the local id; products of a trigger (light curves, images) follow its class.
CLASSES: Final = {
    "BAT_SubSubThresh": "sub_grb",
    "BAT_SubThresh": "sub_grb",
    "BAT_Known": "known_source",
    "BAT_Monitor": "known_source",
    "BAT_Trans": "x_ray_transient",
}
_POSITIONS: Final = ("BAT_GRB_Pos", "BAT_QuickLook_Pos", "BAT_Trans_Pos", "BAT_Known", "BAT_Sub", "BAT_Monitor")
_NO_TRIGGER: Final = ("BAT_Known", "BAT_SubSubThresh", "BAT_Monitor")
_KEPT: Final = ("Cat_Num", "SourceName", "Integ_Time", "Rate_Signif", "Image_Signif", "Segment_Num", "Trig_Index")
_MARKS: Final = (
    "Def_NOT_a_GRB",
    "StarTrack_Lost_Lock",
    "Target_in_Gnd_Catalog",
    "VERY_Lo_Image_Signif",
    "TOO_Generated",
)


def parse(payload: bytes, context: Context) -> Parsed:
    """One notice of one trigger, or of one source where BAT found several in an image."""
    event = voevent.read(payload)
    params = event.params
    name = event.local_id.partition("_")[0]
    instrument = INSTRUMENTS.get(name, INSTRUMENTS["BAT"])
    significance = number(params.get("Image_Signif")) or number(params.get("Rate_Signif"))
    error = number(event.error_radius)
    alert = Alert(
        **notice.common(event, payload, context),
        thread_id=_thread(event),
        sequence=int(serial) if (serial := params.get("Pkt_Ser_Num", "")).isdecimal() else None,
        kind=_kind(event),
        messenger="photon",
        band=instrument.band,
        facility="Swift",
        instrument=name,
        event_class=_event_class(event),
        time_kind="trigger" if name == "BAT" else "detection",
        localizations=notice.position(
            event,
            0.9,
            systematic_included=None if instrument.model or not error else True,
            systematic_model=instrument.model if error else "swift-bat",
        ),
        significance=significance or None,
        significance_unit="sigma" if significance else None,
        properties=notice.stated(event, kept(params, _KEPT + _MARKS)),
    )
    return (alert,)


def _thread(event: VOEvent) -> str:
    trigger = event.params.get("TrigID") or event.params.get("RefNum") or notice.without_serial(event.local_id)
    return f"swift-bat:{trigger}" + (f"@{event.ra},{event.dec}" if event.local_id.startswith(_NO_TRIGGER) else "")


def _kind(event: VOEvent) -> Kind:
    said = notice.kind(event)
    return "update" if said == "followup" and event.local_id.startswith(_POSITIONS) else said


def _event_class(event: VOEvent) -> str:
    if event.params.get("TOO_Generated") == "true":
        return "unknown"
    named = next((found for start, found in CLASSES.items() if event.local_id.startswith(start)), "grb")
    known = event.params.get("Target_in_Flt_Catalog") == "true" or event.params.get("Target_in_Gnd_Catalog") == "true"
    if event.params.get("Def_NOT_a_GRB") == "true" or named == "x_ray_transient":
        return "known_source" if known else "not_astrophysical" if named == "grb" else named
    return named


def _owns(seen: Envelope, _payload: bytes) -> bool:
    return seen.name.startswith("ivo://nasa.gsfc.gcn/SWIFT#")


FACILITY: Final = Facility("Swift VOEvent", ("voevent",), _owns, parse, None, "https://gcn.gsfc.nasa.gov/swift.html")
