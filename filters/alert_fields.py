"""The fields of an alert."""

import math
from typing import Final, get_args

from nuncius.broker.sky.geometry import simple
from nuncius.broker.sky.profile import Fisher
from nuncius.broker.sky.skymap import SkyMap
from nuncius.filters.fields import FieldInfo, Seen, age_s, attribute, seconds_between
from nuncius.schemas.alert import Photometry
from nuncius.schemas.errors import Quarantine
from nuncius.schemas.localization import Cone, Ellipse, Localization, Region, SkyMapRef
from nuncius.schemas.vocabulary import Band, FarKind, Kind, Messenger, Reality, RunMode, TimeFrame, TimeKind

_SPHERE_DEG2: Final = 4 * math.pi * math.degrees(1) ** 2


def _place(seen: Seen) -> Localization | None:
    """The best own localization: a circle or ellipse before a map; another's only where there is no own one."""
    every = seen.record.localizations
    own = [item for item in every if item.origin == "own"] or list(every)
    points = [item for item in own if isinstance(item.shape, Cone | Ellipse)]
    return next(iter(points or own), None)


def _position(seen: Seen) -> tuple[float, float] | None:
    place = _place(seen)
    if place is None:
        return None
    shape = place.shape
    if isinstance(shape, Cone | Ellipse):
        return shape.ra, shape.dec
    found = seen.places.sky_map(shape.sha256) if isinstance(shape, SkyMapRef) else None
    return None if found is None else found.maximum()


def _ra(seen: Seen) -> float | None:
    position = _position(seen)
    return None if position is None else position[0]


def _dec(seen: Seen) -> float | None:
    position = _position(seen)
    return None if position is None else position[1]


def _radius_deg(seen: Seen) -> float | None:
    shape = getattr(_place(seen), "shape", None)
    if isinstance(shape, Cone):
        return shape.radius
    if isinstance(shape, Ellipse):
        return max(shape.ra_minus, shape.ra_plus, shape.dec_minus, shape.dec_plus)
    return None


def _containment(seen: Seen) -> float | None:
    shape = getattr(_place(seen), "shape", None)
    return shape.containment if isinstance(shape, Cone | Ellipse) else None


def _has_skymap(seen: Seen) -> bool:
    return any(isinstance(item.shape, SkyMapRef) for item in seen.record.localizations)


def _distance_mpc(seen: Seen) -> float | None:
    stated: float | None = seen.record.distance_mpc
    sky = _map(seen) if stated is None else None
    return sky.distance_mean_mpc if sky is not None else stated


def _distance_err_mpc(seen: Seen) -> float | None:
    if seen.record.distance_mpc is not None:
        error: float | None = seen.record.distance_err_mpc
        return error
    sky = _map(seen)
    return None if sky is None else sky.distance_std_mpc


def _map(seen: Seen) -> SkyMap | None:
    found = (seen.places.sky_map(item.shape.sha256) for item in seen.record.localizations if _is_map(item))
    return next((sky for sky in found if sky is not None), None)


def _is_map(item: Localization) -> bool:
    return item.origin == "own" and isinstance(item.shape, SkyMapRef)


def _area90_deg2(seen: Seen) -> float | None:
    place = next((item for item in seen.record.localizations if isinstance(item.shape, SkyMapRef)), _place(seen))
    if place is None:
        return None
    if isinstance(place.shape, SkyMapRef):
        found = seen.places.sky_map(place.shape.sha256)
        return None if found is None else float(found.area(0.9))
    try:
        shape = simple(place)
    except Quarantine:
        return None
    if isinstance(shape, Fisher):
        return _SPHERE_DEG2 * math.sin(math.radians(shape.radius90_deg) / 2) ** 2
    if not isinstance(shape, SkyMap):
        return 0.0
    inside = place.shape.containment if isinstance(place.shape, Region) else 1.0  # a region's map holds all of it
    return float(shape.area(0.9)) / inside


def _newest(seen: Seen, *, limit: bool) -> Photometry | None:
    return next((item for item in seen.record.photometry if item.limit == limit), None)


def _mag(seen: Seen) -> float | None:
    return getattr(_newest(seen, limit=False), "mag", None)


def _mag_err(seen: Seen) -> float | None:
    return getattr(_newest(seen, limit=False), "mag_err", None)


def _filter(seen: Seen) -> str | None:
    return getattr(_newest(seen, limit=False), "filter", None)


def _mag_limit(seen: Seen) -> float | None:
    return getattr(_newest(seen, limit=True), "mag", None)


def _latency_s(seen: Seen) -> float | None:
    return seconds_between(seen.record.issued_time, seen.record.time_start)


