"""Where telescopes are to look, and where they looked."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from nuncius.schemas.vocabulary import RunMode

Ask = Literal["pointing", "tiles", "galaxies"]
"""What is asked: one field on the position, fields that cover a region, or fields on catalogued galaxies."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedTile:
    """One field of a plan, in the order in which it is to be observed.

    Parameters
    ----------
    number
        Place in the order, from 1.
    site
        Where the telescope stands.
    ra, dec
        Centre, ICRS degrees.
    position_angle_deg
        Of the field's upper edge, north through east.
    start, stop
        First and last moment of the exposure, UTC; slew and settling come before, read-out after.
    exposure_s, filter
        What to take.
    airmass
        In the middle of the exposure.
    probability
        Of the map within this field and within none of the fields before it, or looked at before.
    target_name
        The galaxy it was laid on; empty where it covers the map alone.
    """

    number: int
    site: str
    ra: float
    dec: float
    position_angle_deg: float = 0.0
    start: datetime
    stop: datetime
    exposure_s: float
    filter: str = ""
    airmass: float
    probability: float
    target_name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ObservationReport:
    """Who looked where, how deep, and what was found.

    Parameters
    ----------
    report_id
        The reporter's own name for it; a later report of the same name replaces it.
    thread_id
        The event that was followed, e.g. ``lvk:S190814bv``.
    facility, instrument
        Who looked, with what.
    state
        ``planned``, ``completed`` or ``cancelled``.
    footprint
        The sky that was looked at, an ASCII MOC.
    ra, dec, position_angle_deg
        Centre of the field, ICRS degrees, where there is one.
    time_start, time_stop
        UTC.
    filter, depth, depth_unit
        Filter or band, and the limiting brightness with its unit (``ab_mag``, ``vega_mag``, ``flux_erg``, ``flux_jy``).
    found
        Threads of the objects found; empty for none.
    request_id
        The request that led to it, where it was ours.
    run_mode, issued_time
        Of the record.
    """

    report_id: str
    thread_id: str
    facility: str
    instrument: str = ""
    state: Literal["planned", "completed", "cancelled"]
    footprint: str
    ra: float | None = None
    dec: float | None = None
    position_angle_deg: float | None = None
    time_start: datetime | None = None
    time_stop: datetime | None = None
    filter: str = ""
    depth: float | None = None
    depth_unit: str = ""
    found: tuple[str, ...] = ()
    request_id: str = ""
    run_mode: RunMode
    issued_time: datetime | None = None
