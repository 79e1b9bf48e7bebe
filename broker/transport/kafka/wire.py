"""How records of ours stand on the wire: as the codec wrote them, or in Confluent framing where a registry is set."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Framing:
    """Both ways of a value on a topic.

    Parameters
    ----------
    frame
        Topic and value of ours to the value on the wire.
    unframe
        The other way round; what is not framed stays as it is.
    """

    frame: Callable[[str, bytes], bytes]
    unframe: Callable[[str, bytes], bytes]


def no_framing() -> Framing:
    """Values travel as the codec wrote them: Avro single-object encoding, or bytes as received."""
    return Framing(_as_it_is, _as_it_is)


def _as_it_is(topic: str, value: bytes) -> bytes:
    del topic
    return value
