"""The ready-made filters: each is right, says where it comes from, and selects the real alerts it is about."""

import json
from collections import Counter
from contextlib import suppress
from pathlib import Path

import pytest
from matching_alerts import candidates, grb

from nuncius.filters import FIELDS, FilterError, matches, parse_filter, rows_of_batch, select
from nuncius.filters.ready import ready_filters
from nuncius.producers import Context, parse_all
from nuncius.schemas import Alert, Quarantine
from nuncius.schemas.candidate_row import rows

EVERY = ready_filters()


@pytest.mark.parametrize("ready", EVERY, ids=lambda ready: ready.name)
def test_each_is_right_and_said(ready: object) -> None:
    one = next(each for each in EVERY if each is ready)
    assert parse_filter(one.text, one.table).fields
    assert parse_filter(f"NOT {one.name}", one.table).fields == parse_filter(one.text, one.table).fields
    assert one.name not in FIELDS[one.table]
    assert one.meaning
    assert one.misses


def test_names_are_unique() -> None:
    assert len({one.name for one in EVERY}) == len(EVERY)


def test_they_combine() -> None:
    both = parse_filter("bright_grb OR gold_neutrino AND NOT real_and_live", "alerts")
    loud = grb("fermi-gbm:1", significance=20.0, significance_unit="sigma")
    quiet = grb("fermi-gbm:2", significance=14.9, significance_unit="sigma")
    assert matches(both, loud) is True
    assert matches(both, quiet) is False
    assert matches(both, grb("fermi-gbm:3")) is None


def test_one_of_another_table_is_refused() -> None:
    with pytest.raises(FilterError, match="bright_grb"):
        parse_filter("bright_grb", "candidates")


def test_of_a_night_the_young_ones() -> None:
    batch = candidates(
        {"thread_id": "ztf:young", "days": 3.0, "first": 0.5, "detections": 3},
        {"thread_id": "ztf:old", "days": 9.0, "first": 0.5, "detections": 3},
        {"thread_id": "ztf:once", "days": 3.0, "detections": 1},
    )
    young = parse_filter("young_transient", "candidates")
    found = select([young], rows_of_batch(batch, "live", [None] * 3))[0]
    assert found.tolist() == [True, False, False]
    assert [matches(young, row) is True for row in rows(batch, "live")] == [True, False, False]


@pytest.mark.alerts
def test_of_the_real_alerts_they_select_what_they_are_about(alerts_dir: Path) -> None:
    expected = json.loads((alerts_dir / "EXPECTED.json").read_bytes())
    found: dict[str, Counter[str]] = {one.name: Counter() for one in EVERY}
    checked = {one.name: parse_filter(one.text, one.table) for one in EVERY if one.table == "alerts"}
    for name in sorted(path for path in expected if not path.startswith("schemas/")):
        with suppress(Quarantine):
            for alert in parse_all((alerts_dir / name).read_bytes(), Context()):
                if isinstance(alert, Alert):
                    for ready, one in checked.items():
                        found[ready][alert.facility] += matches(one, alert) is True
    kept = {ready: {who for who, count in table.items() if count} for ready, table in found.items()}
    assert kept["gold_neutrino"] == {"IceCube"}
    assert kept["gw_significant"] == {"LIGO/Virgo/KAGRA"}
    assert kept["bright_grb"]
    assert "LIGO/Virgo/KAGRA" not in kept["bright_grb"]
    print({ready: dict(+table) for ready, table in found.items()})
