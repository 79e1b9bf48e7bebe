"""Which Kafka cluster, and how to connect to it: frozen values, and the client settings that follow from them."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal

from nuncius.broker.transport.kafka.tokens import OAuthClient, token_of
from nuncius.schemas.limits import ENVELOPE_BYTES, MAX_MESSAGE_BYTES

Protocol = Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"]
Mechanism = Literal["SCRAM-SHA-512", "SCRAM-SHA-256", "PLAIN", "OAUTHBEARER"]

BATCH_BYTES: Final = MAX_MESSAGE_BYTES + ENVELOPE_BYTES
"""Largest batch on the wire: one record of the largest size with what Kafka puts around it. Topics take this much."""

RPC_S: Final = 15.0
"""How long a request to the cluster may take before it is called away."""


@dataclass(frozen=True, slots=True)
class Registry:
    """A schema registry that speaks Confluent's API.

    Parameters
    ----------
    url
        Where it answers.
    auth
        ``user:password``; empty where nobody is asked.
    """

    url: str
    auth: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Security:
    """How to connect; the defaults are those of a broker on this machine: no encryption, nobody asked who they are.

    Parameters
    ----------
    protocol
        ``security.protocol`` in Kafka's words.
    mechanism
        ``sasl.mechanism``, where the protocol has SASL.
    username, password
        For SCRAM and PLAIN.
    ca_file
        Certificate authority of the brokers; None for those of the system.
    certificate_file, key_file, key_password
        Of this client, where the brokers want one.
    oauth
        Where tokens come from, for OAUTHBEARER.
    """

    protocol: Protocol = "PLAINTEXT"
    mechanism: Mechanism | None = None
    username: str = ""
    password: str = field(default="", repr=False)
    ca_file: Path | None = None
    certificate_file: Path | None = None
    key_file: Path | None = None
    key_password: str = field(default="", repr=False)
    oauth: OAuthClient | None = None

    def config(self) -> dict[str, Any]:
        """The client settings."""
        given: dict[str, Any] = {
            "security.protocol": self.protocol,
            "sasl.mechanism": self.mechanism,
            "sasl.username": self.username if self.oauth is None else "",
            "sasl.password": self.password if self.oauth is None else "",
            "ssl.ca.location": self.ca_file and str(self.ca_file),
            "ssl.certificate.location": self.certificate_file and str(self.certificate_file),
            "ssl.key.location": self.key_file and str(self.key_file),
            "ssl.key.password": self.key_password,
        }
        found = {name: value for name, value in given.items() if value}
        if self.oauth is not None:
            found["oauth_cb"] = token_of(self.oauth)
        return found


@dataclass(frozen=True, slots=True)
class Connection:
    """What the settings say of a cluster, whichever it is.

    Parameters
    ----------
    security
        How to connect.
    replication
        Copies of every topic that is made; None for 3, or as many as there are brokers where they are fewer.
    registry
        Schema registry; None where values travel in Avro's single-object encoding.
    """

    security: Security = field(default_factory=Security)
    replication: int | None = None
    registry: Registry | None = None


@dataclass(frozen=True, slots=True)
class Cluster:
    """A Kafka cluster, and our part of it.

    Parameters
    ----------
    servers
        ``HOST:PORT`` of one or more brokers, joined by commas.
    namespace
        Stands with a dot before the names of topics, groups and transactional ids, so that several Nuncius brokers
        share a cluster; empty for none.
    connection
        How to connect.
    """

    servers: str
    namespace: str = ""
    connection: Connection = field(default_factory=Connection)

    def outside(self, name: str) -> str:
        """What Kafka calls a topic, group or slot of ours."""
        return f"{self.namespace}.{name}" if self.namespace else name

    def inside(self, name: str) -> str:
        """What we call what Kafka calls so; `outside` the other way round."""
        return name.removeprefix(f"{self.namespace}.") if self.namespace else name

    def common(self, on_error: Callable[[Any], None]) -> dict[str, Any]:
        """Settings that every client has."""
        return {
            "bootstrap.servers": self.servers,
            "client.id": "nuncius",
            "error_cb": on_error,
            "message.max.bytes": BATCH_BYTES,
            "log.connection.close": False,
            **self.connection.security.config(),
        }
