"""Pictures: that they show the right thing in the right place, as far as a test can see."""

import sys
from pathlib import Path

import numpy as np
import pytest

from nuncius.broker.plots.projection import CloseUp, WholeSky, on_tangent
from nuncius.broker.plots.sky import Crowd, Layer, Mark, plot_places, plot_skymap
from nuncius.broker.sky import Cone, Ellipse, SkyMap, SkyMapRef, geometry, separation_deg
from nuncius.broker.sky.sphere import offsets_deg
from nuncius.schemas.errors import SettingsError


def cone_map() -> SkyMap:
    sky = geometry(Cone(197.45, -23.38, 5.0, 0.9))
    assert sky is not None
    return sky


def test_right_ascension_grows_to_the_left() -> None:
    x, y = WholeSky().plane(np.array([0.1, 90.0, 180.0, 270.0, 359.9]), np.zeros(5))
    assert np.all(np.diff(x) < 0)
    assert x[2] == pytest.approx(0)
    assert np.abs(y).max() < 1e-15


def test_the_ellipse_solves_mollweides_equation_and_is_inverted() -> None:
    dec = np.array([-90.0, -89.999, -60.0, -1.0, 0.0, 30.0, 80.0, 89.9999, 90.0])
    _, y = WholeSky().plane(np.full_like(dec, 100.0), dec)
    theta = np.arcsin(y / np.sqrt(2))
    assert np.allclose(2 * theta + np.sin(2 * theta), np.pi * np.sin(np.radians(dec)), atol=1e-12)
    ra, back = WholeSky().sky(*WholeSky().plane(np.full_like(dec[1:-1], 100.0), dec[1:-1]))
    assert np.allclose(ra, 100.0)
    assert np.allclose(back, dec[1:-1], atol=1e-4)


@pytest.mark.parametrize("centre", [(0.0, 0.0), (359.9, 45.0), (10.0, 89.5), (10.0, -90.0)])
def test_offsets_and_positions_are_inverse(centre: tuple[float, float]) -> None:
    x, y = np.meshgrid(np.linspace(-20, 20, 21), np.linspace(-20, 20, 21))
    ra, dec = CloseUp(*centre, 20.0).sky(x, y)
    east, north = offsets_deg(*centre, ra, dec)
    assert np.allclose(-east, x, atol=1e-6)
    assert np.allclose(north, y, atol=1e-6)
    ra, dec = on_tangent(*centre, np.array([3.0]), np.array([4.0]))
    assert separation_deg(*centre, float(ra[0]), float(dec[0])) == pytest.approx(5.0)


@pytest.mark.parametrize(("name", "start"), [("sky.png", b"\x89PNG"), ("sky.svg", b"<?xml"), ("sky.pdf", b"%PDF")])
def test_a_picture_is_written_in_the_format_of_its_name(name: str, start: bytes, tmp_path: Path) -> None:
    plot_skymap(cone_map(), tmp_path / name, points=[Mark(197.45, -23.38, "AT2017gfo")], title="a cone")
    written = (tmp_path / name).read_bytes()
    assert written.startswith(start)
    assert len(written) > 20_000


def test_a_picture_of_several_places_names_them_and_is_the_same_again(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    layers = [Layer(cone_map(), "first map"), Layer(Ellipse(200.0, -20.0, 1.0, 2.0, 1.0, 0.5), "second place")]
    crowd = Crowd(rng.uniform(0, 360, 50), rng.uniform(-90, 90, 50), "unrelated alerts")
    for name in ("one.svg", "two.svg"):
        plot_places(layers, tmp_path / name, points=[Mark(197.45, -23.38, "a source", "D")], crowd=crowd, title="both")
    text = (tmp_path / "one.svg").read_text()
    for words in ("first map", "second place", "unrelated alerts (50)", "a source", "both"):
        assert f"<!-- {words}" in text
    assert text == (tmp_path / "two.svg").read_text()


def test_what_cannot_be_drawn_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SettingsError, match=r"cannot draw sky\.bmp"):
        plot_skymap(cone_map(), tmp_path / "sky.bmp")
    with pytest.raises(ValueError, match="at least one"):
        plot_places([], tmp_path / "sky.png")
    with pytest.raises(ValueError, match="lost: its sky map"):
        plot_places([Layer(SkyMapRef("abc", 1), "lost")], tmp_path / "sky.png")
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(SettingsError, match=r"nuncius\[plots\]"):
        plot_skymap(cone_map(), tmp_path / "sky.png")


def test_a_name_with_dollar_signs_is_no_mathematics(tmp_path: Path) -> None:
    broken = r"$\broken{ mathematics$"
    plot_skymap(cone_map(), tmp_path / "sky.svg", points=[Mark(197.45, -23.38, broken)], title=broken, label=broken)
    assert "mathematics$" in (tmp_path / "sky.svg").read_text()
