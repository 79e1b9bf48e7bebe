"""Densities around a centre, each falling with one coordinate: circular (Fisher), disc, two-piece Gaussian."""

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np

from nuncius.broker.sky.healpix import FloatArray
from nuncius.broker.sky.sphere import offsets_deg, separation_deg


class Profile(Protocol):
    """A density that falls with a coordinate, the coordinate changing by at most ``slope`` a radian."""

    @property
    def slope(self) -> float:
        """Largest change of the coordinate over one radian on the sky."""
        ...

    @property
    def total(self) -> float:
        """Integral of the density, to a few per cent."""
        ...

    def coordinate(self, ra: FloatArray, dec: FloatArray) -> FloatArray:
        """The coordinate at positions, >= 0."""
        ...

    def density(self, coordinate: FloatArray) -> FloatArray:
        """Density per steradian, up to a constant factor."""
        ...


@dataclass(frozen=True)
class Fisher:
    """A mixture of Fisher distributions around one centre, p = k / (2 pi (1 - e^-2k)) exp(-k (1 - cos t)).

    The spherical counterpart of the circular Gaussian, whose sigma is k^-1/2 radians where k is large.

    Parameters
    ----------
    ra, dec
        Centre, ICRS degrees.
    parts
        Weight and concentration k of each component; weights sum to 1, k = 0 is uniform.
    """

    ra: float
    dec: float
    parts: tuple[tuple[float, float], ...]

    slope = 1.0
    total = 1.0

    def coordinate(self, ra: FloatArray, dec: FloatArray) -> FloatArray:
        """Distance from the centre, radians."""
        return np.asarray(np.radians(separation_deg(self.ra, self.dec, ra, dec)))

    def density(self, coordinate: FloatArray) -> FloatArray:
        """Per steradian, normalised."""
        fall = -2 * np.sin(np.minimum(coordinate, math.pi) / 2) ** 2
        out: FloatArray = np.zeros_like(fall)
        for weight, kappa in self.parts:
            out += weight * peak_density(kappa) * np.exp(kappa * fall)
        return out

    def contained(self, radius_rad: float) -> float:
        """Probability within a distance of the centre."""
        return sum(weight * contained(kappa, radius_rad) for weight, kappa in self.parts)

    @cached_property
    def radius90_deg(self) -> float:
        """Radius that contains 90 %, degrees."""
        return self.radius_deg(0.9)

    def radius_deg(self, level: float) -> float:
        """Radius that contains a probability in (0, 1], degrees."""
        low, high = 0.0, math.pi
        for _ in range(80):
            middle = (low + high) / 2
            low, high = (middle, high) if self.contained(middle) < level else (low, middle)
        return math.degrees(high)

    def probdensity(self, ra: FloatArray, dec: FloatArray) -> FloatArray:
        """Density at positions (ICRS degrees), per steradian."""
        return self.density(self.coordinate(ra, dec))

    def credible_level(self, ra: FloatArray, dec: FloatArray) -> FloatArray:
        """Probability nearer to the centre than each position (ICRS degrees): the density falls outwards."""
        cap = 2 * np.sin(self.coordinate(ra, dec) / 2) ** 2
        out: FloatArray = np.zeros_like(cap)
        for weight, kappa in self.parts:
            out += weight * (np.expm1(-kappa * cap) / math.expm1(-2 * kappa) if kappa > 1e-9 else cap / 2)
        return out


@dataclass(frozen=True, slots=True)
class Disc:
    """Uniform within a border."""

    ra: float
    dec: float
    radius_deg: float

    @property
    def slope(self) -> float:
        """See `Profile`."""
        return 1.0

    @property
    def total(self) -> float:
        """Solid angle, steradian."""
        return 4 * math.pi * math.sin(math.radians(self.radius_deg) / 2) ** 2

    def coordinate(self, ra: FloatArray, dec: FloatArray) -> FloatArray:
        """Distance from the centre, radians."""
        return np.asarray(np.radians(separation_deg(self.ra, self.dec, ra, dec)))

    def density(self, coordinate: FloatArray) -> FloatArray:
        """One inside and zero outside."""
        return np.asarray(coordinate <= math.radians(self.radius_deg), np.float64)


