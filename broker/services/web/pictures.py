"""Pictures: drawn one at a time, few are waited for, the last ones kept."""

import tempfile
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from threading import BoundedSemaphore, Lock
from typing import Final

from nuncius.broker.plots.sky import plot_skymap
from nuncius.broker.services.web.answers import RefusedError
from nuncius.broker.services.web.shared_maps import SharedMaps

WAITING: Final = 4
"""Pictures that may be waited for, the one being drawn among them: matplotlib keeps state of its own and takes a core,
and each one holds one of the 40 threads that serve requests.
"""

KEPT: Final = 32
"""Of some 200 kB each."""


class Drawings:
    """PNG files by what they show, for any thread."""

    def __init__(self) -> None:
        self._drawing, self._keeping = Lock(), Lock()
        self._places = BoundedSemaphore(WAITING)
        self._kept: OrderedDict[str, bytes] = OrderedDict()

    def png(self, key: str, draw: Callable[[Path], None]) -> bytes:
        """The picture of that key; what is kept never waits.

        Parameters
        ----------
        key
            Names what is drawn, in its state.
        draw
            Draws it into a file; what it raises is raised here.

        Raises
        ------
        RefusedError
            503, where too many are waited for.
        """
        if (kept := self._get(key)) is not None:
            return kept
        if not self._places.acquire(blocking=False):
            raise RefusedError(503, f"{WAITING} pictures are being drawn already; try again in some seconds")
        try:
            with self._drawing:
                if (kept := self._get(key)) is not None:  # somebody else wanted the same
                    return kept
                made = _drawn(draw)
                self._keep(key, made)
                return made
        finally:
            self._places.release()

    def _get(self, key: str) -> bytes | None:
        with self._keeping:
            if key in self._kept:
                self._kept.move_to_end(key)
            return self._kept.get(key)

    def _keep(self, key: str, made: bytes) -> None:
        with self._keeping:
            self._kept[key] = made
            if len(self._kept) > KEPT:
                self._kept.popitem(last=False)


class Pictures:
    """Of sky maps, by the sha256 of each.

    Parameters
    ----------
    maps
        Whose pictures.
    """

    def __init__(self, maps: SharedMaps) -> None:
        self._maps = maps
        self._drawings = Drawings()

    def png(self, sha256: str) -> bytes:
        """The picture of a map that is on the log; see `Drawings.png`."""
        return self._drawings.png(sha256, lambda path: plot_skymap(self._maps[sha256], path, title=sha256[:12]))


def _drawn(draw: Callable[[Path], None]) -> bytes:
    with tempfile.TemporaryDirectory(prefix="nuncius-") as folder:
        path = Path(folder) / "sky.png"
        draw(path)
        return path.read_bytes()
