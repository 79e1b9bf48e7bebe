"""Sky maps of the log: the file, its coverage map, a picture."""

import tempfile
from functools import lru_cache
from pathlib import Path
from threading import BoundedSemaphore, Lock
from typing import Annotated, Final, Literal

from fastapi import APIRouter, Query, Response

from nuncius.broker.plots.sky import plot_skymap
from nuncius.broker.services.maps import MapShelf
from nuncius.broker.services.web.answers import RefusedError, says
from nuncius.broker.sky import SkyMap
from nuncius.broker.sky.moc import moc_json
from nuncius.broker.sky.within import credible_region
from nuncius.broker.transport.port import Log

WAITING: Final = 8
"""Pictures that may be waited for; one is drawn at a time (matplotlib keeps state of its own, and takes a core)."""

KEPT_PICTURES: Final = 32
"""Of some 200 kB each."""

_FILE: Final = {"X-Content-Type-Options": "nosniff"}


def skymap_routes(log: Log) -> APIRouter:
    """``GET /skymaps/{sha256}``."""
    router = APIRouter()
    shelves: list[MapShelf] = []
    looking, drawing, places = Lock(), Lock(), BoundedSemaphore(WAITING)

    def shelf() -> MapShelf:
        if not shelves:
            shelves.append(MapShelf(log))
        return shelves[0]

    def file(sha256: str) -> bytes:
        with looking:
            if sha256 not in shelf():
                raise RefusedError(
                    404, f"no sky map {sha256[:80]!r} on this log; alerts name theirs under localizations"
                )
            return shelf().bytes_of(sha256)

    @lru_cache(maxsize=KEPT_PICTURES)
    def picture(sha256: str) -> bytes:
        with drawing, tempfile.TemporaryDirectory(prefix="nuncius-") as folder:
            path = Path(folder) / "sky.png"
            plot_skymap(SkyMap.read(file(sha256)), path, title=sha256[:12])
            return path.read_bytes()

    @router.get(
        "/skymaps/{sha256}",
        responses={
            200: {"content": {"application/fits": {}, "application/json": {}, "image/png": {}}},
            **says(404, 422, 503),
        },
    )
    def get_skymap(
        sha256: str,
        form: Annotated[Literal["fits", "moc", "png"], Query(alias="format")] = "fits",
        level: Annotated[float, Query(gt=0, le=1, description="of the coverage map")] = 0.9,
    ) -> Response:
        """A sky map: the FITS file as received, the coverage map (MOC 2.0, JSON) of a credible level, or a picture."""
        if form == "fits":
            saved = {**_FILE, "Content-Disposition": f'attachment; filename="{sha256}.fits"'}
            return Response(file(sha256), media_type="application/fits", headers=saved)
        if form == "moc":
            ranges = credible_region(SkyMap.read(file(sha256)), level)
            return Response(moc_json(ranges), media_type="application/json", headers=_FILE)
        if not places.acquire(blocking=False):
            raise RefusedError(503, f"{WAITING} pictures are being drawn already; try again in some seconds")
        try:
            return Response(picture(sha256), media_type="image/png", headers=_FILE)
        finally:
            places.release()

    return router
