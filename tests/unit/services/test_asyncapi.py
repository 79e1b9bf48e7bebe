"""The AsyncAPI document: it holds together, and what lies on a log is what it says."""

from collections.abc import Iterator
from contextlib import closing
from importlib.resources import files
from io import BytesIO
from pathlib import Path
from typing import Any

import fastavro
import jsonschema_rs
import orjson
import pytest
from road import history, memory, night, put, work_through
from streams_here import made, stream, work_streams
from transport_logs import everything

from nuncius.broker.services.asyncapi import asyncapi_document
from nuncius.broker.services.channels import CHANNELS
from nuncius.broker.transport import topics
from nuncius.broker.transport.kafka.cluster import Cluster, Connection, Registry, Security
from nuncius.broker.transport.kafka.making import topic_settings
from nuncius.broker.transport.kafka.tokens import OAuthClient
from nuncius.broker.transport.port import Record
from nuncius.schemas import (
    Alert,
    CandidateList,
    CandidateRow,
    Coincidence,
    Counterpart,
    Coverage,
    StreamDefinition,
    ToORequest,
    ToOStatus,
)
from nuncius.schemas.avsc import RECORDS, file_name
from nuncius.schemas.codec import decode, encode_json, kind_of

KEYS = {
    Alert: "thread_id",
    CandidateRow: "thread_id",
    Counterpart: "event_thread",
    Coverage: "event_thread",
    Coincidence: "coincidence_id",
    CandidateList: "list_id",
    ToORequest: "request_id",
    ToOStatus: "request_id",
    StreamDefinition: "name",
}
CLUSTER = Cluster(
    "one:9092,two:9092",
    "night",
    Connection(
        Security("SASL_SSL", "SCRAM-SHA-512", "me", "secret"), None, Registry("http://registry:8081", "me:secret")
    ),
)
TOKENS = OAuthClient("https://tokens.example/token", "me", "secret")
SECURITIES: tuple[tuple[Security, str, list[str]], ...] = (
    (Security(), "kafka", []),
    (Security("SSL"), "kafka-secure", []),
    (Security("SSL", certificate_file=Path("me.pem")), "kafka-secure", ["X509"]),
    (Security("SASL_PLAINTEXT", "SCRAM-SHA-256"), "kafka", ["scramSha256"]),
    (Security("SASL_SSL", "SCRAM-SHA-512"), "kafka-secure", ["scramSha512"]),
    (Security("SASL_SSL", "PLAIN"), "kafka-secure", ["plain"]),
    (Security("SASL_SSL", "OAUTHBEARER", oauth=TOKENS), "kafka-secure", ["oauth2"]),
)
DOCUMENTS = (
    asyncapi_document(),
    asyncapi_document(None, "http://127.0.0.1:8088"),
    asyncapi_document(CLUSTER, "https://example.org/nuncius/"),
)


def references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        for value in node.values():
            yield from references(value)
    elif isinstance(node, list):
        for value in node:
            yield from references(value)


def found(document: Any, reference: str) -> Any:
    assert reference.startswith("#/")
    for step in reference[2:].split("/"):
        document = document[step]
    return document


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    assert len([found(document, reference) for reference in references(document)]) > 80


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_channel_has_one_operation_with_its_own_messages(document: dict[str, Any]) -> None:
    """AsyncAPI 3.0, Operation Object: a subset of the channel's messages, by reference to the channel."""
    assert document["operations"].keys() == document["channels"].keys()
    for name, operation in document["operations"].items():
        assert found(document, operation["channel"]["$ref"]) is document["channels"][name]
        told = {reference["$ref"] for reference in operation["messages"]}
        assert told == {f"#/channels/{name}/messages/{message}" for message in document["channels"][name]["messages"]}
        assert operation["action"] == ("receive" if name == "nuncius.inbox" else "send")


@pytest.mark.parametrize("document", DOCUMENTS)
def test_a_parameter_in_an_address_is_described(document: dict[str, Any]) -> None:
    for channel in document["channels"].values():
        assert ("{name}" in channel["address"]) == ("parameters" in channel)


