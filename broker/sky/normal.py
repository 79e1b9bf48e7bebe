"""The tail of the normal distribution for arrays: numpy has no error function, and scipy is no dependency."""

import math
from typing import Final

import numpy as np

from nuncius.broker.sky.healpix import FloatArray

DENSITY_0: Final = 1 / math.sqrt(2 * math.pi)
"""Standard normal density at zero."""
_STEPS: Final = 128
_END: Final = 38
"""Beyond it the tail is below 3e-316."""


def normal_density(z: FloatArray) -> FloatArray:
    """Standard normal density; 0 at infinity."""
    return DENSITY_0 * np.exp(-0.5 * z * z)


def upper_tail(z: FloatArray) -> FloatArray:
    """Probability above z of the standard normal distribution, in [0, 1].

    Taylor series of fifth order around a table of the standard library's `math.erfc`. Against an independent
    implementation the error is below 3e-16 absolute; relative below 5e-12 for z < 10 and 2e-8 up to 37.
    """
    size = np.minimum(np.abs(z), _END)
    node = (size * _STEPS + 0.5).astype(np.int64)
    step = size - node / _STEPS
    c0, c1, c2, c3, c4, c5 = _TABLE
    tail = c5[node]
    for column in (c4, c3, c2, c1, c0):
        tail = column[node] + step * tail
    return np.where(z < 0, 1 - tail, tail)


def _table() -> tuple[FloatArray, ...]:
    """Taylor coefficients at the nodes: the derivatives of the density are Hermite polynomials times it."""
    z = np.arange(_END * _STEPS + 2) / _STEPS
    tail = np.array([0.5 * math.erfc(value / math.sqrt(2)) for value in z.tolist()])
    density = normal_density(z)
    return (
        tail,
        -density,
        density * z / 2,
        -density * (z**2 - 1) / 6,
        density * (z**3 - 3 * z) / 24,
        -density * (z**4 - 6 * z**2 + 3) / 120,
    )


_TABLE: Final = _table()
