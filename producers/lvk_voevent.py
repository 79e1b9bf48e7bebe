"""LIGO/Virgo/KAGRA VOEvents: preliminary to retraction, of compact binaries and bursts, sky map by name or by URL."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Final

from nuncius.producers import notice, voevent
from nuncius.producers.build import kept, number
from nuncius.producers.embedded_map import beside
from nuncius.producers.facility import Context, Facility, Parsed
from nuncius.producers.voevent import VOEvent
from nuncius.schemas.alert import Alert
from nuncius.schemas.localization import Localization
from nuncius.schemas.vocabulary import Kind, Origin, Reality

_KINDS: Final[Mapping[str, Kind]] = {"Update": "update", "Retraction": "retraction"}
_CLASSES: Final = ("BNS", "NSBH", "BBH", "MassGap", "Terrestrial")
_EXTERNAL: Final = ("External_GCN_Notice_Id", "External_Ivorn", "External_Observatory", "External_Search")
_JOINT: Final = ("Time_Difference", "Time_Coincidence_FAR", "Time_Sky_Position_Coincidence_FAR")
_SOURCE: Final = ("HasNS", "HasRemnant", "HasMassGap", "HasSSM", "CentralFreq", "frequency", "Duration", "Fluence")
_SEARCH: Final = ("AlertType", "Instruments", "Significant", "Group", "Pipeline", "Search", "OpenAlert", "EventPage")


def parse(payload: bytes, context: Context) -> Parsed:
    """One notice of one superevent."""
    event = voevent.read(payload)
    params = event.params
    name = params.get("GraceID") or event.local_id.partition("-")[0]
    classes = {name: p for name in _CLASSES if (p := number(params.get(f"Classification/{name}"))) is not None}
    terrestrial = classes.get("Terrestrial")
    far = params.get("FAR")
    shared = notice.common(event, payload, context)
    shared["reality"] = _reality(shared["reality"], name, params)
    maps = tuple(_maps(event, context, shared["time_start"]))
    faults = "; ".join(fault for _, fault in maps if fault)
    stated = kept(params, (*_SEARCH, *_SOURCE, *_EXTERNAL, *_JOINT)) | ({"skymap_error": faults} if faults else {})
    alert = Alert(
        **shared,
        thread_id=f"lvk:{name}",
        sequence=notice.serial(event),
        kind=_KINDS.get(params.get("AlertType", ""), "initial"),
        messenger="gravitational_wave",
        facility="LIGO/Virgo/KAGRA",
        instrument=params.get("Instruments", ""),
        event_class={"Burst": "burst", "CBC": "cbc"}.get(params.get("Group", ""), "unknown"),
        time_kind="merger" if params.get("Group") == "CBC" else "trigger",
        localizations=tuple(localization for localization, _ in maps),
        far_hz=number(far),
        far_kind="noise_only" if far else None,
        far_scope="pipeline" if far else None,
        far_as_stated=f"{far} Hz" if far else None,
        p_astro=None if terrestrial is None else 1.0 - terrestrial,
        classification=classes,
        properties=notice.stated(event, stated),
    )
    return (alert,)


def _reality(role: Reality, name: str, params: Mapping[str, str]) -> Reality:
    """Mock superevents are named M… or T…, whatever the role; a hardware injection is an injection."""
    if name.startswith(("M", "T")):
        return "test"
    return "injection" if role == "real" and params.get("HardwareInj") == "1" else role


def _maps(event: VOEvent, context: Context, at: datetime | None) -> Iterator[tuple[Localization, str]]:
    names: tuple[tuple[str, Origin], ...] = (("skymap_fits", "own"), ("joint_skymap_fits", "combined"))
    for name, origin in names:
        url = event.params.get(name)
        if url:
            shape, fault = beside(url, context, at)
            yield Localization(shape, origin), fault


_OWNS: Final = notice.owner("ivo://gwnet/LVC#", "ivo://gwnet/gcn_sender#")
FACILITY: Final = Facility(
    "LIGO/Virgo/KAGRA VOEvent", ("voevent",), _OWNS, parse, None, "https://emfollow.docs.ligo.org"
)
