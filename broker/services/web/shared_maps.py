"""Sky maps of the log for many threads at once: nobody waits while a map is built for somebody else."""

from collections import OrderedDict
from collections.abc import Iterator, Mapping
from threading import Lock

from nuncius.broker.services.maps import KEPT, MapShelf
from nuncius.broker.sky import SkyMap
from nuncius.broker.transport.port import Log


class SharedMaps(Mapping[str, SkyMap]):
    """As `MapShelf`, for any thread; two that ask for the same map at once may both build it.

    Parameters
    ----------
    log
        Read when first asked.
    """

    def __init__(self, log: Log) -> None:
        self._log = log
        self._looking, self._keeping = Lock(), Lock()
        self._opened: MapShelf | None = None
        self._maps: OrderedDict[str, SkyMap] = OrderedDict()

    def __iter__(self) -> Iterator[str]:
        with self._looking:
            return iter(tuple(self._shelf))

    def __len__(self) -> int:
        with self._looking:
            return len(self._shelf)

    def __contains__(self, sha256: object) -> bool:
        with self._looking:
            return sha256 in self._shelf

    def __getitem__(self, sha256: str) -> SkyMap:
        with self._keeping:
            if (kept := self._maps.get(sha256)) is not None:
                self._maps.move_to_end(sha256)
                return kept
        made = SkyMap.read(self.bytes_of(sha256))
        with self._keeping:
            self._maps[sha256] = made
            if len(self._maps) > KEPT:
                self._maps.popitem(last=False)
        return made

    def bytes_of(self, sha256: str) -> bytes:
        """The FITS file as received.

        Raises
        ------
        LogDamaged
            If the log does not hold it.
        """
        with self._looking:
            shelf = self._shelf
            if sha256 not in shelf:
                return shelf.bytes_of(sha256)
        return shelf.bytes_of(sha256)  # it knows where; the file is read by a reader of its own

    @property
    def _shelf(self) -> MapShelf:
        if self._opened is None:
            self._opened = MapShelf(self._log)
        return self._opened
