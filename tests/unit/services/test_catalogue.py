"""Galaxy lists from CSV files: what is read, and what is said of bad rows."""

from pathlib import Path

import pytest

from nuncius.broker.services.catalogue import read_catalogue
from nuncius.schemas import SettingsError


def test_columns_are_told_by_name_and_others_ignored(tmp_path: Path) -> None:
    file = tmp_path / "list.csv"
    file.write_text("name, dec, ra, distance_mpc, redshift\nNGC 4993, -23.38, 197.45, 40, 0.01\n", encoding="utf-8")
    got = read_catalogue(file)
    assert (got.ra, got.dec, got.distance_mpc, got.name) == ([197.45], [-23.38], [40.0], ["NGC 4993"])
    assert got.weight is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("ra,dec\n1,2\n", "no column distance_mpc"),
        ("", "no column"),
        ("ra,dec,distance_mpc\n", "no rows"),
        ("ra,dec,distance_mpc\n1,2,3\n1,-91,3\n", "line 3: dec is -91"),
        ("ra,dec,distance_mpc\n1,2,-3\n", "line 2: distance_mpc is -3"),
        ("ra,dec,distance_mpc\n1,2,nan\n", "line 2: distance_mpc is nan"),
        ("ra,dec,distance_mpc\n1,2\n", "line 2: distance_mpc is None"),
        ("ra,dec,distance_mpc,weight\n1,2,3,much\n", "line 2: weight is 'much'"),
    ],
)
def test_bad_files_are_refused_with_their_place(text: str, said: str, tmp_path: Path) -> None:
    file = tmp_path / "list.csv"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(SettingsError, match=said):
        read_catalogue(file)


def test_a_missing_or_binary_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="no such file"):
        read_catalogue(tmp_path / "none.csv")
    (tmp_path / "map.fits").write_bytes(b"\xff\xfe\x80")
    with pytest.raises(SettingsError, match="no CSV file"):
        read_catalogue(tmp_path / "map.fits")
