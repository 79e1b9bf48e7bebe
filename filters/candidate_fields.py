"""The fields of a survey's candidate, the same from a row and from columns."""

from collections.abc import Callable
from typing import Any, Final, get_args

import numpy as np
from numpy.typing import NDArray

from nuncius.filters.fields import FIRST_US, LAST_US, FieldInfo, FieldKind, Seen, age_s, attribute, possible_moment
from nuncius.schemas.candidate import NO_TIME, CandidateBatch
from nuncius.schemas.vocabulary import Reality, RunMode

_DAY_US: Final = 86_400_000_000

TIME_COLUMNS: Final = {"time": "time_us", "first_time": "first_us", "last_limit_time": "last_limit_us"}


def _time(column: str) -> Callable[[Seen], Any]:
    def read(seen: Seen) -> Any:
        value = getattr(seen.record, column)
        return None if value == NO_TIME else value

    return read


def _event_time(seen: Seen) -> Any:
    return possible_moment(seen.record.time_us)


def _since_first_days(seen: Seen) -> float | None:
    time, first = seen.record.time_us, seen.record.first_us
    return None if None in (possible_moment(time), possible_moment(first)) else (time - first) / _DAY_US


def _plain(name: str, kind: FieldKind, unit: str, meaning: str) -> FieldInfo:
    """A field that is the row's attribute and the batch's column of its name."""
    return FieldInfo(name, kind, unit, meaning, attribute(name))


CANDIDATE_FIELDS: Final = (
    _plain("alert_id", "text", "", "Of the packet"),
    _plain("thread_id", "text", "", "Of the object"),
    _plain("survey", "text", "", "ztf, lsst, ..."),
    FieldInfo("reality", "text", "", "Whether the sky did it", attribute("reality"), get_args(Reality)),
    FieldInfo("run_mode", "text", "", "How the record came to be made", attribute("run_mode"), get_args(RunMode)),
    _plain("ra", "number", "deg", "Right ascension, ICRS"),
    _plain("dec", "number", "deg", "Declination, ICRS"),
    FieldInfo("time", "time", "UTC", "Of this detection", _time("time_us")),
    FieldInfo("first_time", "time", "UTC", "Of the object's first detection", _time("first_us")),
    FieldInfo("last_limit_time", "time", "UTC", "Last non-detection before it", _time("last_limit_us")),
    age_s(_event_time),
    FieldInfo("since_first_days", "number", "d", "This detection after the first one", _since_first_days),
    _plain("mag", "number", "mag", "Magnitude"),
    _plain("mag_err", "number", "mag", "Its error"),
    _plain("filter", "text", "", "Band"),
    _plain("score", "number", "", "Real-bogus or reliability, 0 to 1"),
    _plain("star_score", "number", "", "Star-galaxy score of the nearest catalogue source, 1 a star"),
    _plain("solar_system", "flag", "", "Whether a known solar-system object lies there"),
    _plain("detections", "number", "", "Number of detections, this one included"),
    _plain("rate_mag_per_day", "number", "mag/d", "Change in this band from its peak on, else up to it; < 0 brightens"),
    _plain("rate_err_mag_per_day", "number", "mag/d", "Error of the rate"),
    _plain("peak_mag", "number", "mag", "Brightest in this band in the packet"),
    _plain("host_arcsec", "number", "arcsec", "Nearest source of the reference image, galaxy or star"),
    _plain("color_g_r_mag", "number", "mag", "g - r of the same night"),
)
"""In the order of the documentation; a further column of the batch is one more `_plain` line."""


def batch_column(batch: CandidateBatch, name: str, taken_us: NDArray[np.int64]) -> NDArray[Any]:
    """A field of all rows: numbers with NaN, times with `NO_TIME` where unknown."""
    if name == "age_s":
        known = _is_possible(batch.time_us) & (taken_us != NO_TIME)
        return np.where(known, (taken_us - np.where(known, batch.time_us, taken_us)) / 1e6, np.nan)
    if name == "since_first_days":
        known = _is_possible(batch.time_us) & _is_possible(batch.first_us)
        return np.where(known, (batch.time_us - np.where(known, batch.first_us, batch.time_us)) / _DAY_US, np.nan)
    column: NDArray[Any] = getattr(batch, TIME_COLUMNS.get(name, name))
    return column


def _is_possible(time_us: NDArray[np.int64]) -> NDArray[np.bool_]:
    return (time_us >= FIRST_US) & (time_us <= LAST_US)
