"""Sky maps of the log: the file, its coverage map, a picture."""

from typing import Annotated, Final, Literal

from fastapi import APIRouter, Query, Response

from nuncius.broker.services.web.answers import RefusedError, says
from nuncius.broker.services.web.pictures import Pictures
from nuncius.broker.services.web.shared_maps import SharedMaps
from nuncius.broker.sky.moc import moc_json
from nuncius.broker.sky.within import credible_region

_FILE: Final = {"X-Content-Type-Options": "nosniff"}
_KEPT: Final = {**_FILE, "Cache-Control": "max-age=31536000, immutable"}
"""A map is named by its content."""


def skymap_routes(maps: SharedMaps) -> APIRouter:
    """``GET /skymaps/{sha256}``."""
    router = APIRouter()
    pictures = Pictures(maps)

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
        if sha256 not in maps:
            raise RefusedError(404, f"no sky map {sha256[:80]!r} on this log; alerts name theirs under localizations")
        if form == "fits":
            saved = {**_FILE, "Content-Disposition": f'attachment; filename="{sha256}.fits"'}
            return Response(maps.bytes_of(sha256), media_type="application/fits", headers=saved)
        if form == "moc":
            return Response(
                moc_json(credible_region(maps[sha256], level)), media_type="application/json", headers=_FILE
            )
        return Response(pictures.png(sha256), media_type="image/png", headers=_KEPT)

    return router
