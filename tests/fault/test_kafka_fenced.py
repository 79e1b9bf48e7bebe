"""A writer that Kafka takes out of its own transaction: by a newer one of its slot, or because it took too long."""

from collections.abc import Callable, Iterator
from uuid import uuid4

import pytest
from commands import waiting
from transport_logs import everything, values, write

from nuncius.broker.transport.clock import utc_now
from nuncius.broker.transport.kafka.cluster import Cluster
from nuncius.broker.transport.kafka.log import KafkaLog
from nuncius.broker.transport.kafka.writer import OPEN_S
from nuncius.broker.transport.port import Fenced, Writer
from nuncius.broker.transport.topics import Topic
from nuncius.schemas.errors import CommitUnknown, Retry

pytestmark = pytest.mark.kafka

SLOT = "slot"
TOPIC = "written"


@pytest.fixture
def cluster(kafka_servers: str) -> Cluster:
    return Cluster(kafka_servers, f"f{uuid4().hex[:8]}")


@pytest.fixture
def log(cluster: Cluster) -> Iterator[KafkaLog]:
    log = KafkaLog(cluster, utc_now)
    log.create([Topic(name=TOPIC)])
    yield log
    log.close()


def write_on(writer: Writer, between: Callable[[], None]) -> None:
    """One transaction, written to until a record is refused; ``between`` is called after its first."""
    with writer.transaction() as transaction:
        transaction.send(TOPIC, b"too late")
        transaction.flush()
        between()
        for _ in waiting("a record to be refused", 4 * OPEN_S):
            transaction.send(TOPIC, b"too late")


def test_a_newer_writer_is_heard_of_by_the_next_record(log: KafkaLog, cluster: Cluster) -> None:
    older, other = log.writer(SLOT), KafkaLog(cluster, utc_now)
    newer = []
    with pytest.raises(Fenced, match=SLOT):
        write_on(older, lambda: newer.append(other.writer(SLOT)))
    write(newer[0], TOPIC, [b"newer"])
    assert values(everything(log, TOPIC)) == [b"newer"]
    with pytest.raises(Retry, match="take a new writer"), older.transaction():
        pass
    other.close()


def test_an_answer_that_the_client_loses_is_an_unknown_outcome(log: KafkaLog) -> None:
    """It is a SystemError where the client calls back while it has an error of its own to tell."""

    def lose() -> None:
        raise SystemError("returned a result with an exception set")

    writer = log.writer(SLOT)
    with pytest.raises(CommitUnknown, match="read the committed point again"):
        write_on(writer, lose)
    with pytest.raises(Retry, match="take a new writer"), writer.transaction():
        pass
    write(log.writer(SLOT), TOPIC, [b"again"])
    assert values(everything(log, TOPIC)) == [b"again"]


@pytest.mark.soak
def test_a_transaction_open_for_too_long_is_tried_again(log: KafkaLog) -> None:
    """The node looks for such every ten seconds."""
    with pytest.raises(Retry, match=f"more than {OPEN_S:.0f} s"):
        write_on(log.writer(SLOT), lambda: None)
    write(log.writer(SLOT), TOPIC, [b"again"])
    assert values(everything(log, TOPIC)) == [b"again"]
