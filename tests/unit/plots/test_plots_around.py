"""Contours across 0 h and at the poles, Sun, Moon and Galaxy against astropy, and a coincidence's members."""

from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from astropy.coordinates import Galactic, SkyCoord, get_body, get_sun
from astropy.time import Time
from astropy.utils import iers
from matplotlib.contour import ContourSet
from matplotlib.figure import Figure
from mocpy import MOC

from nuncius.broker.cli.skymap_plot import footprint
from nuncius.broker.plots.bodies import bodies
from nuncius.broker.plots.closeup import fitting
from nuncius.broker.plots.lines import circle, galactic_plane
from nuncius.broker.plots.moon import draw_moon, draw_sun, lit_part
from nuncius.broker.plots.panel import Panel
from nuncius.broker.plots.projection import CloseUp, WholeSky
from nuncius.broker.plots.scene import Layer, checked_levels, members
from nuncius.broker.plots.sky import Backdrop, Footprint, plot_places
from nuncius.broker.sky import Cone, Region, moc_ranges, separation_deg
from nuncius.schemas.errors import SettingsError

MOMENTS = [datetime(1999, 8, 11, 11, tzinfo=UTC), datetime(2017, 8, 17, 12, 41, 4, tzinfo=UTC)]


def contours(view: WholeSky | CloseUp, cone: Cone) -> list[tuple[np.ndarray, np.ndarray]]:
    """The positions along each piece of the 90 % border, as drawn."""
    panel = Panel.on(Figure().add_subplot(), view, 900)
    (member,) = members([Layer(cone, "cone")])
    panel.borders(member, (0.9,), filled=False)
    (drawn,) = panel.axes.collections
    assert isinstance(drawn, ContourSet)
    pieces = [piece for piece in drawn.allsegs[0] if len(piece)]
    return [view.sky(piece[:, 0], piece[:, 1]) for piece in pieces]


def test_a_border_across_0h_is_cut_once_and_meets_itself_at_the_edges() -> None:
    pieces = contours(WholeSky(), Cone(0.5, -5.0, 12.0))
    assert len(pieces) == 2
    for ra, dec in pieces:
        assert np.allclose(separation_deg(0.5, -5.0, ra, dec), 12.0, atol=0.6)
    left, right = (sorted((float(dec[0]), float(dec[-1]))) for _, dec in pieces)
    assert left == pytest.approx(right, abs=0.4)


def test_a_border_around_a_pole_runs_once_from_edge_to_edge() -> None:
    ((ra, dec),) = contours(WholeSky(), Cone(0.0, 90.0, 10.0))
    assert np.allclose(dec, 80.0, atol=0.6)
    assert sorted((float(ra[0]), float(ra[-1]))) == pytest.approx([0.0, 360.0], abs=3.0)


@pytest.mark.parametrize("centre", [(0.0, 0.0), (123.0, 90.0), (200.0, -89.0)])
def test_a_border_in_a_close_up_is_closed(centre: tuple[float, float]) -> None:
    ((ra, dec),) = contours(CloseUp(*centre, 15.0), Cone(*centre, 10.0))
    assert np.allclose(separation_deg(*centre, ra, dec), 10.0, atol=0.3)
    assert separation_deg(float(ra[0]), float(dec[0]), float(ra[-1]), float(dec[-1])) < 1e-6


def test_a_line_across_0h_reaches_both_edges_at_one_declination() -> None:
    x, y = WholeSky().curve(*circle(0.0, 20.0, 10.0))
    assert np.nanmax(np.abs(np.diff(x))) < 0.5  # no stroke across the picture
    (gaps,) = np.nonzero(np.isnan(x))
    for gap in gaps:
        assert y[gap - 1] == pytest.approx(y[gap + 1])
        assert x[gap - 1] == pytest.approx(-x[gap + 1])
    assert len(gaps) == 2


@pytest.mark.parametrize("moment", MOMENTS)
def test_sun_and_moon_stand_where_astropy_has_them(moment: datetime) -> None:
    time = Time(moment.replace(tzinfo=None), scale="utc")
    with iers.conf.set_temp("auto_download", False):
        sun, moon = get_sun(time), get_body("moon", time, ephemeris="builtin")
    seen = bodies(moment)
    assert separation_deg(*seen.sun, sun.ra.deg, sun.dec.deg) < 0.1
    assert separation_deg(*seen.moon, moon.ra.deg, moon.dec.deg) < 0.5


def test_the_moon_is_dark_in_an_eclipse_and_an_outline_has_the_lit_area() -> None:
    assert bodies(MOMENTS[0]).moon_lit < 0.001  # the eclipse of 1999
    for share in (0.0, 0.2, 0.5, 0.9, 1.0):
        x, y = lit_part(share, 0.7).T
        area = 0.5 * abs(float(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1))))
        assert area / np.pi == pytest.approx(share, abs=0.002)


