"""Localizations of the GCN unified schema: circle, ellipse, corners, and sky map."""

from collections.abc import Mapping
from typing import Any, Final

from nuncius.producers.build import cone, number
from nuncius.producers.embedded_map import from_base64, from_url
from nuncius.producers.facility import Context
from nuncius.producers.region import polygon
from nuncius.schemas.errors import MalformedAlert
from nuncius.schemas.localization import Ellipse, Localization, SkyMapRef

DEFAULT_CONTAINMENT: Final = 0.9
"""Of the schema, where ``containment_probability`` is absent."""


def localizations(notice: Mapping[str, Any], context: Context, model: str | None = None) -> tuple[Localization, ...]:
    """Position with its error, then the sky map.

    Parameters
    ----------
    notice
        With ``ra``, ``dec``, ``ra_dec_error`` and their kin; degrees, ICRS.
    context
        For maps that are given by name.
    model
        Name of the error model on top of the stated one.
    """
    inside = number(notice.get("containment_probability"))
    containment = inside if inside is not None and 0.0 < inside <= 1.0 else DEFAULT_CONTAINMENT
    stated = notice.get("systematic_included")
    systematic = stated if isinstance(stated, bool) else None
    chart = _map(notice, context)
    return (
        *_position(notice, containment, model, systematic_included=systematic),
        *(() if chart is None else (Localization(chart),)),
    )


def map_fault(notice: Mapping[str, Any]) -> str | None:
    """Why ``healpix_file`` cannot be used; None where it can, or is absent."""
    try:
        _embedded(notice)
    except MalformedAlert as error:
        return str(error)
    return None


def _position(
    notice: Mapping[str, Any], containment: float, model: str | None, *, systematic_included: bool | None
) -> tuple[Localization, ...]:
    ra, dec, error = (notice.get(name) for name in ("ra", "dec", "ra_dec_error"))
    corners = notice.get("rectangular_error_corners")
    if isinstance(corners, list) and corners:
        return (Localization(polygon(corners, containment), "own", systematic_included, model, f"corners {corners}"),)
    axes = [number(item) for item in error] if isinstance(error, list) else []
    major, minor = (*axes, *axes[:1], None, None)[:2] if len(axes) < 2 else axes[:2]
    angle = (axes[2] if len(axes) > 2 else 0.0) or 0.0
    if major is None or minor is None or major == minor:
        radius = error if not isinstance(error, list) else major
        return cone(
            ra,
            dec,
            radius,
            containment,
            systematic_included=systematic_included,
            systematic_model=model if radius else None,
        )
    centre = cone(ra, dec, max(major, minor), containment)
    if not centre or min(major, minor) <= 0:
        return centre
    lon, lat = number(ra) or 0.0, number(dec) or 0.0
    stated_as = f"{major} x {minor} deg, position angle {angle} deg from north through east"
    if angle % 180.0 == 0.0:
        shape = Ellipse(lon % 360.0, lat, minor, minor, major, major, 0.0, containment)
    else:
        shape = Ellipse(lon % 360.0, lat, major, major, minor, minor, (90.0 - angle) % 180.0, containment)
    return (Localization(shape, "own", systematic_included, model, stated_as),)


def _map(notice: Mapping[str, Any], context: Context) -> SkyMapRef | None:
    url = notice.get("healpix_url")
    linked = from_url(url, context) if isinstance(url, str) else None
    try:
        carried = _embedded(notice)
    except MalformedAlert:
        carried = None
    if carried is None or not isinstance(url, str):
        return carried or linked
    return SkyMapRef(carried.sha256, carried.nbytes, url, carried.data)


def _embedded(notice: Mapping[str, Any]) -> SkyMapRef | None:
    text = notice.get("healpix_file")
    return from_base64(text, "healpix_file") if isinstance(text, str) else None
