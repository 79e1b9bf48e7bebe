"""Caps that hold before anything is parsed: what is larger is quarantined unread."""

from typing import Final

from nuncius.schemas.errors import LimitExceeded
from nuncius.schemas.limits import MAX_PACKET_BYTES

__all__ = ["MAX_PACKET_BYTES", "check_size"]

MAX_XML_BYTES: Final = 1024 * 1024
"""Of one VOEvent. Real ones are 2 to 20 kB."""

MAX_XML_NODES: Final = 20_000
"""Elements of one VOEvent. Real ones have some hundred."""

MAX_XML_DEPTH: Final = 64
"""Nested elements of one VOEvent. Real ones have eight."""

MAX_JSON_DEPTH: Final = 64
"""Nested brackets of one JSON packet. Real ones have eight."""


def check_size(payload: bytes, limit: int = MAX_PACKET_BYTES) -> None:
    """Refuse a packet longer than ``limit`` bytes (exactly ``limit`` still passes).

    Raises
    ------
    LimitExceeded
        With both numbers.
    """
    if len(payload) > limit:
        raise LimitExceeded(f"packet of {len(payload)} bytes is over the limit of {limit} bytes; not parsed")