def test_the_galactic_plane_is_astropys() -> None:
    ra, dec = galactic_plane()
    there = SkyCoord(ra, dec, unit="deg").transform_to(Galactic())
    assert np.abs(there.b.deg).max() < 1e-5  # astropy goes through FK5, whose axes are some 20 mas off ICRS
    assert np.allclose(np.cos(there.l.rad), np.cos(np.radians(np.arange(361))), atol=1e-6)


def test_a_close_up_holds_the_lobe_across_0h() -> None:
    (member,) = members([Layer(Cone(0.0, 5.0, 4.0), "cone")])
    view = fitting([member.sky])
    assert separation_deg(view.ra, view.dec, 0.0, 5.0) < 0.2
    assert 4.0 < view.radius_deg < 6.0


def test_an_svg_speaks_to_who_cannot_see_it(tmp_path: Path) -> None:
    plot_places(
        [Layer(Cone(10.0, 20.0, 5.0), "a <cone>"), Layer(Region("4/100-101"), "region")],
        tmp_path / "one.svg",
        footprints=[Footprint(*moc_ranges("3/10-12"), "tiles")],
        backdrop=Backdrop(MOMENTS[1], galactic_plane=True, sun_avoid_deg=18, moon_avoid_deg=30),
        title="S1 & friends",
    )
    text = (tmp_path / "one.svg").read_text()
    assert "<title>S1 &amp; friends</title>" in text
    words = text[text.index("<desc>") : text.index("</desc>")]
    assert "a &lt;cone&gt;: 50 % in 23.6 deg²" in words
    assert "region: 26.9 deg² in all." in words
    assert "tiles covers 161 deg²." in words
    assert "Sun at RA 146.9" in words
    assert "<!-- galactic plane" in text


def test_sun_and_moon_are_drawn_with_their_names() -> None:
    panel = Panel.on(Figure().add_subplot(), WholeSky(), 50)
    seen = bodies(MOMENTS[1])
    draw_sun(panel, seen.sun)
    draw_moon(panel, seen)
    assert [text.get_text() for text in panel.axes.texts] == ["Sun", f"Moon, {100 * seen.moon_lit:.0f} % lit"]
    where = [np.asarray(line.get_xydata())[0] for line in panel.axes.lines]
    assert np.allclose(where[0], np.ravel(panel.view.plane(*seen.sun)))
    assert np.allclose(where[-1], np.ravel(panel.view.plane(*seen.moon)))


@pytest.mark.parametrize("levels", [(), (0.9, 0.5), (0.0,), (0.5, 1.0), (0.1, 0.2, 0.3, 0.4, 0.5), (float("nan"),)])
def test_levels_that_make_no_sense_are_refused(levels: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match="levels"):
        checked_levels(levels)


@pytest.mark.parametrize(
    ("option", "text", "complaint"),
    [
        ("footprint", "nope.moc", "no such file"),
        ("footprint", "3/9999", "beyond the sphere"),
        ("place", "10 20", "expected 'RA DEC RADIUS NAME'"),
        ("place", "10 20 0 x", "a radius lies above 0"),
        ("mark", "10 95 x", "not on the sky"),
        ("mark", "nan 5", "not on the sky"),
        ("levels", "50,x", "give one to four percents"),
    ],
)
def test_a_wrong_option_is_told(option: str, text: str, complaint: str) -> None:
    from nuncius.broker.cli import skymap_plot

    with pytest.raises(SettingsError, match=complaint):
        getattr(skymap_plot, option)(text)


def test_the_time_is_the_given_one_else_the_maps() -> None:
    from nuncius.broker.cli.skymap_plot import moment

    maps = [SimpleNamespace(date_obs=""), SimpleNamespace(date_obs="2019-08-14T21:10:39.013334")]
    assert moment(None, maps) == datetime(2019, 8, 14, 21, 10, 39, 13334, UTC)  # type: ignore[arg-type]  # stand-ins
    assert moment("2020-01-01T02:00+02:00", []) == datetime(2020, 1, 1, tzinfo=UTC)
    assert moment(None, []) is None
    with pytest.raises(SettingsError, match="not a time"):
        moment("yesterday", [])


def test_a_footprint_is_read_from_a_fits_file_as_mocpy_writes_it(tmp_path: Path) -> None:
    MOC.from_string("4/100-101 6/7").save(str(tmp_path / "tiles.fits"), format="fits")
    read, stated = footprint(str(tmp_path / "tiles.fits")), footprint("4/100-101 6/7")
    assert (read.start.tolist(), read.stop.tolist()) == (stated.start.tolist(), stated.stop.tolist())
    assert (read.label, stated.label) == ("tiles.fits", "footprint")
