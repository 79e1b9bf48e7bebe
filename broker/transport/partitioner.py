"""Which partition a key belongs to: Kafka's murmur2, so that Java clients and librdkafka's `murmur2_random` agree."""

from collections.abc import Sequence
from struct import unpack_from
from typing import Final

import numpy as np
import numpy.typing as npt

_SEED: Final = 0x9747B28C
_M: Final = 0x5BD1E995
_WORD: Final = 0xFFFFFFFF
_SIGNLESS: Final = 0x7FFFFFFF

_FEW: Final = 16
"""Below so many keys of one length a loop is faster than columns."""


def murmur2(data: bytes) -> int:
    """MurmurHash2 by Austin Appleby with Kafka's seed, as an unsigned 32-bit integer.

    Java prints the same 32 bits as a signed integer.
    """
    whole = len(data) & ~3
    value = _SEED ^ len(data)
    for number in unpack_from(f"<{whole // 4}I", data):
        word = number * _M & _WORD
        value = value * _M & _WORD ^ (word ^ word >> 24) * _M & _WORD
    if whole < len(data):
        value = (value ^ int.from_bytes(data[whole:], "little")) * _M & _WORD
    value = (value ^ value >> 13) * _M & _WORD
    return value ^ value >> 15


def partitions_of(keys: Sequence[bytes], partitions: int) -> list[int]:
    """The partition of each key, from 0 to ``partitions`` - 1: the hash without its sign bit, modulo."""
    found = [0] * len(keys)
    if partitions == 1:
        return found
    by_size: dict[int, list[int]] = {}
    for place, key in enumerate(keys):
        by_size.setdefault(len(key), []).append(place)
    for size, places in by_size.items():
        if len(places) < _FEW:
            hashes = [murmur2(keys[place]) for place in places]
        else:
            joined = np.frombuffer(b"".join(keys[place] for place in places), np.uint8)
            hashes = _murmur2_columns(joined.reshape(len(places), size)).tolist()
        for place, value in zip(places, hashes, strict=True):
            found[place] = (value & _SIGNLESS) % partitions
    return found


def _murmur2_columns(keys: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint32]:
    count, size = keys.shape
    factor = np.uint32(_M)
    whole = size & ~3
    value = np.full(count, _SEED ^ size, np.uint32)
    for word in np.ascontiguousarray(keys[:, :whole].T.reshape(whole // 4, 4, count).transpose(0, 2, 1)).view("<u4"):
        mixed = word[:, 0] * factor
        value = value * factor ^ (mixed ^ mixed >> np.uint32(24)) * factor
    if whole < size:
        for place in range(whole, size):
            value ^= keys[:, place].astype(np.uint32) << 8 * (place - whole)
        value *= factor
    value ^= value >> np.uint32(13)
    value *= factor
    return value ^ value >> np.uint32(15)
