"""A telescope as planning sees it: where it stands, how much it sees at once, how fast it moves."""

from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field as dataclass_field

from nuncius.broker.planning.bands import Band
from nuncius.broker.planning.visibility import Limits, Site


@dataclass(frozen=True, slots=True)
class CircleField:
    """A round field of view.

    Parameters
    ----------
    radius_deg
        Of the circle, above 0.
    """

    radius_deg: float


@dataclass(frozen=True, slots=True)
class RectangleField:
    """A rectangular field of view, upper edge to the north at position angle 0.

    Parameters
    ----------
    width_deg, height_deg
        Along right ascension and declination through the centre, on the sky; above 0.
    """

    width_deg: float
    height_deg: float


FieldOfView = CircleField | RectangleField


@dataclass(frozen=True, slots=True, kw_only=True)
class Telescope:
    """What a plan must know of a telescope, or of several alike.

    Parameters
    ----------
    name
        As policies call it: the facility that is asked.
    sites
        Where it stands; several where it is a network of equal ones.
    instrument
        What it looks with.
    field
        What it sees at once.
    position_angle_deg
        Of a rectangle's upper edge, north through east; the same for every field.
    slew_deg_s, settle_s
        Speed of the mount and the time it needs to come to rest after each move.
    readout_s
        Between the end of an exposure and the next move; moves and read-out do not overlap.
    limits
        What it can do at best; a policy may ask for more.
    horizon
        (azimuth, altitude) in degrees, azimuth from north through east, ascending: below the line between them nothing
        is seen. Empty: the limits alone.
    night_max_s
        Most time a night that it gives, seconds; None: all of it.
    filters
        The light of its own filters, by the name that policies use; they come before the usual ones.
    source
        Where the numbers come from.
    """

    name: str
    sites: tuple[Site, ...]
    instrument: str
    field: FieldOfView
    slew_deg_s: float
    settle_s: float
    readout_s: float
    limits: Limits
    horizon: tuple[tuple[float, float], ...] = ()
    night_max_s: float | None = None
    position_angle_deg: float = 0.0
    filters: Mapping[str, Band] = dataclass_field(default_factory=dict, hash=False)
    source: str = ""
