"""Every real alert beside the project: an alert, a named non-alert or a clear error, and the facts others read in it.

Expectations come from ``EXPECTED.json``, an independent reading, and from the rules in the alerts' README.
"""

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from nuncius.producers import Context, parse_all
from nuncius.schemas.alert import Alert, NotAnAlert
from nuncius.schemas.errors import Quarantine
from nuncius.schemas.localization import Cone, SkyMapRef

pytestmark = pytest.mark.alerts

YEAR_S = 31_557_600
NAMED = re.compile(r"ivo://(gwnet/LVC#|nasa\.gsfc\.gcn/(AMON#ICECUBE|Fermi#GBM|SWIFT#))")
NO_ALERT = re.compile(r"Point_Dir|SC_Slew|FOM_Obs|Test_Pos|TEST_Event|TestEvent|TEST-(TRIGGER|RESPONSE)|OBSTEST")
NOT_WHERE_THE_SOURCE_IS = re.compile(r"Scaledmap|_Nack_|UVOT_(Proc_)?(Image|SrcList)|XRT_(Lightcurve|Nack)")
Facts = Mapping[str, Any]


@pytest.fixture(scope="module")
def expected(alerts_dir: Path) -> dict[str, Facts]:
    facts: dict[str, Facts] = json.loads((alerts_dir / "EXPECTED.json").read_bytes())
    return {path: fact for path, fact in facts.items() if not path.startswith("schemas/")}


def only_alert(payload: bytes) -> Alert:
    (alert,) = parse_all(payload)
    assert isinstance(alert, Alert)
    return alert


def moment(text: str) -> datetime:
    read = datetime.fromisoformat(text)
    return read.replace(tzinfo=UTC) if read.tzinfo is None else read


def named(alerts_dir: Path, expected: Mapping[str, Facts], pattern: str = "") -> list[tuple[str, Facts, Alert]]:
    """The alerts of the facilities that the project promises, with their facts."""
    found = [
        (path, facts, only_alert((alerts_dir / path).read_bytes()))
        for path, facts in expected.items()
        if facts["kind"] == "xml"
        and NAMED.match(facts["ivorn"])
        and re.search(pattern, facts["ivorn"])
        and not NO_ALERT.search(facts["ivorn"])
    ]
    assert found
    return found


def test_every_file_is_alerts_a_named_non_alert_or_a_clear_error(
    alerts_dir: Path, expected: Mapping[str, Facts]
) -> None:
    counted = dict.fromkeys(("alert", "non_alert", "quarantined"), 0)
    unclear: list[str] = []
    for path in expected:
        try:
            results = parse_all((alerts_dir / path).read_bytes(), Context(source=path))
        except Quarantine as error:
            unclear += [path] * (len(str(error)) < 10)
            counted["quarantined"] += 1
            continue
        assert results, path
        for result in results:
            counted["alert" if isinstance(result, Alert) else "non_alert"] += 1
            assert not isinstance(result, NotAnAlert) or re.fullmatch("[a-z_]+", result.reason)
    assert unclear == []
    assert counted["alert"] > 250
    assert counted["quarantined"] < 50


def test_well_formed_voevents_are_never_quarantined(alerts_dir: Path, expected: Mapping[str, Facts]) -> None:
    for path, facts in expected.items():
        if facts["kind"] != "xml":
            continue
        (result,) = parse_all((alerts_dir / path).read_bytes())
        is_alert = facts["role"] != "utility" and not NO_ALERT.search(facts["ivorn"])
        assert isinstance(result, Alert) is is_alert, path
        if isinstance(result, Alert):
            assert result.native_id == facts["ivorn"]


def test_times_to_the_microsecond(alerts_dir: Path, expected: Mapping[str, Facts]) -> None:
    for path, facts, alert in named(alerts_dir, expected):
        assert alert.time_start == moment(facts["isotimes"][0]), path
        assert alert.issued_time == moment(facts["who_date"]), path


