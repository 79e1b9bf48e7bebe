"""Transactions that never end are told from those under way, and how to end them."""

from collections.abc import Iterator, Mapping
from itertools import chain, repeat

from nuncius.broker.services.kafka_held_doctor import ENDS_S, held, words
from nuncius.broker.transport.port import TopicPartition

REQUESTS, STATUS = TopicPartition("nuncius.too.requests", 0), TopicPartition("nuncius.too.status", 0)
WRITTEN = {REQUESTS: 105, STATUS: 157}


def looked_at(*ends: Mapping[TopicPartition, int]) -> tuple[dict[TopicPartition, int], float]:
    """What stands still, and how long it took, where readers end so at one look after the other."""
    looks: Iterator[Mapping[TopicPartition, int]] = chain(ends, repeat(ends[-1]))
    waited: list[float] = []
    found = held(lambda: (next(looks), WRITTEN), lambda: sum(waited), waited.append)
    return found, sum(waited)


def test_where_nothing_is_open_nothing_is_waited_for() -> None:
    assert looked_at(WRITTEN) == ({}, 0.0)


def test_a_transaction_under_way_ends_in_time() -> None:
    found, waited_s = looked_at(WRITTEN | {REQUESTS: 101}, WRITTEN | {REQUESTS: 101}, WRITTEN)
    assert found == {}
    assert 0.0 < waited_s < ENDS_S


def test_one_that_never_ends_is_found_beside_one_that_does() -> None:
    found, waited_s = looked_at({REQUESTS: 101, STATUS: 156}, {REQUESTS: 101, STATUS: 157})
    assert found == {REQUESTS: 101}
    assert waited_s >= ENDS_S


def test_it_is_said_how_to_end_it() -> None:
    said = words("ns.nuncius.too.requests", 0, 101, "127.0.0.1:9092")
    assert "kafka-transactions.sh --bootstrap-server 127.0.0.1:9092 abort" in said
    assert said.endswith("--topic ns.nuncius.too.requests --partition 0 --start-offset 101")
