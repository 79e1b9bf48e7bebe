"""Where a reader stands in a topic, as one word that can be kept, sent and given back: ``0:13`` or ``0:13,1:7``."""

from collections.abc import Mapping

from nuncius.schemas.errors import SettingsError


def to_token(position: Mapping[int, int]) -> str:
    """Partition -> next offset to read, as text: ``partition:offset`` joined by commas, partitions rising."""
    return ",".join(f"{partition}:{position[partition]}" for partition in sorted(position))


def from_token(token: str) -> dict[int, int]:
    """What `to_token` wrote; partitions that it does not name are up to the reader.

    Raises
    ------
    SettingsError
        If it is no such text.
    """
    position: dict[int, int] = {}
    for part in token.split(","):
        partition, colon, offset = part.partition(":")
        if not colon or not _is_count(partition) or not _is_count(offset) or int(partition) in position:
            raise SettingsError(f"no position in a stream: {token[:60]!r}; it reads partition:offset, as in 0:13,1:7")
        position[int(partition)] = int(offset)
    return position


def _is_count(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= 18
