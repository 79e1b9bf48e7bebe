"""Ready-made filters on light curves: packets they select and near misses, hand-made and real."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import fastavro
import numpy as np
import pytest

from nuncius.filters import matches, parse_filter, rows_of_batch, select
from nuncius.filters.ready import ready_filters
from nuncius.producers import rubin, ztf
from nuncius.producers.facility import Context
from nuncius.producers.simulation import rubin as made_rubin
from nuncius.producers.simulation import ztf as made_ztf
from nuncius.schemas import CandidateBatch
from nuncius.schemas.candidate_row import rows

T0 = datetime(2026, 11, 1, tzinfo=UTC)
CHECKED = {one.name: parse_filter(one.text, one.table) for one in ready_filters() if one.table == "candidates"}
Past = list[tuple[float, float]]
RISE: Past = [(-9.0, 19.0), (-6.0, 18.5)]
FADE: Past = [(-2.0, 18.0)]


def decoded(facility: Any, payload: bytes) -> CandidateBatch:
    batch: CandidateBatch = facility.FACILITY.decode_batch([payload], Context())
    return batch


def selected(batch: CandidateBatch) -> set[str]:
    """By both ways of evaluating."""
    found = select(list(CHECKED.values()), rows_of_batch(batch, "live", [None] * len(batch)))
    (row,) = rows(batch, "live")
    assert [matches(one, row) is True for one in CHECKED.values()] == found[:, 0].tolist()
    return {name for name, hit in zip(CHECKED, found[:, 0], strict=True) if hit}


def packet(past: Past, mag: float, **changed: Any) -> CandidateBatch:
    """A detection with what was seen before it (days, magnitudes), all in r."""
    earlier = [(T0 + timedelta(days=day), was) for day, was in past]
    values: dict[str, Any] = {
        "first": earlier[0][0],
        "mag_err": 0.1,
        "score": 0.95,
        "star_score": 0.1,
        "star_arcsec": 1.5,
        "detections": 1 + len(past),
        **changed,
    }
    made = made_ztf.Detection(
        object_id="ZTF26a", candid=1, time=T0, ra=10.0, dec=20.0, filter="r", mag=mag, earlier=earlier, **values
    )
    return decoded(ztf, made_ztf.write(made))


@pytest.mark.parametrize(
    ("name", "hit", "batch"),
    [
        # -9, -6, 0 d about their mean -5: (-4·19 - 18.5 + 5·17.5) / 42 = -0.167 a day, error 0.1/√42 = 0.015
        ("snia_like", True, packet(RISE, 17.5)),
        ("snia_like", False, packet(RISE, 18.6)),  # past its peak
        ("snia_like", False, packet(RISE, 18.45, mag_err=0.3)),  # (-76 - 18.5 + 92.25) / 42 = -0.054, error 0.046
        ("snia_like", False, packet(RISE, 17.5, first=T0 - timedelta(days=23))),
        ("snia_like", False, packet(RISE, 17.5, detections=21)),
        ("snia_like", False, packet(RISE, 17.5, star_score=0.75)),
        # -2, -1, 0 d: (17 - 19.5) / 2 = -1.25 a day
        ("snia_like", False, packet([(-2.0, 19.5), (-1.0, 18.25)], 17.0)),
        ("kilonova_like_rise", True, packet([(-2.0, 19.5), (-1.0, 18.25)], 17.0)),
        ("kilonova_like_rise", False, packet([(-2.0, 18.75), (-1.0, 18.0)], 17.0)),  # -0.875 a day
        # -1.25 a day, error 0.65 √2 / 2 = 0.46
        ("kilonova_like_rise", False, packet([(-2.0, 19.5)], 17.0, mag_err=0.65)),
        ("kilonova_like_rise", False, packet([(-2.0, 19.5)], 17.0, first=T0 - timedelta(days=5))),
        ("kilonova_like_rise", False, packet([(-0.25, 19.5)], 17.0)),  # one night makes no rate
        # (19 - 18) / 2 = 0.5 a day, error 0.1 √2 / 2 = 0.07
        ("kilonova_like_fade", True, packet(FADE, 19.0)),
        ("kilonova_like_fade", False, packet(FADE, 18.5)),  # 0.25 a day
        ("kilonova_like_fade", False, packet(FADE, 19.0, mag_err=0.25)),  # three errors are 0.53
        ("kilonova_like_fade", False, packet(FADE, 19.0, score=0.9)),
        ("kilonova_like_fade", False, packet(FADE, 19.0, solar_system=("1", 1.0))),
        ("nuclear_transient", True, packet(RISE, 18.0, star_arcsec=0.5)),
        ("nuclear_transient", False, packet(RISE, 18.0, star_arcsec=0.625)),
        ("nuclear_transient", False, packet(RISE, 18.0, star_arcsec=0.5, star_score=0.375)),
        ("nuclear_transient", False, packet(RISE, 20.0, star_arcsec=0.5)),
        ("nuclear_transient", False, packet(FADE, 18.0, star_arcsec=0.5)),  # seen twice
        ("young_transient", True, packet(FADE, 18.0)),
        ("young_transient", False, packet([(-5.25, 18.0)], 18.0)),
    ],
)
def test_the_packet_meant_and_the_one_just_beside_it(name: str, *, hit: bool, batch: CandidateBatch) -> None:
    assert (name in selected(batch)) is hit


def rubin_packet(past: Past, mag: float) -> CandidateBatch:
    made = made_rubin.Detection(
        source_id=9,
        object_id=8,
        time=T0,
        ra=10.0,
        dec=-20.0,
        band="g",
        mag=mag,
        reliability=0.95,
        earlier=[(T0 + timedelta(days=day), was) for day, was in past],
    )
    return decoded(rubin, made_rubin.write(made))


@pytest.mark.parametrize(
    ("past", "mag", "names"),
    [
        ([(-2.0, 20.0)], 21.0, {"young_transient", "kilonova_like_fade"}),
        ([(-2.0, 20.0)], 20.5, {"young_transient"}),
        ([(-2.0, 22.5)], 20.0, {"young_transient", "kilonova_like_rise"}),
        ([(-9.0, 21.5), (-6.0, 21.0)], 20.0, {"snia_like"}),
        ([(-9.0, 20.0), (-6.0, 21.0)], 21.5, set()),
    ],
)
def test_rubins_packets_are_selected_by_their_light_curve_too(past: Past, mag: float, names: set[str]) -> None:
    assert selected(rubin_packet(past, mag)) == names


@pytest.mark.alerts
@pytest.mark.parametrize(
    ("path", "names"),
    [
        ("fink-client/ZTF19acyjzeo.avro", {"young_transient", "snia_like"}),
        ("fink-client/ZTF19acihgng.avro", set()),  # near misses: 0.62 arcsec from its host, fading 0.05 mag a day
        ("skyportal/babamul_alert.avro", {"nuclear_transient"}),
        ("skyportal/541234765015015012.avro", {"known_star"}),  # fading 0.34 mag a day, a variable star for 219 days
        ("pitt-google/ZTF21abiuvdk.1642448210815015010.ztf_20210701_programid1.avro", {"young_transient"}),
        ("lsst_alert_packet/v10_0/fakeAlert.avro", {"young_transient"}),
    ],
)
def test_real_packets(alerts_dir: Path, path: str, names: set[str]) -> None:
    payload = (alerts_dir / "optical" / path).read_bytes()
    assert selected(decoded(rubin if "lsst" in path else ztf, payload)) == names


@pytest.mark.alerts
@pytest.mark.parametrize(
    ("path", "stated"),
    [
        ("alerce/alert_mjd59603.0330_obj1131_src2262003.avro", 0.028337054),  # its hostgal_snsep
        ("lsst_alert_packet/v10_0/fakeAlert.avro", np.nan),
    ],
)
def test_elasticc_states_a_host_and_rubin_none(alerts_dir: Path, path: str, stated: float) -> None:
    batch = decoded(rubin, (alerts_dir / "optical" / path).read_bytes())
    assert float(batch.host_arcsec[0]) == pytest.approx(stated, nan_ok=True)


def by_numpy(record: Any) -> tuple[float, float, float, float]:
    """Rate, its error, peak and distance to the reference source, from the packet as fastavro gives it."""
    this = record["candidate"]
    seen = [
        (row["jd"], row["magpsf"], row["sigmapsf"])
        for row in [*(record["prv_candidates"] or []), this]
        if row.get("magpsf") is not None and row["fid"] == this["fid"] and str(row["isdiffpos"]) in ("t", "1")
    ]
    if str(this["isdiffpos"]) not in ("t", "1"):
        return np.nan, np.nan, np.nan, this["distnr"]
    day, mag, error = np.array(sorted(seen)).T
    first = np.argmin(mag) if np.argmin(mag) < len(mag) - 1 else 0
    if day[-1] - day[first] < 0.5:
        return np.nan, np.nan, mag.min(), this["distnr"]
    fit, spread = np.polyfit((day - day[-1])[first:], mag[first:], 1, w=1 / error[first:], cov="unscaled")
    return fit[0], spread[0, 0] ** 0.5, mag.min(), this["distnr"]


@pytest.mark.alerts
def test_every_real_ztf_packet_has_the_light_curve_that_numpy_finds(alerts_dir: Path) -> None:
    rated = 0
    for path in sorted((alerts_dir / "optical").rglob("*.avro")):
        with path.open("rb") as file:
            reader: Any = fastavro.reader(file)
            record = next(reader)
        if reader.writer_schema["name"] != "ztf.alert":
            continue
        batch = decoded(ztf, path.read_bytes())
        found = (batch.rate_mag_per_day, batch.rate_err_mag_per_day, batch.peak_mag, batch.host_arcsec)
        assert [float(column[0]) for column in found] == pytest.approx(by_numpy(record), rel=1e-4, nan_ok=True), path
        rated += bool(np.isfinite(batch.rate_mag_per_day[0]))
    assert rated >= 7