ALERT_FIELDS: Final = (
    FieldInfo("alert_id", "text", "", "The same bytes give the same id for ever", attribute("alert_id")),
    FieldInfo("thread_id", "text", "", "What an alert, its updates and its retraction share", attribute("thread_id")),
    FieldInfo("native_id", "text", "", "The identifier the packet itself carries", attribute("native_id")),
    FieldInfo("sequence", "number", "", "Revision within the thread, as the facility counts", attribute("sequence")),
    FieldInfo("kind", "text", "", "What the notice is to its thread", attribute("kind"), get_args(Kind)),
    FieldInfo("reality", "text", "", "Whether the sky did it", attribute("reality"), get_args(Reality)),
    FieldInfo("run_mode", "text", "", "How the record came to be made", attribute("run_mode"), get_args(RunMode)),
    FieldInfo("messenger", "text", "", "What was seen", attribute("messenger"), get_args(Messenger)),
    FieldInfo("band", "text", "", "The photon's band", attribute("band"), get_args(Band)),
    FieldInfo("facility", "text", "", "Who saw it", attribute("facility")),
    FieldInfo("instrument", "text", "", "With what", attribute("instrument")),
    FieldInfo("stream", "text", "", "The topic or IVOA stream it came on", attribute("stream")),
    FieldInfo(
        "event_class", "text", "", "What kind of event: cbc, grb, neutrino_track, frb, ...", attribute("event_class")
    ),
    FieldInfo("time", "time", "UTC", "Event time, or the interval's start", attribute("time_start")),
    FieldInfo("time_start", "time", "UTC", "Event time, or the interval's start", attribute("time_start")),
    FieldInfo("time_stop", "time", "UTC", "The interval's end", attribute("time_stop")),
    FieldInfo("time_kind", "text", "", "What the time is", attribute("time_kind"), get_args(TimeKind)),
    FieldInfo("time_err_s", "number", "s", "One-sigma error of the time", attribute("time_err_s")),
    FieldInfo("time_frame", "text", "", "Where the clock stood", attribute("time_frame"), get_args(TimeFrame)),
    FieldInfo("issued_time", "time", "UTC", "When the facility wrote the notice", attribute("issued_time")),
    FieldInfo("received_time", "time", "UTC", "When it reached us, or the source", attribute("received_time")),
    FieldInfo("latency_s", "number", "s", "Issue time minus event time", _latency_s),
    age_s(attribute("time_start")),
    FieldInfo("ra", "number", "deg", "Right ascension, ICRS; of a sky map its maximum", _ra),
    FieldInfo("dec", "number", "deg", "Declination, ICRS; of a sky map its maximum", _dec),
    FieldInfo("radius_deg", "number", "deg", "Stated radius or largest half axis", _radius_deg),
    FieldInfo("containment", "number", "", "Probability within that radius", _containment),
    FieldInfo("has_skymap", "flag", "", "Whether it comes with a sky map", _has_skymap),
    FieldInfo(
        "area90_deg2", "number", "deg2", "Area that holds 90 %; of a sky map only where it is at hand", _area90_deg2
    ),
    FieldInfo("far_hz", "number", "Hz", "False-alarm rate", attribute("far_hz")),
    FieldInfo("far_kind", "text", "", "What that rate counts", attribute("far_kind"), get_args(FarKind)),
    FieldInfo("far_scope", "text", "", "Over what: pipeline, search, stream", attribute("far_scope")),
    FieldInfo("significance", "number", "", "As stated", attribute("significance")),
    FieldInfo("significance_unit", "text", "", "sigma, snr, ...", attribute("significance_unit")),
    FieldInfo("p_astro", "number", "", "Probability of astrophysical origin", attribute("p_astro")),
    FieldInfo("classification", "numbers", "", "Probability by class, as stated", attribute("classification")),
    FieldInfo("properties", "mixed", "", "Other facts, by the facility's own names", attribute("properties")),
    FieldInfo("distance_mpc", "number", "Mpc", "Distance as stated, else the mean of its sky map", _distance_mpc),
    FieldInfo("distance_err_mpc", "number", "Mpc", "Its error", _distance_err_mpc),
    FieldInfo("redshift", "number", "", "As stated", attribute("redshift")),
    FieldInfo("energy", "number", "energy_unit", "As stated", attribute("energy.value")),
    FieldInfo("energy_unit", "text", "", "Unit of the energy", attribute("energy.unit")),
    FieldInfo("flux", "number", "flux_unit", "As stated", attribute("flux.value")),
    FieldInfo("flux_unit", "text", "", "Unit of the flux", attribute("flux.unit")),
    FieldInfo("mag", "number", "mag", "Magnitude of the newest detection", _mag),
    FieldInfo("mag_err", "number", "mag", "Its error", _mag_err),
    FieldInfo("filter", "text", "", "Its band", _filter),
    FieldInfo("mag_limit", "number", "mag", "Newest upper limit", _mag_limit),
    FieldInfo(
        "dispersion_measure_pc_cm3", "number", "pc/cm3", "Of a radio burst", attribute("dispersion_measure_pc_cm3")
    ),
    FieldInfo("source", "text", "", "Where the bytes came from", attribute("source")),
)
"""In the order of the documentation."""
