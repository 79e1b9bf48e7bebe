"""One candidate on the wire: a slim row of `nuncius.candidates`, and rows <-> columns."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import nan
from typing import Final

import numpy as np

from nuncius.schemas.candidate import COLUMNS, CandidateBatch
from nuncius.schemas.scalars import Float32
from nuncius.schemas.vocabulary import Reality, RunMode

_UNKNOWN: Final = Float32(nan)


@dataclass(frozen=True, slots=True, kw_only=True)
class CandidateRow:
    """A survey detection, without its packet.

    Parameters
    ----------
    alert_id, thread_id
        As in an alert; the row is keyed by ``thread_id``.
    survey
        ``ztf``, ``lsst``, …
    reality, run_mode
        As in an alert.
    ra, dec
        ICRS degrees.
    time_us, first_us, last_limit_us
        This detection, the first one, the last non-detection before it: microseconds since 1970-01-01 UTC; the
        smallest 64-bit integer where unknown.
    mag, mag_err
        Magnitude and error; NaN where unknown.
    filter
        Band name.
    score
        Real-bogus or reliability, 0 to 1; NaN where the survey gives none.
    star_score
        Star-galaxy score of the nearest catalogue source within 2 arcsec, 1 a star; NaN where unknown.
    solar_system
        True where a known solar-system object lies within the survey's own match radius.
    detections
        Number of detections in the history, this one included.
    rate_mag_per_day, rate_err_mag_per_day
        Change of the magnitude in this band and its error, negative while it brightens: error-weighted line through the
        packet's detections, from the brightest on or, where this is the brightest, all (`producers.light_curve`).
        NaN below half a day, and where this detection is fainter than the reference.
    peak_mag
        Brightest magnitude in this band in the packet, this one included; NaN where unknown.
    host_arcsec
        Distance to the nearest source of the survey's reference image, galaxy or star; NaN where not stated.
    color_g_r_mag
        g minus r of this detection and the latest one in the other band less than half a day before; NaN where none.
    raw_offset
        Offset of the packet in ``nuncius.raw.candidates``.
    """

    alert_id: str
    thread_id: str
    survey: str
    reality: Reality
    run_mode: RunMode = "live"
    ra: float
    dec: float
    time_us: int
    first_us: int
    last_limit_us: int
    mag: float
    mag_err: float
    filter: str
    score: float
    star_score: float
    solar_system: bool
    detections: int
    rate_mag_per_day: Float32 = _UNKNOWN
    rate_err_mag_per_day: Float32 = _UNKNOWN
    peak_mag: Float32 = _UNKNOWN
    host_arcsec: Float32 = _UNKNOWN
    color_g_r_mag: Float32 = _UNKNOWN
    raw_offset: int = -1


FIELDS: Final = tuple(COLUMNS)


def columns(rows: Sequence[CandidateRow]) -> CandidateBatch:
    """Rows as columns, in order."""
    if not rows:
        return CandidateBatch.empty()
    return CandidateBatch(*(np.array([getattr(row, name) for row in rows], dtype=COLUMNS[name]) for name in FIELDS))


def rows(batch: CandidateBatch, run_mode: RunMode) -> tuple[CandidateRow, ...]:
    """Columns as rows, in order."""
    lists = [getattr(batch, name).tolist() for name in FIELDS]
    return tuple(
        CandidateRow(run_mode=run_mode, **dict(zip(FIELDS, values, strict=True))) for values in zip(*lists, strict=True)
    )
