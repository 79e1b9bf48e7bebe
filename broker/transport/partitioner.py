"""Which partition a key belongs to: Kafka's murmur2, so that Java clients and librdkafka's `murmur2_random` agree."""

from struct import unpack_from
from typing import Final

_SEED: Final = 0x9747B28C
_M: Final = 0x5BD1E995
_WORD: Final = 0xFFFFFFFF


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


def partition_of(key: bytes, partitions: int) -> int:
    """The partition of a key, from 0 to ``partitions`` - 1: the hash without its sign bit, modulo."""
    return (murmur2(key) & 0x7FFFFFFF) % partitions if partitions > 1 else 0
