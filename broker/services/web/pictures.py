"""Pictures of sky maps: drawn one at a time, few are waited for, the last ones kept by their content."""

import tempfile
from collections import OrderedDict
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


class Pictures:
    """PNG files by the sha256 of their map, for any thread.

    Parameters
    ----------
    maps
        Whose pictures.
    """

    def __init__(self, maps: SharedMaps) -> None:
        self._maps = maps
        self._drawing, self._keeping = Lock(), Lock()
        self._places = BoundedSemaphore(WAITING)
        self._kept: OrderedDict[str, bytes] = OrderedDict()

    def png(self, sha256: str) -> bytes:
        """The picture of a map that is on the log; what is kept never waits.

        Raises
        ------
        RefusedError
            503, where too many are waited for.
        """
        if (kept := self._get(sha256)) is not None:
            return kept
        if not self._places.acquire(blocking=False):
            raise RefusedError(503, f"{WAITING} pictures are being drawn already; try again in some seconds")
        try:
            with self._drawing:
                if (kept := self._get(sha256)) is not None:  # somebody else wanted the same
                    return kept
                made = self._draw(sha256)
                self._keep(sha256, made)
                return made
        finally:
            self._places.release()

    def _draw(self, sha256: str) -> bytes:
        with tempfile.TemporaryDirectory(prefix="nuncius-") as folder:
            path = Path(folder) / "sky.png"
            plot_skymap(self._maps[sha256], path, title=sha256[:12])
            return path.read_bytes()

    def _get(self, sha256: str) -> bytes | None:
        with self._keeping:
            if sha256 in self._kept:
                self._kept.move_to_end(sha256)
            return self._kept.get(sha256)

    def _keep(self, sha256: str, made: bytes) -> None:
        with self._keeping:
            self._kept[sha256] = made
            if len(self._kept) > KEPT:
                self._kept.popitem(last=False)
