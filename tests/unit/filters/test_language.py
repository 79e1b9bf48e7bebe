"""What a filter means, by example."""

import subprocess
import sys
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from nuncius.broker.sky.healpix import BoolArray, FloatArray
from nuncius.filters import (
    NO_PLACES,
    ActiveEvent,
    Area,
    FilterError,
    Names,
    matches,
    parse_filter,
    rows_of,
    rows_of_batch,
    select,
    values,
)
from nuncius.filters.like import like
from nuncius.schemas.alert import Alert, Quantity
from nuncius.schemas.candidate import NO_TIME
from nuncius.schemas.candidate_row import CandidateRow, columns
from nuncius.schemas.localization import Cone, Ellipse, Localization, SkyMapRef

NIGHT = datetime(2026, 11, 1, tzinfo=UTC)
NEUTRINO = Alert(
    alert_id="a1",
    thread_id="icecube:1",
    native_id="n1",
    kind="initial",
    reality="real",
    messenger="neutrino",
    facility="IceCube",
    far_hz=1e-8,
    time_start=NIGHT,
    issued_time=NIGHT + timedelta(seconds=40),
    localizations=(Localization(Cone(197.0, -23.0, 1.0)),),
    classification={"BNS": 0.9, "NSBH": float("nan")},
    properties={"HasNS": 1.0, "quality": "gold", "seen": True},
    energy=Quantity(290.0, "TeV"),
)


class Half(Area):
    """The eastern half of the sky."""

    def contains(self, ra: FloatArray, dec: FloatArray) -> BoolArray:
        del dec
        return np.asarray(ra >= 180)


class Some:
    """One region, one event with a region, one event a day before the night."""

    def region(self, name: str) -> Area | None:
        return Half() if name == "half" else None

    def event_region(self, thread_id: str, level: float) -> Area | None:
        return Half() if (thread_id, level) == ("lvk:S1", 0.5) else None

    def events(self, messenger: str, level: float) -> list[ActiveEvent]:
        del level
        day_before = int((NIGHT - timedelta(days=1)).timestamp()) * 1_000_000
        return [ActiveEvent("lvk:S1", Half(), day_before)] if messenger == "gravitational_wave" else []

    def sky_map(self, sha256: str) -> None:
        del sha256


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("messenger = 'neutrino' AND far_hz < 1e-7", True),
        ("CONTAINS(POINT(ra, dec), CIRCLE(197.45, -23.38, 5)) = 1", True),
        ("CONTAINS(POINT('ICRS', ra, dec), CIRCLE('ICRS', 10, 10, 5)) = 0", True),
        ("CONTAINS(POINT(ra, dec), CIRCLE(197, -23, 0)) = 1", True),  # the border is inside
        ("CONTAINS(POINT(ra, dec), CIRCLE(POINT(197, -22), 0.999))", False),
        ("CONTAINS(POINT(ra, dec), POLYGON(190,-30, 200,-30, 200,-20, 190,-20)) = 1", True),
        ("DISTANCE(POINT(ra, dec), POINT(197, -22)) BETWEEN 0.9999 AND 1.0001", True),
        ("IN_MOC('0/0-11')", True),
        ("IN_REGION('half')", True),
        ("IN_REGION('elsewhere')", None),
        ("IN_SKYMAP('lvk:S1', 0.5)", True),
        ("IN_SKYMAP('lvk:S1')", None),  # 0.9 where no level is given
        ("NOT IN_SKYMAP('lvk:S2', 0.9)", None),
        ("IN_EVENTS('gravitational_wave', 0.9, 1)", True),  # the ends are included
        ("IN_EVENTS('gravitational_wave', 0.9, 0.99)", False),
        ("IN_EVENTS('photon', 0.9, 14)", False),
        ("area90_deg2 BETWEEN 3.1 AND 3.2", True),  # 2 pi (1 - cos 1 deg) = 3.141 deg2
        ("mag < 20", None),
        ("NOT mag < 20", None),
        ("mag < 20 OR TRUE", True),
        ("mag < 20 AND FALSE", False),
        ("mag IS NULL AND far_hz IS NOT NULL", True),
        ("(mag < 20) IS NULL", True),
        ("(mag < 20) IS NOT TRUE", True),
        ("mag IN (1, 2)", None),
        ("1 / 0 = 1", None),
        ("far_hz / 0 IS NULL", True),
        ("classification['BNS'] > 0.5", True),
        ("classification['NSBH'] > 0.5", None),
        ("classification['Terrestrial'] IS NULL", True),
        ("properties['HasNS'] = 1 AND properties['quality'] = 'gold' AND properties['seen']", True),
        ("properties['quality'] > 1", None),
        ("energy >= 290 AND energy_unit = 'TeV'", True),
        ("age_s = 60", True),
        ("latency_s = 40", True),
        ("time = '2026-11-01' AND time < TIMESTAMP '2026-11-01T02:00:00+01:00'", True),
        ("facility LIKE 'Ice%' AND facility ILIKE 'ice_ube' AND facility NOT LIKE 'ice%'", True),
        ("instrument = ''", True),  # an empty text is a text
        ("facility IN ('IceCube', 'Fermi') AND facility NOT IN ('LVK')", True),
        ("has_skymap", False),
        ("FACILITY = 'IceCube' and Not has_skymap", True),
        ("1 - 2 - 3 = -4 AND 2 + 3 * 4 = 14 AND -far_hz < 0", True),
    ],
)
def test_what_a_filter_means(text: str, answer: bool | None) -> None:  # noqa: FBT001  three values
    checked = parse_filter(text, "alerts", Names())
    taken = NIGHT + timedelta(seconds=60)
    assert matches(checked, NEUTRINO, taken, Some()) is answer
    assert select([checked], rows_of("alerts", [NEUTRINO], [taken]), Some()).tolist() == [[answer is True]]


