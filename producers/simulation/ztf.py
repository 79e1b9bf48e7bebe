"""Packets in the shape of ZTF's alerts, under a schema of our own making: the fields that brokers read, no cut-outs."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from nuncius.producers.simulation.container import Containers, nullable, record

SCHEMA_VERSION: Final = "3.3"
PUBLISHER: Final = "Nuncius demo: re-staged in the format of ZTF, which did not exist in 2017"
_UNIX_JD: Final = 2_440_587.5
_EXPOSURE_S: Final = 30.0

_SEEN: Final[dict[str, Any]] = {
    "jd": "double",
    "fid": "int",
    "pid": "long",
    "diffmaglim": nullable("float"),
    "programpi": nullable("string"),
    "programid": "int",
    "candid": nullable("long"),
    "isdiffpos": nullable("string"),
    "field": nullable("int"),
    "ra": nullable("double"),
    "dec": nullable("double"),
    "magpsf": nullable("float"),
    "sigmapsf": nullable("float"),
    "rb": nullable("float"),
    "ssdistnr": nullable("float"),
    "ssmagnr": nullable("float"),
    "ssnamenr": nullable("string"),
}
_MORE: Final[dict[str, Any]] = {
    "distnr": nullable("float"),
    "classtar": nullable("float"),
    "fwhm": nullable("float"),
    "sgscore1": nullable("float"),
    "distpsnr1": nullable("float"),
    "ndethist": "int",
    "ncovhist": "int",
    "jdstarthist": nullable("double"),
    "exptime": nullable("float"),
    "drb": nullable("float"),
    "drbversion": nullable("string"),
}
SCHEMA: Final[dict[str, Any]] = {
    **record(
        "alert",
        {
            "schemavsn": "string",
            "publisher": "string",
            "objectId": "string",
            "candid": "long",
            "candidate": record("candidate", {**_SEEN, **_MORE}),
            "prv_candidates": ["null", {"type": "array", "items": record("prv_candidate", _SEEN)}],
        },
    ),
    "namespace": "ztf",
}
FILTERS: Final = {"g": 1, "r": 2, "i": 3}
_CONTAINERS: Final = Containers(SCHEMA)


@dataclass(frozen=True, slots=True, kw_only=True)
class Detection:
    """What a packet says of one object at one moment.

    Parameters
    ----------
    object_id, candid
        ``ZTF17aaaaaaa``, and the number of this detection.
    time, first
        Of this exposure and of the first detection, UTC.
    ra, dec
        ICRS degrees.
    filter
        ``g``, ``r`` or ``i``.
    mag, mag_err
        None where no source gives one.
    score
        Both real-bogus scores, 0 to 1.
    star_score, star_arcsec
        Star-galaxy score of the nearest catalogue source and its distance, also to it in the reference image.
    solar_system
        Name of the known object and its distance in arcsec; None for none.
    detections
        At this place so far, this one included.
    earlier
        Times and magnitudes of detections in the last thirty days, oldest first.
    limits
        Times and limiting magnitudes of visits that saw nothing.
    """

    object_id: str
    candid: int
    time: datetime
    first: datetime
    ra: float
    dec: float
    filter: str
    mag: float | None
    mag_err: float | None
    score: float
    star_score: float
    star_arcsec: float
    solar_system: tuple[str, float] | None = None
    detections: int = 1
    earlier: Sequence[tuple[datetime, float]] = ()
    limits: Sequence[tuple[datetime, float]] = ()


def jd(time: datetime) -> float:
    """Julian Date, UTC."""
    return time.astimezone(UTC).timestamp() / 86400.0 + _UNIX_JD


def write(seen: Detection) -> bytes:
    """The detection as an Avro container."""
    name, distance = seen.solar_system or ("null", -999.0)
    common = {"fid": FILTERS[seen.filter], "programpi": "re-staged", "programid": 1, "field": 1}
    found = {"ra": seen.ra, "dec": seen.dec, "isdiffpos": "t", "rb": seen.score, "sigmapsf": seen.mag_err}
    candidate = {
        **common,
        **found,
        "jd": jd(seen.time),
        "pid": seen.candid // 1_000_000,
        "candid": seen.candid,
        "diffmaglim": None if seen.mag is None else 20.5,
        "magpsf": seen.mag,
        "ssdistnr": distance,
        "ssmagnr": -999.0 if seen.solar_system is None else seen.mag,
        "ssnamenr": name,
        "distnr": seen.star_arcsec,
        "sgscore1": seen.star_score,
        "distpsnr1": seen.star_arcsec,
        "ndethist": seen.detections,
        "ncovhist": seen.detections + len(seen.limits),
        "jdstarthist": jd(seen.first),
        "exptime": _EXPOSURE_S,
        "drb": seen.score,
        "drbversion": "demo",
    }
    history = [{**common, **found, "jd": jd(t), "pid": 0, "candid": 0, "magpsf": mag} for t, mag in seen.earlier]
    history += [{**common, "jd": jd(t), "pid": 0, "diffmaglim": limit} for t, limit in seen.limits]
    return _CONTAINERS.write(
        {
            "schemavsn": SCHEMA_VERSION,
            "publisher": PUBLISHER,
            "objectId": seen.object_id,
            "candid": seen.candid,
            "candidate": candidate,
            "prv_candidates": sorted(history, key=lambda row: float(row["jd"])) or None,
        },
    )
