"""``[tell.NAME]`` in nuncius.toml: who is told, where the addresses come from, and what is said of a wrong one."""

from pathlib import Path

import pytest
from people_here import post

from nuncius.broker.cli.root import run
from nuncius.broker.follow_up import policies_of, who_is_told
from nuncius.broker.matching.rules_toml import shipped_rules
from nuncius.broker.planning.policies_toml import shipped
from nuncius.broker.settings import Settings, load
from nuncius.broker.telephone import named_in, notifier
from nuncius.schemas import SettingsError

SHIFT = '[tell.shift]\nwhere = "SHIFT"\nthen = "lead"\non_call_utc = ["22:00-10:00"]\n'
LEAD = '[tell.lead]\nwhere = "LEAD"\npolicies = ["gw-grb-imaging"]\n'
ADDRESS = "jsons://hooks.example.org/T0P5ECRET"


def settings(folder: Path, text: str) -> Settings:
    (folder / "nuncius.toml").write_text(text, encoding="utf-8")
    return load(None, {}, folder)


def names(found: Settings) -> dict[str, tuple[str, ...]]:
    return named_in(found, policies_of(found, shipped_rules()))


def test_a_receiver_may_choose_shipped_policies(tmp_path: Path) -> None:
    found = names(settings(tmp_path, SHIFT + LEAD))
    assert found["gw-grb-imaging"] == ("lead",)
    assert found["icecube-track-imaging"] == ()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (SHIFT, "[tell.shift]: then: no [tell.NAME] 'lead'; there are shift"),
        (SHIFT.replace('"lead"', '"shift"') + LEAD, "[tell.shift]: then: it names itself"),
        (SHIFT + LEAD.replace("gw-grb-imaging", "gw-grb-imagin"), "no policy 'gw-grb-imagin'; is it 'gw-grb-imaging'?"),
    ],
)
def test_a_name_that_is_nobodys_is_told_with_the_nearest(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(SettingsError) as caught:
        names(settings(tmp_path, text))
    assert words in str(caught.value)


def test_a_policy_that_tells_nobody_there_is_names_its_line(tmp_path: Path) -> None:
    policy = shipped().text.replace("priority = 10.0\n", 'priority = 10.0\ntell = ["shft"]\n', 1)
    (tmp_path / "policies.toml").write_text(policy, encoding="utf-8")
    with pytest.raises(SettingsError) as caught:
        names(settings(tmp_path, 'policies = "policies.toml"\n' + SHIFT + LEAD))
    line = policy.splitlines().index('tell = ["shft"]') + 1
    assert f"policies.toml: line {line}: policy 'galactic-supernova': key 'tell': no [tell.NAME]" in str(caught.value)
    assert "is it 'shift'?" in str(caught.value)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (SHIFT.replace("then", "them"), "tell.shift.them: unknown name; is it 'then'?"),
        (SHIFT.replace("22:00", "22"), "write it as '22:00-06:30', UTC"),
        (SHIFT.replace("tell.shift", "tell.'Night shift'"), "tell.Night shift"),
        ('[tell.shift]\nthen = "lead"', "tell.shift.where"),
    ],
)
def test_a_wrong_key_is_named(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(SettingsError) as caught:
        settings(tmp_path, text + "\n" + LEAD)
    assert words in str(caught.value)


def test_addresses_come_from_the_environment_or_a_file_of_ones_own(tmp_path: Path) -> None:
    found = settings(tmp_path, SHIFT + LEAD)
    assert notifier(found, "shift", {"SHIFT": ADDRESS}).name == "shift"
    file = tmp_path / "addresses"
    file.write_text(ADDRESS, encoding="utf-8")
    file.chmod(0o600)
    assert notifier(found, "shift", {"SHIFT_FILE": str(file)}).name == "shift"
    file.chmod(0o640)
    with pytest.raises(SettingsError, match="others may read") as caught:
        notifier(found, "shift", {"SHIFT_FILE": str(file)})
    assert "T0P5ECRET" not in str(caught.value)
    with pytest.raises(SettingsError, match=r"\[tell.shift\]: where: no credential: set SHIFT"):
        notifier(found, "shift", {})


def test_an_address_in_the_file_itself_is_refused_and_not_repeated(tmp_path: Path) -> None:
    found = settings(tmp_path, SHIFT.replace('"SHIFT"', f'"{ADDRESS}"') + LEAD)
    with pytest.raises(SettingsError, match="name the environment variable it is in") as caught:
        notifier(found, "shift", {})
    assert "T0P5ECRET" not in str(caught.value)


def test_the_doctor_says_who_is_told_of_what(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHIFT", ADDRESS)
    monkeypatch.setenv("LEAD", ADDRESS)
    found = settings(tmp_path, SHIFT + LEAD.replace("policies", "then = 'shift'\npolicies"))
    said = who_is_told(found, policies_of(found, shipped_rules()))
    assert "gw-grb-imaging: lead then shift" in said
    assert "nobody is told of: gw-candidate-spectrum" in said
    nobody = settings(tmp_path, "")
    assert "nobody is told of requests" in who_is_told(nobody, policies_of(nobody, shipped_rules()))


def test_a_test_message_goes_out_by_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    settings(tmp_path, SHIFT + LEAD)
    with post() as office:
        monkeypatch.setenv("SHIFT", office.address)
        assert run(["too", "ping", "shift", "--config", str(tmp_path / "nuncius.toml")]) == 0
        assert office.mails[0]["Subject"] == "TEST of Nuncius: nothing to do"
        office.answer = "550 no such user"
        assert run(["too", "ping", "shift", "--config", str(tmp_path / "nuncius.toml")]) != 0
    out, err = capsys.readouterr()
    assert out == "shift: told by mailto\n"
    assert "shift was not reached: mailto failed" in err
    assert run(["too", "ping", "shif", "--config", str(tmp_path / "nuncius.toml")]) == 2
    assert "no [tell.NAME] 'shif'; is it 'shift'?" in capsys.readouterr().err
