"""Making the topics on a cluster."""

import time
from collections.abc import Mapping, Sequence
from typing import Final

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import (  # type: ignore[attr-defined]  # they are exported
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    NewTopic,
    ResourceType,
)

from nuncius.broker.transport.kafka.client import Client
from nuncius.broker.transport.kafka.cluster import BATCH_BYTES, RPC_S
from nuncius.broker.transport.kafka.errors import explain
from nuncius.broker.transport.topics import Topic
from nuncius.schemas.errors import Retry, SettingsError

REPLICAS: Final = 3
"""Copies of a record, of which two must have it before it is acknowledged: durability on Kafka is replicas."""


def topic_settings(topic: Topic, replicas: int) -> dict[str, str]:
    """What a topic is set to, in Kafka's words."""
    keep_ms = -1 if topic.retention is None else int(topic.retention.total_seconds() * 1000)
    return {
        "cleanup.policy": "compact" if topic.compacted else "delete",
        "retention.ms": str(keep_ms),
        "retention.bytes": "-1",
        "message.timestamp.type": "LogAppendTime",
        "max.message.bytes": str(BATCH_BYTES),
        "min.insync.replicas": str(max(1, min(2, replicas - 1))),
    }


def make_topics(client: Client, topics: Sequence[Topic]) -> None:
    """Make the topics that do not exist yet; set those that do.

    Raises
    ------
    SettingsError
        One exists with another number of partitions, or none such can be.
    """
    there = client.topics()
    for topic in topics:
        if there.get(topic.name, topic.partitions) != topic.partitions:
            raise SettingsError(
                f"{client.where}: topic {client.cluster.outside(topic.name)} has {there[topic.name]} partitions, not"
                f" {topic.partitions}, and they cannot change; use the settings it was made with, or another namespace"
            )
    replicas = client.cluster.connection.replication or min(REPLICAS, brokers(client))
    absent = [topic for topic in topics if topic.name not in there]
    if absent:
        _create(client, absent, replicas)
    _set(client, {topic.name: topic_settings(topic, replicas) for topic in topics if topic.name in there})


def brokers(client: Client) -> int:
    """How many brokers the cluster has now."""
    try:
        return len(client.admin.list_topics(timeout=RPC_S).brokers)
    except KafkaException as error:
        raise explain(error, f"{client.where}: brokers") from error


def settings_of(client: Client, names: Sequence[str]) -> dict[str, dict[str, str]]:
    """What topics are set to now, by our name."""
    outside, inside = client.cluster.outside, client.cluster.inside
    wanted = [ConfigResource(ResourceType.TOPIC, outside(name)) for name in names]
    found: dict[str, dict[str, str]] = {}
    try:
        for resource, future in client.admin.describe_configs(wanted, request_timeout=RPC_S).items():
            found[inside(resource.name)] = {name: entry.value for name, entry in future.result(RPC_S + 5.0).items()}
    except KafkaException as error:
        raise explain(error, f"{client.where}: settings of topics") from error
    return found


def _create(client: Client, topics: Sequence[Topic], replicas: int) -> None:
    made = [
        NewTopic(
            client.cluster.outside(topic.name),
            num_partitions=topic.partitions,
            replication_factor=replicas,
            config=topic_settings(topic, replicas),
        )
        for topic in topics
    ]
    for name, future in client.admin.create_topics(made, request_timeout=RPC_S, operation_timeout=RPC_S).items():
        try:
            future.result(RPC_S + 5.0)
        except KafkaException as error:
            code = error.args[0].code()
            if code in (
                KafkaError.INVALID_PARTITIONS,
                KafkaError.TOPIC_EXCEPTION,
                KafkaError.INVALID_REPLICATION_FACTOR,
            ):
                raise SettingsError(
                    f"{client.where}: topic {name!r}: no such topic can be: {error.args[0].str()}"
                ) from error
            if code != KafkaError.TOPIC_ALREADY_EXISTS:
                raise explain(error, f"{client.where}: making topic {name}") from error
    _wait_for(client, topics)


def _wait_for(client: Client, topics: Sequence[Topic]) -> None:
    """Return when the cluster tells of all of them: a topic is made before every broker knows it."""
    deadline = time.monotonic() + RPC_S
    while time.monotonic() < deadline:
        there = client.topics()
        if all(there.get(topic.name) == topic.partitions for topic in topics):
            return
        time.sleep(0.02)
    raise Retry(f"{client.where}: topics were made, and the cluster does not show them yet; try again")


def _set(client: Client, wanted: Mapping[str, Mapping[str, str]]) -> None:
    now = settings_of(client, list(wanted)) if wanted else {}
    changes = []
    for name, settings in wanted.items():
        differing = {key: value for key, value in settings.items() if now[name].get(key) != value}
        differing.pop("min.insync.replicas", None)  # follows from the replicas it was made with
        if differing:
            entries = [
                ConfigEntry(key, value, incremental_operation=AlterConfigOpType.SET) for key, value in differing.items()
            ]
            changes.append(
                ConfigResource(ResourceType.TOPIC, client.cluster.outside(name), incremental_configs=entries)
            )
    try:
        for future in (
            client.admin.incremental_alter_configs(changes, request_timeout=RPC_S).values() if changes else ()
        ):
            future.result(RPC_S + 5.0)
    except KafkaException as error:
        raise explain(error, f"{client.where}: settings of topics") from error
