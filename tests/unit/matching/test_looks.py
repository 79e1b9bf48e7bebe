"""Where and when a survey looked: cells against healpy, windows and nights by hand."""

from datetime import UTC, datetime, timedelta

import healpy
import numpy as np
import pytest
from matching_alerts import T0, at, candidates, cone, gw, neutrino

from nuncius.broker.matching import Match, shipped_rules
from nuncius.broker.matching.looks import CELL_DEG2, CELL_ORDER, CELLS, LookedAt, cells_touched, looks_of
from nuncius.broker.matching.threads import microseconds
from nuncius.broker.sky.cover import circle_cover
from nuncius.schemas import Alert, CandidateBatch, Coverage

LATER = T0 + timedelta(days=60)
EVENT = gw(localizations=cone(197, -23, 5))
HERE = int(healpy.ang2pix(1 << CELL_ORDER, 197.0, -23.0, nest=True, lonlat=True))


def told(event: Alert, batch: CandidateBatch) -> tuple[Coverage, ...]:
    return Match(shipped_rules()).step((event,), batch, {}, LATER, run_mode="replay").coverage


def test_cells_are_healpix() -> None:
    assert healpy.nside2npix(1 << CELL_ORDER) == CELLS
    assert pytest.approx(healpy.nside2pixarea(1 << CELL_ORDER, degrees=True)) == CELL_DEG2
    centre = healpy.ang2vec(197.0, -23.0, lonlat=True)
    inside = healpy.query_disc(1 << CELL_ORDER, centre, np.radians(8), nest=True)
    # a cover's own border cells are an eighth of the radius wide
    near = healpy.query_disc(1 << CELL_ORDER, centre, np.radians(8 + 2 * 8 / 8), inclusive=True, fact=64, nest=True)
    found = np.flatnonzero(cells_touched(circle_cover(197.0, -23.0, 8.0)))
    assert set(inside) <= set(found) <= set(near)


@pytest.mark.parametrize("row", [{"solar_system": True}, {"score": 0.0}, {"star_score": 1.0}, {"first": -900.0}])
def test_what_is_no_candidate_shows_that_the_survey_looked(row: dict[str, object]) -> None:
    (one,) = told(EVENT, candidates(row))
    assert (one.survey, one.arm, one.cells, one.reality) == ("ztf", "on", (HERE,), "real")
    assert (one.rule, one.event_thread, one.event_alert_id) == ("gw-optical", EVENT.thread_id, EVENT.alert_id)


@pytest.mark.parametrize("row", [{"reality": "test"}, {"ra": 17.0}, {"ra": np.nan}, {"days": 20.0}, {"days": -20.0}])
def test_what_shows_nothing_of_this_event(row: dict[str, object]) -> None:
    assert told(EVENT, candidates({"solar_system": True, **row})) == ()


def test_the_history_that_a_row_tells_is_no_look() -> None:
    row = {"days": 2.0, "first": -1.0, "last_limit_us": microseconds(at(-2 * 86400.0))}
    # 12:41 UTC lies in the night that ends at 18 h of the same day
    day = (T0 + timedelta(days=2) - datetime(1970, 1, 1, tzinfo=UTC)).days
    assert [(one.arm, one.night) for one in told(EVENT, candidates(row))] == [("on", day)]


def test_a_night_ends_at_18_h() -> None:
    hour = 1 / 24
    # T0 is 12:41: 5 h later it is 17:41, 5.5 h later 18:11
    late = told(EVENT, candidates({"days": 1 + 5 * hour}, {"days": 1 + 5.5 * hour}, {"days": 1 + 12 * hour}))
    assert [one.night for one in late] == [17396, 17397]  # 2017-08-18 is day 17 396


def test_the_night_of_the_event_belongs_to_both_windows_by_the_hour() -> None:
    hour = 1 / 24
    both = told(EVENT, candidates({"days": -2 * hour}, {"days": 2 * hour}))
    assert [(one.arm, one.night) for one in both] == [("control", 17395), ("on", 17395)]


def test_an_event_is_told_of_looks_before_it_came_and_each_look_once() -> None:
    matcher = Match(shipped_rules())
    steps = [((), {"days": 1.0}), ((EVENT,), {"days": 2.0}), ((EVENT,), {"days": 2.0}), ((), {"days": 3.0})]
    nights = []
    for events, row in steps:
        outcome = matcher.step(events, candidates({**row, "solar_system": True}), {}, LATER, run_mode="replay")
        matcher.apply(outcome.delta)
        nights.append([one.night for one in outcome.coverage])
    assert nights == [[], [17396, 17397], [], [17398]]


def test_windows_are_those_of_the_rule() -> None:
    event = neutrino(localizations=cone(197, -23, 1))
    assert [one.rule for one in told(event, candidates({"days": 27.0}))] == ["neutrino-optical"]


def test_old_looks_are_forgotten() -> None:
    looked = LookedAt()
    for day in range(40):
        looked.add(looks_of("replay", candidates({"days": float(day)}), 0))
    looked.add(looks_of("replay", candidates({"days": 3.0}), 0))
    assert [len(codes) for codes in looked.looks.values()] == [40]
    looked.drop_before("replay", microseconds(at(30 * 86400.0)))
    assert [len(codes) for codes in looked.looks.values()] == [10]
    assert looks_of("replay", candidates({"days": 3.0}), microseconds(at(4 * 86400.0))) == {}
