"""Core fields of the GCN unified schema, each read once: identity, reality, times, places, rates."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from nuncius.producers import times
from nuncius.producers.build import number, property_value
from nuncius.producers.gcn_missions import Mission
from nuncius.schemas.errors import MalformedAlert
from nuncius.schemas.vocabulary import Band, Kind, Messenger, Reality

REALITIES: Final[Mapping[str, Reality]] = {
    "current": "real",
    "archival": "archival",
    "planned": "planned",
    "injection": "injection",
    "commanded": "commanded",
    "test": "test",
}
KINDS: Final[Mapping[str, Kind]] = {
    "initial": "initial",
    "subsequent": "subsequent",
    "update": "update",
    "retraction": "retraction",
}
MESSENGERS: Final[Mapping[str, Messenger]] = {
    "EM": "photon",
    "GW": "gravitational_wave",
    "Neutrino": "neutrino",
}
DISPERSION_S: Final = 4.148808e3
"""Seconds x MHz2 for each pc/cm3: delay = this x DM / frequency^2 (Lorimer & Kramer 2005)."""

LONGEST_DELAY_S: Final = 3600.0
"""Of a radio burst; a longer one is a wrong DM or band."""

_BANDS: Final[Mapping[str, tuple[tuple[float, Band], ...]]] = {
    "keV": ((0.1, "uv"), (20.0, "x-ray"), (1e8, "gamma"), (float("inf"), "gamma-vhe")),
    "nm": ((0.01, "gamma"), (10.0, "x-ray"), (380.0, "uv"), (1000.0, "optical"), (float("inf"), "infrared")),
    "MHz": ((float("inf"), "radio"),),
}
_SIGNIFICANCES: Final = ("snr", "image_snr", "rate_snr")
LONGEST_ID: Final = 200
"""Characters of an identifier; a longer one is no identifier."""

MOST_RECORDS: Final = 1_000_000
"""Of one thread; a larger ``record_number`` is none."""

_TEXT_LIMIT: Final = 500
_PROPERTY_LIMIT: Final = 64


def texts(value: object) -> tuple[str, ...]:
    """A string or the first 64 of a list of strings, without empty ones; whole numbers count as their digits."""
    items = value[:_PROPERTY_LIMIT] if isinstance(value, list) else [value]
    return tuple(
        str(item) for item in items if isinstance(item, str | int) and not isinstance(item, bool) and item != ""
    )


def reality(notice: Mapping[str, Any], path: str, mission: Mission) -> Reality:
    """``alert_tense`` one to one; unknown or missing, and any notice of a schema named test, is a test."""
    tense = notice.get("alert_tense")
    if path.rpartition("/")[2].lower() == "test":
        return "test"
    if tense is None and not mission.has_tense:
        return "real"
    return REALITIES.get(tense, "test") if isinstance(tense, str) else "test"


def kind(notice: Mapping[str, Any]) -> Kind:
    """``alert_type``; without one a record number above 1 is an update.

    Raises
    ------
    MalformedAlert
        If the type is none that the schema knows: it could be a retraction.
    """
    stated = notice.get("alert_type")
    if stated is None:
        record = number(notice.get("record_number"))
        return "update" if record is not None and record > 1 else "initial"
    if not isinstance(stated, str) or stated.lower() not in KINDS:
        raise MalformedAlert(f"alert_type is {stated!r}; expected one of {sorted(KINDS)}", "alert_type")
    return KINDS[stated.lower()]


def sequence(notice: Mapping[str, Any]) -> int | None:
    """``record_number`` where it is a whole number."""
    record = number(notice.get("record_number"))
    return int(record) if record is not None and record.is_integer() and 0 <= record <= MOST_RECORDS else None


def moment(notice: Mapping[str, Any], *names: str) -> datetime | None:
    """The first of some times that can be read."""
    found = (times.utc(value) for name in names if isinstance(value := notice.get(name), str))
    return next((time for time in found if time is not None), None)


def error(value: object) -> float | None:
    """A one-sigma error: a number, or the larger of an asymmetric pair."""
    found = [number(item) for item in (value if isinstance(value, list) else [value])]
    return max((abs(item) for item in found if item is not None), default=None)


def event_class(notice: Mapping[str, Any], mission: Mission) -> str:
    """The mission's; a neutrino that makes a cascade or shower is no track."""
    if mission.event_class == "neutrino_track":
        words = f"{notice.get('alert_topology')} {notice.get('pipeline')}".lower()
        return "neutrino_cascade" if "cascade" in words or "shower" in words else "neutrino_track"
    return mission.event_class


