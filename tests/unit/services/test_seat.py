"""A transaction whose end a broker lost is brought to its end by the next who takes the slot."""

from collections.abc import Iterator
from typing import Any

import pytest
from road import memory, records

from nuncius.broker.services.seat import Seat
from nuncius.broker.transport import topics
from nuncius.broker.transport.port import Log, TopicPartition

STATUS = TopicPartition(topics.TOO_STATUS.name, 0)


class Held:
    """A log whose readers stand still before its end, as Kafka's do where a transaction is open."""

    def __init__(self, log: Log) -> None:
        self._log = log

    def __getattr__(self, name: str) -> Any:
        return getattr(self._log, name)

    def end(self, tp: TopicPartition) -> int:
        return self._log.end(tp) - 1


@pytest.fixture
def log() -> Iterator[Log]:
    made = memory()
    with made.writer("before").transaction() as tx:
        tx.send(STATUS.topic, b"something")
    yield made
    made.close()


@pytest.mark.parametrize(("held", "brought"), [(True, [b"something", None]), (False, [b"something"])])
def test_where_readers_stand_still_a_record_without_a_value_brings_the_end(
    log: Log,
    *,
    held: bool,
    brought: list[bytes | None],
) -> None:
    there: Any = Held(log) if held else log
    seat = Seat(there, "group", [topics.TOO_REQUESTS.name], "slot", [STATUS])
    while seat.writer is None:
        seat.poll(10, 0.01)
    seat.close()
    assert [record.value for record in records(log, STATUS.topic)] == brought
