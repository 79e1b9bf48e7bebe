"""More of users' regions: what real lists look like, and circles of very different size."""

from pathlib import Path

import numpy as np
import pytest
from astropy import units
from astropy.table import MaskedColumn, Table

from nuncius.broker.services.watching import read_region
from nuncius.broker.sky.sphere import separation_deg
from nuncius.filters.watch import MAX_PAIRS, MOST_TARGETS, Watchlist
from nuncius.schemas import SettingsError


def test_circles_of_any_size_and_at_the_poles_as_one_by_one() -> None:
    dice = np.random.default_rng(5)
    ra, dec = dice.uniform(0, 360, 300), np.degrees(np.arcsin(dice.uniform(-1, 1, 300)))
    dec[:4] = 90.0, -90.0, 89.95, -89.99
    radius = 10.0 ** dice.uniform(-6, 2.25, 300)
    radius[9] = 0.0
    at = np.append(ra[5:15], dice.uniform(0, 360, 200)), np.append(dec[5:15], dice.uniform(-90, 90, 200))
    area = Watchlist(tuple(map(str, range(300))), ra, dec, radius)
    held = separation_deg(at[0][:, None], at[1][:, None], ra[None, :], dec[None, :]) <= radius
    assert [{target.name for target in each} for each in area.targets(*at)] == [
        set(map(str, np.flatnonzero(row))) for row in held
    ]
    assert area.contains(*at).tolist() == held.any(axis=1).tolist()


def test_more_pairs_than_are_compared_at_once() -> None:
    ra = np.linspace(0, 359, 1500)
    area = Watchlist(tuple(map(str, range(1500))), ra, np.zeros(1500), np.full(1500, 0.2))
    assert MAX_PAIRS < 1500 * 1500
    assert area.contains(ra, np.full(1500, 0.1)).all()
    assert not area.contains(ra, np.full(1500, 0.3)).any()


def test_of_targets_that_all_lie_there_the_nearest_are_told() -> None:
    count = 11_000
    apart = np.linspace(0.0, 0.05, count)
    area = Watchlist(tuple(map(str, range(count))), np.full(count, 10.0), 20.0 + apart, np.full(count, 0.1))
    assert 100 * count > MAX_PAIRS
    found = area.targets(np.full(100, 10.0), np.full(100, 20.0))
    nearest = [str(number) for number in range(MOST_TARGETS)]
    assert all([target.name for target in each] == nearest for each in found)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("ra,dec,radius_deg\n1,2,0.1\n3,4,\n", "line 3: no radius_deg"),
        ("ra,dec,name\n1,2," + "x" * 200_000 + "\n", "field larger"),
    ],
)
def test_a_bad_row_is_told(tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / "bad.csv").write_text(text)
    with pytest.raises(SettingsError, match=says):
        read_region(tmp_path / "bad.csv", None if "radius" in text else 1.0)


@pytest.mark.parametrize("header", ["_RAJ2000,_DEJ2000", "RA_ICRS,DE_ICRS"])
def test_columns_as_catalogue_services_name_them(tmp_path: Path, header: str) -> None:
    (tmp_path / "list.csv").write_text(f"{header}\n10,20\n")
    assert read_region(tmp_path / "list.csv", 1.0).area.contains(np.array([10.0]), np.array([20.5])).tolist() == [True]


def test_a_votable_states_the_unit_of_the_radius_too_and_may_lack_a_name(tmp_path: Path) -> None:
    table = Table({"ra": [10.0, 50.0], "dec": [20.0, 20.0], "radius_deg": [36.0, 36.0] * units.arcsec})
    table["id"] = MaskedColumn([5, 7], mask=[False, True])
    table.write(tmp_path / "list.vot", format="votable")
    area = read_region(tmp_path / "list.vot", None).area
    assert isinstance(area, Watchlist)
    ra, dec = np.array([10.0, 50.0, 10.0]), np.array([20.009, 20.009, 20.011])
    assert [[target.name for target in each] for each in area.targets(ra, dec)] == [["5"], ["row 2"], []]
