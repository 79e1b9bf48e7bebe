"""The settings of a single Kafka node of ours: one set, whether it is started here or in a container."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from nuncius.schemas.limits import ENVELOPE_BYTES, MAX_MESSAGE_BYTES

_BATCH_BYTES: Final = MAX_MESSAGE_BYTES + ENVELOPE_BYTES
_TEN_YEARS_MINUTES: Final = 10 * 366 * 24 * 60

BROKER_SETTINGS: Final[Mapping[str, str]] = {
    "node.id": "1",
    "process.roles": "broker,controller",
    "controller.listener.names": "CONTROLLER",
    # A topic that nobody made is a wrong name.
    "auto.create.topics.enable": "false",
    # One node: its own topics have one copy, and few partitions, which it opens when it starts.
    "offsets.topic.replication.factor": "1",
    "offsets.topic.num.partitions": "4",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "transaction.state.log.num.partitions": "4",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
    # Committed offsets are state of ours: Kafka's default forgets them when a service rests for a week.
    "offsets.retention.minutes": str(_TEN_YEARS_MINUTES),
    # The time of a record is when the log took it.
    "log.message.timestamp.type": "LogAppendTime",
    # All sizes follow from one constant.
    "message.max.bytes": str(_BATCH_BYTES),
    "replica.fetch.max.bytes": str(_BATCH_BYTES),
    # The one broker's word that it died is its silence: so long its next start waits (9 s as shipped).
    "broker.session.timeout.ms": "2000",
    "broker.heartbeat.interval.ms": "500",
    # The first member of a group need not wait for others.
    "group.initial.rebalance.delay.ms": "0",
}


def node_properties(folder: Path, port: int, controller_port: int) -> dict[str, str]:
    """Everything a node on this machine is started with; it listens on the loopback address only."""
    return {
        **BROKER_SETTINGS,
        "listeners": f"PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller_port}",
        "advertised.listeners": f"PLAINTEXT://127.0.0.1:{port}",
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "inter.broker.listener.name": "PLAINTEXT",
        "controller.quorum.voters": f"1@127.0.0.1:{controller_port}",
        "log.dirs": str(folder / "data"),
    }


def as_text(properties: Mapping[str, str]) -> str:
    """As a Java properties file."""
    return "".join(f"{name}={_escaped(value)}\n" for name, value in properties.items())


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace("\n", "\\n")
