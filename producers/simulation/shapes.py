"""Densities on the sky that look like what detectors see: an antenna pattern, a bent ellipse."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
Density = Callable[[FloatArray, FloatArray], FloatArray]
"""Unnormalised probability per steradian at (ra, dec), ICRS degrees."""

J2000: Final = datetime(2000, 1, 1, 12, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Detector:
    """An interferometer on the ground.

    Parameters
    ----------
    lon_deg, lat_deg
        Of the vertex, east and north.
    x_azimuth_deg, y_azimuth_deg
        Of the arms, from north over east.
    """

    lon_deg: float
    lat_deg: float
    x_azimuth_deg: float
    y_azimuth_deg: float


HANFORD: Final = Detector(-119.40766, 46.45515, 324.0006, 234.0006)
"""H1: LIGO-T980044, table 1."""


def sidereal_deg(time: datetime) -> float:
    """Greenwich mean sidereal time, degrees, to 0.01 in this century (Meeus, Astronomical Algorithms, 12.4)."""
    days = (time - J2000).total_seconds() / 86400.0
    return (280.46061837 + 360.98564736629 * days) % 360.0


def antenna_pattern(detector: Detector, time: datetime) -> Density:
    """Volume one detector surveys in each direction: (F+² + Fx²)^(3/2), for sources uniform in space.

    F+² + Fx² does not depend on the polarisation. With a, b the cosines between the direction and the arms it is
    1 - (a² + b²) + (a² - b²)² / 4: what the response tensor (x x - y y) / 2 leaves across the line of sight
    (Thorne 1987, in 300 Years of Gravitation, eq. 104).
    """
    turn = math.radians(sidereal_deg(time) + detector.lon_deg)
    lat = math.radians(detector.lat_deg)
    up = np.array([math.cos(lat) * math.cos(turn), math.cos(lat) * math.sin(turn), math.sin(lat)])
    east = np.array([-math.sin(turn), math.cos(turn), 0.0])
    north = np.cross(up, east)
    arms = [
        math.cos(math.radians(a)) * north + math.sin(math.radians(a)) * east
        for a in (detector.x_azimuth_deg, detector.y_azimuth_deg)
    ]

    def density(ra: FloatArray, dec: FloatArray) -> FloatArray:
        a2, b2 = ((_unit(ra, dec) @ arm) ** 2 for arm in arms)
        out: FloatArray = np.maximum(1.0 - (a2 + b2) + (a2 - b2) ** 2 / 4.0, 0.0) ** 1.5
        return out

    return density


@dataclass(frozen=True, slots=True, kw_only=True)
class Banana:
    """A Gaussian ellipse bent along its long axis, in Lambert's equal-area plane around its centre.

    Parameters
    ----------
    ra, dec
        Centre, ICRS degrees.
    position_angle
        Of the long axis, degrees east of north.
    area90_deg2
        Of the region that holds 90 %; exact, since neither the plane nor the bend changes areas.
    axis_ratio
        Long over short.
    bend
        Offset of the spine from the long axis, in short sigmas at one long sigma.
    """

    ra: float
    dec: float
    position_angle: float
    area90_deg2: float
    axis_ratio: float
    bend: float

    @property
    def sigmas_deg(self) -> tuple[float, float]:
        """Long and short standard deviation; a Gaussian holds 90 % within 2 pi ln(10) s1 s2."""
        product = self.area90_deg2 / (2.0 * math.pi * math.log(10.0))
        return math.sqrt(product * self.axis_ratio), math.sqrt(product / self.axis_ratio)

    def __call__(self, ra: FloatArray, dec: FloatArray) -> FloatArray:
        """Probability per steradian, up to a factor."""
        u, v = self.coordinates(ra, dec)
        out: FloatArray = np.exp(-0.5 * (u**2 + v**2))
        return out

    def coordinates(self, ra: FloatArray, dec: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Offsets along and across, in standard deviations: the credible level is 1 - exp(-(u² + v²) / 2)."""
        centre = _unit(np.array(self.ra), np.array(self.dec))
        east = np.array([-math.sin(math.radians(self.ra)), math.cos(math.radians(self.ra)), 0.0])
        north = np.cross(centre, east)
        place = _unit(ra, dec)
        scale = np.degrees(np.sqrt(2.0 / np.maximum(1.0 + place @ centre, 1e-12)))
        x, y = scale * (place @ east), scale * (place @ north)
        angle = math.radians(self.position_angle)
        long, short = self.sigmas_deg
        u = (x * math.sin(angle) + y * math.cos(angle)) / long
        v = (x * math.cos(angle) - y * math.sin(angle)) / short
        return u, v - self.bend * u**2


def _unit(ra: FloatArray, dec: FloatArray) -> FloatArray:
    lon, lat = np.radians(ra), np.radians(dec)
    out: FloatArray = np.stack((np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)), axis=-1)
    return out
