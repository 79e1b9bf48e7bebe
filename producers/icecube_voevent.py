"""IceCube VOEvents by way of AMON: gold, bronze, cascade, HESE and EHE."""

from typing import Final, NamedTuple

from nuncius.producers import notice, voevent
from nuncius.producers.build import kept, number
from nuncius.producers.facility import Context, Facility, Parsed
from nuncius.producers.voevent import VOEvent
from nuncius.schemas.alert import Alert, Quantity
from nuncius.schemas.localization import Localization, SkyMapRef
from nuncius.schemas.vocabulary import Kind


class Stream(NamedTuple):
    """What a stream's notices leave unsaid: the class, what Error2Radius contains, the error model."""

    event_class: str
    containment: float
    systematic_included: bool
    model: str | None


STREAMS: Final = {
    "GOLD": Stream("neutrino_track", 0.9, False, "icecube-track"),
    "BRONZE": Stream("neutrino_track", 0.9, False, "icecube-track"),
    "CASCADE": Stream("neutrino_cascade", 0.9, True, None),
    "HESE": Stream("neutrino_track", 0.9, False, "icecube-track"),
    "EHE": Stream("neutrino_track", 0.5, False, "icecube-ehe"),
}
_RADII: Final = ("src_error_50", "src_error_90")
_KEPT: Final = ("run_id", "event_id", "event_name", "AMON_ID", "charge", *_RADII)
_MORE: Final = ("signal_trackness", "Subseconds", "False_pos", "same_as_ehe", "same_as_hese", "Nevents")


def parse(payload: bytes, context: Context) -> Parsed:
    """One revision of one neutrino."""
    event = voevent.read(payload)
    params = event.params
    name = event.local_id.removeprefix("ICECUBE_").partition("_")[0].upper()
    stream = STREAMS.get(name, Stream("unknown", 0.9, False, "icecube-track"))
    ids = [str(int(value)) for key in ("run_id", "event_id") if (value := params.get(key, "")).isdecimal()]
    revision = number(params.get("Rev"))
    energy = number(params.get("energy"))
    alert = Alert(
        **notice.common(event, payload, context),
        thread_id="icecube:" + ("_".join(ids) if len(ids) == 2 else notice.without_serial(event.local_id)),
        sequence=None if revision is None else int(revision),
        kind=_kind(event, revision),
        messenger="neutrino",
        facility="IceCube",
        instrument=name.capitalize() if name == "CASCADE" else name,
        event_class=stream.event_class,
        localizations=_localizations(event, stream),
        **notice.rate_per_year(params.get("FAR")),
        p_astro=number(params.get("signalness") or params.get("Signalness")),
        energy=Quantity(energy, "TeV") if energy else None,
        properties=notice.stated(event, kept(params, _KEPT + _MORE)),
    )
    return (alert,)


def _kind(event: VOEvent, revision: float | None) -> Kind:
    said = notice.kind(event)
    return "update" if said == "initial" and revision else said


def _localizations(event: VOEvent, stream: Stream) -> tuple[Localization, ...]:
    """The circle; its containment by the stream, unless the radius is one of those that the packet names."""
    radius, r50, r90 = (number(text) for text in (event.error_radius, *map(event.params.get, _RADII)))
    contains = stream.containment
    if r50 != r90 and radius in (r50, r90):
        contains = 0.5 if radius == r50 else 0.9
    included, model = stream.systematic_included, stream.model
    circle = notice.position(event, contains, systematic_included=included, systematic_model=model)
    url = event.params.get("skymap_fits")
    return (*circle, Localization(SkyMapRef("", 0, url))) if url else circle


_OWNS: Final = notice.owner("ivo://nasa.gsfc.gcn/AMON#ICECUBE_")
FACILITY: Final = Facility("IceCube VOEvent", ("voevent",), _OWNS, parse, None, "https://gcn.gsfc.nasa.gov/amon.html")
