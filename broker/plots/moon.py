"""Sun and Moon as signs: larger than they are in the sky, the Moon with its lit part turned to the Sun."""

import numpy as np
from matplotlib.path import Path as Outline

from nuncius.broker.plots.bodies import Bodies
from nuncius.broker.plots.panel import INK, Panel
from nuncius.broker.sky.healpix import FloatArray, vectors

_SIZE = 13.0


def draw_sun(panel: Panel, place: tuple[float, float]) -> None:
    """A disc with a dot, the astronomers' sign, and its name."""
    if panel.sees(*place):
        panel.sign(*place, "o", ms=_SIZE, mfc="#ffb000", mec=INK, mew=0.9, zorder=8)
        panel.sign(*place, "o", ms=2.5, color=INK, zorder=8)
        panel.name(*place, "Sun")


def draw_moon(panel: Panel, seen: Bodies) -> None:
    """A dark disc with its lit part, and how much that is."""
    if panel.sees(*seen.moon):
        panel.sign(*seen.moon, "o", ms=_SIZE, mfc="#4d535c", mec=INK, mew=0.9, zorder=8)
        lit = Outline(lit_part(seen.moon_lit, _towards_sun(panel, seen)))
        panel.sign(*seen.moon, lit, ms=_SIZE - 1.0, mfc="#fffbe6", mec="none", zorder=8)
        panel.name(*seen.moon, f"Moon, {100 * seen.moon_lit:.0f} % lit")


def lit_part(share: float, angle_rad: float) -> FloatArray:
    """Outline of the lit part of a unit disc, shape (n, 2): the limb towards the Sun, back along the terminator.

    The terminator is half an ellipse whose short half axis is 1 - 2 ``share``: it bulges away from the Sun where more
    than half is lit. ``angle_rad`` is the Sun's direction from x towards y.
    """
    limb = np.linspace(-np.pi / 2, np.pi / 2, 61)
    x = np.concatenate((np.cos(limb), (1 - 2 * share) * np.cos(limb[::-1])))
    y = np.concatenate((np.sin(limb), np.sin(limb[::-1])))
    cos, sin = np.cos(angle_rad), np.sin(angle_rad)
    return np.stack((x * cos - y * sin, x * sin + y * cos), axis=1)


def _towards_sun(panel: Panel, seen: Bodies) -> float:
    """Direction in the plane from the Moon to a place 0.1 degree nearer to the Sun."""
    moon, sun = vectors(*seen.moon), vectors(*seen.sun)
    ahead = sun - moon * (sun @ moon)
    x, y, z = moon + 0.002 * ahead / max(float(np.linalg.norm(ahead)), 1e-12)
    near = panel.view.plane(np.degrees(np.arctan2(y, x)), np.degrees(np.arctan2(z, np.hypot(x, y))))
    here = panel.view.plane(*seen.moon)
    return float(np.arctan2(near.y[0] - here.y[0], near.x[0] - here.x[0]))
