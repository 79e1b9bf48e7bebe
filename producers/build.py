"""What every adapter needs to make an alert: where it came from, checked numbers, checked positions."""

import math
from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import lru_cache
from typing import Final, TypedDict

from nuncius.producers.facility import Context
from nuncius.schemas import ids
from nuncius.schemas.localization import Cone, Localization
from nuncius.schemas.vocabulary import RunMode

SECONDS_PER_YEAR: Final = 365.25 * 86400.0
"""Julian year, for rates stated per year."""

_NUMERIC: Final = (str, int, float)


class Provenance(TypedDict):
    """The fields of `Alert` that follow from the bytes and the context: ``Alert(**provenance(…), …)``."""

    alert_id: str
    native_id: str
    stream: str
    received_time: datetime | None
    run_mode: RunMode
    raw_media_type: str
    raw_sha256: str
    source: str


def provenance(payload: bytes, context: Context, native_id: str, media_type: str, stream: str = "") -> Provenance:
    """Where an alert came from.

    Parameters
    ----------
    payload
        The record's bytes as received.
    context
        Of the same packet.
    native_id
        The identifier the packet carries. One packet that makes several alerts needs one each.
    media_type
        ``application/json``, ``application/xml``, ``application/vnd.apache.avro``, …
    stream
        Used where the context names none.
    """
    raw = digest_of(payload)
    return {
        "alert_id": ids.alert_id(native_id, raw),
        "native_id": native_id,
        "stream": context.stream or stream,
        "received_time": context.received_time,
        "run_mode": context.run_mode,
        "raw_media_type": media_type,
        "raw_sha256": raw,
        "source": context.source,
    }


@lru_cache(maxsize=1)
def digest_of(payload: bytes) -> str:
    """sha256 of the packet at hand, in hexadecimal; one of many records is not hashed again for each of them."""
    return ids.digest(payload)


def number(value: object) -> float | None:
    """A finite float from text or a number; None for what is not one (booleans and empty text included)."""
    if value is None or isinstance(value, bool) or not isinstance(value, _NUMERIC):
        return None
    try:
        result = float(value)
    except (ValueError, OverflowError):
        return None
    return result if math.isfinite(result) else None


def kept(values: Mapping[str, object], names: Iterable[str]) -> dict[str, str | float | bool]:
    """Those of ``names`` that are present, for ``Alert.properties``: numbers as float, ``true``/``false`` as bool."""
    result: dict[str, str | float | bool] = {}
    for name in names:
        value = values.get(name)
        if value is None:
            continue
        if isinstance(value, bool):
            result[name] = value
        elif isinstance(value, _NUMERIC):
            result[name] = property_value(value)
    return result


def property_value(value: str | float) -> str | float | bool:
    """Text as the number or truth value it spells, else as it is; hexadecimal and padded ids stay text."""
    if isinstance(value, str):
        lowered = value.strip().lower()
        if lowered in ("true", "false"):
            return lowered == "true"
        if len(lowered) > 1 and lowered[0] == "0" and lowered[1].isdigit():
            return value
    result = number(value)
    return str(value) if result is None else result


def cone(
    ra: object,
    dec: object,
    radius: object,
    containment: float,
    *,
    systematic_included: bool | None = None,
    systematic_model: str | None = None,
    as_stated: str | None = None,
) -> tuple[Localization, ...]:
    """A one-element tuple with a circle, or an empty one where the packet states no position.

    Degrees, ICRS. No position is stated where a coordinate is missing or out of range, where the radius is negative or
    covers the sky (>= 180), and at (0, 0) with radius 0, which senders print for "none". A right ascension of 360 is 0.
    A missing radius is 0, a point; its containment is then 1.
    """
    lon, lat = number(ra), number(dec)
    size = 0.0 if radius is None else number(radius)
    if lon is None or lat is None or size is None or not 0.0 <= size < 180.0:
        return ()
    if not (0.0 <= lon <= 360.0 and -90.0 <= lat <= 90.0) or (lon == lat == size == 0.0):
        return ()
    shape = Cone(lon % 360.0, lat, size, containment if size > 0.0 else 1.0)
    return (Localization(shape, "own", systematic_included, systematic_model, as_stated),)
