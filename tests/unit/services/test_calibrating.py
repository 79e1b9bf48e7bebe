"""Time slides through the real engine, on made streams."""

from dataclasses import replace
from functools import lru_cache

import healpy as hp
import numpy as np
import pytest
from matching_alerts import cone, grb, gw
from numpy.typing import NDArray

from nuncius.broker.matching.made_streams import MadeStreams, anisotropic, clustered, independent
from nuncius.broker.matching.measured_overlap import MeasuredOverlap
from nuncius.broker.matching.threads import microseconds
from nuncius.broker.services.calibrating import Calibration, calibrate, read_alerts
from nuncius.broker.services.packets import Packet
from nuncius.broker.services.slide_runs import OverlapOf
from nuncius.broker.services.supplies import Supplies
from nuncius.schemas.alert import Alert
from nuncius.schemas.ids import digest
from nuncius.schemas.localization import Cone, Localization, SkyMapRef


def run(made: MadeStreams, slides: int, overlap_of: OverlapOf | None = None) -> Calibration:
    start, stop = map(microseconds, made.uptime)
    return calibrate(made.alerts, {}, made.rule, slides, 1, lambda: None, uptime=(start, stop), overlap_of=overlap_of)


@lru_cache(maxsize=1)
def band() -> MadeStreams:
    return anisotropic(5, 900, 900)


def test_independent_streams_pass_and_every_pair_is_counted() -> None:
    made = independent(3, 400, 400)
    found = run(made, 3)
    assert found.passed
    assert found.note == ""
    assert found.livetime_s == 3 * 30 * 86400
    time_s = {kind: np.array(sorted(stamps(made, kind))) for kind in ("burst", "grb")}
    span_s = 30 * 86400
    count = 0
    for k in (1, 2, 3):
        gap = (time_s["grb"] + k * span_s / 4) % span_s - time_s["burst"][:, None]
        count += int(np.sum((gap >= -60) & (gap <= 600)))
    assert count > 100
    assert found.pairs == count
    verdict = found.results[0].verdict
    assert verdict.side == "equal"
    assert verdict.p_value is not None


def stamps(made: MadeStreams, event_class: str) -> list[float]:
    start = made.uptime[0]
    return [
        (a.time_start - start).total_seconds() for a in made.alerts if a.event_class == event_class and a.time_start
    ]


def test_what_is_stated_is_the_product_of_rates_over_the_overlap() -> None:
    found = run(independent(3, 300, 300), 1)
    rate_hz, top_hz = 300 / (30 * 86400), 300 / (30 * 86400)
    curve = found.results[0].curve
    # the least informative circles of 120 and 100 degrees overlap between 0.2 and 4: bounds on R dt FAR / I
    assert np.all(curve.stated_hz < rate_hz * 660 * top_hz / 0.2)
    assert np.median(curve.stated_hz) == pytest.approx(rate_hz * 660 * top_hz / 2, rel=0.4)


def test_clusters_and_repeated_notices_pass_and_count_once() -> None:
    made = clustered(3, 250, 250)
    found = run(made, 2)
    assert found.passed
    bursts = sum(a.event_class == "grb" and not a.thread_id.endswith("-b") for a in made.alerts)
    anchors = len({a.thread_id for a in made.alerts if a.event_class == "burst"})
    assert found.partners > bursts  # threads: the second orbiter's, too
    expected = 2 * bursts * anchors * 660 / (30 * 86400)
    assert found.pairs == pytest.approx(expected, rel=0.35)


def test_a_stream_that_sees_one_band_fails_with_the_plain_overlap() -> None:
    found = run(band(), 2)
    assert not found.passed
    overlaps = found.results[0].overlaps
    assert overlaps is not None
    # both streams fill sin(25 deg) = 0.42 of the sky: 1 / 0.42, less what the circles spill over the border
    assert overlaps.mean == pytest.approx(2.0, rel=0.2)


