"""Candidates as columns: points from surveys, thousands a second."""

from dataclasses import dataclass
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

NO_TIME: Final = np.iinfo(np.int64).min
"""Marks a time that the survey does not state."""


@dataclass(frozen=True, slots=True, eq=False)
class CandidateBatch:
    """Survey detections, one row each, as read-only numpy columns of equal length.

    Parameters
    ----------
    alert_id, thread_id
        As in `Alert`; object arrays of str.
    survey
        ``ztf``, ``lsst``, …; object array of str.
    reality
        As in `Alert`; object array of str.
    ra, dec
        ICRS degrees.
    time_us, first_us, last_limit_us
        This detection, the object's first detection, the last non-detection before it: microseconds since
        1970-01-01 UTC, `NO_TIME` where unknown.
    mag, mag_err
        Magnitude and error; NaN where unknown.
    filter
        Band name; object array of str.
    score
        Real-bogus or reliability, 0 to 1; NaN where the survey gives none.
    star_score
        Star-galaxy score of the nearest catalogue source, 1 a star; NaN where unknown or farther than 2 arcsec.
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
        Offset of the packet in ``nuncius.raw.candidates``, -1 before ingest.
    """

    alert_id: NDArray[np.object_]
    thread_id: NDArray[np.object_]
    survey: NDArray[np.object_]
    reality: NDArray[np.object_]
    ra: NDArray[np.float64]
    dec: NDArray[np.float64]
    time_us: NDArray[np.int64]
    first_us: NDArray[np.int64]
    last_limit_us: NDArray[np.int64]
    mag: NDArray[np.float64]
    mag_err: NDArray[np.float64]
    filter: NDArray[np.object_]
    score: NDArray[np.float64]
    star_score: NDArray[np.float64]
    solar_system: NDArray[np.bool_]
    detections: NDArray[np.int64]
    rate_mag_per_day: NDArray[np.float32]
    rate_err_mag_per_day: NDArray[np.float32]
    peak_mag: NDArray[np.float32]
    host_arcsec: NDArray[np.float32]
    color_g_r_mag: NDArray[np.float32]
    raw_offset: NDArray[np.int64]

    def __post_init__(self) -> None:
        lengths = {len(getattr(self, name)) for name in COLUMNS}
        if len(lengths) != 1:
            msg = f"columns of unequal length: {sorted(lengths)}"
            raise ValueError(msg)
        for name in COLUMNS:
            getattr(self, name).flags.writeable = False

    def __len__(self) -> int:
        return len(self.ra)

    def take(self, index: NDArray[np.intp] | NDArray[np.bool_]) -> "CandidateBatch":
        """The rows that ``index`` selects (positions or a mask), in that order."""
        return CandidateBatch(*(getattr(self, name)[index] for name in COLUMNS))

    @classmethod
    def empty(cls) -> Self:
        """A batch of no rows."""
        return cls(*(np.empty(0, dtype) for dtype in COLUMNS.values()))

    @classmethod
    def concat(cls, batches: "tuple[CandidateBatch, ...]") -> "CandidateBatch":
        """The rows of all batches, in order."""
        if not batches:
            return cls.empty()
        return CandidateBatch(*(np.concatenate([getattr(b, name) for b in batches]) for name in COLUMNS))


COLUMNS: Final[dict[str, type]] = {
    "alert_id": object,
    "thread_id": object,
    "survey": object,
    "reality": object,
    "ra": np.float64,
    "dec": np.float64,
    "time_us": np.int64,
    "first_us": np.int64,
    "last_limit_us": np.int64,
    "mag": np.float64,
    "mag_err": np.float64,
    "filter": object,
    "score": np.float64,
    "star_score": np.float64,
    "solar_system": np.bool_,
    "detections": np.int64,
    "rate_mag_per_day": np.float32,
    "rate_err_mag_per_day": np.float32,
    "peak_mag": np.float32,
    "host_arcsec": np.float32,
    "color_g_r_mag": np.float32,
    "raw_offset": np.int64,
}
"""Column name to numpy type, in constructor order."""
