"""How a single node of ours is set up: what holds in every deployment, and what belongs to this machine."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from nuncius.broker.transport.kafka_node.ports import HOST, Ports
from nuncius.schemas.limits import ENVELOPE_BYTES, MAX_MESSAGE_BYTES

_LARGEST_BATCH_BYTES: Final = MAX_MESSAGE_BYTES + ENVELOPE_BYTES
_FEW_PARTITIONS: Final = "4"
_HUNDRED_YEARS_MINUTES: Final = 100 * 365 * 24 * 60

BROKER_SETTINGS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "node.id": "1",
        "process.roles": "broker,controller",
        "controller.listener.names": "CONTROLLER",
        # A topic is made with its partitions and retention or not at all: a wrong name must not make one.
        "auto.create.topics.enable": "false",
        # One node holds the only copy; Kafka's defaults wait for three brokers.
        "offsets.topic.replication.factor": "1",
        "transaction.state.log.replication.factor": "1",
        "transaction.state.log.min.isr": "1",
        "share.coordinator.state.topic.replication.factor": "1",
        "share.coordinator.state.topic.min.isr": "1",
        # Kafka's 50 are for many brokers; each costs files and time at the first start.
        "offsets.topic.num.partitions": _FEW_PARTITIONS,
        "transaction.state.log.num.partitions": _FEW_PARTITIONS,
        "share.coordinator.state.topic.num.partitions": _FEW_PARTITIONS,
        # The first worker of a group starts at once; Kafka waits 3 s for others.
        "group.initial.rebalance.delay.ms": "0",
        # So soon a killed worker's partitions may go to another one; Kafka's least is 6 s.
        "group.min.session.timeout.ms": "2000",
        # A killed broker is let in again when its last session is over: it was ready after 13 s with Kafka's 9 s.
        "broker.session.timeout.ms": "2000",
        "broker.heartbeat.interval.ms": "500",
        # Committed offsets are our state: Kafka forgets those of a group that was idle for 7 days.
        "offsets.retention.minutes": str(_HUNDRED_YEARS_MINUTES),
        # Kafka's default, named because a producer that asks for more is refused.
        "transaction.max.timeout.ms": "900000",
        # One constant sets every size. A request may hold batches of several partitions.
        "message.max.bytes": str(_LARGEST_BATCH_BYTES),
        "replica.fetch.max.bytes": str(_LARGEST_BATCH_BYTES),
        "socket.request.max.bytes": str(8 * _LARGEST_BATCH_BYTES),
        # The time of a record is that at which it was appended: the engines' now.
        "log.message.timestamp.type": "LogAppendTime",
    }
)
"""Settings that are the same wherever a single node of ours runs."""

DATA: Final = "data"
"""Folder of the records, in that of the node: Kafka runs in it, so that its path may hold commas and spaces."""

LOG4J: Final = """\
status = error
appender.file.type = RollingFile
appender.file.name = file
appender.file.fileName = kafka.log
appender.file.filePattern = kafka.log.%i
appender.file.layout.type = PatternLayout
appender.file.layout.pattern = %d{ISO8601} %p %m (%c)%n
appender.file.policies.type = Policies
appender.file.policies.size.type = SizeBasedTriggeringPolicy
appender.file.policies.size.size = 1MB
appender.file.strategy.type = DefaultRolloverStrategy
appender.file.strategy.max = 1
rootLogger.level = warn
rootLogger.appenderRef.file.ref = file
"""
"""Warnings and errors go to ``kafka.log``; it and the one before hold 1 MB each."""


def node_properties(ports: Ports, extra: Mapping[str, str]) -> dict[str, str]:
    """All settings of a node on this machine.

    Clients come to the listener ``CLIENT``. ``INTERNAL`` stays without encryption and passwords, whatever ``extra``
    makes of the other one: on it the node talks with itself, and is asked whether it is ready.

    Parameters
    ----------
    ports
        Of the three listeners, all on the loopback address.
    extra
        Comes last.
    """
    listeners = f"CLIENT://{HOST}:{ports.client},INTERNAL://{HOST}:{ports.internal}"
    return {
        **BROKER_SETTINGS,
        "controller.quorum.voters": f"1@{HOST}:{ports.controller}",
        "inter.broker.listener.name": "INTERNAL",
        "listeners": f"{listeners},CONTROLLER://{HOST}:{ports.controller}",
        "advertised.listeners": listeners,
        "listener.security.protocol.map": "CLIENT:PLAINTEXT,INTERNAL:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "log.dirs": DATA,
        # 128 MB by default, all of it taken at once: a quarter of the heap.
        "log.cleaner.dedupe.buffer.size": str(32 * 2**20),
        **extra,
    }


def as_text(settings: Mapping[str, str]) -> str:
    """A Java properties file, in ASCII."""
    return "".join(f"{name}={_escaped(value)}\n" for name, value in settings.items())


def _escaped(value: str) -> str:
    units = value.encode("utf-16-be")
    codes = [int.from_bytes(units[at : at + 2], "big") for at in range(0, len(units), 2)]
    return "".join(chr(code) if 0x20 < code < 0x7F and code != 0x5C else f"\\u{code:04x}" for code in codes)
