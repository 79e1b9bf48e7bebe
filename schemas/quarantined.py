"""Bytes that could not be read, kept with what, where and why."""

from dataclasses import dataclass
from typing import Final

KEPT_BYTES: Final = 256_000
"""Most bytes of a quarantined packet that are kept (DESIGN 3)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Quarantined:
    """One packet that cannot be used, or an alert that came too late.

    Parameters
    ----------
    sha256, nbytes
        Of the whole packet as received.
    source, stream
        Where it came from: file, member, topic and offset; and the stream it claims.
    reason
        Short stable name for counting: ``malformed``, ``limit_exceeded``, ``unknown_schema``, ``too_late``.
    detail
        What is wrong, where in the packet, in words.
    field
        The field at fault, as the format names it.
    head
        The first `KEPT_BYTES` of the packet.
    """

    sha256: str
    nbytes: int
    source: str
    stream: str = ""
    reason: str
    detail: str
    field: str = ""
    head: bytes = b""
