"""Where and when surveys looked, as their rows show it: every row is a look, those of asteroids and artefacts too.

A look is a cell of the sky within a quarter of an hour. Looks are kept for the look-back, so that an event that comes
late finds those before it. What is told of a notice are nights, in the two windows of its rule.
"""

from collections.abc import Mapping
from typing import Final, NamedTuple

import numpy as np

from nuncius.broker.matching.cuts import event_us
from nuncius.broker.matching.rules import CandidateRule
from nuncius.broker.matching.store import DAY_US
from nuncius.broker.sky import pixel
from nuncius.broker.sky.cover import Cover
from nuncius.broker.sky.healpix import ORDER, BoolArray, FloatArray, IntArray, cell_area_sr
from nuncius.schemas.alert import Alert
from nuncius.schemas.candidate import NO_TIME, CandidateBatch
from nuncius.schemas.coincidence import Coverage
from nuncius.schemas.vocabulary import Arm, Reality, RunMode

CELL_ORDER: Final = 5
"""HEALPix order of the cells, 3.36 deg2: smaller than the field of a survey camera. Our own choice."""

CELL_DEG2: Final = float(np.degrees(np.degrees(cell_area_sr(CELL_ORDER))))
CELLS: Final = 12 << (2 * CELL_ORDER)
SLOT_US: Final = 15 * 60 * 1_000_000
"""A slot that touches a window is in it: the ends of a window are blurred by less than this. Our own choice."""

NIGHT_US: Final = 18 * 3_600_000_000
"""Nights end at 18 h UTC, daytime at Palomar (10 h) and Cerro Pachon (14 h): no night there is cut."""

_SHIFT: Final = 2 * (ORDER - CELL_ORDER)


class Stream(NamedTuple):
    """Rows that are counted together."""

    run_mode: RunMode
    reality: Reality
    survey: str


Looks = Mapping[Stream, IntArray]
"""Of each stream: slot number since 1970 times `CELLS` plus NESTED cell number; sorted, each once."""


def cells_at(ra: FloatArray, dec: FloatArray) -> IntArray:
    """NESTED numbers of the cells of order `CELL_ORDER` at positions, ICRS degrees."""
    return pixel(ra, dec) >> _SHIFT


def cells_touched(cover: Cover) -> BoolArray:
    """Which of the `CELLS` cells a cover touches: none that holds a part of its region is missing."""
    # a range begins in a cell and ends in one: count those that begun and did not end yet
    begun = np.bincount(cover.start >> _SHIFT, minlength=CELLS + 1)
    ended = np.bincount(((cover.stop - 1) >> _SHIFT) + 1, minlength=CELLS + 1)
    return np.asarray(np.cumsum(begun - ended)[:CELLS] > 0)


def night_of(time_us: int) -> int:
    """Days since 1970-01-01, UTC, of the night that a moment (microseconds since then) lies in; as in `Coverage`."""
    return (time_us + DAY_US - NIGHT_US) // DAY_US


