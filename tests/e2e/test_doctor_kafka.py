"""``nuncius doctor`` on a real Kafka: it names what is wrong, says how to mend it, and makes nothing."""

import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from commands import nuncius, service
from confluent_kafka.admin import (  # type: ignore[attr-defined]  # they are exported
    AclBinding,
    AclBindingFilter,
    AclOperation,
    AclPermissionType,
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    NewTopic,
    ResourcePatternType,
    ResourceType,
)
from kafka_here import kafka_node

from nuncius.broker.services.settling import ROAD
from nuncius.broker.transport import topics
from nuncius.broker.transport.address import KafkaAddress, parse_address
from nuncius.broker.transport.clock import utc_now
from nuncius.broker.transport.kafka.cluster import Cluster
from nuncius.broker.transport.kafka.log import KafkaLog

pytestmark = [pytest.mark.kafka, pytest.mark.long]

Row = dict[str, str]


def doctor(address: str, home: Path, code: int = 0) -> list[Row]:
    return nuncius("doctor", "--broker", address, "--json", home=home, code=code).rows()


def of(rows: list[Row], what: str) -> list[Row]:
    return [row for row in rows if row["what"] == what]


def wrong(rows: list[Row]) -> list[Row]:
    return [row for row in rows if row["verdict"] == "wrong"]


def cluster_of(address: str) -> Cluster:
    parsed = parse_address(address)
    assert isinstance(parsed, KafkaAddress)
    return Cluster(parsed.servers, parsed.namespace)


def admin_of(address: str) -> AdminClient:
    return AdminClient({"bootstrap.servers": cluster_of(address).servers, "log_level": 0})


def names(address: str) -> set[str]:
    return {name for name in admin_of(address).list_topics(timeout=30).topics if not name.startswith("__")}


@pytest.fixture
def made(kafka_address: str) -> str:
    """The address of a broker that has its topics."""
    log = KafkaLog(cluster_of(kafka_address), utc_now)
    log.create(topics.TOPICS)
    log.close()
    return kafka_address


@pytest.fixture
def alter(made: str) -> Callable[..., None]:
    """Sets one thing of a topic."""

    def change(topic: str, name: str, value: str) -> None:
        entry = ConfigEntry(name, value, incremental_operation=AlterConfigOpType.SET)
        outside = cluster_of(made).outside(topic)
        resource = ConfigResource(ResourceType.TOPIC, outside, incremental_configs=[entry])
        admin = admin_of(made)  # what is asked ends with it
        for future in admin.incremental_alter_configs([resource]).values():
            future.result(30)

    return change


def test_a_fresh_cluster_is_told_how_topics_come_and_stays_as_it_is(kafka_address: str, tmp_path: Path) -> None:
    before = names(kafka_address)
    rows = doctor(kafka_address, tmp_path)
    (told,) = of(rows, "topics")
    assert (told["verdict"], "nuncius up or any service makes them" in told["detail"]) == ("note", True)
    assert of(rows, "brokers")[0]["detail"].startswith(f"1: {cluster_of(kafka_address).servers}; controller: ")
    assert of(rows, "kafka")[0]["detail"].startswith("4.0 or newer, told by ")
    assert names(kafka_address) == before


def test_a_sound_cluster_has_nothing_wrong(made: str, tmp_path: Path) -> None:
    rows = doctor(made, tmp_path)
    assert wrong(rows) == []
    assert {topic.name for topic in topics.TOPICS} < {row["what"] for row in rows if row["verdict"] == "ok"}
    assert of(rows, "transactions")[0]["detail"].endswith("and read back")
    assert of(rows, "clock")[0]["verdict"] == "ok"
    assert "no durability" in of(rows, "copies")[0]["detail"]
    for stage in ROAD:
        (told,) = of(rows, stage.group)
        assert told["verdict"] == "note"
        assert f"nuncius {stage.command} --broker {made}" in told["detail"]


def test_who_works_is_counted(made: str, tmp_path: Path) -> None:
    with service("match", "--broker", made, home=tmp_path) as running:
        running.wait_for("working on")
        deadline = time.monotonic() + 30
        while (told := of(doctor(made, tmp_path), "nuncius-match")[0])["verdict"] != "ok":
            assert time.monotonic() < deadline, told
    assert told["detail"] == "1 member, nothing left to read"


