"""What is to be seen in a picture of the sky. ICRS degrees."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Final

from nuncius.broker.sky.geometry import Place, geometry
from nuncius.broker.sky.healpix import FloatArray, IntArray
from nuncius.broker.sky.skymap import SkyMap

LEVELS = (0.5, 0.9)
Dashes = str | tuple[float, tuple[float, ...]]
"""A line style as matplotlib has it."""
_COLOURS: Final = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#8f5a00", "#1a1a1a")
"""Told apart with every common colour blindness (after Okabe & Ito 2008, Color Universal Design, fig. 16)."""
_DASHES: Final[tuple[Dashes, ...]] = ("solid", (0, (5, 1.5)), (0, (1.5, 1)), (0, (6, 1.5, 1.5, 1.5)))
"""Told apart in grey."""


@dataclass(frozen=True, slots=True)
class Layer:
    """A localization (shape or map) and its name in the legend."""

    place: Place
    label: str


@dataclass(frozen=True, slots=True)
class Mark:
    """A point to mark: ICRS degrees, the name beside it, a matplotlib marker."""

    ra: float
    dec: float
    label: str = ""
    marker: str = "*"


@dataclass(frozen=True, slots=True, eq=False)
class Crowd:
    """Many points drawn as small dots under one name, for the unrelated alerts around an event. ICRS degrees."""

    ra: FloatArray
    dec: FloatArray
    label: str


@dataclass(frozen=True, slots=True, eq=False)
class Footprint:
    """What a telescope or a survey covers: disjoint, sorted order-29 NESTED ranges [start, stop), and its name."""

    start: IntArray
    stop: IntArray
    label: str = "footprint"


@dataclass(frozen=True, slots=True)
class Backdrop:
    """What stands in every sky and is drawn where asked for.

    Parameters
    ----------
    moment
        Aware: Sun and Moon are drawn where they were then; None leaves them out.
    galactic_plane
        Draws latitude 0, with a dot at the centre.
    sun_avoid_deg, moon_avoid_deg
        Radius of a circle around Sun or Moon, in (0, 180); None for no circle.
    """

    moment: datetime | None = None
    galactic_plane: bool = False
    sun_avoid_deg: float | None = None
    moon_avoid_deg: float | None = None


NOTHING_BEHIND: Final = Backdrop()


@dataclass(frozen=True, slots=True, eq=False)
class Member:
    """A layer ready to be drawn: its map, its name, its own colour and dashes."""

    sky: SkyMap
    label: str
    colour: str
    dashes: Dashes

    @property
    def even(self) -> bool:
        """Whether the density is the same all over the region, which then has a border and no inner structure."""
        held = self.sky.density[self.sky.density > 0]
        return bool(held.max() - held.min() <= 1e-9 * held.max())


def members(layers: Sequence[Layer]) -> tuple[Member, ...]:
    """The layers as maps, circles and ellipses cut so finely that their borders look smooth.

    Raises
    ------
    ValueError
        There is no layer, or one is a sky map known by its hash or address only.
    """
    if not layers:
        raise ValueError("nothing to draw: give at least one map")
    out = []
    for index, layer in enumerate(layers):
        sky = geometry(layer.place, tolerance=1e-5)
        if sky is None:
            raise ValueError(f"{layer.label}: its sky map is known by hash or address only; read it first")
        out.append(Member(sky, layer.label, _COLOURS[index % len(_COLOURS)], _DASHES[index % len(_DASHES)]))
    return tuple(out)


def checked_levels(levels: tuple[float, ...]) -> tuple[float, ...]:
    """The levels, where they are one to four, rising and in (0, 1).

    Raises
    ------
    ValueError
        They are not.
    """
    if not 1 <= len(levels) <= 4 or any(not low < high for low, high in pairwise((0.0, *levels, 1.0))):
        shown = ", ".join(f"{100 * level:g} %" for level in levels)
        raise ValueError(f"levels {shown or 'none'}: give one to four, rising, above 0 % and below 100 %")
    return levels


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Scene:
    """All of one picture.

    Parameters
    ----------
    members
        At least one; the first is shaded by density.
    levels
        Credible levels whose borders are drawn, as `checked_levels` passes them.
    points, crowd, footprints, backdrop
        What is drawn beside the members.
    title, notes
        Above the picture, the title also as the name of the file's content for those who cannot see it; lines below it.
    """

    members: tuple[Member, ...]
    levels: tuple[float, ...] = LEVELS
    points: tuple[Mark, ...] = ()
    crowd: Crowd | None = None
    footprints: tuple[Footprint, ...] = ()
    backdrop: Backdrop = NOTHING_BEHIND
    title: str = ""
    notes: tuple[str, ...] = ()