def looks_of(run_mode: RunMode, batch: CandidateBatch, oldest_us: int) -> dict[Stream, IntArray]:
    """What rows show: the survey looked there at the time of each.

    The history that a row tells, its first detection and last non-detection, shows none: of other objects seen on that
    night rows need not have come, so that a density would be taken from the nights of those that did.

    Parameters
    ----------
    run_mode, batch
        The rows; those without a place on the sky show nothing.
    oldest_us
        Earlier looks are left out, microseconds.
    """
    placed = np.flatnonzero(np.isfinite(batch.ra) & (np.abs(batch.dec) <= 90))
    if not len(placed):
        return {}
    cell = cells_at(batch.ra[placed], batch.dec[placed])
    realities, surveys = batch.reality[placed], batch.survey[placed]
    kinds = sorted(dict.fromkeys(zip(realities.tolist(), surveys.tolist(), strict=True)))
    found: dict[Stream, IntArray] = {}
    for reality, survey in kinds:
        own = slice(None) if len(kinds) == 1 else np.flatnonzero((realities == reality) & (surveys == survey))
        times = batch.time_us[placed][own]
        known = (times != NO_TIME) & (times >= oldest_us)
        looks = np.unique(times[known] // SLOT_US * CELLS + cell[own][known])
        if len(looks):
            found[Stream(run_mode, reality, survey)] = looks
    return found


class LookedAt:
    """All looks of the look-back."""

    def __init__(self) -> None:
        self._looks: dict[Stream, IntArray] = {}

    @property
    def looks(self) -> Looks:
        """What is known; not to be changed."""
        return self._looks

    def unknown(self, looks: Looks) -> dict[Stream, IntArray]:
        """Those of the looks that are not known yet."""
        found = {}
        for stream, codes in looks.items():
            new = codes if stream not in self._looks else codes[~_holds(self._looks[stream], codes)]
            if len(new):
                found[stream] = new
        return found

    def add(self, looks: Looks) -> None:
        """Keep looks; known ones do nothing."""
        for stream, codes in self.unknown(looks).items():
            known = self._looks.get(stream)
            self._looks[stream] = codes if known is None else np.insert(known, np.searchsorted(known, codes), codes)

    def drop_before(self, run_mode: RunMode, cutoff_us: int) -> None:
        """Forget looks of slots before that of the cut-off."""
        first = cutoff_us // SLOT_US * CELLS
        for stream, codes in list(self._looks.items()):
            if stream.run_mode == run_mode:
                self._looks[stream] = codes[np.searchsorted(codes, first) :].copy()


def joint(one: Looks, other: Looks) -> Looks:
    """The looks of both."""
    if not one or not other:
        return one or other
    return {stream: np.union1d(one.get(stream, _NONE), other.get(stream, _NONE)) for stream in sorted({**one, **other})}


class Nights(NamedTuple):
    """Looks of one stream, each with its cell and with its night (times `CELLS`, plus cell); in one order."""

    codes: IntArray
    cell: IntArray
    night_cell: IntArray


def nights_of(looks: Looks) -> dict[Stream, Nights]:
    """Cells and nights of looks, worked out once for all notices; streams in order."""
    found = {}
    for stream in sorted(looks):
        slot, cell = np.divmod(looks[stream], CELLS)
        found[stream] = Nights(looks[stream], cell, (slot * SLOT_US + DAY_US - NIGHT_US) // DAY_US * CELLS + cell)
    return found


def coverage(rule: CandidateRule, notice: Alert, cells: BoolArray, looks: Mapping[Stream, Nights]) -> list[Coverage]:
    """Nights and cells in the windows of a notice, one record for each survey, window and night.

    Parameters
    ----------
    rule, notice
        The windows: on, [t0 + low, t0 + high]; control, [t0 - control, t0) before the on window.
    cells
        Those that the notice's region touches.
    looks
        Those of other realities and run modes are left out.
    """
    start = event_us(notice)
    if not rule.control_us:
        return []
    windows: tuple[tuple[Arm, int, int], ...] = (
        ("control", start - rule.control_us, start + min(0, rule.low_us) - 1),
        ("on", start + rule.low_us, start + rule.high_us),
    )
    found = []
    for stream, nights in looks.items():
        if (stream.run_mode, stream.reality) != (notice.run_mode, notice.reality):
            continue
        inside = _inside(nights, windows[0][1], windows[1][2], cells)
        for arm, low_us, high_us in windows:
            for night, seen in _nights(inside, low_us, high_us):
                found.append(
                    Coverage(
                        rule=rule.name,
                        event_thread=notice.thread_id,
                        event_alert_id=notice.alert_id,
                        survey=stream.survey,
                        arm=arm,
                        night=night,
                        cells=seen,
                        reality=notice.reality,
                        run_mode=notice.run_mode,
                    )
                )
    return found


_NONE: Final = np.empty(0, np.int64)


def _holds(known: IntArray, codes: IntArray) -> BoolArray:
    at = np.minimum(np.searchsorted(known, codes), len(known) - 1)
    return np.asarray(known[at] == codes) if len(known) else np.zeros(len(codes), np.bool_)


def _between(of: Nights, low_us: int, high_us: int) -> tuple[int, int]:
    """The looks [begin, end) whose slots touch [low, high]."""
    ends = np.searchsorted(of.codes, (low_us // SLOT_US * CELLS, (high_us // SLOT_US + 1) * CELLS))
    return int(ends[0]), int(ends[1])


def _inside(of: Nights, low_us: int, high_us: int, cells: BoolArray) -> Nights:
    begin, end = _between(of, low_us, high_us)
    at = begin + np.flatnonzero(cells[of.cell[begin:end]])
    return Nights(of.codes[at], of.cell[at], of.night_cell[at])


def _nights(of: Nights, low_us: int, high_us: int) -> list[tuple[int, tuple[int, ...]]]:
    """Nights since 1970 with the cells looked at, of the slots that touch [low, high]; both in order."""
    begin, end = _between(of, low_us, high_us)
    if begin == end:
        return []
    nights, seen = np.divmod(np.unique(of.night_cell[begin:end]), CELLS)
    first = np.flatnonzero(np.diff(nights, prepend=nights[0] - 1))
    ends, listed = [*first[1:].tolist(), len(seen)], seen.tolist()
    return [
        (number, tuple(listed[at:end]))
        for number, at, end in zip(nights[first].tolist(), first.tolist(), ends, strict=True)
    ]