def burst_time(notice: Mapping[str, Any], mission: Mission) -> tuple[datetime | None, str]:
    """Time of a radio burst at infinite frequency, and how it was come by, for the reader.

    As stated (``trigger_time_inf_freq``), else de-dispersed with the stated DM where ``trigger_time`` is known to be at
    the lower edge of the stated band, else the time as stated.
    """
    infinite = moment(notice, "trigger_time_inf_freq")
    if infinite is not None:
        return infinite, "at infinite frequency, as stated"
    stated, dm, band = moment(notice, "trigger_time"), number(notice.get("dm")), notice.get("spectral_band")
    edge = number(band[0]) if isinstance(band, list) and band and mission.at_lower_edge else None
    if stated is None or dm is None or edge is None or edge <= 0 or notice.get("spectral_band_units") != "MHz":
        return stated, "at the observed frequency, dispersion delay not removed"
    delay_s = DISPERSION_S * dm / edge / edge
    if not 0.0 <= delay_s <= LONGEST_DELAY_S:
        return stated, f"at the observed frequency: a delay of {delay_s:.3g} s by the stated DM is none"
    try:
        return stated - timedelta(seconds=delay_s), f"de-dispersed here with the stated DM from {edge} MHz"
    except OverflowError:
        return None, "before the calendar begins"


def band(notice: Mapping[str, Any]) -> Band | None:
    """Band of the middle (geometric) of ``spectral_band``; None where it is not stated."""
    limits = notice.get("spectral_band")
    unit = str(notice.get("spectral_band_units", "keV"))
    if not isinstance(limits, list) or len(limits) != 2 or unit not in _BANDS:
        return None
    low, high = number(limits[0]), number(limits[1])
    if low is None or high is None or low <= 0 or high <= 0:
        return None
    middle = (low * high) ** 0.5
    return next(name for upper, name in _BANDS[unit] if middle < upper)


def significance(notice: Mapping[str, Any]) -> float | None:
    """Signal to noise of the burst, of the image, else of the rate."""
    return next((value for name in _SIGNIFICANCES if (value := number(notice.get(name))) is not None), None)


def numbers(value: object) -> dict[str, float]:
    """The numbers of an object, by name."""
    items = list(value.items())[:_PROPERTY_LIMIT] if isinstance(value, Mapping) else []
    return {str(name): n for name, item in items if (n := number(item)) is not None}


def others(notice: Mapping[str, Any], read: frozenset[str]) -> dict[str, str | float | bool]:
    """Every plain fact that is not read elsewhere; lists of up to 16 plain facts as text, long texts cut."""
    facts: dict[str, str | float | bool] = {}
    for name, value in notice.items():
        if name in read or name.startswith("$") or len(facts) >= _PROPERTY_LIMIT:
            continue
        if isinstance(value, bool):
            facts[name] = value
        elif isinstance(value, str | int | float):
            fact = property_value(value)
            facts[name] = fact[:_TEXT_LIMIT] if isinstance(fact, str) else fact
        elif isinstance(value, list) and 0 < len(value) <= 16 and all(isinstance(v, str | int | float) for v in value):
            facts[name] = ", ".join(str(item) for item in value)[:_TEXT_LIMIT]
    return facts
