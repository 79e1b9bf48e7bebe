"""Which adapters exchange reports of observations, and what is wrong with their settings."""

import tomllib

import pytest

from nuncius.broker.adapters import boards
from nuncius.broker.follow_up import exchange_of
from nuncius.broker.settings import Settings
from nuncius.broker.transport.port import Log
from nuncius.schemas import SettingsError

TOKEN = "a-made-up-one"  # noqa: S105  so it is


def settings_of(text: str) -> Settings:
    return Settings.model_validate(tomllib.loads(text))


TABLE = """
[[adapter]]
kind = "treasure_map"
facilities = ["imager"]
credential = "TM_TOKEN"
username = "nuncius"
instrument_id = 38
"""


def test_it_runs_where_an_adapter_is_such_a_map(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TM_TOKEN", TOKEN)
    webhook = TABLE.replace("treasure_map", "voevent")
    assert exchange_of(log, settings_of(""), print) == exchange_of(log, settings_of(webhook), print) == ()
    (worker,) = exchange_of(log, settings_of(TABLE), print)
    assert worker.name == "nuncius-exchange"
    worker.close()


def test_each_map_is_read_once_and_told_of_every_instrument() -> None:
    other = TABLE.replace("38", "39").replace('"imager"', '"other"') + 'name = "tm-2"\n'
    first, second = boards(tomllib.loads(TABLE + other)["adapter"], {"TM_TOKEN": TOKEN})
    assert (first.reads is None, second.reads is None) == (False, True)
    assert (first.facilities, second.facilities) == (frozenset({"imager"}), frozenset({"other"}))


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("TM_TOKEN", "ANOTHER", "ANOTHER"),
        ('credential = "TM_TOKEN"', "", "credential"),
        ("instrument_id = 38", "instrument_id = 38\nevery_s = 1", "every_s"),
        ("instrument_id = 38", "instrument_id = 38\ndepth_unit = 'mag'", "depth_unit"),
    ],
)
def test_what_is_wrong_with_the_settings_is_named(old: str, new: str, says: str) -> None:
    with pytest.raises(SettingsError, match=says):
        boards(tomllib.loads(TABLE.replace(old, new))["adapter"], {"TM_TOKEN": TOKEN})
