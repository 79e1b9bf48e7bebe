"""LIGO/Virgo/KAGRA public alerts in Avro, the sky map as bytes (Hopskotch topic ``igwn.gwalert``)."""

from typing import Any, Final

from nuncius.producers import avro, lvk
from nuncius.producers.detection import MEDIA_TYPE
from nuncius.producers.embedded_map import from_bytes
from nuncius.producers.facility import Context, Envelope, Facility, Parsed
from nuncius.schemas.errors import MalformedAlert
from nuncius.schemas.localization import SkyMapRef


def owns(seen: Envelope, _payload: bytes) -> bool:
    """By the record's name."""
    return seen.name.startswith("igwn.alerts.")


def parse(payload: bytes, context: Context) -> Parsed:
    """One alert a record of the container."""
    records = avro.container(payload).records
    if not records:
        raise MalformedAlert("the Avro container holds no record")
    return tuple(lvk.alert(record, payload, context, MEDIA_TYPE, _read_map) for record in records)


def _read_map(value: Any, field: str) -> SkyMapRef:
    if not isinstance(value, bytes):
        raise MalformedAlert(f"{field} must be bytes, found {type(value).__name__}", field)
    return from_bytes(value, field)


FACILITY: Final = Facility(
    name="LIGO/Virgo/KAGRA (Avro)",
    formats=("avro",),
    owns=owns,
    parse=parse,
    reference="https://emfollow.docs.ligo.org/userguide/content.html",
)
