"""What is wrong with the topics on a Kafka cluster, from plain values."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from nuncius.broker.services.doctor import Finding
from nuncius.broker.transport.kafka.cluster import BATCH_BYTES
from nuncius.broker.transport.kafka.errors import Refused
from nuncius.broker.transport.kafka.looking import TopicFacts
from nuncius.broker.transport.kafka.making import REPLICAS, topic_settings
from nuncius.broker.transport.topics import CANDIDATES, Topic

START: Final = "any service sets it when it starts: nuncius up"
RIGHTS: Final = "kafka-acls.sh --add --allow-principal User:NAME"

_DAY_MS: Final = 86_400_000


@dataclass(frozen=True, slots=True)
class LookBack:
    """How long candidates are wanted.

    Parameters
    ----------
    window_days
        Longest window, or control window, of the rules on candidates.
    lateness_days
        How late an event may come and still be matched.
    """

    window_days: float
    lateness_days: float


def examine_topics(
    topics: Sequence[Topic],
    found: Mapping[str, TopicFacts | Refused | None],
    brokers: int,
    look_back: LookBack,
    servers: str,
) -> Iterator[Finding]:
    """Every topic that is wanted, against what was found of it.

    Parameters
    ----------
    topics
        That are wanted.
    found
        By our name; None where there is none such.
    brokers
        How many the cluster has.
    look_back
        How long candidates are wanted.
    servers
        For commands.
    """
    missing = [topic.name for topic in topics if found[topic.name] is None]
    if len(missing) == len(topics):
        yield Finding("topics", "note", "none of ours is here yet: nuncius up or any service makes them")
    elif missing:
        yield Finding("topics", "wrong", f"missing: {', '.join(missing)}; nuncius up or any service makes them")
    for topic in topics:
        match found[topic.name]:
            case TopicFacts() as facts:
                problems = list(_topic(topic, facts, brokers, look_back, servers))
                yield from problems
                if not any(problem.verdict == "wrong" for problem in problems):
                    yield Finding(topic.name, "ok", _summary(topic, facts))
            case Refused():
                yield Finding(
                    topic.name,
                    "wrong",
                    f"no right to see it: {RIGHTS} --operation Describe --topic {topic.name} (with its namespace)",
                )
            case None:
                pass


def _topic(topic: Topic, facts: TopicFacts, brokers: int, look_back: LookBack, servers: str) -> Iterator[Finding]:
    if facts.partitions != topic.partitions:
        yield Finding(
            topic.name,
            "wrong",
            f"{facts.partitions} partitions, not {topic.partitions}, and keys lie by their number: use another"
            f" namespace (kafka://HOST:PORT/NAME), or delete {facts.name} where nothing in it is wanted",
        )
    yield from _copies(topic, facts, brokers, servers)
    if facts.settings is None:
        yield Finding(
            topic.name,
            "wrong",
            f"no right to see its settings: {RIGHTS} --operation DescribeConfigs --topic {facts.name}",
        )
        return
    yield from _settings(topic, facts.settings)
    if topic == CANDIDATES:
        yield from _retention(facts.settings, look_back)


def _copies(topic: Topic, facts: TopicFacts, brokers: int, servers: str) -> Iterator[Finding]:
    if facts.leaderless:
        yield Finding(
            topic.name, "wrong", f"{facts.leaderless} partitions have no leader: start the broker that is away"
        )
    if brokers >= REPLICAS > facts.replicas:
        yield Finding(
            topic.name,
            "wrong",
            f"{facts.replicas} of {REPLICAS} copies on {brokers} brokers: raise it with kafka-reassign-partitions.sh"
            f" --bootstrap-server {servers}",
        )
    least = _number(facts.settings, "min.insync.replicas", 1)
    if facts.in_sync < least:
        yield Finding(
            topic.name,
            "wrong",
            f"{facts.in_sync} copies in sync, {least} must be (min.insync.replicas): nothing can be written; start the"
            " broker that is away",
        )
    elif facts.in_sync < facts.replicas:
        yield Finding(
            topic.name, "note", f"{facts.in_sync} of {facts.replicas} copies in sync: a broker is away or behind"
        )
    wanted = int(topic_settings(topic, facts.replicas)["min.insync.replicas"])
    if facts.settings is not None and least != wanted:
        yield Finding(
            topic.name,
            "wrong" if least < wanted or least > facts.replicas else "note",
            f"min.insync.replicas={least}, {wanted} fits {facts.replicas} copies: kafka-configs.sh --bootstrap-server"
            f" {servers} --entity-type topics --entity-name {facts.name} --alter --add-config"
            f" min.insync.replicas={wanted}",
        )


WHY: Final = {
    "cleanup.policy": "records would go that are wanted, or stay that are not",
    "retention.ms": "",
    "retention.bytes": "it would be dropped by size, whatever its age",
    "message.timestamp.type": "replays of old nights would expire at once, and expiry follow the sender's clock",
    "max.message.bytes": f"records of up to {BATCH_BYTES} bytes, sky maps among them, would be refused",
}
"""Setting -> what follows where it is not as wanted."""


def _settings(topic: Topic, settings: Mapping[str, str]) -> Iterator[Finding]:
    wanted = topic_settings(topic, 1)
    for name, why in WHY.items():
        value = settings.get(name)
        if value is None or value == wanted[name]:
            continue
        if name == "retention.ms":
            longer = int(value) < 0 or int(value) > int(wanted[name]) >= 0
            kept = f"kept {_kept(value)}, not {_kept(wanted[name])}"
            yield Finding(topic.name, "note" if longer else "wrong", f"retention.ms={value}: {kept}; {START}")
        elif name == "max.message.bytes" and int(value) > int(wanted[name]):
            continue
        else:
            yield Finding(topic.name, "wrong", f"{name}={value}, not {wanted[name]}: {why}; {START}")


def _retention(settings: Mapping[str, str], look_back: LookBack) -> Iterator[Finding]:
    kept_ms = _number(settings, "retention.ms", -1)
    if kept_ms < 0:
        return
    days = kept_ms / _DAY_MS
    full = look_back.window_days + look_back.lateness_days
    if days < look_back.window_days:
        yield Finding(
            CANDIDATES.name,
            "wrong",
            f"kept {_kept(str(kept_ms))}, and rules look at {look_back.window_days:.3g} days back: a worker that starts"
            f" anew misses matches; {START}",
        )
    elif days < full:
        yield Finding(
            CANDIDATES.name,
            "note",
            f"kept {days:.3g} days, rules look at {look_back.window_days:.3g}: a worker that starts anew matches events"
            f" up to {days - look_back.window_days:.3g} days late with all, not {look_back.lateness_days:.3g}"
            f" (lateness_days)",
        )


def _summary(topic: Topic, facts: TopicFacts) -> str:
    parts = "1 partition" if facts.partitions == 1 else f"{facts.partitions} partitions"
    copies = "1 copy" if facts.replicas == 1 else f"{facts.replicas} copies"
    kept = (
        "kept for ever" if topic.retention is None else f"kept {_kept((facts.settings or {}).get('retention.ms', ''))}"
    )
    return f"{parts}, {copies}, {'last record of each key' if topic.compacted else kept}"


def _kept(milliseconds: str) -> str:
    if not milliseconds.lstrip("-").isdigit():
        return "so long as the broker is set to"
    if int(milliseconds) < 0:
        return "for ever"
    days = int(milliseconds) / _DAY_MS
    if days < 1:
        return f"{days * 24:.3g} hours"
    return "1 day" if days == 1 else f"{days:.3g} days"


def _number(settings: Mapping[str, str] | None, name: str, otherwise: int) -> int:
    value = (settings or {}).get(name, "")
    return int(value) if value.lstrip("-").isdigit() else otherwise
