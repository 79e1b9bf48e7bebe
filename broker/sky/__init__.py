"""Places on the sky: maps, circles, ellipses, regions; density, credible level, area, exact overlap. Pure."""

from nuncius.broker.sky.errors import MODELS, ErrorModel
from nuncius.broker.sky.geometry import Place, geometry, point
from nuncius.broker.sky.healpix import pixel
from nuncius.broker.sky.overlap import map_overlap, overlap
from nuncius.broker.sky.region import moc_ranges
from nuncius.broker.sky.skymap import Distance, SkyMap
from nuncius.broker.sky.sphere import separation_deg
from nuncius.schemas.localization import Cone, Ellipse, Region, SkyMapRef

__all__ = [
    "MODELS",
    "Cone",
    "Distance",
    "Ellipse",
    "ErrorModel",
    "Place",
    "Region",
    "SkyMap",
    "SkyMapRef",
    "geometry",
    "map_overlap",
    "moc_ranges",
    "overlap",
    "pixel",
    "point",
    "separation_deg",
]
