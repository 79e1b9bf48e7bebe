"""Why a record is not selected, by example."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from matching_alerts import NOW, cone, grb, gw

from nuncius.broker.services.filter_trial import places_of
from nuncius.filters import NO_PLACES, Hit, Names, parse_filter, rows_of, targets_near
from nuncius.filters.explain import explain, readable
from nuncius.filters.watch import Watchlist

BURST = grb("fermi-gbm:1", far_hz=None, localizations=cone(10.0, 20.0, 1.0))
TARGETS = Watchlist(
    ("near", "nearer", "far"), np.array([10.0, 10.0, 50.0]), np.array([20.1, 19.95, 20.0]), np.full(3, 0.2)
)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("messenger = 'photon'", ""),
        ("messenger = 'neutrino' AND far_hz < 1", "messenger = 'neutrino': no (messenger is photon)"),
        ("messenger = 'photon' AND far_hz < 1e-7 AND kind = 'update'", "far_hz < 1e-07: unknown (far_hz is NULL)"),
        (
            "kind = 'update' OR far_hz < 1",
            "kind = 'update': no (kind is initial); and far_hz < 1: unknown (far_hz is NULL)",
        ),
        ("NOT (messenger = 'photon')", "NOT messenger = 'photon': no (messenger is photon)"),
        ("NOT (kind = 'update' OR far_hz < 1)", "far_hz < 1: unknown (far_hz is NULL)"),
        ("classification['BNS'] > 0.5", "classification['BNS'] > 0.5: unknown (classification.BNS is NULL)"),
        (
            "CONTAINS(POINT(ra, dec), CIRCLE(10, 25, 2)) = 1",
            "CONTAINS(POINT(ra, dec), CIRCLE(10, 25, 2)) = 1: no (ra is 10, dec is 20, 5 deg from its centre)",
        ),
        ("IN_REGION('mine')", "IN_REGION('mine'): unknown (ra is 10, dec is 20, the region 'mine' is not known here)"),
        (
            "IN_SKYMAP('lvk:S1')",
            "IN_SKYMAP('lvk:S1', 0.9): unknown (ra is 10, dec is 20, no region of 'lvk:S1' is known here)",
        ),
        ("quiet AND messenger = 'photon'", "significance > 5: unknown (significance is NULL)"),
    ],
)
def test_the_first_condition_that_is_not_true(text: str, says: str) -> None:
    names = Names({"quiet": "significance > 5"}, frozenset({"mine"}))
    record = replace(BURST, kind="initial", significance=None) if "quiet" in text else replace(BURST, kind="initial")
    assert readable(explain(parse_filter(text, "alerts", names), record).causes) == says


def test_age_counts_from_when_the_log_took_it() -> None:
    checked = parse_filter("age_s < 60", "alerts")
    assert BURST.time_start is not None
    late = explain(checked, BURST, BURST.time_start + timedelta(seconds=90))
    assert readable(late.causes) == "age_s < 60: no (age_s is 90)"


def test_targets_are_told_nearest_first() -> None:
    names = Names(regions=frozenset({"mine"}))
    checked = parse_filter("IN_REGION('mine') OR kind = 'initial'", "alerts", names)
    away, nowhere = grb("fermi-gbm:2", localizations=cone(50.0, 30.0, 1.0)), gw("lvk:S1", localizations=())
    rows = rows_of("alerts", [BURST, away, nowhere], [NOW] * 3)
    found = targets_near(checked, rows, places_of((), {"mine": TARGETS}))
    assert [len(each) for each in found] == [2, 0, 0]
    assert [hit[:2] for hit in found[0]] == [("mine", "nearer"), ("mine", "near")]
    assert [hit.separation_arcsec for hit in found[0]] == pytest.approx([180.0, 360.0])
    assert list(targets_near(checked, rows, NO_PLACES)) == [(), (), ()]
    assert isinstance(found[0][0], Hit)