def test_every_topic_is_there_with_its_settings() -> None:
    channels = asyncapi_document()["channels"]
    told = {topic.name for topic in topics.TOPICS}
    assert {channel["address"] for channel in channels.values()} == {*told, "nuncius.stream.{name}"}
    for topic in (*topics.TOPICS, topics.stream_topic("{name}")):
        (channel,) = (c for c in channels.values() if c["address"] == topic.name)
        binding, settings = channel["bindings"]["kafka"], topic_settings(topic, 3)
        assert binding["partitions"] == topic.partitions
        assert [settings["cleanup.policy"]] == binding["topicConfiguration"]["cleanup.policy"]
        for name in ("retention.ms", "max.message.bytes"):
            assert settings[name] == str(binding["topicConfiguration"][name])


def test_records_of_ours_lie_in_every_topic_of_avro_and_in_no_other() -> None:
    assert {c.topic.name: bool(c.records) for c in CHANNELS} == {c.topic.name: c.topic.avro for c in CHANNELS}
    assert {kind for channel in CHANNELS for kind in channel.records} == set(RECORDS)


def test_topics_of_a_namespace_have_its_name() -> None:
    addresses = [c["address"] for name, c in asyncapi_document(CLUSTER)["channels"].items()]
    assert all(address.startswith("night.nuncius.") for address in addresses)


@pytest.mark.parametrize(("security", "protocol", "schemes"), SECURITIES)
def test_how_to_connect_is_told_without_secrets(security: Security, protocol: str, schemes: list[str]) -> None:
    document = asyncapi_document(Cluster("one:9092", "", Connection(security)))
    server = document["servers"]["kafka"]
    assert (server["host"], server["protocol"]) == ("one:9092", protocol)
    assert [found(document, scheme["$ref"])["type"] for scheme in server.get("security", [])] == schemes
    assert "secret" not in str(document)


def test_a_registry_is_told_with_the_framing_it_makes() -> None:
    document = asyncapi_document(CLUSTER)
    assert document["servers"]["kafka"]["bindings"]["kafka"]["schemaRegistryUrl"] == "http://registry:8081"
    alert = document["components"]["messages"]["Alert"]
    assert alert["bindings"]["kafka"]["schemaIdLocation"] == "payload"
    assert alert["description"].startswith("Confluent framing")
    assert "me:secret" not in str(document)


def test_schemas_in_avro_are_the_published_ones() -> None:
    messages = asyncapi_document()["components"]["messages"]
    for kind in RECORDS:
        text = files("nuncius.schemas").joinpath(file_name(kind)).read_bytes()
        assert messages[kind.__name__]["payload"]["schema"] == orjson.loads(text)


def test_what_lies_on_a_log_is_what_is_told() -> None:
    """Each value decodes with the schema of a message of its channel, its JSON is valid, its key is the named field."""
    document = asyncapi_document(None, "http://127.0.0.1:8088")
    seen: set[str] = set()
    with closing(memory()) as log:
        put(log, history(), night())
        work_through(log)
        made(log, stream("mine"))
        work_streams(log)
        for channel in document["channels"].values():
            topic = channel["address"].replace("{name}", "mine")
            if topic.startswith("nuncius.") and any(c.records for c in CHANNELS if c.topic.name == channel["address"]):
                for record in everything(log, topic):
                    seen.add(told(document, channel, record))
    assert {"Alert", "CandidateRow", "Counterpart", "Coverage", "Coincidence", "CandidateList", "ToORequest"} <= seen
    assert {"StreamDefinition", "StreamProgress", "StreamCheckpoint", "StreamRow", "ToOStatus"} <= seen


def told(document: dict[str, Any], channel: dict[str, Any], record: Record) -> str:
    """Name of the one message that a record is."""
    value = record.value or b""
    kind: Any = kind_of(value)
    message = found(document, channel["messages"][kind.__name__]["$ref"])
    assert message["description"] == f"Avro single-object encoding: {value[:10].hex()}, then the body."
    body = BytesIO(value[10:])
    fastavro.schemaless_reader(body, message["payload"]["schema"], None)
    assert body.read() == b""
    typed = decode(kind, value)
    told_key = message["bindings"]["kafka"].get("key", {"description": ""})["description"]
    name = KEYS.get(kind, "")
    assert name in told_key
    if name:
        assert (record.key or b"").decode() == getattr(typed, name)
    elif not told_key:
        assert record.key is None
    schema = {"$ref": f"#/components/schemas/{kind.__name__}", "components": document["components"]}
    jsonschema_rs.validate(schema, orjson.loads(encode_json(typed)))
    return str(kind.__name__)
