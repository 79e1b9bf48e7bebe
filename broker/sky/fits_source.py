"""The bytes of a FITS file, plain or gzipped, taken piece by piece under caps."""

import zlib
from typing import Protocol

from nuncius.schemas.errors import LimitExceeded, MalformedAlert

MAX_FILE_BYTES = 512 << 20
MAX_INFLATED_BYTES = 1 << 30
MAX_INFLATE_RATIO = 800
"""A flat order-11 map made from 19 200 tiles inflates 526-fold; deflate ends at 1032."""

_RATIO_FREE_BYTES = 16 << 20
_FEED = 1 << 16
_FIRST_CARD = b"SIMPLE  ="


class Source(Protocol):
    """Bytes in order."""

    position: int

    def require(self, count: int) -> None:
        """Refuses a stated length that the file cannot hold, before anything is allocated for it."""
        ...

    def take(self, count: int) -> bytes | memoryview:
        """Exactly ``count`` bytes; MalformedAlert where the file ends before them."""
        ...

    def skip(self, count: int) -> None:
        """Passes over ``count`` bytes."""
        ...

    def at_end(self) -> bool:
        """Whether no byte is left."""
        ...

    def close(self) -> None:
        """Checks what follows the part that was read; MalformedAlert where the container is cut short."""
        ...


class Plain:
    """An uncompressed file."""

    def __init__(self, data: bytes) -> None:
        self._data = memoryview(data)
        self.position = 0

    def require(self, count: int) -> None:
        """See `Source`."""
        if self.position + count > len(self._data):
            raise MalformedAlert(
                f"truncated FITS: {count} bytes wanted at byte {self.position}, the file has {len(self._data)};"
                " ask for it again"
            )

    def take(self, count: int) -> memoryview:
        """See `Source`."""
        self.require(count)
        piece = self._data[self.position : self.position + count]
        self.position += count
        return piece

    def skip(self, count: int) -> None:
        """See `Source`."""
        self.take(count)

    def at_end(self) -> bool:
        """See `Source`."""
        return self.position >= len(self._data)

    def close(self) -> None:
        """See `Source`."""


class Gzipped:
    """A gzipped file, inflated as far as it is asked for."""

    def __init__(self, data: bytes) -> None:
        self._data = memoryview(data)
        self._fed = 0
        self._inflate = zlib.decompressobj(wbits=31)
        self._tail = b""
        self._ready = bytearray()
        self._inflated = 0
        self.position = 0

    def require(self, count: int) -> None:
        """See `Source`."""
        if self.position + count > MAX_INFLATED_BYTES:
            raise LimitExceeded(f"gzipped FITS of {self.position + count} bytes; at most {MAX_INFLATED_BYTES} are read")

    def take(self, count: int) -> bytes:
        """See `Source`."""
        self.require(count)
        out = self.head(count)
        if len(out) < count:
            raise MalformedAlert(
                f"truncated gzip: {count} bytes of FITS wanted at byte {self.position},"
                f" {len(out)} are there; ask for the file again"
            )
        del self._ready[:count]
        self.position += count
        return out

    def skip(self, count: int) -> None:
        """See `Source`."""
        while count > 0:
            step = min(count, _FEED * 16)
            self.take(step)
            count -= step

    def at_end(self) -> bool:
        """See `Source`."""
        return not self.head(1)

    def head(self, count: int) -> bytes:
        """Up to ``count`` bytes that come next, not taken."""
        while len(self._ready) < count and (piece := self._more(count - len(self._ready))):
            self._ready += piece
        return bytes(self._ready[:count])

    def close(self) -> None:
        """Inflates what is left, under the same caps, so that a cut or damaged stream is seen."""
        self._ready.clear()
        while self._more(_FEED * 16):
            pass
        if not self._inflate.eof:
            raise MalformedAlert("truncated gzip: its end and checksum are missing; ask for the file again")

    def _more(self, count: int) -> bytes:
        out = b""
        while not out and not self._inflate.eof:
            feed = self._tail
            if not feed:
                feed = bytes(self._data[self._fed : self._fed + _FEED])
                self._fed += len(feed)
                if not feed:
                    break
            try:
                out = self._inflate.decompress(feed, max(count, 1))
            except zlib.error as error:
                raise MalformedAlert(f"damaged gzip near byte {self._fed}: {error}") from error
            self._tail = self._inflate.unconsumed_tail
        self._inflated += len(out)
        if self._inflated > MAX_INFLATED_BYTES:
            raise LimitExceeded(f"gzipped FITS inflates beyond {MAX_INFLATED_BYTES} bytes")
        if self._inflated > max(_RATIO_FREE_BYTES, MAX_INFLATE_RATIO * len(self._data)):
            raise LimitExceeded(f"gzip inflates more than {MAX_INFLATE_RATIO}-fold: no sky map does")
        return out


def open_source(data: bytes) -> Source:
    """Looks at the first bytes and says what they are.

    Raises
    ------
    MalformedAlert
        Not FITS, with what it looks like.
    LimitExceeded
        Longer than `MAX_FILE_BYTES`.
    """
    if len(data) > MAX_FILE_BYTES:
        raise LimitExceeded(f"sky map file of {len(data)} bytes; at most {MAX_FILE_BYTES} are read")
    if data[:2] == b"\x1f\x8b":
        inside = Gzipped(data)
        head = inside.head(512)
        if head[:9] != _FIRST_CARD:
            raise MalformedAlert(f"gzipped, and inside not a FITS file: {_looks_like(head)}")
        return inside
    if data[:9] != _FIRST_CARD:
        raise MalformedAlert(f"not a FITS file: {_looks_like(data)}")
    return Plain(data)


def _looks_like(data: bytes) -> str:
    head = data[:512].lstrip()
    if not data:
        return "it is empty"
    if not head.strip(b"\x00"):
        return "it holds only blanks or zeros"
    if head[:1] == b"<":
        return "it looks like HTML or XML, perhaps an error page; fetch the map again"
    if head[:1] == b"\x80":
        return "it looks like a pickle, which is never read"
    if head[:2] == b"PK" or head[:3] == b"BZh" or head[:6] == b"\xfd7zXZ\x00":
        return "it is compressed with something else than gzip"
    if len(data) <= 256 and b".fits" in head:
        return f"it is a pointer file that names {head[:80].decode('ascii', 'replace').strip()!r}; read that file"
    if head[:6] == b"SIMPLE":
        return "its first card is not 'SIMPLE  ='"
    return f"it starts with {bytes(data[:16])!r}"
