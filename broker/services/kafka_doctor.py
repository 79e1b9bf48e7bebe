"""What is wrong with a Kafka cluster, and how to mend it. A doctor looks: no topic is made or altered."""

import time
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Final

import confluent_kafka

from nuncius.broker.services import inbox
from nuncius.broker.services.doctor import Finding
from nuncius.broker.services.kafka_brokers_doctor import (
    GroupFacts,
    examine_brokers,
    examine_copies,
    examine_group,
    examine_trial,
)
from nuncius.broker.services.kafka_held_doctor import examine_held
from nuncius.broker.services.kafka_topics_doctor import RIGHTS, LookBack, examine_topics
from nuncius.broker.services.settling import EVENTS, ROAD, Stage, places_of
from nuncius.broker.transport import topics
from nuncius.broker.transport.kafka.errors import Refused
from nuncius.broker.transport.kafka.log import KafkaLog
from nuncius.broker.transport.kafka.looking import ClusterFacts, TopicFacts, look_at_cluster, look_at_topics
from nuncius.broker.transport.kafka.trial import try_transaction
from nuncius.broker.transport.port import Fenced, Log, TopicPartition
from nuncius.broker.transport.reading import read_up
from nuncius.schemas import NunciusError, Retry

SLOT: Final = "nuncius-doctor"
"""Of the writer of the trial."""

STAGES: Final = (Stage("ingest", inbox.GROUP, (topics.INBOX.name,)), *ROAD)
"""Every service that reads as a member of a group."""

PATIENCE_S: Final = 10.0
"""How long a coordinator may take to come up."""

OWN_TOPICS: Final = ("__consumer_offsets", "__transaction_state")
"""Kafka's own, where it keeps what services committed."""

Found = dict[str, TopicFacts | Refused | None]


def examine_cluster(
    open_log: Callable[[], Log], look_back: LookBack, clock: Callable[[], datetime], address: str
) -> Iterator[Finding]:
    """Every check of a cluster, in order.

    Parameters
    ----------
    open_log
        Opens the log as it is; topics are not made.
    look_back
        How long candidates are wanted.
    clock
        Aware UTC.
    address
        The broker's, for commands.
    """
    yield Finding("confluent-kafka", "ok", f"{confluent_kafka.version()}, librdkafka {confluent_kafka.libversion()[0]}")
    try:
        log = open_log()
    except NunciusError as error:
        mend = "; start it, or mend the address" if isinstance(error, Retry) else ""
        yield Finding("cluster", "wrong", f"{error}{mend}")
        return
    try:
        if isinstance(log, KafkaLog):
            yield from _examine(log, look_back, clock, address)
    except NunciusError as error:
        yield Finding("cluster", "wrong", str(error))
    finally:
        log.close()


def _examine(log: KafkaLog, look_back: LookBack, clock: Callable[[], datetime], address: str) -> Iterator[Finding]:
    client = log.client
    cluster: ClusterFacts | None = None
    try:
        cluster = look_at_cluster(client)
    except Refused:
        yield Finding("brokers", "wrong", f"no right to see them: {RIGHTS} --operation Describe --cluster")
    brokers = 0 if cluster is None else len(cluster.brokers)
    if cluster is not None:
        yield from examine_brokers(cluster)
        own = look_at_topics(client, OWN_TOPICS)
        kept = {name: one if isinstance(one, TopicFacts) else None for name, one in own.items()}
        yield from examine_copies(brokers, kept)
    outside = client.cluster.outside
    seen = look_at_topics(client, [outside(topic.name) for topic in topics.TOPICS])
    found: Found = {client.cluster.inside(name): one for name, one in seen.items()}
    yield from examine_topics(topics.TOPICS, found, brokers, look_back, client.cluster.servers)
    there = [topic for topic in topics.TOPICS if isinstance(found[topic.name], TopicFacts)]
    yield from examine_held(log, [TopicPartition(one.name, n) for one in there for n in range(one.partitions)])
    yield from _try(log, found, clock)
    for stage in STAGES:
        if all(isinstance(found[name], TopicFacts) for name in (*stage.topics, EVENTS.topic)):
            yield _group(log, stage, address)


def _try(log: KafkaLog, found: Found, clock: Callable[[], datetime]) -> Iterator[Finding]:
    what, topic = "transactions", topics.HEARTBEATS
    outside = log.client.cluster.outside
    if not isinstance(found[topic.name], TopicFacts):
        yield Finding(what, "note", f"not tried: {topic.name} is not there; nuncius up or any service makes it")
        return
    try:
        yield from examine_trial(try_transaction(log, topic, SLOT, clock))
    except Fenced:
        yield Finding(what, "note", "not tried: another doctor is at it; run this one again")
    except Refused as error:
        yield Finding(
            what,
            "wrong",
            f"refused ({_words(error)}): {RIGHTS} --operation Write --operation Describe --transactional-id"
            f" {outside(SLOT)}, and --operation Write --operation Read --topic {outside(topic.name)}",
        )
    except Retry as error:
        yield Finding(
            what,
            "wrong",
            f"{error}; where there are fewer than 3 brokers, theirs must say transaction.state.log.replication.factor=1"
            " and transaction.state.log.min.isr=1",
        )


def _group(log: KafkaLog, stage: Stage, address: str) -> Finding:
    """A cluster that is new makes its topic of offsets when it is first asked, and cannot tell until it has."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        try:
            facts = GroupFacts(stage.command, log.members(stage.group), _behind(log, stage))
        except Refused as error:
            mend = f"{RIGHTS} --operation Describe --group {log.client.cluster.outside(stage.group)}"
            return Finding(stage.group, "wrong", f"refused ({_words(error)}): {mend}")
        except Retry as error:
            if time.monotonic() > deadline:
                return Finding(stage.group, "wrong", f"not told: {error}; look at that broker's log")
            time.sleep(0.2)
        else:
            return examine_group(stage.group, facts, address)


def _behind(log: Log, stage: Stage) -> int:
    places = places_of(log, stage)
    reader = log.reader(places)
    try:
        goals = reader.goals()
        if next(read_up(reader, 1), None) is None:
            return 0
        return max(1, sum(max(0, goals[tp] - place) for tp, place in places.items()))
    finally:
        reader.close()


def _words(error: Refused) -> str:
    return str(error).partition(": refused: ")[2].partition(";")[0]