@pytest.mark.parametrize(
    ("text", "column", "words"),
    [
        ("messenger = 'nutrino'", 13, "did you mean 'neutrino'"),
        ("far < 1", 1, "did you mean 'far_hz'"),
        ("mag < 1 AND star_score > 1", 13, "the table candidates has it"),
        ("mag < 'x'", 7, "expected a number"),
        ("mag < 1 AND facility = 3", 24, "expected a text"),
        ("time < 'tomorrow'", 8, "ISO 8601"),
        ("mag < 1 AND sin(mag) < 1", 13, "the function sin is not on the list"),
        ("mag < 1 AND (far_hz < 2", 23, "left open"),
        ("CONTAINS(POINT(ra, dec), CIRCLE(1, 2, 200))", 39, "expected 0 to 180"),
        ("CONTAINS(POINT('GALACTIC', ra, dec), CIRCLE(1, 2, 3))", 16, "ICRS"),
        ("mag = NULL", 1, "IS NULL"),
        ("properties > 1", 1, "properties['NAME']"),
        ("nobody AND TRUE", 1, "no field 'nobody'"),
        ("IN_REGION('hlaf')", 11, "did you mean 'half'"),
        ("IN_EVENTS('neutron', 0.9, 3)", 11, "did you mean 'neutrino'"),
        ("facility LIKE 'a!b' ESCAPE '!'", 15, "escape character"),
    ],
)
def test_a_message_says_where_and_what_to_write(text: str, column: int, words: str) -> None:
    with pytest.raises(FilterError) as caught:
        parse_filter(text, "alerts", Names(regions=frozenset({"half"})))
    assert caught.value.column == column
    assert words in str(caught.value)


def test_named_filters_combine() -> None:
    names = Names({"rare": "far_hz < 1e-7", "bright": "mag < 12", "both": "rare AND bright"})
    assert matches(parse_filter("rare AND NOT (facility = 'LVK')", "alerts", names), NEUTRINO) is True
    assert matches(parse_filter("both OR rare", "alerts", names), NEUTRINO) is True
    assert matches(parse_filter("both", "alerts", names), NEUTRINO) is None
    with pytest.raises(FilterError, match="a condition, not a value"):
        parse_filter("rare < 1", "alerts", names)
    with pytest.raises(FilterError, match=r"in the filter 'bright', at its column 1: .*no field 'mag'.*\(column 1\)"):
        parse_filter("bright", "quarantine", names)


