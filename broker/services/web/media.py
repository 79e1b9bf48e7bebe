"""Which format of a record a client asks for."""

from collections.abc import Mapping
from typing import Final, Literal, TypeVar

from nuncius.broker.services.web.answers import RefusedError

RecordFormat = Literal["json", "avro", "voevent"]

RECORD_MEDIA: Final[Mapping[str, RecordFormat]] = {
    "application/json": "json",
    "*/*": "json",
    "application/*": "json",
    "avro/binary": "avro",
    "application/avro": "avro",
    "application/vnd.apache.avro": "avro",
    "application/voevent+xml": "voevent",
    "application/xml": "voevent",
    "text/xml": "voevent",
}
"""Media types that every record can be had in."""

F = TypeVar("F", bound=str)


def asked_for(accept: str, media: Mapping[str, F], what: str) -> F:
    """The first media type of ``Accept`` that is had here; quality values are passed over.

    Raises
    ------
    RefusedError
        406, where there is none.
    """
    for part in accept.split(","):
        found = media.get(part.partition(";")[0].strip().lower())
        if found is not None:
            return found
    raise RefusedError(406, f"no {what} is had as {accept[:80]!r}; there are {', '.join(media)}, or ?format=")