@pytest.mark.parametrize(
    ("topic", "name", "value", "said"),
    [
        (topics.CANDIDATES, "retention.ms", "3600000", ["retention.ms=3600000", "rules look at 28"]),
        (topics.MAPS, "max.message.bytes", "1048576", ["max.message.bytes=1048576"]),
        (topics.EVENTS, "message.timestamp.type", "CreateTime", ["message.timestamp.type=CreateTime"]),
        (topics.COINCIDENCES, "retention.bytes", "1000000", ["retention.bytes=1000000"]),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_was_broken_is_named_with_its_mending_and_a_start_mends_it(
    made: str, alter: Callable[..., None], tmp_path: Path, topic: topics.Topic, name: str, value: str, said: list[str]
) -> None:
    alter(topic.name, name, value)
    found = wrong(doctor(made, tmp_path, code=1))
    assert {row["what"] for row in found} == {topic.name}
    for words, row in zip(said, found, strict=True):
        assert words in row["detail"]
        assert "any service sets it when it starts: nuncius up" in row["detail"]
    log = KafkaLog(cluster_of(made), utc_now)
    log.create(topics.TOPICS)
    log.close()
    assert wrong(doctor(made, tmp_path)) == []


def test_senders_time_tells_no_clock(made: str, alter: Callable[..., None], tmp_path: Path) -> None:
    alter(topics.HEARTBEATS.name, "message.timestamp.type", "CreateTime")
    found = wrong(doctor(made, tmp_path, code=1))
    assert {row["what"] for row in found} == {topics.HEARTBEATS.name, "clock"}


def test_another_number_of_partitions_is_named(kafka_address: str, tmp_path: Path) -> None:
    name = cluster_of(kafka_address).outside(topics.CANDIDATES.name)
    admin = admin_of(kafka_address)
    admin.create_topics([NewTopic(name, num_partitions=3, replication_factor=1)])[name].result(30)
    rows = doctor(kafka_address, tmp_path, code=1)
    assert "3 partitions, not 64" in of(wrong(rows), topics.CANDIDATES.name)[0]["detail"]
    assert of(rows, "topics")[0]["detail"].startswith(f"missing: {topics.INBOX.name}, ")


@pytest.mark.soak
def test_a_dead_address_is_one_wrong_line(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        began = time.monotonic()
        (found,) = wrong(doctor(f"kafka://127.0.0.1:{taken.getsockname()[1]}", tmp_path, code=1))
    assert time.monotonic() - began < 30
    assert found["detail"].endswith("; start it, or mend the address")


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A Kafka that asks what one may do, and that would make any topic that is asked for."""
    extra = {
        "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        "allow.everyone.if.no.acl.found": "true",
        "auto.create.topics.enable": "true",
    }
    with kafka_node(tmp_path_factory.mktemp("guarded"), extra) as node:
        yield f"kafka://{node.servers}"


REFUSALS = [
    (ResourceType.BROKER, "kafka-cluster", AclOperation.DESCRIBE_CONFIGS, "broker settings", "--cluster"),
    (ResourceType.TOPIC, "nuncius.maps", AclOperation.DESCRIBE, "nuncius.maps", "--operation Describe --topic"),
    (ResourceType.TOPIC, "nuncius.maps", AclOperation.DESCRIBE_CONFIGS, "nuncius.maps", "DescribeConfigs --topic"),
    (ResourceType.TOPIC, "nuncius.heartbeats", AclOperation.WRITE, "transactions", "--topic nuncius.heartbeats"),
    (ResourceType.TOPIC, "nuncius.heartbeats", AclOperation.READ, "transactions", "--topic nuncius.heartbeats"),
    (
        ResourceType.TRANSACTIONAL_ID,
        "nuncius-doctor",
        AclOperation.WRITE,
        "transactions",
        "--transactional-id nuncius-doctor",
    ),
    (ResourceType.GROUP, "nuncius-match", AclOperation.DESCRIBE, "nuncius-match", "--group nuncius-match"),
]


def test_a_doctor_makes_no_topic_where_asking_would(guarded: str, tmp_path: Path) -> None:
    assert of(doctor(guarded, tmp_path), "topics")[0]["verdict"] == "note"
    assert names(guarded) == set()


@pytest.mark.parametrize(("kind", "name", "operation", "what", "mend"), REFUSALS, ids=lambda v: getattr(v, "name", v))
def test_a_missing_right_is_named(
    guarded: str, tmp_path: Path, kind: ResourceType, name: str, operation: AclOperation, what: str, mend: str
) -> None:
    log = KafkaLog(cluster_of(guarded), utc_now)
    log.create(topics.TOPICS)
    log.close()
    admin = admin_of(guarded)

    where = (kind, name, ResourcePatternType.LITERAL, "User:ANONYMOUS", "*")
    rules = [
        AclBinding(*where, AclOperation.ALL, AclPermissionType.ALLOW),
        AclBinding(*where, operation, AclPermissionType.DENY),
    ]
    for future in admin.create_acls(rules).values():
        future.result(30)
    try:
        rows = doctor(guarded, tmp_path, code=0 if kind == ResourceType.BROKER else 1)
    finally:
        anybody: Any = None
        pattern, every = ResourcePatternType.LITERAL, (AclOperation.ANY, AclPermissionType.ANY)
        anything = AclBindingFilter(kind, name, pattern, anybody, anybody, *every)
        for future in admin.delete_acls([anything]).values():
            future.result(30)
    told = [row for row in of(rows, what) if row["verdict"] in ("wrong", "note")]
    assert any(mend in row["detail"] and "kafka-acls.sh" in row["detail"] for row in told), told or rows[-1:]
