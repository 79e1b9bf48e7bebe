"""Settings: options before the environment's addresses before the file; what is wrong is one line that names it."""

from pathlib import Path

import pytest

from nuncius.broker.cli.options import settings_of
from nuncius.broker.settings import Settings, load
from nuncius.broker.transport.address import data_folder
from nuncius.schemas import SettingsError


def wrong(path: Path | None, folder: Path, environment: dict[str, str] | None = None) -> str:
    with pytest.raises(SettingsError) as caught:
        load(path, environment or {}, folder)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_without_a_file_there_are_defaults(tmp_path: Path) -> None:
    assert load(None, {}, tmp_path) == Settings.model_validate({})


def test_the_named_file_goes_before_the_environments_before_the_folders(tmp_path: Path) -> None:
    for name, port in (("nuncius.toml", 1), ("environment.toml", 2), ("named.toml", 3)):
        (tmp_path / name).write_text(f"http_port = {port}")
    environment = {"NUNCIUS_CONFIG": str(tmp_path / "environment.toml")}
    assert load(None, {}, tmp_path).http_port == 1
    assert load(None, environment, tmp_path).http_port == 2
    assert load(tmp_path / "named.toml", environment, tmp_path).http_port == 3


def test_an_address_of_the_environment_goes_before_the_file(tmp_path: Path) -> None:
    (tmp_path / "nuncius.toml").write_text("broker = 'local:file'")
    assert load(None, {}, tmp_path).broker == "local:file"
    assert load(None, {"NUNCIUS_BROKER": "local:environment"}, tmp_path).broker == "local:environment"


def test_paths_start_from_the_files_own_folder(tmp_path: Path) -> None:
    (tmp_path / "s.toml").write_text("rules = 'my/rules.toml'\nskymaps = '/maps'")
    settings = load(tmp_path / "s.toml", {}, Path("/elsewhere"))
    assert (settings.rules, settings.skymaps) == (tmp_path / "my" / "rules.toml", Path("/maps"))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    assert wrong(tmp_path / "no.toml", tmp_path) == f"no such settings file: {tmp_path / 'no.toml'}"
    assert "no such settings file" in wrong(None, tmp_path, {"NUNCIUS_CONFIG": str(tmp_path / "no.toml")})
    assert "no such settings file" in wrong(tmp_path, tmp_path)


@pytest.mark.parametrize("text", ["broker = ", "[", "a = 1\na = 2", "\udcff"])
def test_what_is_not_toml_is_said(tmp_path: Path, text: str) -> None:
    file = tmp_path / "bad.toml"
    file.write_bytes(text.encode("utf-8", "surrogateescape"))
    assert wrong(file, tmp_path).startswith(f"{file}: not TOML")


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("htpp_port = 1", "htpp_port"),
        ("http_port = 'x'", "http_port"),
        ("http_port = 65536", "http_port"),
        ("lateness_days = 0", "lateness_days"),
        ("[broker]\nport = 1", "broker"),
    ],
)
def test_a_wrong_name_or_value_is_named(tmp_path: Path, text: str, name: str) -> None:
    file = tmp_path / "wrong.toml"
    file.write_text(text)
    assert wrong(file, tmp_path).startswith(f"{file}: {name}: ")


def test_an_unknown_name_comes_with_the_known_ones(tmp_path: Path) -> None:
    (tmp_path / "nuncius.toml").write_text("htpp_port = 1")
    said = wrong(None, tmp_path)
    assert "'http_port'" in said
    assert all(name in said for name in Settings.model_fields)


def test_the_log_lies_in_the_users_data_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("NUNCIUS_BROKER", "NUNCIUS_CONFIG", "XDG_DATA_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert settings_of(None).broker == f"local:{tmp_path}/.local/share/nuncius"
    assert data_folder({"XDG_DATA_HOME": "/data"}) == Path("/data/nuncius")
    (tmp_path / "nuncius.toml").write_text("data_folder = '/var/nuncius'")
    assert settings_of(None).broker == "local:/var/nuncius"
    assert settings_of(None, "local:x").broker == "local:x"
