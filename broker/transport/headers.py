"""Record headers as one run of bytes: for each, the lengths of name and value (32-bit, little-endian), then both."""

import struct
from typing import Final

from nuncius.broker.transport.port import Headers
from nuncius.schemas.errors import LogDamaged

_LENGTHS: Final = struct.Struct("<II")


def pack_headers(headers: Headers) -> bytes:
    """The headers as bytes, in order; the same name may occur twice."""
    parts: list[bytes] = []
    for name, value in headers:
        encoded = name.encode()
        parts += (_LENGTHS.pack(len(encoded), len(value)), encoded, value)
    return b"".join(parts)


def unpack_headers(data: bytes | None) -> Headers:
    """What `pack_headers` was given; none for None."""
    if not data:
        return ()
    headers: list[tuple[str, bytes]] = []
    place = 0
    try:
        while place < len(data):
            name_size, value_size = _LENGTHS.unpack_from(data, place)
            middle = place + _LENGTHS.size + name_size
            headers.append((data[place + _LENGTHS.size : middle].decode(), data[middle : middle + value_size]))
            place = middle + value_size
    except (struct.error, UnicodeDecodeError) as error:
        raise LogDamaged(f"headers of a record do not decode: {error}") from error
    if place != len(data):
        raise LogDamaged("headers of a record are cut short")
    return tuple(headers)
