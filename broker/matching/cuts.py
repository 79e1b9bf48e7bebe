"""Which rows of a batch are counterparts of one notice: window, vetoes, region; whole columns at once."""

import math

import numpy as np
from numpy.typing import NDArray

from nuncius.broker.matching.rules import CandidateRule
from nuncius.broker.matching.threads import microseconds, moment
from nuncius.broker.sky import SkyMap
from nuncius.broker.sky.footprint import searched_level
from nuncius.broker.sky.profile import Fisher
from nuncius.schemas.alert import Alert
from nuncius.schemas.candidate import NO_TIME, CandidateBatch
from nuncius.schemas.coincidence import Counterpart


def first_detections(rule: CandidateRule, notice: Alert) -> tuple[int, int]:
    """Earliest and latest first detection that the rule looks at, control window included; microseconds, inclusive."""
    start = event_us(notice)
    return start - rule.control_us, start + rule.high_us


def event_us(notice: Alert) -> int:
    """The event's time, microseconds. The notice must state one."""
    if notice.time_start is None:
        raise ValueError(f"alert {notice.alert_id} states no time: ask `usable` first")
    return microseconds(notice.time_start)


def counterparts(
    rule: CandidateRule, notice: Alert, shape: SkyMap | Fisher, batch: CandidateBatch
) -> list[Counterpart]:
    """Rows that pass, in the batch's order.

    On: first detection in [t0 + low, t0 + high]. Control: first detection in [t0 - control, t0). Both: the notice's
    reality, no known solar-system object, score and star score within the rule's cuts where they are known, and 2-D
    credible level at most the rule's (inclusive), or among the densest of the region.
    """
    start = event_us(notice)
    first = batch.first_us
    on = (first >= start + rule.low_us) & (first <= start + rule.high_us)
    control = (first >= start - rule.control_us) & (first < start) & ~on
    near = np.flatnonzero(on | control)
    near = near[_vetted(rule, batch, near) & (batch.reality[near] == notice.reality)]
    if not len(near):
        return []
    ra, dec = batch.ra[near], batch.dec[near]
    level = np.asarray(shape.credible_level(ra, dec))
    density = np.asarray(shape.probdensity(ra, dec))
    inside = (level <= searched_level(shape, rule.max_credible_level)) & (density > 0)
    near, level, density = near[inside], level[inside], density[inside]
    return [
        _row(rule, notice, batch, (int(i), "on" if on[i] else "control"), (float(c), float(d)))
        for i, c, d in zip(near, level, density, strict=True)
    ]


def _vetted(rule: CandidateRule, batch: CandidateBatch, rows: NDArray[np.intp]) -> NDArray[np.bool_]:
    passed: NDArray[np.bool_] = ~batch.solar_system[rows] & (batch.time_us[rows] != NO_TIME)
    passed &= (batch.first_us[rows] != NO_TIME) & np.isfinite(batch.ra[rows]) & np.isfinite(batch.dec[rows])
    if rule.min_score is not None:
        passed &= ~(batch.score[rows] < rule.min_score)
    if rule.max_star_score is not None:
        passed &= ~(batch.star_score[rows] > rule.max_star_score)
    return passed


def _row(
    rule: CandidateRule, notice: Alert, batch: CandidateBatch, which: tuple[int, str], sky: tuple[float, float]
) -> Counterpart:
    i, arm = which
    return Counterpart(
        rule=rule.name,
        event_thread=notice.thread_id,
        event_alert_id=notice.alert_id,
        arm="on" if arm == "on" else "control",
        alert_id=batch.alert_id[i],
        thread_id=batch.thread_id[i],
        survey=batch.survey[i],
        reality=notice.reality,
        run_mode=notice.run_mode,
        ra=float(batch.ra[i]),
        dec=float(batch.dec[i]),
        time=moment(int(batch.time_us[i])),
        first_time=moment(int(batch.first_us[i])),
        last_limit_time=None if batch.last_limit_us[i] == NO_TIME else moment(int(batch.last_limit_us[i])),
        mag=_known(batch.mag[i]),
        filter=batch.filter[i],
        score=_known(batch.score[i]),
        credible_level=sky[0],
        probdensity_per_sr=sky[1],
    )


def _known(value: np.float64) -> float | None:
    return None if math.isnan(value) else float(value)
