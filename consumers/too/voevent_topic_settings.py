"""Where a facility reads requests from Kafka, and where it answers."""

import re
from pathlib import Path
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from nuncius.broker.transport.kafka.cluster import Security

_NOT_IN_A_TOPIC: Final = re.compile(r"[^\w.-]", re.ASCII)
_FACILITY: Final = "{facility}"


class VoEventTopicSettings(BaseModel):
    """A cluster, and two topics on it for each facility."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["voevent_kafka"] = "voevent_kafka"
    name: str = Field(default="voevent-kafka", description="of the adapter, in statuses")
    servers: str = Field(min_length=1, description="HOST:PORT of the cluster's brokers, joined by commas")
    requests_topic: str = Field(default="too.requests.{facility}", description="where requests are written")
    status_topic: str = Field(default="too.status.{facility}", description="where the facility answers")
    authority: str = Field(default="nuncius", description="of the identifiers, ivo://AUTHORITY/too#…")
    wait_s: float = Field(
        default=2.0, ge=0, le=30, description="for an answer, in one go; it is looked for again later"
    )
    public: bool = Field(
        default=False,
        description="whether others may read the topic: then nothing that is for the team only goes there",
    )
    security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = Field(
        default="PLAINTEXT", description="as Kafka calls it"
    )
    sasl_mechanism: Literal["SCRAM-SHA-512", "SCRAM-SHA-256", "PLAIN"] | None = Field(
        default=None, description="where the protocol has SASL; the password is the credential"
    )
    username: str = Field(default="", description="for SASL")
    ca_file: Path | None = Field(default=None, description="certificate authority of the brokers; else the system's")

    @field_validator("requests_topic", "status_topic")
    @classmethod
    def _is_a_topic(cls, name: str) -> str:
        if _NOT_IN_A_TOPIC.search(name.replace(_FACILITY, "")) or not 1 <= len(name) <= 200:
            raise ValueError("a topic has letters, digits, '.', '_' and '-', and {facility} where that stands")
        return name

    @model_validator(mode="after")
    def _fits_together(self) -> "VoEventTopicSettings":
        if self.requests_topic == self.status_topic:
            raise ValueError("requests_topic and status_topic are one: answers need a topic of their own")
        if self.security_protocol.startswith("SASL_") != (self.sasl_mechanism is not None):
            raise ValueError("sasl_mechanism belongs to a security_protocol with SASL, and the other way round")
        return self

    @property
    def needs_password(self) -> bool:
        """Whether there must be a credential."""
        return self.sasl_mechanism is not None

    def topics(self, facility: str) -> tuple[str, str]:
        """The facility's topics, for requests and for answers; what a topic's name cannot hold is ``_``."""
        fits = _NOT_IN_A_TOPIC.sub("_", facility)
        return self.requests_topic.replace(_FACILITY, fits), self.status_topic.replace(_FACILITY, fits)

    def security(self, password: str) -> Security:
        """How to connect."""
        return Security(self.security_protocol, self.sasl_mechanism, self.username, password, self.ca_file)
