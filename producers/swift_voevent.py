"""Swift VOEvents: BAT bursts, transients, known and sub-threshold sources; what XRT and UVOT add to their threads."""

from typing import Final

from nuncius.producers import notice, voevent
from nuncius.producers.build import kept, number
from nuncius.producers.facility import Context, Facility, Parsed
from nuncius.producers.swift_notices import CLASSES, INSTRUMENTS, MANY_A_TRIGGER, POSITIONS
from nuncius.producers.voevent import VOEvent
from nuncius.schemas.alert import Alert
from nuncius.schemas.vocabulary import Kind

_KEPT: Final = ("Cat_Num", "SourceName", "Integ_Time", "Rate_Signif", "Image_Signif", "Segment_Num", "Trig_Index")
_MARKS: Final = ("Def_NOT_a_GRB", "StarTrack_Lost_Lock", "Target_in_Gnd_Catalog", "Temporal_Prox_Match")
_MORE: Final = ("VERY_Lo_Image_Signif", "TOO_Generated")


def parse(payload: bytes, context: Context) -> Parsed:
    """One notice of one trigger, or of one source where BAT found several in an image."""
    event = voevent.read(payload)
    params = event.params
    name = event.local_id.partition("_")[0]
    instrument = INSTRUMENTS.get(name, INSTRUMENTS["BAT"])
    error = number(event.error_radius)
    alert = Alert(
        **notice.common(event, payload, context),
        thread_id=_thread(event),
        sequence=notice.serial(event),
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
        **notice.strength(event, ("Image_Signif", "Rate_Signif")),
        properties=notice.stated(event, kept(params, _KEPT + _MARKS + _MORE)),
    )
    return (alert,)


def _thread(event: VOEvent) -> str:
    trigger = event.params.get("TrigID") or event.params.get("RefNum") or notice.without_serial(event.local_id)
    return f"swift-bat:{trigger}" + (f"@{event.ra},{event.dec}" if event.local_id.startswith(MANY_A_TRIGGER) else "")


def _kind(event: VOEvent) -> Kind:
    """Positions by BAT are what the thread is; light curves, images, XRT and UVOT follow it, cited or not."""
    said = notice.kind(event)
    if event.local_id.startswith(POSITIONS):
        return "update" if said == "followup" else said
    return "followup" if said == "initial" else said


def _event_class(event: VOEvent) -> str:
    if event.params.get("TOO_Generated") == "true":
        return "unknown"
    named = next((found for start, found in CLASSES.items() if event.local_id.startswith(start)), "grb")
    known = event.params.get("Target_in_Flt_Catalog") == "true" or event.params.get("Target_in_Gnd_Catalog") == "true"
    if event.params.get("Def_NOT_a_GRB") == "true" or named == "x_ray_transient":
        return "known_source" if known else "not_astrophysical" if named == "grb" else named
    return named


_OWNS: Final = notice.owner("ivo://nasa.gsfc.gcn/SWIFT#")
FACILITY: Final = Facility("Swift VOEvent", ("voevent",), _OWNS, parse, None, "https://gcn.gsfc.nasa.gov/swift.html")
