"""Fixtures of the contract tests."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from transport_logs import BACKENDS, Logs

from nuncius.broker.transport.port import Log


@pytest.fixture(params=BACKENDS, ids=lambda backend: backend.__name__)
def logs(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Logs]:
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
