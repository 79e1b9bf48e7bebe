"""Fixtures that every test may use."""

import os
from pathlib import Path

import pytest

ALERTS = Path(__file__).resolve().parents[2] / "shared" / "alerts"


@pytest.fixture(scope="session")
def alerts_dir() -> Path:
    """The real alerts beside the checkout; skips where they are absent."""
    if not ALERTS.is_dir():
        pytest.skip("the real alerts are absent: no ../shared/alerts beside this checkout")
    return ALERTS


@pytest.fixture(scope="session")
def kafka_servers() -> str:
    return os.environ["NUNCIUS_TEST_KAFKA"]
