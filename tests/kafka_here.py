"""A real Kafka for tests: where it can run, else the reason why not."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

import pytest

from nuncius.broker.transport.kafka_node.jars import jars, java
from nuncius.broker.transport.kafka_node.node import Node
from nuncius.schemas import NunciusError

REQUIRED = "NUNCIUS_REQUIRE_KAFKA"
"""Set where a skipped test is a failed one."""


def not_here(reason: str) -> NoReturn:
    """Skip the test; fail it where Kafka is required."""
    if os.environ.get(REQUIRED):
        pytest.fail(f"{REQUIRED} is set, and {reason}")
    pytest.skip(reason)


def kafka_jars() -> tuple[Path, str]:
    """Kafka's jars, and the Java that runs them."""
    try:
        return jars(os.environ, print), java(os.environ)
    except NunciusError as error:
        not_here(str(error))


@contextmanager
def kafka_node(
    folder: Path, extra: dict[str, str] | None = None, format_arguments: tuple[str, ...] = ()
) -> Iterator[Node]:
    """A running node in a folder, stopped at the end."""
    found, program = kafka_jars()
    node = Node(folder, found, program, extra=extra, format_arguments=format_arguments)
    try:
        node.start()
        yield node
    finally:
        node.stop()
