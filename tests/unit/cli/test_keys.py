"""``nuncius keys`` against the files that it is about."""

import tomllib
from importlib.resources import files
from pathlib import Path

import pytest
from commands import nuncius

from nuncius.broker.adapters import KINDS
from nuncius.broker.keys import TABLES, keys_of
from nuncius.schemas import SettingsError


@pytest.mark.parametrize("table", TABLES)
def test_every_key_says_what_it_means(table: str) -> None:
    found = list(keys_of(table))
    assert [key.name for key in found if not key.says or not key.kind] == []
    assert len({key.name for key in found}) == len(found)
    assert [key.needed for key in found] == sorted((key.needed for key in found), reverse=True)


@pytest.mark.parametrize(("table", "heading"), [("policy", "policy"), ("telescope", "telescope"), ("site", "site")])
def test_the_shipped_file_holds_known_keys_and_all_that_are_needed(table: str, heading: str) -> None:
    shipped = tomllib.loads(files("nuncius.broker.planning").joinpath("policies.toml").read_text("utf-8"))[heading]
    known = {key.name: key.needed for key in keys_of(table)}
    for one in shipped:
        assert one.keys() <= known.keys()
        assert {name for name, needed in known.items() if needed} <= one.keys()


def test_a_key_as_a_person_reads_it(tmp_path: Path) -> None:
    out = nuncius("keys", "policy", home=tmp_path).out.decode()
    assert "expires_h: number above 0, at most 744 (needed)\n" in out
    assert 'ask: "pointing" | "tiles" | "galaxies" (else "pointing")\n' in out
    assert "approval: boolean (else true)\n" in out
    assert (
        "horizon: list of [number, number] (may be left out)\n"
        in nuncius("keys", "telescope", home=tmp_path).out.decode()
    )
    assert "ca_file: path (may be left out)\n" in nuncius("keys", "kafka", home=tmp_path).out.decode()


def test_the_tables_and_their_keys_as_json(tmp_path: Path) -> None:
    tables = nuncius("keys", "--json", home=tmp_path).rows()
    assert {"table": "tell", "file": "nuncius.toml", "heading": "[tell.NAME]"} in tables
    keys = nuncius("keys", "adapter-ocs", "--json", home=tmp_path).rows()
    assert {"facilities", "credential", "kind", "proposal"} <= {key["name"] for key in keys}


def test_every_kind_of_adapter_has_its_table() -> None:
    kinds = {f"adapter-{model.model_fields['kind'].default}" for model in KINDS}
    assert {table for table in TABLES if table.startswith("adapter-")} == {*kinds, "adapter-others"}


def test_an_unknown_table_is_told_which_there_are() -> None:
    with pytest.raises(SettingsError, match=r"no table 'polcy'; is it 'policy'\?"):
        list(keys_of("polcy"))
