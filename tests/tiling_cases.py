"""Telescopes, maps and an independent judge of plans."""

import math
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import numpy as np

from nuncius.broker.planning.apparent import track
from nuncius.broker.planning.telescope import CircleField, FieldOfView, RectangleField, Telescope
from nuncius.broker.planning.visibility import Limits, Site
from nuncius.broker.sky import Cone, SkyMap, geometry, separation_deg
from nuncius.broker.sky.healpix import ORDER, BoolArray, FloatArray, position
from nuncius.schemas.plan import PlannedTile

START = datetime(2026, 11, 23, 12, tzinfo=UTC)
STOP = START + timedelta(hours=24)
PALOMAR = Site(name="Palomar", lon_deg=-116.863, lat_deg=33.356, height_m=1706.0, source="test")
PARANAL = Site(name="Paranal", lon_deg=-70.405, lat_deg=-24.627, height_m=2669.0, source="test")
SQUARE = RectangleField(3.0, 3.0)
DARK = Limits(min_altitude_deg=30.0)


def telescope(name: str = "T", *sites: Site, field: FieldOfView = SQUARE, limits: Limits = DARK) -> Telescope:
    return Telescope(
        name=name,
        sites=sites or (PALOMAR,),
        instrument="camera",
        field=field,
        slew_deg_s=2.0,
        settle_s=5.0,
        readout_s=10.0,
        limits=limits,
    )


def blob(ra: float, dec: float, radius_deg: float = 8.0) -> SkyMap:
    found = geometry(Cone(ra=ra, dec=dec, radius=radius_deg, containment=0.9))
    if found is None:
        raise ValueError("a cone has a map")
    return found


def discs(*places: tuple[float, float, float, float]) -> SkyMap:
    """Uniform discs that do not touch: right ascension, declination, radius, share of the whole."""
    made = [geometry(Cone(ra=ra, dec=dec, radius=radius, containment=1.0)) for ra, dec, radius, _ in places]
    some = [one for one in made if one is not None]
    return SkyMap.from_ranges(
        np.concatenate([one.start for one in some]),
        np.concatenate([one.stop for one in some]),
        np.concatenate([place[3] * one.density for one, place in zip(some, places, strict=True)]),
    )


def in_field(field: FieldOfView, tile: PlannedTile, ra: FloatArray, dec: FloatArray) -> BoolArray:
    """Membership by the gnomonic projection (Calabretta & Greisen 2002, section 5.1.3), turned north through east."""
    if isinstance(field, CircleField):
        return np.asarray(separation_deg(tile.ra, tile.dec, ra, dec) <= field.radius_deg)
    turn, a, d = np.radians(ra - tile.ra), np.radians(dec), math.radians(tile.dec)
    ahead = np.sin(d) * np.sin(a) + np.cos(d) * np.cos(a) * np.cos(turn)
    with np.errstate(divide="ignore", invalid="ignore"):
        xi = np.cos(a) * np.sin(turn) / ahead
        eta = (np.cos(d) * np.sin(a) - np.sin(d) * np.cos(a) * np.cos(turn)) / ahead
    cos, sin = math.cos(math.radians(tile.position_angle_deg)), math.sin(math.radians(tile.position_angle_deg))
    xi, eta = cos * xi - sin * eta, sin * xi + cos * eta
    half = math.tan(math.radians(field.width_deg) / 2), math.tan(math.radians(field.height_deg) / 2)
    return np.asarray((ahead > 0) & (np.abs(xi) <= half[0]) & (np.abs(eta) <= half[1]))


def keeps_its_times(one: Telescope, tiles: Sequence[PlannedTile]) -> None:
    """Every tile within the limits from beginning to end, and time enough between tiles of one site."""
    sites = {site.name: site for site in one.sites}
    for tile in tiles:
        site = sites[tile.site]
        assert tile.stop - tile.start == timedelta(seconds=tile.exposure_s)
        seen = track(
            np.array([tile.ra]),
            np.array([tile.dec]),
            lon_deg=site.lon_deg,
            lat_deg=site.lat_deg,
            height_m=site.height_m,
            start=tile.start,
            offset_s=np.linspace(0.0, tile.exposure_s, 5),
        )
        assert seen.altitude_deg.min() >= one.limits.min_altitude_deg - 0.01
        assert seen.sun_altitude_deg.max() <= one.limits.sun_altitude_max_deg + 0.01
        assert seen.moon_separation_deg.min() >= one.limits.moon_separation_min_deg - 0.01
    assert [tile.number for tile in tiles] == list(range(1, len(tiles) + 1))
    for name in sites:
        own = [tile for tile in tiles if tile.site == name]
        for before, after in pairwise(own):
            move_s = separation_deg(before.ra, before.dec, after.ra, after.dec) / one.slew_deg_s
            least_s = one.readout_s + move_s + one.settle_s
            assert (after.start - before.stop).total_seconds() >= least_s - 1e-3


def held_by(sky: SkyMap, looks: Iterable[tuple[FieldOfView, PlannedTile]], points: int = 40_000) -> float:
    """Probability in any of the tiles, by points drawn from the map; good to 1 % or so."""
    rng = np.random.default_rng(7)
    weight = sky.density * sky.solid_angle_sr
    tile = rng.choice(sky.tiles, points, p=weight / weight.sum())
    pixel = sky.start[tile] + (rng.random(points) * (sky.stop - sky.start)[tile]).astype(np.int64)
    ra, dec = position(ORDER, pixel)
    seen = np.zeros(points, np.bool_)
    for field, one in looks:
        seen |= in_field(field, one, ra, dec)
    return float(seen.mean())