@dataclass(frozen=True, slots=True)
class TwoPiece:
    """A Gaussian whose width differs on either side of each axis.

    Parameters
    ----------
    ra, dec
        Centre, ICRS degrees.
    minus, plus, down, up
        Sigma in degrees towards smaller and larger first, smaller and larger second axis; all > 0.
    turn_deg
        Turn of the first axis from east towards north.
    """

    ra: float
    dec: float
    minus: float
    plus: float
    down: float
    up: float
    turn_deg: float = 0.0

    @property
    def slope(self) -> float:
        """See `Profile`. Offsets that keep the distance t stretch across it by t / sin t, pi/2 at 90 degrees."""
        far = math.radians(min(3 * max(self.minus, self.plus, self.down, self.up), 90.0))
        return math.degrees(far / math.sin(far)) / min(self.minus, self.plus, self.down, self.up)

    @property
    def total(self) -> float:
        """Of the four quarters in the plane, at most the whole sphere."""
        plane = math.pi / 2 * math.radians(self.minus + self.plus) * math.radians(self.down + self.up)
        return min(plane, 4 * math.pi)

    def coordinate(self, ra: FloatArray, dec: FloatArray) -> FloatArray:
        """Distance from the centre in units of the local sigma."""
        east, north = offsets_deg(self.ra, self.dec, ra, dec)
        turn = math.radians(self.turn_deg)
        first = east * math.cos(turn) + north * math.sin(turn)
        second = north * math.cos(turn) - east * math.sin(turn)
        out: FloatArray = np.hypot(
            first / np.where(first < 0, self.minus, self.plus), second / np.where(second < 0, self.down, self.up)
        )
        return out

    def density(self, coordinate: FloatArray) -> FloatArray:
        """Not normalised."""
        out: FloatArray = np.exp(-0.5 * coordinate**2)
        return out


@dataclass(frozen=True, slots=True)
class Ring:
    """Uniform along a ring of some radius, a Gaussian across it."""

    ra: float
    dec: float
    radius_deg: float
    sigma_deg: float

    @property
    def slope(self) -> float:
        """See `Profile`."""
        return math.degrees(1) / self.sigma_deg

    @property
    def total(self) -> float:
        """Integral by the middle of 4096 rings out to six sigma."""
        low, high = max(self.radius_deg - 6 * self.sigma_deg, 0.0), min(self.radius_deg + 6 * self.sigma_deg, 180.0)
        step = (high - low) / 4096
        apart = low + step * (np.arange(4096) + 0.5)
        across = self.density(np.abs(apart - self.radius_deg) / self.sigma_deg)
        return float(2 * math.pi * math.radians(step) * np.sum(across * np.sin(np.radians(apart))))

    def coordinate(self, ra: FloatArray, dec: FloatArray) -> FloatArray:
        """Distance from the ring in units of sigma."""
        return np.asarray(np.abs(separation_deg(self.ra, self.dec, ra, dec) - self.radius_deg) / self.sigma_deg)

    def density(self, coordinate: FloatArray) -> FloatArray:
        """Not normalised."""
        out: FloatArray = np.exp(-0.5 * coordinate**2)
        return out


def peak_density(kappa: float) -> float:
    """Density of a Fisher distribution at its centre, per steradian."""
    return kappa / (2 * math.pi * -math.expm1(-2 * kappa)) if kappa > 1e-9 else 1 / (4 * math.pi)


def contained(kappa: float, radius_rad: float) -> float:
    """Probability of a Fisher distribution within a distance of its centre, radians in [0, pi]."""
    cap = 2 * math.sin(radius_rad / 2) ** 2
    return math.expm1(-kappa * cap) / math.expm1(-2 * kappa) if kappa > 1e-9 else cap / 2


def concentration(radius_deg: float, containment: float) -> float:
    """The k of the Fisher distribution that holds ``containment`` within ``radius_deg``; 0 where none is wide enough.

    For small radii k = -ln(1 - C) / (1 - cos r), Rayleigh's r = sigma sqrt(-2 ln(1 - C)).

    Raises
    ------
    ValueError
        The radius is not in (0, 180] or the containment not in (0, 1).
    """
    if not (0 < radius_deg <= 180 and 0 < containment < 1):
        raise ValueError(f"no circular density holds {containment} within {radius_deg} degrees")
    radius = math.radians(radius_deg)
    cap = 2 * math.sin(radius / 2) ** 2
    if containment <= cap / 2:
        return 0.0
    low, high = 0.0, -math.log1p(-containment) / cap
    # the denominator 1 - e^-2k only raises the containment, so the small-radius value is an upper bound
    for _ in range(100):
        middle = (low + high) / 2
        low, high = (middle, high) if contained(middle, radius) < containment else (low, middle)
        if high - low < 1e-14 * high:
            break
    return high
