"""Readers of the log on Kafka."""

from collections.abc import Callable, Mapping

from nuncius.broker.transport.kafka.client import Client
from nuncius.broker.transport.kafka.feed import Feed, Unframe
from nuncius.broker.transport.port import Record, TopicPartition

GROUP = "nuncius-reader"
"""The name that a consumer must have; readers commit nothing under it."""


class KafkaReader:
    """See `nuncius.broker.transport.port.Reader`."""

    def __init__(
        self,
        client: Client,
        positions: Mapping[TopicPartition, int],
        unframe: Unframe,
        forget: Callable[["KafkaReader"], None],
    ) -> None:
        self._client = client
        self._forget = forget
        self._closed = False
        self._feed = Feed(client, GROUP, unframe, {})
        self._feed.place(positions)

    def poll(self, max_records: int, timeout_s: float) -> tuple[Record, ...]:
        """The next records."""
        return self._feed.poll(max_records, timeout_s)

    def position(self, tp: TopicPartition) -> int:
        """Next offset to read."""
        return self._feed.positions[tp]

    def seek(self, tp: TopicPartition, offset: int) -> None:
        """Read on from there."""
        self._feed.seek(tp, offset)

    def goals(self) -> dict[TopicPartition, int]:
        """The offset after all that was acknowledged before this call."""
        return self._client.goals(self._feed.positions)

    def caught_up(self) -> bool:
        """Whether all is read that was acknowledged before this call."""
        return not self._feed.behind()

    def close(self) -> None:
        """Give the consumer back."""
        if not self._closed:
            self._closed = True
            self._feed.close()
            self._forget(self)