def test_impossible_times_are_none_and_kept_as_printed(alerts_dir: Path, expected: Mapping[str, Facts]) -> None:
    impossible = 0
    for path, facts in expected.items():
        if (
            facts["kind"] != "xml"
            or not facts["isotimes"]
            or NO_ALERT.search(facts["ivorn"])
            or facts["role"] == "utility"
        ):
            continue
        alert = only_alert((alerts_dir / path).read_bytes())
        try:
            moment(facts["isotimes"][0])
        except ValueError:
            impossible += 1
            assert str(alert.properties.get("time_as_stated", "")).startswith(facts["isotimes"][0]) or alert.time_start
        else:
            assert alert.time_start is not None, path
    assert impossible >= 1


def test_reality_follows_the_role(alerts_dir: Path, expected: Mapping[str, Facts]) -> None:
    for path, facts, alert in named(alerts_dir, expected):
        mock = re.search(r"LVC#[MT]", facts["ivorn"])
        assert alert.reality == ("real" if facts["role"] == "observation" and not mock else "test"), path


def test_citations(alerts_dir: Path, expected: Mapping[str, Facts]) -> None:
    for path, facts, alert in named(alerts_dir, expected):
        cited = [[cite.cite, cite.identifier] for cite in alert.cites]
        assert cited == [cite for cite in facts["citations"] if cite[1]], path


def containment(ivorn: str) -> float:
    if "GBM_" in ivorn:
        return 0.683
    return 0.5 if "ICECUBE_EHE" in ivorn else 0.9


def test_positions_radii_and_containment(alerts_dir: Path, expected: Mapping[str, Facts]) -> None:
    located = 0
    for path, facts, alert in named(alerts_dir, expected, "AMON#|Fermi#|SWIFT#"):
        ra, dec, radius = (float(text) for text in facts["positions"][0][:3])
        if ra == dec == radius == 0.0:
            assert alert.localizations == (), path
            continue
        if NOT_WHERE_THE_SOURCE_IS.search(facts["ivorn"]):
            continue
        shape = alert.localizations[0].shape
        assert isinstance(shape, Cone), path
        assert (shape.ra, shape.dec, shape.radius) == (ra, dec, radius), path
        if radius:
            assert shape.containment == containment(facts["ivorn"]), path
        located += 1
    assert located > 60


def test_icecube_radius_agrees_with_the_errors_the_packet_names(
    alerts_dir: Path, expected: Mapping[str, Facts]
) -> None:
    for path, facts, alert in named(alerts_dir, expected, "AMON#ICECUBE"):
        shape = alert.localizations[0].shape
        assert isinstance(shape, Cone)
        stated = facts["params"].get("src_error_50" if shape.containment == 0.5 else "src_error_90")
        assert stated is None or float(stated) == shape.radius, path


def test_false_alarm_rates_in_hertz(alerts_dir: Path, expected: Mapping[str, Facts]) -> None:
    for path, facts, alert in named(alerts_dir, expected, "LVC#|ICECUBE"):
        far = facts["params"].get("FAR")
        if far is None:
            assert alert.far_hz is None, path
            continue
        per_second = float(far) if "LVC#" in facts["ivorn"] else float(far) / YEAR_S
        assert alert.far_hz == pytest.approx(per_second, rel=1e-12), path


def test_signalness(alerts_dir: Path, expected: Mapping[str, Facts]) -> None:
    for path, facts, alert in named(alerts_dir, expected, "ICECUBE"):
        stated = facts["params"].get("signalness", facts["params"].get("Signalness"))
        assert alert.p_astro == (None if stated is None else float(stated)), path


