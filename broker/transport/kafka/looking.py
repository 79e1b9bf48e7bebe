"""A cluster as it is, for whoever examines it: frozen values. Nothing is made or altered here."""

from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from dataclasses import dataclass, field
from typing import Any, Final

from confluent_kafka import KafkaError, KafkaException, TopicCollection
from confluent_kafka.admin import ConfigResource, ResourceType  # type: ignore[attr-defined]  # they are exported

from nuncius.broker.transport.kafka.client import Client
from nuncius.broker.transport.kafka.cluster import RPC_S
from nuncius.broker.transport.kafka.errors import Refused, explain
from nuncius.schemas.errors import NunciusError, Retry

_UNKNOWN: Final = KafkaError.UNKNOWN_TOPIC_OR_PART


@dataclass(frozen=True, slots=True)
class BrokerFacts:
    """One broker.

    Parameters
    ----------
    number, address
        Its id, and ``HOST:PORT`` as it gives it to clients.
    settings
        What it is set to; None where we have no right to know.
    """

    number: int
    address: str
    settings: Mapping[str, str] | None


@dataclass(frozen=True, slots=True)
class ClusterFacts:
    """Its brokers.

    Parameters
    ----------
    brokers
        By id.
    controller
        Id that is given as the controller's; None where none is.
    """

    brokers: tuple[BrokerFacts, ...]
    controller: int | None


@dataclass(frozen=True, slots=True)
class TopicFacts:
    """One topic.

    Parameters
    ----------
    name
        As Kafka calls it.
    partitions
        How many.
    replicas, in_sync
        Of the partition that has fewest.
    leaderless
        Partitions without a leader.
    settings
        What it is set to; None where we have no right to know.
    """

    name: str
    partitions: int
    replicas: int
    in_sync: int
    leaderless: int = 0
    settings: Mapping[str, str] | None = field(default_factory=dict)


def look_at_cluster(client: Client) -> ClusterFacts:
    """The brokers and their settings.

    Raises
    ------
    Retry
        If the cluster does not answer now.
    Refused
        If we may not know.
    """
    found = _answer(client, client.admin.describe_cluster(request_timeout=RPC_S), "brokers")
    nodes = sorted(found.nodes, key=lambda node: int(node.id))
    settings = _settings(client, ResourceType.BROKER, [str(node.id) for node in nodes])
    return ClusterFacts(
        tuple(BrokerFacts(int(n.id), f"{n.host}:{n.port}", settings[str(n.id)]) for n in nodes),
        None if found.controller is None or found.controller.id < 0 else int(found.controller.id),
    )


def look_at_topics(client: Client, names: Sequence[str]) -> dict[str, TopicFacts | Refused | None]:
    """Topics by the name that Kafka calls them; None for one that is not there.

    Raises
    ------
    Retry
        If the cluster does not answer now.
    """
    asked = client.admin.describe_topics(TopicCollection(list(names)), request_timeout=RPC_S)
    found: dict[str, Any] = {}
    for name in names:
        try:
            found[name] = asked[name].result(RPC_S + 5.0)
        except KafkaException as error:
            explained = explain(error, f"{client.where}: topic {name}")
            if error.args[0].code() == _UNKNOWN:
                found[name] = None
            elif isinstance(explained, Refused):
                found[name] = explained
            else:
                raise explained from error
        except FutureTimeout as error:
            raise _silent(client, "topics") from error
    settings = _settings(
        client, ResourceType.TOPIC, [name for name, one in found.items() if hasattr(one, "partitions")]
    )
    return {name: _topic(name, one, settings[name]) if name in settings else one for name, one in found.items()}


def topic_id(client: Client, topic: str) -> str:
    """The id of a topic of ours; that of the cluster where its brokers are too old to give topics ids (before 2.8).

    Raises
    ------
    Retry
        If the cluster does not answer now.
    SettingsError
        If there is no such topic, or we may not know.
    """
    name = client.cluster.outside(topic)
    asked = client.admin.describe_topics(TopicCollection([name]), request_timeout=RPC_S)
    found = str(_answer(client, asked[name], f"topic {name}").topic_id)
    if found.strip("A="):
        return found
    return str(_answer(client, client.admin.describe_cluster(request_timeout=RPC_S), "its id").cluster_id)


def _topic(name: str, found: Any, settings: Mapping[str, str] | None) -> TopicFacts:
    return TopicFacts(
        name,
        len(found.partitions),
        min(len(part.replicas) for part in found.partitions),
        min(len(part.isr) for part in found.partitions),
        sum(part.leader is None or part.leader.id < 0 for part in found.partitions),
        settings,
    )


def _settings(client: Client, kind: ResourceType, names: Sequence[str]) -> dict[str, Mapping[str, str] | None]:
    if not names:
        return {}
    wanted = {name: ConfigResource(kind, name) for name in names}
    # The brokers answer for themselves: a request holds one of them, and any number of topics.
    groups = [[one] for one in wanted.values()] if kind == ResourceType.BROKER else [list(wanted.values())]
    found: dict[str, Mapping[str, str] | None] = {}
    for group in groups:
        for resource, future in client.admin.describe_configs(group, request_timeout=RPC_S).items():
            try:
                entries = _answer(client, future, f"settings of {resource.name}")
            except Refused:
                found[resource.name] = None
            else:
                found[resource.name] = {name: entry.value or "" for name, entry in entries.items()}
    return found


def _answer(client: Client, future: "Future[Any]", what: str) -> Any:
    try:
        return future.result(RPC_S + 5.0)
    except KafkaException as error:
        raise explain(error, f"{client.where}: {what}") from error
    except FutureTimeout as error:
        raise _silent(client, what) from error


def _silent(client: Client, what: str) -> NunciusError:
    return Retry(f"{client.where}: {what}: no answer in {RPC_S:.0f} s")
