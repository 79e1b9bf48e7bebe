"""What users named in their settings is checked before a service starts; what is wrong is told with file and line."""

from pathlib import Path

import pytest

from nuncius.broker.app import areas_of, checked_areas, names_of
from nuncius.broker.services.own_names import own_filters
from nuncius.broker.settings import Settings, load
from nuncius.filters import FilterError, parse_filter
from nuncius.schemas import SettingsError

REGIONS = '\n[regions.mine]\nfile = "mine.csv"\nradius_deg = 1\n[regions.gone]\nfile = "gone.csv"\nradius_deg = 1\n'


def settings(folder: Path, text: str) -> Settings:
    (folder / "nuncius.toml").write_text(text)
    (folder / "mine.csv").write_text("ra,dec\n10,20\n")
    return load(None, {}, folder)


def fault(folder: Path, text: str) -> str:
    with pytest.raises(SettingsError) as caught:
        checked_areas(settings(folder, text), print)
    return str(caught.value)


def test_a_wrong_filter_ends_the_start_with_its_line_and_column(tmp_path: Path) -> None:
    said = fault(tmp_path, '# mine\n[filters]\ngood = "mag < 19"\nwrong = "mag < 19 AND magg > 3"\n')
    assert said.startswith(f"{tmp_path / 'nuncius.toml'}, line 4: the filter 'wrong': ")
    assert "no field 'magg'" in said
    assert "(column 14)" in said


@pytest.mark.parametrize("name", ["mag", "my-list", "and", "two words"])
def test_a_name_that_cannot_be_used_is_told(tmp_path: Path, name: str) -> None:
    said = fault(tmp_path, f'[filters]\n"{name}" = "mag < 19"\n')
    assert "line 2: the filter" in said
    assert "cannot stand in a filter by its name" in said


def test_two_names_that_differ_in_capitals_only(tmp_path: Path) -> None:
    assert "another one has this name" in fault(tmp_path, '[filters]\nRed = "mag < 19"\nred = "mag < 20"\n')


def test_filters_tell_the_tables_they_can_select_from(tmp_path: Path) -> None:
    found = settings(tmp_path, '[filters]\nbright = "mag < 19"\nreal = "reality = \'real\'"\nlow = "far_hz < 1e-7"\n')
    tables = {one.name: one.tables for one in own_filters(found, names_of(found))}
    assert tables["bright"] == ("alerts", "candidates", "counterparts")
    assert {"alerts", "coincidences", "too"} <= set(tables["real"])
    assert tables["low"] == ("alerts",)


def test_a_region_that_cannot_be_read_does_not_hold_up_the_others(tmp_path: Path) -> None:
    said: list[str] = []
    filters = "[filters]\nhere = \"IN_REGION('mine')\"\nthere = \"IN_REGION('gone')\"\n"
    areas = checked_areas(settings(tmp_path, filters + REGIONS), said.append)
    assert list(areas) == ["mine", "gone"]
    assert areas.get("mine") is not None
    (line,) = said
    assert line.startswith("region gone: ")
    assert "gone.csv" in line


def test_only_a_filter_that_asks_for_it_is_refused(tmp_path: Path) -> None:
    found = settings(tmp_path, "[filters]\nthere = \"mag < 1 OR IN_REGION('gone')\"\n" + REGIONS)
    names = names_of(found, areas_of(found))
    assert parse_filter("IN_REGION('mine')", "candidates", names).places
    with pytest.raises(
        FilterError, match=r"the region 'gone' cannot be read: .*gone\.csv: No such file.*\(column 11\)"
    ):
        parse_filter("IN_REGION('gone')", "candidates", names)
    with pytest.raises(FilterError) as caught:
        parse_filter("score > 0.5 AND there", "candidates", names)
    said = str(caught.value)
    assert f"in the filter 'there' ({tmp_path / 'nuncius.toml'}, line 2), at its column 22: the region 'gone'" in said
    assert said.endswith("(column 17)")