def test_the_same_stream_passes_against_its_measured_density() -> None:
    partners = [a for a in band().alerts if a.event_class == "grb"]
    found = run(band(), 1, MeasuredOverlap(partners, {}))
    assert found.passed
    overlaps = found.results[0].overlaps
    assert overlaps is not None
    assert overlaps.mean == pytest.approx(1.0, abs=4 * overlaps.error)


def test_measured_overlap_is_the_integral_over_a_grid() -> None:
    partners = [a for a in band().alerts if a.event_class == "grb"][:40]
    anchor = next(a for a in band().alerts if a.event_class == "burst")
    axes = np.array(hp.pix2vec(32, np.arange(12 * 32**2)))
    density = np.array([on_grid(a, axes) for a in partners])
    mean = density.mean(axis=0) * len(axes.T)
    first = on_grid(anchor, axes)
    overlap_of = MeasuredOverlap(partners, {})
    for partner, one in list(zip(partners, density, strict=True))[:8]:
        exact = float(np.sum(first * one / mean)) * len(axes.T)
        found = overlap_of(anchor, partner)
        assert found is not None
        assert found == pytest.approx(exact, rel=0.1, abs=1e-3)


def on_grid(alert: Alert, axes: NDArray[np.float64]) -> NDArray[np.float64]:
    """Shares of a Fisher circle in cells: 1 - (1 - c) kappa contains 90 %, solved for kappa >> 1."""
    cone = alert.localizations[0].shape
    assert isinstance(cone, Cone)
    kappa = np.log(10) / (1 - np.cos(np.radians(cone.radius)))
    share = np.exp(kappa * (hp.ang2vec(cone.ra, cone.dec, lonlat=True) @ axes - 1))
    whole: NDArray[np.float64] = share / share.sum()
    return whole


def test_nothing_to_slide_is_said() -> None:
    made = independent(3, 60, 60)
    nothing = run(replace(made, alerts=tuple(a for a in made.alerts if a.event_class == "grb")), 3)
    assert nothing.pairs == 0
    assert "no event of one of its roles" in nothing.note
    assert nothing.passed
    twice = replace(made, rule=replace(made.rule, anchor=made.rule.partner))
    assert "not slid against itself" in run(twice, 3).note


def test_the_same_seed_gives_the_same_result() -> None:
    made = independent(4, 100, 100)
    first, second = run(made, 2), run(made, 2)
    assert [r.verdict for r in first.results] == [r.verdict for r in second.results]
    assert [r.curve.stated_hz.tolist() for r in first.results] == [r.curve.stated_hz.tolist() for r in second.results]


def test_a_map_that_cannot_be_read_is_left_out_and_counted() -> None:
    data = b"SIMPLE  = no map"
    broken = Localization(SkyMapRef(digest(data), len(data), None, data))
    anchor, partner = gw(localizations=(broken, *cone(10, 20))), grb(localizations=cone(10, 20))
    packets = [Packet(b"1", "a file"), Packet(b"2", "another")]
    rule = independent(1, 1, 1).rule
    found = read_alerts(packets, Supplies(), lambda _, __: (anchor, partner), [rule], lambda: None)
    assert found.refused_maps == 1
    assert found.maps == {}
    assert [alert.localizations for alert in found.alerts] == [cone(10, 20), cone(10, 20)]


@pytest.mark.soak
@pytest.mark.parametrize(("factor", "passes"), [(1.0, True), (1.2, False), (1 / 1.2, False)])
def test_a_rate_off_by_a_fifth_fails_through_the_whole_engine(factor: float, *, passes: bool) -> None:
    made = independent(1)
    assert made.rule.partner_rate_hz is not None
    rule = replace(made.rule, partner_rate_hz=made.rule.partner_rate_hz * factor)
    assert calibrate(made.alerts, {}, rule, 4, 1, lambda: None).passed == passes
