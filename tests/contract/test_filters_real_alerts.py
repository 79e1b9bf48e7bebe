"""Real alerts through the filter language: every field reads, and both ways of evaluating select the same."""

from pathlib import Path

import numpy as np
import pytest

from nuncius.filters import FIELDS, matches, parse_filter, rows_of, select, values
from nuncius.producers import parse_all
from nuncius.schemas.alert import Alert
from nuncius.schemas.errors import Quarantine

pytestmark = pytest.mark.alerts

TEXTS = (
    "messenger = 'gravitational_wave' AND classification['BNS'] + classification['NSBH'] > 0.5",
    "properties['HasNS'] > 0.5 OR properties['HasNS'] IS NULL",
    "CONTAINS(POINT(ra, dec), CIRCLE(77.36, 5.69, 5)) = 1",  # TXS 0506+056
    "area90_deg2 < 10 AND NOT reality = 'test'",
    "event_class LIKE '%grb' AND radius_deg BETWEEN 0.01 AND 20",
    "latency_s > 60 AND facility ILIKE '%i%'",
    "far_hz < 1e-7 OR p_astro > 0.5",
    "mag < 20 OR mag_limit > 18",
)


@pytest.fixture(scope="module")
def real(alerts_dir: Path) -> list[Alert]:
    found: list[Alert] = []
    for path in sorted(alerts_dir.rglob("*.xml"))[:400]:
        try:
            found += [item for item in parse_all(path.read_bytes()) if isinstance(item, Alert)]
        except Quarantine:
            continue
    assert len(found) > 20
    return found


def test_every_field_of_a_real_alert_is_read(real: list[Alert]) -> None:
    read = {name.split(".")[0] for alert in real for name in values("alerts", alert)}
    assert read <= set(FIELDS["alerts"])
    assert read >= {"thread_id", "messenger", "time", "ra", "dec", "radius_deg", "area90_deg2", "latency_s", "far_hz"}


def test_real_alerts_are_selected_the_same_both_ways(real: list[Alert]) -> None:
    filters = [parse_filter(text, "alerts") for text in TEXTS]
    found = select(filters, rows_of("alerts", real, [None] * len(real)))
    assert np.array_equal(found, [[matches(item, alert) is True for alert in real] for item in filters])
    assert all(found[index].any() for index in (4, 5, 6))
