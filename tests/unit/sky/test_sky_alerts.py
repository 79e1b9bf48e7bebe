"""Our numbers for real maps against independent ones."""

import json
from pathlib import Path
from typing import Any

import pytest

from nuncius.broker.sky import Cone, SkyMap, overlap, separation_deg
from nuncius.schemas.errors import MalformedAlert

pytestmark = pytest.mark.alerts

NGC4993 = (15 * (13 + 9 / 60 + 48.09 / 3600), -(23 + 22 / 60 + 53.3 / 3600))
PLACES = {"at_NGC4993": NGC4993, "at_TXS0506+056": (77.358185, 5.693148)}
GBM = "gamma/growth/glg_healpix_all_bn180116026.fit"
MAPS = (
    "gw/userguide/bayestar.multiorder.fits",
    "gw/userguide/bayestar.slim.fits.gz",
    "gw/gwcelery/MS220722v_bayestar.multiorder.fits",
    "gw/LIGO_O3/S190814bv/LALInference.v1.fits.gz",
    "gw/LIGO_O3/S190814bv/LALInference.v1.multiorder.fits",
    "gw/LIGO_O3/S190814bv/bayestar.multiorder.fits,1",
    "gw/LIGO_O3/S190426c/LALInference1.fits",
    "gw/LIGO_O3/S190412m/bayestar.fits",
    "gw/LIGO_O3/S190718y/bayestar.multiorder.fits",
    "gw/LIGO_O3/S190701ah/LALInference.offline.multiorder.fits",
    "gw/LIGO_O3/S190421ar/LALInference.fits",
    "gw/mocpy/bayestar.multiorder.fits",
    "gw/sky_tiling/utilities/bayestar.fits.gz",
    "gw/gw_followup/bayestar_gstlal_C01.fits.gz",
    "gw/GWsky/LALInference_skymap.fits.gz",
    "gw/GWsky/18951_bayestar.fits.gz",
    "gw/tilepy/927563_lalinference.fits.gz",
    GBM,
)


@pytest.fixture(scope="module")
def truth(alerts_dir: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((alerts_dir / "GROUND_TRUTH.json").read_bytes())
    return found


def test_every_map_of_the_ground_truth_is_tried(truth: dict[str, Any]) -> None:
    embedded = {name for name in truth["maps"] if name.endswith((".json", ".avro"))}
    assert set(truth["maps"]) - embedded == set(MAPS)


@pytest.mark.parametrize("name", MAPS)
def test_a_real_map_gives_the_independent_numbers(name: str, alerts_dir: Path, truth: dict[str, Any]) -> None:
    expected = truth["maps"][name]
    sky = SkyMap.read(alerts_dir / name)
    assert sky.area(0.5) == pytest.approx(expected["area50_interp_deg2"], rel=1e-4)
    assert sky.area(0.9) == pytest.approx(expected["area90_interp_deg2"], rel=1e-4)
    assert separation_deg(*sky.maximum(), *expected["max_density_ra_dec"]) < 0.06
    assert sky.distance_mean_mpc == expected.get("DISTMEAN")
    assert sky.distance_std_mpc == expected.get("DISTSTD")
    assert sky.date_obs == expected.get("DATE-OBS", "")
    if expected["type"] == "moc":
        assert sky.order_max == expected["levels"][1]
    for place, (ra, dec) in PLACES.items():
        there = expected[place]
        assert sky.probdensity(ra, dec) == pytest.approx(there["prob_density_per_sr"], rel=4e-6, abs=1e-300)
        assert sky.credible_level(ra, dec) == pytest.approx(there["searched_prob"], abs=1e-4)
        assert overlap(sky, Cone(ra, dec, 0.0, 1.0)) == pytest.approx(there["overlap_4pi_p"], rel=4e-6, abs=1e-300)


def test_flat_and_multi_order_files_of_one_map_agree(alerts_dir: Path) -> None:
    folder = alerts_dir / "gw" / "userguide"
    one, two = SkyMap.read(folder / "bayestar.multiorder.fits"), SkyMap.read(folder / "bayestar.slim.fits.gz")
    assert one.start.tolist() == two.start.tolist()
    assert one.density == pytest.approx(two.density, rel=1e-6)


def test_the_published_overlap_with_ngc_4993(alerts_dir: Path) -> None:
    sky = SkyMap.read(alerts_dir / "gw" / "userguide" / "bayestar.multiorder.fits")
    assert overlap(sky, Cone(*NGC4993, 0.0, 1.0)) == pytest.approx(1430.6, rel=1e-3)


def test_overlaps_of_real_maps(alerts_dir: Path, truth: dict[str, Any]) -> None:
    """The independent numbers were made at order 9; finer structure of S190814bv lifts its own by some per mille."""
    folder = alerts_dir / "gw" / "LIGO_O3"
    maps = {
        "S190426c_LALInference1": SkyMap.read(folder / "S190426c" / "LALInference1.fits"),
        "S190814bv_LALInference": SkyMap.read(folder / "S190814bv" / "LALInference.v1.multiorder.fits"),
        "S190814bv_bayestar": SkyMap.read(folder / "S190814bv" / "bayestar.multiorder.fits,1"),
        "GBM_bn180116026": SkyMap.read(alerts_dir / GBM),
    }
    for pair, expected in truth["overlap_level9"].items():
        one, two = pair.split(" x ")
        assert overlap(maps[one], maps[two]) == pytest.approx(expected, rel=0.01, abs=6e-7)
        assert overlap(maps[two], maps[one]) == overlap(maps[one], maps[two])


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("gw/gw_followup/bayestar.fits.gz", "HTML"),
        ("gw/userguide/bayestar.fits.gz,0", "pointer file that names 'bayestar.fits.gz'"),
        ("gw/userguide/bayestar.multiorder.fits,0", "pointer file"),
        ("odd/mocpy/SMOC.fits", "coverage map"),
        ("odd/mocpy/TMOC.fits", "without a probability column"),
        ("odd/mocpy/P2012180.fits", "RANGE"),
    ],
)
def test_real_files_that_are_no_maps_say_so(name: str, reason: str, alerts_dir: Path) -> None:
    with pytest.raises(MalformedAlert, match=reason):
        SkyMap.read(alerts_dir / name)
