"""Places on the sky: maps, circles, ellipses, regions; density, credible level, area, exact overlap. Pure."""

from nuncius.broker.sky.errors import MODELS, ErrorModel
from nuncius.broker.sky.geometry import Place, geometry, point
from nuncius.broker.sky.healpix import pixel
from nuncius.broker.sky.moc import moc_ascii, moc_json, read_moc
from nuncius.broker.sky.overlap import map_overlap, overlap
from nuncius.broker.sky.ranges import WHOLE_SKY, Ranges
from nuncius.broker.sky.region import moc_ranges
from nuncius.broker.sky.skymap import Distance, SkyMap
from nuncius.broker.sky.sphere import separation_deg
from nuncius.broker.sky.within import credible_moc, credible_region, probability_inside
from nuncius.schemas.localization import Cone, Ellipse, Region, SkyMapRef

__all__ = [
    "MODELS",
    "WHOLE_SKY",
    "Cone",
    "Distance",
    "Ellipse",
    "ErrorModel",
    "Place",
    "Ranges",
    "Region",
    "SkyMap",
    "SkyMapRef",
    "credible_moc",
    "credible_region",
    "geometry",
    "map_overlap",
    "moc_ascii",
    "moc_json",
    "moc_ranges",
    "overlap",
    "pixel",
    "point",
    "probability_inside",
    "read_moc",
    "separation_deg",
]
