"""``[[adapter]]`` in the settings: who is asked, with whose credential; what is wrong is named, no secret shown."""

import tomllib
from pathlib import Path
from typing import Any

import pytest

from nuncius.broker.adapters import adapter_routes, misfits
from nuncius.broker.cli.root import run
from nuncius.broker.follow_up import who_is_asked
from nuncius.broker.planning.policies_toml import shipped
from nuncius.broker.settings import load
from nuncius.schemas import SettingsError

LCO = """
[[adapter]]
kind = "ocs"
facilities = ["las-cumbres"]
credential = "LCO_TOKEN"
proposal = "LCO2026B-001"
instrument_type = "1M0-SCICAM-SINISTRO"
telescope_class = "1m0"
"""
CANARY = "a-token-that-must-not-be-shown"


def tables(text: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = tomllib.loads(text)["adapter"]
    return found


def test_an_adapter_serves_its_facilities_only() -> None:
    (route,) = adapter_routes(tables(LCO), {}, {"LCO_TOKEN": CANARY})
    assert (route.adapter.name, route.adapter.real, route.facilities) == ("lco", True, frozenset({"las-cumbres"}))


def test_the_settings_file_holds_them(tmp_path: Path) -> None:
    file = tmp_path / "nuncius.toml"
    file.write_text(LCO, encoding="utf-8")
    assert load(file, {}, tmp_path).adapter[0]["kind"] == "ocs"


@pytest.mark.parametrize("key", ["folder", "ca_file"])
def test_a_folder_and_a_file_lie_beside_the_settings_file(tmp_path: Path, key: str) -> None:
    file = tmp_path / "nuncius.toml"
    file.write_text(f'[[adapter]]\nkind = "voevent"\nfacilities = ["imager"]\n{key} = "out"\n', encoding="utf-8")
    assert load(file, {}, Path("/")).adapter[0][key] == str(tmp_path / "out")


SWIFT = """
[[adapter]]
kind = "swift"
facilities = ["ZTF", "Swft"]
credential = "LCO_TOKEN"
username = "team"
science = "a test"
exposure_reason = "a test"
"""


def test_what_a_door_cannot_take_is_told_before_it_is_asked_at_night() -> None:
    routes = adapter_routes(tables(SWIFT), {}, {"LCO_TOKEN": CANARY})
    said = list(misfits(routes, shipped(), ["las-cumbres"]))
    assert said[0] == "adapter 'swift' is for 'Swft', and no policy asks it"
    assert "policy 'bns-tiling' asks ZTF for fields, and 'swift' takes one only" in said
    assert not any("grb-one-field" in one for one in said)


GEMINI = """
[[adapter]]
kind = "gemini"
facilities = ["gemini-north"]
credential = "LCO_TOKEN"
program = "GN-2026B-Q-101"
email = "night@example.org"
templates = { r = 12, "" = 14 }
"""


def test_gemini_is_asked_where_the_program_runs() -> None:
    (route,) = adapter_routes(tables(GEMINI), {}, {"LCO_TOKEN": CANARY})
    assert (route.adapter.name, route.adapter.real, route.adapter.public) == ("gemini", True, False)
    with pytest.raises(SettingsError, match="allowed"):
        adapter_routes(tables(GEMINI + 'url = "https://too.example.org"'), {}, {"LCO_TOKEN": CANARY})


@pytest.mark.parametrize(
    ("old", "new", "environ", "says"),
    [
        ('kind = "ocs"', 'kind = "lco"', {"LCO_TOKEN": CANARY}, "kind: no kind 'lco'; there are ocs, swift"),
        ('kind = "ocs"', 'kind = "hermess"', {"LCO_TOKEN": CANARY}, "kind: no kind 'hermess'; is it 'hermes'?"),
        ('kind = "ocs"', "", {"LCO_TOKEN": CANARY}, "kind: missing; there are ocs, swift"),
        ("proposal", "proposl", {"LCO_TOKEN": CANARY}, "proposl: unknown key; is it 'proposal'?"),
        ('proposal = "LCO2026B-001"', 'proposal = "x"\ntimeout_s = nan', {"LCO_TOKEN": CANARY}, "timeout_s: nan is no"),
        ('facilities = ["las-cumbres"]', "", {"LCO_TOKEN": CANARY}, "facilities"),
        ('facilities = ["las-cumbres"]', "facilities = []", {"LCO_TOKEN": CANARY}, "facilities"),
        ('credential = "LCO_TOKEN"', "", {"LCO_TOKEN": CANARY}, "credential"),
        ('proposal = "LCO2026B-001"', "", {"LCO_TOKEN": CANARY}, "proposal"),
        ('proposal = "LCO2026B-001"', 'proposal = "x"\ntoken = "y"', {"LCO_TOKEN": CANARY}, "token"),
        ("", "", {}, "[[adapter]] 1: lco: no credential: set LCO_TOKEN"),
        ("[[adapter]]", LCO + "[[adapter]]", {"LCO_TOKEN": CANARY}, "there is an adapter 'lco' already"),
    ],
)
def test_what_is_wrong_is_named(old: str, new: str, environ: dict[str, str], says: str) -> None:
    with pytest.raises(SettingsError) as caught:
        adapter_routes(tables(LCO.replace(old, new) if old else LCO), {}, environ)
    assert says in str(caught.value)
    assert CANARY not in str(caught.value)


KAFKA = """
[[adapter]]
kind = "voevent_kafka"
facilities = ["CTAO"]
servers = "kafka.example:9092"
"""
SASL = 'security_protocol = "SASL_SSL"\nsasl_mechanism = "SCRAM-SHA-512"\nusername = "nuncius"\n'


@pytest.mark.parametrize(
    "name", ["person", "recorder", "webhook", "tell-shift", "seen-lco", "shared-map", "desk-CTAO", "", " ", "a\\u0007b"]
)
def test_no_adapter_has_a_name_that_means_somebody_else_on_the_log(name: str) -> None:
    named = LCO.replace("[[adapter]]", f'[[adapter]]\nname = "{name}"')
    with pytest.raises(SettingsError, match=r"\[\[adapter\]\] 1: name: .* give the adapter another name"):
        adapter_routes(tables(named), {}, {"LCO_TOKEN": CANARY})


def test_a_topic_needs_a_credential_only_where_a_password_is_asked_for() -> None:
    (route,) = adapter_routes(tables(KAFKA), {}, {})
    assert (route.adapter.name, route.adapter.real, route.facilities) == ("voevent-kafka", True, frozenset({"CTAO"}))
    with pytest.raises(SettingsError, match="credential: name the environment variable"):
        adapter_routes(tables(KAFKA + SASL), {}, {})
    adapter_routes(tables(KAFKA + SASL + 'credential = "CTAO_KAFKA"\n'), {}, {"CTAO_KAFKA": CANARY})


def test_it_is_told_who_is_really_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "nuncius.toml"
    file.write_text(LCO.replace("las-cumbres", "ZTF"), encoding="utf-8")
    monkeypatch.setenv("LCO_TOKEN", CANARY)
    said = who_is_asked(load(file, {}, tmp_path), shipped())
    assert "ZTF through lco" in said
    assert said.endswith("takes it: DECam, spectrographs, wide-field-imagers, imagers")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('webhook_url = "https://example.org/too"', "posts are signed: no credential: set NUNCIUS_WEBHOOK_SECRET"),
        ('public_url = "http://example.org"', "is no https:// address"),
        ('[skyportal]\nurl = "http://example.org"\ncredential = "LCO_TOKEN"\nallocations = { 1 = "ZTF" }', "not https"),
    ],
)
def test_the_doctor_says_what_a_broker_would_not_start_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], text: str, says: str
) -> None:
    monkeypatch.setenv("LCO_TOKEN", CANARY)
    monkeypatch.delenv("NUNCIUS_WEBHOOK_SECRET", raising=False)
    (tmp_path / "nuncius.toml").write_text(text, encoding="utf-8")
    assert run(["doctor", "--config", str(tmp_path / "nuncius.toml"), "--broker", f"local:{tmp_path / 'log'}"]) == 1
    said = next(line for line in capsys.readouterr().out.splitlines() if line.startswith("wrong  settings"))
    assert says in said


def test_the_doctor_makes_no_log_at_a_mistyped_address(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["doctor", "--broker", f"local:{tmp_path / 'lgo'}"]) == 0
    assert "is the address right?" in capsys.readouterr().out
    assert not (tmp_path / "lgo").exists()
