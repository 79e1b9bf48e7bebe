"""Users' regions: circles around targets and coverage maps, read from the files that people have."""

import re
from pathlib import Path

import numpy as np
import pytest
from astropy import units
from astropy.coordinates import SkyCoord
from astropy.table import Table

from nuncius.broker.services.watching import read_region
from nuncius.broker.settings import load
from nuncius.filters.watch import Watchlist
from nuncius.schemas import SettingsError

CSV = "name, RA, Dec\nM 31, 10.684708, 41.26875\nNGC 4993, 197.450354, -23.381484\n"


@pytest.fixture
def targets(tmp_path: Path) -> Path:
    file = tmp_path / "targets.csv"
    file.write_text(CSV)
    return file


def test_a_list_in_csv(targets: Path) -> None:
    area = read_region(targets, 0.01).area
    assert isinstance(area, Watchlist)
    ra, dec = np.array([10.684708, 197.450354, 197.4504, 0.0]), np.array([41.26875, -23.391, -23.3825, 0.0])
    assert area.contains(ra, dec).tolist() == [True, True, True, False]
    found = area.targets(ra, dec)
    assert [[target.name for target in each] for each in found] == [["M 31"], ["NGC 4993"], ["NGC 4993"], []]
    assert [each[0].separation_arcsec for each in found[:2]] == pytest.approx([0.0, 34.2576], abs=1e-3)


def test_a_votable_in_any_angle(tmp_path: Path) -> None:
    table = Table({"ra": [0.5, 3.0] * units.rad, "dec": [-0.2, 1.2] * units.rad, "radius_deg": [1.0, 2.0]})
    table.write(tmp_path / "targets.vot", format="votable")
    area = read_region(tmp_path / "targets.vot", None).area
    ra, dec = np.degrees([0.5, 3.0, 0.5]), np.array([-11.4592, 68.7549, -9.9592])
    assert area.contains(ra, dec).tolist() == [True, True, False]


def test_many_targets_agree_with_astropy() -> None:
    dice = np.random.default_rng(3)
    ra, dec = dice.uniform(0, 360, 3000), np.degrees(np.arcsin(dice.uniform(-1, 1, 3000)))
    radius = dice.uniform(0.1, 2.0, 3000)
    area = Watchlist(tuple(map(str, range(3000))), ra, dec, radius)
    points = SkyCoord(dice.uniform(0, 360, 500), np.degrees(np.arcsin(dice.uniform(-1, 1, 500))), unit="deg")
    apart = points[:, None].separation(SkyCoord(ra, dec, unit="deg")[None, :]).deg
    assert area.contains(points.ra.deg, points.dec.deg).tolist() == (apart <= radius).any(axis=1).tolist()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("name,x,y\na,1,2\n", "no columns ra and dec"),
        ("ra,dec\n1,2\n370,2\n", "line 3: ra '370'"),
        ("ra,dec\n00:42:44.3,2\n", "write degrees, not hours: 10.684583"),
        ("ra,dec\n1\n", "line 2: dec ''"),
        ("ra,dec\n", "0 targets"),
    ],
)
def test_a_bad_row_is_told(tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / "bad.csv").write_text(text)
    with pytest.raises(SettingsError, match=r"bad\.csv") as caught:
        read_region(tmp_path / "bad.csv", 1.0)
    assert says in str(caught.value)


@pytest.mark.parametrize(("name", "data"), [("x.vot", b"<nothing/>"), ("x.fits", b"no moc"), ("none.csv", None)])
def test_what_is_no_region_is_told(tmp_path: Path, name: str, data: bytes | None) -> None:
    if data is not None:
        (tmp_path / name).write_bytes(data)
    with pytest.raises(SettingsError, match=re.escape(name)):
        read_region(tmp_path / name, 1.0)


def test_a_list_needs_a_radius(targets: Path) -> None:
    with pytest.raises(SettingsError, match="radius_deg"):
        read_region(targets, None)


def test_settings_name_them_beside_the_file(targets: Path) -> None:
    settings_file = targets.with_name("nuncius.toml")
    settings_file.write_text('[filters]\nmine = "mag < 17"\n[regions.m31]\nfile = "targets.csv"\nradius_deg = 0.1\n')
    settings = load(settings_file, {}, targets.parent)
    assert settings.filters == {"mine": "mag < 17"}
    assert settings.regions["m31"].file == targets
    settings_file.write_text('[regions.m31]\nfile = "targets.csv"\nradus_deg = 0.1\n')
    with pytest.raises(SettingsError, match="radius_deg"):
        load(settings_file, {}, targets.parent)
