"""Fixtures of the contract tests."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from transport_logs import LOCAL_BACKENDS, Logs, kafka_logs

from nuncius.broker.transport.port import Log

KAFKA = "kafka"


@pytest.fixture(
    params=[*LOCAL_BACKENDS, pytest.param(KAFKA, marks=pytest.mark.kafka)],
    ids=lambda backend: backend if backend == KAFKA else backend.__name__,
)
def logs(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Logs]:
    if request.param == KAFKA:
        made = kafka_logs(request.getfixturevalue("kafka_servers"))
    else:
        made = request.param(tmp_path / "log")
    with ExitStack() as opened:

        def open_one() -> Log:
            log: Log = made.open()
            opened.callback(log.close)
            return log

        yield Logs(open_one)


@pytest.fixture
def log(logs: Logs) -> Log:
    return logs.open()
