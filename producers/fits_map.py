"""A bare FITS file on an alert stream: a sky map without its notice, or a coverage map."""

from typing import Final

from nuncius.producers.embedded_map import head
from nuncius.producers.facility import Context, Envelope, Facility, Parsed
from nuncius.schemas.alert import NotAnAlert

_HEAD: Final = 57_600
_COVERAGE: Final = (b"MOCVERS", b"MOCORDER", b"MOCORD_")


def owns(_seen: Envelope, _payload: bytes) -> bool:
    """Every FITS file."""
    return True


def parse(payload: bytes, context: Context) -> Parsed:
    """Name it by its header: with a column of probability it is a sky map."""
    header = head(payload, _HEAD)
    if any(column in header for column in (b"'PROB", b"'prob")):
        reason = "sky_map_file"
    else:
        reason = "coverage_map_file" if any(key in header for key in _COVERAGE) else "fits_file"
    return (NotAnAlert(reason, context.stream),)


FACILITY: Final = Facility(
    name="Sky map files (FITS)",
    formats=("fits",),
    owns=owns,
    parse=parse,
    reference="https://emfollow.docs.ligo.org/userguide/tutorial/multiorder_skymaps.html",
)
