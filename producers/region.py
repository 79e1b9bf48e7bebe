"""Polygons on the sky as regions."""

from collections.abc import Sequence
from typing import Any, Final

from nuncius.producers.build import number
from nuncius.schemas.errors import LimitExceeded, MalformedAlert
from nuncius.schemas.localization import Region

ORDER: Final = 10
"""HEALPix order of the border's cells, 0.06 degrees wide."""

MAX_CORNERS: Final = 64


def polygon(corners: Sequence[Any], containment: float) -> Region:
    """The region inside a polygon: every cell of order `ORDER` that it touches.

    Parameters
    ----------
    corners
        Pairs of RA and Dec in ICRS degrees, in order around it; the sides are great circles.
    containment
        Probability inside.

    Raises
    ------
    MalformedAlert
        If there are fewer than three corners, or one is no position.
    LimitExceeded
        If there are more than `MAX_CORNERS`.
    """
    if len(corners) > MAX_CORNERS:
        raise LimitExceeded(f"polygon of {len(corners)} corners, over the limit of {MAX_CORNERS}")
    points = [_point(corner) for corner in corners]
    if len(set(points)) < 3:
        raise MalformedAlert(f"a polygon needs three corners, this one has {len(set(points))}")
    return Region(_moc(points), containment)


def _point(corner: object) -> tuple[float, float]:
    ra, dec = (number(value) for value in corner) if isinstance(corner, list) and len(corner) == 2 else (None, None)
    if ra is None or dec is None or not (-360.0 <= ra <= 360.0 and -90.0 <= dec <= 90.0):
        raise MalformedAlert(f"{corner!r} is no corner of a polygon: expected [RA, Dec] in degrees")
    return ra % 360.0, dec


def _moc(points: list[tuple[float, float]]) -> str:
    # These load astropy, which takes a second: only notices with corners wait for it.
    from astropy.coordinates import Latitude, Longitude  # noqa: PLC0415  see above
    from cdshealpix.nested import polygon_search  # noqa: PLC0415  see above

    lon, lat = Longitude([ra for ra, _ in points], unit="deg"), Latitude([dec for _, dec in points], unit="deg")
    cells, orders, _ = polygon_search(lon, lat, ORDER)
    found = {order: sorted(cells[orders == order].tolist()) for order in sorted(set(orders.tolist()))}
    return " ".join(f"{order}/" + " ".join(map(str, numbers)) for order, numbers in found.items())
