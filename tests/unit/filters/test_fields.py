"""Every field of every table is read from a record that has it all: a misspelt attribute would be NULL for ever."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from nuncius.broker.sky.skymap import SkyMap
from nuncius.filters import FIELDS, NO_PLACES, FieldInfo, parse_filter, rows_of, select, values
from nuncius.schemas.alert import Alert, Photometry, Quantity
from nuncius.schemas.candidate_row import CandidateRow
from nuncius.schemas.coincidence import CandidateList, Coincidence, Counterpart, Member, Significance
from nuncius.schemas.localization import Cone, Localization, Region, SkyMapRef
from nuncius.schemas.quarantined import Quarantined
from nuncius.schemas.too import ToORequest

THEN = datetime(2026, 11, 1, tzinfo=UTC)
TAKEN = THEN + timedelta(seconds=90)
ALERT = Alert(
    alert_id="a",
    thread_id="t",
    native_id="n",
    sequence=2,
    kind="update",
    reality="real",
    messenger="photon",
    band="gamma",
    facility="Fermi",
    instrument="GBM",
    stream="s",
    event_class="grb",
    time_start=THEN,
    time_stop=THEN,
    time_err_s=0.1,
    issued_time=TAKEN,
    received_time=TAKEN,
    localizations=(Localization(Cone(10.0, 20.0, 3.0, 0.68)),),
    far_hz=1e-9,
    far_kind="noise_only",
    far_scope="search",
    significance=9.0,
    significance_unit="sigma",
    p_astro=0.9,
    classification={"BNS": 0.5},
    distance_mpc=40.0,
    distance_err_mpc=8.0,
    redshift=0.01,
    energy=Quantity(1.0, "TeV"),
    flux=Quantity(2.0, "Jy"),
    photometry=(Photometry(None, "r", 21.5, limit=True), Photometry(None, "g", 17.5, 0.1)),
    dispersion_measure_pc_cm3=300.0,
    properties={"snr": 9.5},
    source="here",
)
MEMBER = Member(event_id="e", threads=("t",), alert_ids=("a",), facility="LVK", event_class="cbc", time=THEN)
COUNTERPART = Counterpart(
    rule="r",
    event_thread="t",
    event_alert_id="a",
    arm="on",
    alert_id="c",
    thread_id="ct",
    survey="ztf",
    reality="real",
    run_mode="live",
    ra=1.0,
    dec=2.0,
    time=THEN,
    first_time=THEN,
    last_limit_time=THEN,
    mag=18.0,
    filter="g",
    score=0.9,
    credible_level=0.3,
    probdensity_per_sr=4.0,
)
COINCIDENCE = Coincidence(
    coincidence_id="c",
    state="active",
    rule="r",
    rule_source="s",
    anchor=MEMBER,
    reality="real",
    run_mode="live",
    partner=MEMBER,
    dt_s=1.7,
    overlap=3.0,
    credible_level=0.2,
    separation_deg=1.0,
    significance=Significance(
        null="noise_pair",
        method="untargeted",
        expected_by_chance=0.01,
        rate_hz=1e-9,
        joint_far_hz=1e-10,
        within_budget=True,
    ),
    issued_time=TAKEN,
)
RANKED = CandidateList(
    list_id="l",
    state="active",
    rule="r",
    rule_source="s",
    reality="real",
    run_mode="live",
    event_thread="t",
    event_alert_id="a",
    candidates=(COUNTERPART,),
    passed=3,
    expected_by_chance=0.5,
    expected_method="m",
    issued_time=TAKEN,
)
REQUEST = ToORequest(
    request_id="q",
    state="proposed",
    policy="p",
    facility="f",
    cause_id="c",
    cause_kind="coincidence",
    target_name="x",
    ra=1.0,
    dec=2.0,
    radius_deg=0.0,
    window_start=THEN,
    window_stop=THEN,
    airmass_min=1.1,
    exposure_s=60.0,
    filter="r",
    reality="real",
    run_mode="live",
    expires=TAKEN,
    reason="why",
    idempotency_key="k",
    issued_time=THEN,
)
BAD = Quarantined(sha256="00", nbytes=3, source="s", stream="t", reason="malformed", detail="d", field="f")
ROW = CandidateRow(
    alert_id="a",
    thread_id="t",
    survey="ztf",
    reality="real",
    ra=1.0,
    dec=2.0,
    time_us=1,
    first_us=1,
    last_limit_us=1,
    mag=18.0,
    mag_err=0.1,
    filter="g",
    score=0.9,
    star_score=0.1,
    solar_system=False,
    detections=3,
)
ONLY_OF_LISTS = {"passed", "ra", "dec"}


@pytest.mark.parametrize(
    ("table", "record", "absent"),
    [
        ("alerts", ALERT, set()),
        ("coincidences", COINCIDENCE, ONLY_OF_LISTS),
        ("too", REQUEST, set()),
        ("quarantine", BAD, set()),
        ("counterparts", COUNTERPART, set()),
    ],
)
def test_every_field_is_read(table: str, record: Any, absent: set[str]) -> None:
    told = values(table, record, TAKEN)
    assert {name.split(".")[0] for name in told} == set(FIELDS[table]) - absent


def test_every_column_of_a_candidate_that_is_stated_is_read() -> None:
    told = values("candidates", ROW, TAKEN)
    stated = {name for name in FIELDS["candidates"] if getattr(ROW, name, 0.0) == getattr(ROW, name, 1.0)}
    assert stated <= set(told)
    assert told["time"] == "1970-01-01T00:00:00.000001Z"


def test_a_candidate_list_shares_the_table() -> None:
    told = values("coincidences", RANKED, TAKEN)
    expected = {"type": "candidate_list", "id": "l", "anchor": "t", "members": 2, "passed": 3, "ra": 1.0, "chance": 0.5}
    assert expected.items() <= told.items()
    assert "partner" not in told


def test_what_is_told_of_an_alert() -> None:
    told = values("alerts", ALERT, TAKEN)
    assert (told["mag"], told["filter"], told["mag_limit"]) == (17.5, "g", 21.5)
    assert (told["age_s"], told["latency_s"], told["time"]) == (90.0, 90.0, "2026-11-01T00:00:00.000000Z")
    assert (told["classification.BNS"], told["properties.snr"]) == (0.5, 9.5)
    assert (told["ra"], told["radius_deg"], told["containment"]) == (10.0, 3.0, 0.68)
    with pytest.raises(ValueError, match="no field 'magnitude'"):
        values("alerts", ALERT, TAKEN, NO_PLACES, ("magnitude",))


def test_of_a_sky_map_that_is_at_hand_the_maximum_and_the_area() -> None:
    # two neighbouring cells of order 1 (41252.96 / 48 = 859.44 deg2 each): 90 % lie in 90 / 95 of the first
    cell = 1 << 56
    sky = SkyMap.from_ranges(np.array([0, cell]), np.array([cell, 2 * cell]), np.array([0.95, 0.05]))

    class Maps:
        region = staticmethod(NO_PLACES.region)
        event_region = staticmethod(NO_PLACES.event_region)
        events = staticmethod(NO_PLACES.events)

        @staticmethod
        def sky_map(sha256: str) -> SkyMap | None:
            return sky if sha256 == "ab" else None

    alert = Alert(
        alert_id="a",
        thread_id="t",
        native_id="n",
        kind="initial",
        reality="real",
        messenger="gravitational_wave",
        facility="LVK",
        localizations=(Localization(SkyMapRef("ab", 1)),),
    )
    told = values("alerts", alert, None, Maps(), ("ra", "dec", "area90_deg2"))
    assert told["area90_deg2"] == pytest.approx(814.2, abs=0.1)
    assert (told["ra"], told["dec"]) == pytest.approx(sky.maximum())
    checked = [parse_filter("area90_deg2 < 815", "alerts")]
    assert select(checked, rows_of("alerts", [alert], [None]), Maps()).tolist() == [[True]]


def test_the_area_of_a_region_is_scaled_from_its_containment() -> None:
    def alert(containment: float) -> Alert:
        return replace(ALERT, localizations=(Localization(Region("1/0", containment)),))

    areas = [values("alerts", alert(part), None, NO_PLACES, ("area90_deg2",)) for part in (0.9, 1.0)]
    assert areas == [pytest.approx({"area90_deg2": 859.44}, abs=0.01), pytest.approx({"area90_deg2": 773.5}, abs=0.01)]


@pytest.mark.parametrize("info", [info for fields in FIELDS.values() for info in fields.values()], ids=lambda i: i.name)
def test_every_field_is_documented(info: FieldInfo) -> None:
    assert info.meaning
    assert info.name.isidentifier()
    assert info.name == info.name.lower()
    suffixes = {"_deg": "deg", "_hz": "Hz", "_s": "s", "_mpc": "Mpc", "_deg2": "deg2"}
    for suffix, unit in suffixes.items():
        if info.name.endswith(suffix) and info.kind == "number":
            assert info.unit == unit
