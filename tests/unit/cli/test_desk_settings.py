"""``[desk.NAME]`` in nuncius.toml: who may take what it is asked over HTTP, and what is said of a wrong one."""

from pathlib import Path

import pytest

from nuncius.broker.cli.root import run
from nuncius.broker.follow_up import who_is_asked
from nuncius.broker.live import desk_rules, policies_shown
from nuncius.broker.planning.policies_toml import shipped
from nuncius.broker.settings import Settings, load
from nuncius.schemas import SettingsError

DESK = '[desk.ZTF]\ncredential = "ZTF_TOKEN"\npublic = true\n'
TOKEN = "ztf-0123456789abcdef0123456789abcdef"  # noqa: S105  a made-up one


def settings(folder: Path, text: str) -> Settings:
    (folder / "nuncius.toml").write_text(text, encoding="utf-8")
    return load(None, {}, folder)


def test_a_facility_with_a_desk_is_asked_through_it(tmp_path: Path) -> None:
    assert "ZTF through its own desk over HTTP" in who_is_asked(settings(tmp_path, DESK), shipped())


def test_the_policies_quotas_hold_there(tmp_path: Path) -> None:
    rules = desk_rules(settings(tmp_path, DESK), ())
    assert rules.public == {"ZTF"}
    assert rules.restraints.keys() == {policy.name for policy in shipped().active}


@pytest.mark.parametrize(("text", "names"), [("", ("too",)), (DESK, ())])
def test_a_mistake_in_the_policies_stops_who_needs_them(tmp_path: Path, text: str, names: tuple[str, ...]) -> None:
    (tmp_path / "policies.toml").write_text("[[policy]]\n", encoding="utf-8")
    found = settings(tmp_path, f'policies = "policies.toml"\n{text}')
    with pytest.raises(SettingsError, match=r"policies\.toml"):
        desk_rules(found, names)


def test_a_mistake_in_the_policies_keeps_nobody_else_from_taking_packets(tmp_path: Path) -> None:
    (tmp_path / "policies.toml").write_text("[[policy]]\n", encoding="utf-8")
    found, said = settings(tmp_path, 'policies = "policies.toml"\n'), list[str]()
    assert desk_rules(found, ()).restraints == {}
    assert policies_shown(found, said.append) == shipped()
    assert ["policies.toml: line 1" in line for line in said] == [True]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (DESK.replace("public", "publik"), "desk.ZTF.publik: unknown name; is it 'public'?"),
        (DESK.replace('credential = "ZTF_TOKEN"\n', ""), "desk.ZTF.credential: missing"),
        (DESK.replace("desk.ZTF", "desk.''"), "desk."),
    ],
)
def test_a_wrong_key_is_named(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(SettingsError) as caught:
        settings(tmp_path, text)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("token", "says"),
    [
        (None, "[desk.ZTF]: no credential: set ZTF"),
        (TOKEN[:20], "a token is one word of at least 32"),
        (TOKEN, ""),
    ],
)
def test_the_doctor_looks_at_the_tokens(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], token: str | None, says: str
) -> None:
    monkeypatch.chdir(tmp_path)
    if token is not None:
        monkeypatch.setenv("ZTF_TOKEN", token)
    settings(tmp_path, DESK)
    code = run(("doctor", "--broker", f"local:{tmp_path / 'log'}"))
    said = capsys.readouterr().out
    assert (code, says in said, token is not None and token in said) == (1 if says else 0, True, False)
    assert "note telescope ZTF may take its requests over HTTP" in " ".join(said.split())
