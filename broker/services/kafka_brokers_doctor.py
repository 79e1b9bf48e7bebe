"""What is wrong with the brokers of a Kafka cluster, with a trial transaction, and who works: from plain values."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from nuncius.broker.services.doctor import Finding, Verdict
from nuncius.broker.transport.kafka.cluster import BATCH_BYTES
from nuncius.broker.transport.kafka.looking import BrokerFacts, ClusterFacts, TopicFacts
from nuncius.broker.transport.kafka.making import REPLICAS
from nuncius.broker.transport.kafka.member import SESSION_MS
from nuncius.broker.transport.kafka.trial import Trial
from nuncius.broker.transport.kafka.writer import OPEN_S

CLOCK_S: Final = 1.0
"""How far our clock may be from the broker's: append times are what the engines call now."""

REST_DAYS: Final = 365
"""How long a service may rest and still go on where it was."""

IN_FILE: Final = "in server.properties of every broker, then start them again one after another"


@dataclass(frozen=True, slots=True)
class Need:
    """What a setting of the brokers must be.

    Parameters
    ----------
    least, most
        Bounds, inclusive; None for none.
    verdict
        Where it is beyond them.
    why
        What follows then.
    suggested
        A value that mends it.
    """

    verdict: Verdict
    why: str
    suggested: int
    least: int | None = None
    most: int | None = None


NEEDS: Final[Mapping[str, Need]] = {
    "offsets.retention.minutes": Need(
        "note",
        "a service that rests longer than this starts from the beginning of its topics",
        100 * 365 * 24 * 60,
        least=REST_DAYS * 24 * 60,
    ),
    "message.max.bytes": Need("note", "topics made by others take less than ours do", BATCH_BYTES, least=BATCH_BYTES),
    "socket.request.max.bytes": Need("wrong", "large sky maps are refused", 8 * BATCH_BYTES, least=BATCH_BYTES),
    "transaction.max.timeout.ms": Need("wrong", "no writer of ours is let in", 900_000, least=int(OPEN_S * 1000)),
    "group.min.session.timeout.ms": Need("wrong", "no service of ours is let in", 2000, most=SESSION_MS),
    "group.max.session.timeout.ms": Need("wrong", "no service of ours is let in", 1_800_000, least=SESSION_MS),
}
"""Settings of the brokers that a service depends on."""


@dataclass(frozen=True, slots=True)
class GroupFacts:
    """One service as the log sees it.

    Parameters
    ----------
    command
        How it is started.
    members
        How many work, or stand by.
    behind
        Offsets between what it committed and the end; ends of transactions count too. 0 where nothing is left to read.
    """

    command: str
    members: int
    behind: int


def examine_brokers(cluster: ClusterFacts) -> Iterator[Finding]:
    """How many, where, which Kafka, and their settings."""
    count = len(cluster.brokers)
    where = ", ".join(broker.address for broker in cluster.brokers)
    controller = "no controller is named" if cluster.controller is None else f"controller: {cluster.controller}"
    yield Finding("brokers", "ok", f"{count}: {where}; {controller}")
    known = [broker for broker in cluster.brokers if broker.settings is not None]
    if not known:
        yield Finding(
            "broker settings",
            "note",
            "not looked at, no right to: kafka-acls.sh --add --allow-principal User:NAME --operation DescribeConfigs"
            " --cluster",
        )
        return
    yield _version(known)
    problems = [found for name, need in NEEDS.items() if (found := _setting(name, need, known)) is not None]
    yield from problems
    if not problems:
        yield Finding("broker settings", "ok", "sizes, time-outs and the keeping of offsets are as services need them")


def _version(known: list[BrokerFacts]) -> Finding:
    names = set().union(*(broker.settings or {} for broker in known))
    if "zookeeper.connect" in names:
        return Finding(
            "kafka", "note", "older than 4.0, told by its setting zookeeper.connect; tried were 4.3.1 and nothing older"
        )
    if "process.roles" in names:
        return Finding("kafka", "ok", "4.0 or newer, told by its settings: process.roles, and no zookeeper.connect")
    return Finding("kafka", "note", "no version told: its settings are not those of Apache Kafka")


def _setting(name: str, need: Need, known: list[BrokerFacts]) -> Finding | None:
    for broker in known:
        text = (broker.settings or {}).get(name, "")
        if not text.lstrip("-").isdigit():
            continue
        value = int(text)
        low, high = need.least is not None and value < need.least, need.most is not None and value > need.most
        if low or high:
            bound = f"{need.least} at least" if low else f"{need.most} at most"
            mend = f"set {name}={need.suggested} {IN_FILE}"
            return Finding(
                name,
                need.verdict,
                f"{value} on broker {broker.number}, should be {bound}: {need.why}; {mend}",
            )
    return None


def examine_copies(brokers: int, topics: Mapping[str, TopicFacts | None]) -> Iterator[Finding]:
    """What the loss of a broker costs; ``topics`` are Kafka's own, of offsets and transactions."""
    if brokers < REPLICAS:
        held = (
            "one copy, no durability beyond its disk" if brokers == 1 else "a cluster of three outlives the loss of one"
        )
        yield Finding("copies", "note", f"{brokers} broker{'s' * (brokers > 1)}: {held}; see docker/README.md")
        return
    for name, facts in topics.items():
        if facts is not None and facts.replicas < REPLICAS:
            yield Finding(
                name,
                "wrong",
                f"{facts.replicas} of {REPLICAS} copies, and what services committed lies there: raise it with"
                " kafka-reassign-partitions.sh",
            )


def examine_trial(trial: Trial) -> Iterator[Finding]:
    """A transaction that was committed and read back, and the clock that it tells."""
    yield Finding("transactions", "ok", f"one record committed in {trial.commit_s * 1000:.0f} ms and read back")
    if trial.ahead_s is None:
        yield Finding(
            "clock",
            "wrong",
            "not told: records do not get the broker's time (message.timestamp.type is not LogAppendTime); any service"
            " sets it when it starts: nuncius up",
        )
        return
    off = abs(trial.ahead_s)
    side = "ahead of" if trial.ahead_s > 0 else "behind"
    text = f"the broker's is {off:.3f} s {side} ours, known within {trial.within_s:.3f} s"
    if off - trial.within_s > CLOCK_S:
        yield Finding("clock", "wrong", f"{text}: set both by NTP (chrony, systemd-timesyncd)")
    else:
        yield Finding("clock", "ok", text)


def examine_group(group: str, facts: GroupFacts, address: str) -> Finding:
    """Who works in a group, and what is left to do."""
    left = f"up to {facts.behind} records to read" if facts.behind else "nothing left to read"
    if not facts.members:
        return Finding(group, "note", f"nobody works, {left}: start it with nuncius {facts.command} --broker {address}")
    return Finding(group, "ok", f"{facts.members} member{'s' * (facts.members > 1)}, {left}")
