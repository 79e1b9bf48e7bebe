"""Fixtures that every test may use."""

import os
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from hypothesis import settings
from kafka_here import REQUIRED, kafka_node

# time is never asserted: the first call may compile
settings.register_profile("nuncius", deadline=None)
settings.load_profile("nuncius")
# `make soak`, whatever CI says: another seed each time, and how to come back to what was found
settings.register_profile(
    "soak", settings.get_profile("nuncius"), max_examples=1000, derandomize=False, print_blob=True
)

ALERTS = Path(__file__).resolve().parents[2] / "shared" / "alerts"


@pytest.fixture(scope="session")
def alerts_dir() -> Path:
    """The real alerts beside the checkout; skips where they are absent."""
    if not ALERTS.is_dir():
        pytest.skip("the real alerts are absent: no ../shared/alerts beside this checkout")
    return ALERTS


@pytest.fixture(scope="session")
def kafka_servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """``HOST:PORT`` of a real Kafka for the whole run: ``$NUNCIUS_TEST_KAFKA``, else one that is started."""
    given = os.environ.get("NUNCIUS_TEST_KAFKA")
    if given:
        yield given
        return
    with kafka_node(tmp_path_factory.mktemp("kafka")) as node:
        yield node.servers


@pytest.fixture
def kafka_address(kafka_servers: str) -> str:
    """The address of a broker that has nothing yet, on that Kafka."""
    return f"kafka://{kafka_servers}/t{uuid4().hex[:12]}"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say in the last lines that the tests on a real Kafka were left out."""
    skipped = [r for r in terminalreporter.stats.get("skipped", []) if "kafka" in getattr(r, "keywords", {})]
    if skipped:
        reason = str(skipped[0].longrepr[2]).removeprefix("Skipped: ")
        terminalreporter.write_line(
            f"{len(skipped)} tests on a real Kafka were skipped: {reason} ({REQUIRED}=1 fails them)"
        )
