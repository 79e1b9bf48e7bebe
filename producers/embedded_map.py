"""Sky maps that a packet carries inside itself or points at."""

import re
import zlib
from datetime import datetime
from typing import Final

from pybase64 import b64decode

from nuncius.producers import times
from nuncius.producers.facility import Context
from nuncius.schemas import ids
from nuncius.schemas.errors import MalformedAlert
from nuncius.schemas.localization import SkyMapRef

SAME_EVENT_S: Final = 10.0
"""Pipelines date one event within a fraction of a second: S190814bv's maps lie 0.02 s apart."""

_FITS: Final = b"SIMPLE  ="
_GZIP: Final = b"\x1f\x8b"
_HEAD: Final = 28_800
_CARD: Final = re.compile(rb"(DISTMEAN|DISTSTD )=\s{0,60}([-+0-9.eEdD]{1,40})")
_DATE: Final = re.compile(rb"DATE-OBS=\s{0,60}'([-0-9T:.]{10,40})")
_FITS_NAME: Final = re.compile(r"/([^/?#]+\.fits?(?:\.gz)?(?:,\d{1,4})?)(?:[?#].*)?$", re.IGNORECASE)


def from_bytes(data: bytes, field: str) -> SkyMapRef:
    """A reference that carries its FITS file.

    Raises
    ------
    MalformedAlert
        If the bytes are no FITS file, plain or gzip.
    """
    if not head(data, len(_FITS)).startswith(_FITS):
        raise MalformedAlert(f"{field} is no FITS file: starts with {data[:16]!r}", field)
    return SkyMapRef(ids.digest(data), len(data), None, data)


def from_base64(text: str, field: str) -> SkyMapRef:
    """As `from_bytes`, of a file in base64."""
    try:
        data = b64decode(text, validate=True)
    except ValueError as error:
        raise MalformedAlert(f"{field} is no base64: {error}", field) from error
    return from_bytes(data, field)


def from_url(url: str, context: Context) -> SkyMapRef | None:
    """A reference by URL, with the file where the context has one of that name; None where the URL names no FITS file.

    Nothing is fetched.
    """
    found = _FITS_NAME.search(url)
    if found is None:
        return None
    data = context.skymaps.get(found[1])
    if data is None:
        return SkyMapRef("", 0, url)
    return SkyMapRef(ids.digest(data), len(data), url, data)


def beside(url: str, context: Context, event_time: datetime | None) -> tuple[SkyMapRef, str]:
    """A reference by URL, with the file where the context has one of that name and it is of this event.

    Maps of different events go by the same name (``bayestar.multiorder.fits``), so a file whose DATE-OBS lies more than
    `SAME_EVENT_S` from the event is passed over. Nothing is fetched.

    Returns
    -------
    SkyMapRef
        Without the file where there is none, or another event's.
    str
        Why a file was passed over; empty otherwise.
    """
    data = context.skymaps.get(url.rpartition("/")[2])
    if data is None:
        return SkyMapRef("", 0, url), ""
    made = _DATE.search(head(data, _HEAD))
    of = times.utc(made[1].decode()) if made else None
    if of is not None and event_time is not None and abs((of - event_time).total_seconds()) > SAME_EVENT_S:
        return SkyMapRef("", 0, url), f"the map of that name is of another event, at {of:%Y-%m-%dT%H:%M:%SZ}; not used"
    return SkyMapRef(ids.digest(data), len(data), url, data), ""


def distance_mpc(data: bytes) -> tuple[float | None, float | None]:
    """Mean and standard deviation of the distance that a map's header states (DISTMEAN, DISTSTD), in Mpc."""
    found = {name.strip(): value.decode() for name, value in _CARD.findall(head(data, _HEAD))}
    mean, std = (_float(found.get(name)) for name in (b"DISTMEAN", b"DISTSTD"))
    return mean, std


def head(data: bytes, size: int) -> bytes:
    """The first ``size`` bytes of a file, inflated where it is gzip."""
    if data[:2] != _GZIP:
        return data[:size]
    try:
        return zlib.decompressobj(zlib.MAX_WBITS | 16).decompress(data[: 4 * size + 1024], size)
    except zlib.error:
        return b""


def _float(text: str | None) -> float | None:
    try:
        value = float(text.replace("D", "E")) if text else None
    except ValueError:
        return None
    return value if value is not None and 0.0 < value < float("inf") else None