def test_kind_of_gravitational_wave_notices(alerts_dir: Path, expected: Mapping[str, Facts]) -> None:
    kinds = {"Update": "update", "Retraction": "retraction"}
    for path, facts, alert in named(alerts_dir, expected, "LVC#"):
        assert alert.kind == kinds.get(facts["params"]["AlertType"], "initial"), path
        assert alert.thread_id == f"lvk:{facts['params']['GraceID']}", path
        url = facts["params"].get("skymap_fits")
        maps = [place.shape for place in alert.localizations if place.origin == "own"]
        assert maps == ([] if url is None else [SkyMapRef("", 0, url)]), path


def test_kind_of_icecube_revisions(alerts_dir: Path, expected: Mapping[str, Facts]) -> None:
    for path, facts, alert in named(alerts_dir, expected, "ICECUBE_(GOLD|BRONZE|Cascade)"):
        revision = int(facts["ivorn"].rpartition("_")[2])
        assert (alert.sequence, alert.kind) == (revision, "update" if revision else "initial"), path


def test_a_gravitational_wave_map_lies_beside_its_packet(alerts_dir: Path) -> None:
    folder = alerts_dir / "gw" / "userguide"
    data = (folder / "bayestar.multiorder.fits").read_bytes()
    context = Context(skymaps={"bayestar.multiorder.fits,0": data})
    (alert,) = parse_all((folder / "MS181101ab-3-Initial.xml").read_bytes(), context)
    assert isinstance(alert, Alert)
    shape = alert.localizations[0].shape
    assert isinstance(shape, SkyMapRef)
    assert shape.nbytes == len(data)


def test_gravitational_waves_as_json_and_avro(alerts_dir: Path, expected: Mapping[str, Facts]) -> None:
    kinds = {"UPDATE": "update", "RETRACTION": "retraction"}
    seen = [(path, facts) for path, facts in expected.items() if facts["kind"] in ("lvk_json", "lvk_avro")]
    assert seen
    for path, facts in seen:
        alert = only_alert((alerts_dir / path).read_bytes())
        assert alert.thread_id == f"lvk:{facts['superevent_id']}", path
        assert alert.kind == kinds.get(facts["alert_type"], "initial"), path
        assert alert.reality == "test", path
        assert alert.issued_time == moment(facts["time_created"]), path
        assert alert.far_hz == facts.get("far"), path
        assert alert.time_start == (moment(facts["time"]) if "time" in facts else None), path
        assert dict(alert.classification) == facts.get("classification", {}), path


def test_gcn_notices_in_json(alerts_dir: Path, expected: Mapping[str, Facts]) -> None:
    tenses = {"current": "real"}
    seen = 0
    for path, facts in expected.items():
        if facts["kind"] != "json" or "gcn-schema" not in path or not isinstance(facts.get("trigger_time"), str):
            continue
        if "/test" in path or path.startswith("odd/"):
            continue
        alert = only_alert((alerts_dir / path).read_bytes())
        seen += 1
        tense = facts.get("alert_tense")
        without = "real" if "einstein_probe" in path else "test"  # its schema has no tense
        assert alert.reality == (tenses.get(tense, tense) if tense else without), path
        if alert.event_class != "frb":
            assert alert.time_start is not None
            assert abs(alert.time_start - moment(facts["trigger_time"])) < timedelta(microseconds=1), path
        if isinstance(facts.get("alert_type"), str):
            assert alert.kind == facts["alert_type"], path
    assert seen > 10


def test_survey_points(alerts_dir: Path, expected: Mapping[str, Facts]) -> None:
    seen = 0
    for path, facts in expected.items():
        if facts["kind"] != "avro" or facts.get("schema_name") not in (".ztf.alert", ".BabamulZtfAlert"):
            continue
        alert = only_alert((alerts_dir / path).read_bytes())
        assert alert.thread_id == f"ztf:{facts['objectId']}", path
        shape = alert.localizations[0].shape
        assert isinstance(shape, Cone)
        assert (shape.ra, shape.dec) == (facts["ra"], facts["dec"]), path
        seen += 1
    assert seen > 10
