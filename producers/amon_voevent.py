"""AMON's other VOEvents: neutrino-gamma coincidences and HAWC's burst monitor."""

from typing import Final, NamedTuple

from nuncius.producers import notice, voevent
from nuncius.producers.build import kept, number
from nuncius.producers.facility import Context, Facility, Parsed
from nuncius.schemas.alert import Alert
from nuncius.schemas.vocabulary import Band, Messenger


class Stream(NamedTuple):
    """Who and what, and the probability inside Error2Radius (the Params name the same radius in arcminutes)."""

    facility: str
    instrument: str
    messenger: Messenger
    band: Band | None
    event_class: str
    containment: float


STREAMS: Final = {
    "NU_EM": Stream("AMON", "IceCube-HAWC", "neutrino", None, "neutrino_em", 0.5),
    "HAWC_BURST": Stream("HAWC", "HAWC", "photon", "gamma-vhe", "sub_grb", 0.9),
}
_OTHER: Final = Stream("AMON", "", "neutrino", None, "unknown", 0.9)
_KEPT: Final = (
    "run_id",
    "event_id",
    "Run_ID",
    "Event_ID",
    "src_err_50",
    "src_err_90",
    "Pvalue",
    "deltaT",
    "Pair_Name_ID",
)


def parse(payload: bytes, context: Context) -> Parsed:
    """One revision of one coincidence or burst."""
    event = voevent.read(payload)
    params = event.params
    stream = next((found for start, found in STREAMS.items() if event.local_id.startswith(start)), _OTHER)
    run, number_in_run = (
        params.get(key) or params.get(key.title().replace("Id", "ID")) for key in ("run_id", "event_id")
    )
    revision = number(params.get("Rev") or params.get("rev"))
    retracted = params.get("retraction", "0") not in ("0", "false")
    name = event.local_id.partition("_Event")[0].lower().replace("_", "-")
    said = notice.kind(event)
    alert = Alert(
        **notice.common(event, payload, context),
        thread_id=f"amon-{name}:"
        + (f"{run}_{number_in_run}" if number_in_run else notice.without_serial(event.local_id)),
        sequence=None if revision is None else int(revision),
        kind="retraction" if retracted else "update" if said == "initial" and revision else said,
        messenger=stream.messenger,
        band=stream.band,
        facility=stream.facility,
        instrument=stream.instrument,
        event_class=stream.event_class,
        localizations=notice.position(event, stream.containment, systematic_included=False),
        **notice.rate_per_year(params.get("FAR")),
        properties=notice.stated(event, kept(params, _KEPT)),
    )
    return (alert,)


_OWNS: Final = notice.owner("ivo://nasa.gsfc.gcn/AMON#")
FACILITY: Final = Facility("AMON VOEvent", ("voevent",), _OWNS, parse, None, "https://gcn.gsfc.nasa.gov/amon.html")
