"""Packets in the shape of Rubin's alerts, under a schema of our own making, in object containers."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from nuncius.producers.simulation.container import Containers, nullable, record

_UNIX_MJD: Final = 40_587.0
_TAI_MINUS_UTC_S: Final = 37.0
"""Since 2017-01-01 (IERS Bulletin C 52)."""
_ZERO_POINT: Final = 31.4
"""AB magnitude of 1 nJy."""

_SOURCE: Final[dict[str, Any]] = {
    "diaSourceId": "long",
    "visit": "long",
    "detector": "int",
    "diaObjectId": nullable("long"),
    "ssObjectId": nullable("long"),
    "midpointMjdTai": "double",
    "ra": "double",
    "raErr": nullable("float"),
    "dec": "double",
    "decErr": nullable("float"),
    "psfFlux": nullable("float"),
    "psfFluxErr": nullable("float"),
    "snr": nullable("float"),
    "extendedness": nullable("float"),
    "reliability": nullable("float"),
    "band": nullable("string"),
    "timeWithdrawnMjdTai": nullable("double"),
    "pixelFlags_injected": nullable("boolean"),
}
SCHEMA: Final[dict[str, Any]] = {
    **record(
        "alert",
        {
            "diaSourceId": "long",
            "observation_reason": nullable("string"),
            "target_name": nullable("string"),
            "diaSource": record("diaSource", _SOURCE),
            "prvDiaSources": ["null", {"type": "array", "items": "lsst.v10_0.diaSource"}],
        },
    ),
    "namespace": "lsst.v10_0",
}
REASON: Final = "Nuncius demo: re-staged in the format of Rubin, which did not exist in 2017"
_CONTAINERS: Final = Containers(SCHEMA)


@dataclass(frozen=True, slots=True, kw_only=True)
class Detection:
    """One diaSource and the earlier ones of its object.

    Parameters
    ----------
    source_id, object_id
        64-bit numbers.
    moving
        True for a solar-system object: ``object_id`` is then its ssObjectId.
    time
        Mid-exposure, UTC.
    ra, dec
        ICRS degrees.
    band, mag
        AB.
    reliability
        0 to 1.
    earlier
        Times and magnitudes, oldest first.
    """

    source_id: int
    object_id: int
    moving: bool = False
    time: datetime
    ra: float
    dec: float
    band: str
    mag: float
    reliability: float
    earlier: Sequence[tuple[datetime, float]] = ()


def mjd_tai(time: datetime) -> float:
    """Modified Julian Date in TAI, for times since 2017."""
    return (time.astimezone(UTC).timestamp() + _TAI_MINUS_UTC_S) / 86400.0 + _UNIX_MJD


def write(seen: Detection) -> bytes:
    """The detection as an Avro container."""
    earlier = [_source(seen, seen.source_id - n, *past) for n, past in enumerate(reversed(seen.earlier), 1)]
    return _CONTAINERS.write(
        {
            "diaSourceId": seen.source_id,
            "observation_reason": REASON,
            "diaSource": _source(seen, seen.source_id, seen.time, seen.mag),
            "prvDiaSources": earlier or None,
        },
    )


def _source(seen: Detection, source_id: int, time: datetime, mag: float) -> dict[str, Any]:
    flux = 10.0 ** (0.4 * (_ZERO_POINT - mag))
    error = 0.02 * flux + math.sqrt(flux)
    return {
        "diaSourceId": source_id,
        "visit": int(mjd_tai(time) * 1e5),
        "detector": 94,
        "diaObjectId": None if seen.moving else seen.object_id,
        "ssObjectId": seen.object_id if seen.moving else None,
        "midpointMjdTai": mjd_tai(time),
        "ra": seen.ra,
        "raErr": 3e-5,
        "dec": seen.dec,
        "decErr": 3e-5,
        "psfFlux": flux,
        "psfFluxErr": error,
        "snr": flux / error,
        "extendedness": 0.0,
        "reliability": seen.reliability,
        "band": seen.band,
        "pixelFlags_injected": False,
    }
