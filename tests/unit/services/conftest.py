"""Logs for tests of services."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing

import pytest
from road import memory

from nuncius.broker.transport.port import Log

NewLog = Callable[[], Log]


@pytest.fixture
def new_log() -> Iterator[NewLog]:
    """Makes logs with every topic; they are thrown away after the test."""
    with ExitStack() as opened:
        yield lambda: opened.enter_context(closing(memory()))


@pytest.fixture
def log(new_log: NewLog) -> Log:
    """One log."""
    return new_log()
