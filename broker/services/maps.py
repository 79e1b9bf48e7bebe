"""Sky maps on the log: found by their sha256, built when first asked for, the last few kept."""

from collections import OrderedDict
from collections.abc import Iterator, Mapping
from typing import Final

from nuncius.broker.sky import SkyMap
from nuncius.broker.transport import topics
from nuncius.broker.transport.port import Log, TopicPartition
from nuncius.broker.transport.reading import read_to, read_up
from nuncius.schemas import LogDamaged

KEPT: Final = 64
"""Maps held as geometry; an order-11 map with distances takes about 1 MB."""

_TP: Final = TopicPartition(topics.MAPS.name, 0)


class MapShelf(Mapping[str, SkyMap]):
    """Geometry of every map on the log, by sha256; each is read when first asked for.

    A map is written in the transaction of the first alert that names it, or earlier, so an alert that can be read has
    its map on the log, or (on Kafka) about to be shown there. Asking for one that is not raises `LogDamaged`.
    """

    def __init__(self, log: Log) -> None:
        self._log = log
        self._offsets: dict[str, int] = {}
        self._index = log.reader({_TP: log.start(_TP)})
        self._maps: OrderedDict[str, SkyMap] = OrderedDict()

    def __iter__(self) -> Iterator[str]:
        self._catch_up()
        return iter(sorted(self._offsets))

    def __len__(self) -> int:
        self._catch_up()
        return len(self._offsets)

    def __contains__(self, sha256: object) -> bool:
        if sha256 not in self._offsets:
            self._catch_up()
        return sha256 in self._offsets

    def __getitem__(self, sha256: str) -> SkyMap:
        if sha256 in self._maps:
            self._maps.move_to_end(sha256)
            return self._maps[sha256]
        sky_map = SkyMap.read(self.bytes_of(sha256))
        self._maps[sha256] = sky_map
        if len(self._maps) > KEPT:
            self._maps.popitem(last=False)
        return sky_map

    def bytes_of(self, sha256: str) -> bytes:
        """The FITS file as received."""
        if sha256 not in self._offsets:
            self._catch_up()
        if sha256 not in self._offsets:
            raise LogDamaged(f"an alert names the sky map {sha256}, which {topics.MAPS.name} does not hold")
        reader = self._log.reader({_TP: self._offsets[sha256]})
        try:
            records = next(read_to(reader, {_TP: self._offsets[sha256] + 1}, 1))
            return records[0].value or b""
        finally:
            reader.close()

    def _catch_up(self) -> None:
        for records in read_up(self._index, 100):
            for record in records:
                self._offsets[(record.key or b"").decode()] = record.offset
