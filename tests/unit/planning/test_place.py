"""Where a notice points."""

from collections.abc import Iterator, Mapping

import numpy as np
import pytest
from too_cases import AT2017GFO, GW, alert

from nuncius.broker.planning.place import Place, place
from nuncius.broker.sky.geometry import geometry
from nuncius.broker.sky.skymap import SkyMap
from nuncius.schemas import Cone, Localization, LogDamaged, SkyMapRef


def test_a_cone_gives_its_centre_and_its_90_percent_radius() -> None:
    sigma = 1.0
    one = alert("a", "t", AT2017GFO, 0.0)
    stated = Localization(Cone(*AT2017GFO, sigma, containment=1 - np.exp(-0.5)))
    there = place(alert("a", "t", None, localizations=(stated,)), {})
    assert there is not None
    assert (there.ra_deg, there.dec_deg) == AT2017GFO
    assert there.radius_deg == pytest.approx(np.sqrt(-2 * np.log(0.1)), rel=0.01)
    assert place(one, {}) == Place(*AT2017GFO, 0.0)


def test_own_localizations_come_before_tighter_ones_of_others() -> None:
    own, tight = Localization(Cone(10.0, 0.0, 5.0)), Localization(Cone(20.0, 0.0, 1.0), origin="external")
    tighter = Localization(Cone(30.0, 0.0, 2.0))
    there = place(alert("a", "t", None, localizations=(own, tight, tighter)), {})
    assert there is not None
    assert there.ra_deg == 30.0


def test_a_sky_map_gives_its_maximum_and_the_circle_of_its_area() -> None:
    sky = geometry(Cone(*AT2017GFO, 3.0, containment=0.9))
    assert sky is not None
    ref = Localization(SkyMapRef(sha256="abc", nbytes=1))
    there = place(alert("a", "t", None, localizations=(ref,)), {"abc": sky})
    assert there is not None
    assert abs(there.dec_deg - AT2017GFO[1]) < 0.1
    assert there.radius_deg == pytest.approx(3.0, rel=0.02)
    assert there.area_deg2 == pytest.approx(sky.area(0.9), rel=1e-6)


def test_an_unknown_map_an_impossible_shape_and_no_localization_give_no_place() -> None:
    ref = Localization(SkyMapRef(sha256="abc", nbytes=1))
    assert place(alert("a", "t", None, localizations=(ref,)), {}) is None
    assert place(alert("a", "t", None, localizations=(Localization(Cone(10.0, 95.0, 1.0)),)), {}) is None
    assert place(alert("a", "t", None), {}) is None


def test_the_whole_sky_has_41253_square_degrees() -> None:
    assert Place(0.0, 0.0, 180.0).area_deg2 == pytest.approx(41252.96, abs=0.01)
    assert Place(0.0, 0.0, 0.5).area_deg2 == pytest.approx(np.pi / 4, rel=1e-4)
    assert GW.localizations


class Shelf(Mapping[str, SkyMap]):
    """Maps of a log, which is damaged where one that an alert names is missing."""

    def __getitem__(self, sha256: str) -> SkyMap:
        raise LogDamaged(f"no map {sha256!r}")

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0


def test_a_map_known_by_its_url_only_is_never_looked_up() -> None:
    linked = Localization(SkyMapRef("", 0, "https://example.org/bayestar.fits"))
    assert place(alert("a", "t", None, localizations=(linked,)), Shelf()) is None