def test_what_it_reads_is_told() -> None:
    checked = parse_filter("far_hz < 1 AND IN_REGION('half') AND IN_SKYMAP('lvk:S1', 0.5)", "alerts", Names())
    assert checked.fields == {"far_hz", "ra", "dec"}
    assert {type(place).__name__ for place in checked.places} == {"NamedRegion", "EventRegion"}


def test_positions_and_areas_of_shapes() -> None:
    ellipse = Alert(
        alert_id="e",
        thread_id="e",
        native_id="e",
        kind="initial",
        reality="real",
        messenger="photon",
        facility="x",
        localizations=(Localization(SkyMapRef("00", 1)), Localization(Ellipse(10.0, 5.0, 1.0, 1.0, 2.0, 2.0))),
    )
    told = values("alerts", ellipse, fields=("ra", "dec", "radius_deg", "has_skymap", "area90_deg2", "mag"))
    assert told == {"ra": 10.0, "dec": 5.0, "radius_deg": 2.0, "has_skymap": True}  # the map is not at hand


def test_candidates_as_rows_and_as_columns_are_the_same() -> None:
    rows = [
        CandidateRow(
            alert_id=f"a{n}",
            thread_id="t",
            survey="ztf",
            reality="real",
            ra=10.0 * n,
            dec=0.0,
            time_us=NO_TIME if n == 3 else 1_793_491_200_000_000 + n,
            first_us=0,
            last_limit_us=NO_TIME,
            mag=float("nan") if n == 2 else 17.0 + n,
            mag_err=0.1,
            filter="r",
            score=0.9,
            star_score=float("nan"),
            solar_system=n == 1,
            detections=n,
        )
        for n in range(5)
    ]
    texts = (
        "mag < 20",
        "time > '2026-11-01' AND run_mode = 'live'",
        "age_s < 1e9",
        "solar_system OR detections >= 3",
        "star_score IS NULL AND last_limit_time IS NULL AND NOT survey LIKE 'l%'",
        "DISTANCE(POINT(ra, dec), POINT(20, 0)) < 10.5",
    )
    expected = [[0, 1], [1, 2, 4], [0, 1, 2, 4], [1, 3, 4], [0, 1, 2, 3, 4], [1, 2, 3]]
    filters = [parse_filter(text, "candidates") for text in texts]
    taken = [NIGHT + timedelta(seconds=5)] * len(rows)
    by_batch = select(filters, rows_of_batch(columns(rows), "live", taken), NO_PLACES)
    assert [np.flatnonzero(answers).tolist() for answers in by_batch] == expected
    assert np.array_equal(by_batch, select(filters, rows_of("candidates", rows, taken)))
    assert [[i for i, row in enumerate(rows) if matches(f, row, taken[i])] for f in filters] == expected


def test_the_engines_are_loaded_with_the_first_filter_only() -> None:
    code = "import sys, nuncius.filters; assert not {'polars', 'sqlglot', 'astropy'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_no_rows_no_filters() -> None:
    checked = parse_filter("mag < 20", "alerts")
    assert select([checked], rows_of("alerts", [], [])).shape == (1, 0)
    assert select([], rows_of("alerts", [NEUTRINO], [None])).shape == (0, 1)
    with pytest.raises(ValueError, match="a filter on alerts cannot select coincidences"):
        select([checked], rows_of("coincidences", [], []))


@pytest.mark.parametrize(
    ("text", "pattern", "fits"),
    [
        ("", "", True),
        ("", "%", True),
        ("", "_", False),
        ("aab", "%ab", True),
        ("abab", "%ab%ab", True),
        ("ab", "%ab%ab", False),
        ("aba", "ab%ba", False),  # the ends may not overlap
        ("a.b", "a.b", True),
        ("axb", "a.b", False),
        ("a\nb", "a_b", True),
        ("abcabd", "%a_d", True),
        ("q (a.b\n) z", "%(a._\n)%", True),
        ("q (axb\n) z", "%(a._\n)%", False),
    ],
)
def test_like(text: str, pattern: str, *, fits: bool) -> None:
    assert like(text, pattern) is fits


def test_a_hostile_pattern_takes_no_time() -> None:
    assert not like("a" * 20_000, "%a" * 127 + "b")
    assert not like("a" * 5_000, "%_a" * 80 + "b")
    assert not like("a" * 60_000, "%" + "a_" * 1000 + "x%")
