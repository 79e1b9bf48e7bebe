"""AsyncAPI 3.0 of a broker: its topics and its streams over HTTP, made from what the code itself uses."""

from importlib.metadata import version
from typing import Any, Final
from urllib.parse import urlsplit

from nuncius.broker.services.channels import CHANNELS, STREAM_NAME, Channel
from nuncius.broker.services.web.opened import Skipped
from nuncius.broker.transport import topics
from nuncius.broker.transport.kafka.cluster import BATCH_BYTES, Cluster, Security
from nuncius.schemas import Alert, CandidateList, CandidateRow, Coincidence, StreamRow
from nuncius.schemas.avsc import RECORDS, schema
from nuncius.schemas.codec import MARKER, fingerprint
from nuncius.schemas.json_schema import definitions

_KAFKA_BINDING: Final = "0.5.0"
_AVRO: Final = "application/vnd.apache.avro;version=1.9.0"
"""The word that AsyncAPI 3.0 has for schemas in Avro."""
_SSE: Final[dict[str, tuple[type, ...]]] = {
    "/alerts/stream": (Alert,),
    "/coincidences/stream": (Coincidence, CandidateList),
    "/candidates/stream": (CandidateRow,),
    f"/streams/{STREAM_NAME}/stream": (StreamRow,),
}
"""Paths of server-sent events, and what their data are."""
_SKIPPED: Final = "A record at this place cannot be read by the broker; GET /records/… with format=avro has its bytes."
_NAME_PARAMETER: Final = {"name": {"description": "name of a named stream: lower-case letters, digits and '-'"}}


def asyncapi_document(cluster: Cluster | None = None, http: str = "") -> dict[str, Any]:
    """The document, for `GET /asyncapi.json`.

    Parameters
    ----------
    cluster
        Where the log is; None for an embedded log, whose topics are described as they are on any Kafka.
    http
        Base of the broker's HTTP service; empty leaves its streams out.
    """
    kafka = _topic_channels(cluster)
    streams = _sse_channels() if http else {}
    schemes = {} if cluster is None else _schemes(cluster.connection.security)
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Nuncius multimessenger alert broker",
            "version": version("nuncius"),
            "description": "Alerts, what belongs together and how surprising that is, and named streams of both.",
            "license": {"name": "BSD-3-Clause"},
        },
        "servers": {"kafka": _kafka_server(cluster, tuple(schemes)), **({"http": _http_server(http)} if http else {})},
        "channels": {**kafka, **streams},
        "operations": {name: _operation(name, channel) for name, channel in (kafka | streams).items()},
        "components": {
            "messages": _messages(cluster) | (_events() if http else {}),
            "schemas": definitions(RECORDS, "#/components/schemas"),
            **({"securitySchemes": schemes} if schemes else {}),
        },
    }


def _kafka_server(cluster: Cluster | None, schemes: tuple[str, ...]) -> dict[str, Any]:
    if cluster is None:
        return {
            "host": "{servers}",
            "protocol": "kafka",
            "description": "This broker's log is embedded: read it with `nuncius subscribe` or over HTTP. "
            "On a Kafka of yours the same topics are there.",
            "variables": {"servers": {"default": "localhost:9092"}},
        }
    security, registry = cluster.connection.security, cluster.connection.registry
    encrypted = security.protocol in ("SSL", "SASL_SSL")
    binding = {} if registry is None else {"schemaRegistryUrl": registry.url, "schemaRegistryVendor": "confluent"}
    return {
        "host": cluster.servers,
        "protocol": "kafka-secure" if encrypted else "kafka",
        "description": "Read committed records only (isolation.level=read_committed).",
        "bindings": {"kafka": {**binding, "bindingVersion": _KAFKA_BINDING}},
        **({"security": [_ref("components/securitySchemes", name) for name in schemes]} if schemes else {}),
    }


def _http_server(http: str) -> dict[str, Any]:
    parts = urlsplit(http)
    found = {"host": parts.netloc, "protocol": parts.scheme, "description": "Server-sent events."}
    return found | ({"pathname": parts.path} if parts.path.strip("/") else {})


def _schemes(security: Security) -> dict[str, Any]:
    match security.mechanism:
        case "SCRAM-SHA-512":
            return {"scram": {"type": "scramSha512"}}
        case "SCRAM-SHA-256":
            return {"scram": {"type": "scramSha256"}}
        case "PLAIN":
            return {"plain": {"type": "plain"}}
        case "OAUTHBEARER" if security.oauth is not None:
            flow = {"tokenUrl": security.oauth.token_url, "availableScopes": {}}
            return {"oauth": {"type": "oauth2", "flows": {"clientCredentials": flow}}}
        case _:
            return {"certificate": {"type": "X509"}} if security.certificate_file is not None else {}


def _topic_channels(cluster: Cluster | None) -> dict[str, Any]:
    return {_identifier(channel.topic.name): _topic_channel(channel, cluster) for channel in CHANNELS}


def _topic_channel(channel: Channel, cluster: Cluster | None) -> dict[str, Any]:
    topic = channel.topic
    keep_ms = -1 if topic.retention is None else int(topic.retention.total_seconds() * 1000)
    return {
        "address": topic.name if cluster is None else cluster.outside(topic.name),
        "description": channel.meaning,
        "servers": [_ref("servers", "kafka")],
        "messages": {name: _ref("components/messages", name) for name in _message_names(channel)},
        **({"parameters": _NAME_PARAMETER} if STREAM_NAME in topic.name else {}),
        "bindings": {
            "kafka": {
                "partitions": topic.partitions,
                "topicConfiguration": {
                    "cleanup.policy": ["compact" if topic.compacted else "delete"],
                    "retention.ms": keep_ms,
                    "max.message.bytes": BATCH_BYTES,
                },
                "bindingVersion": _KAFKA_BINDING,
            }
        },
    }


def _sse_channels() -> dict[str, Any]:
    return {
        _identifier(path): {
            "address": path,
            "description": "Server-sent events; each id is a position, given back as Last-Event-ID to go on there. "
            "The query takes filter, since, since_start, last, until and until_end.",
            "servers": [_ref("servers", "http")],
            "messages": {_event(kind): _ref("components/messages", _event(kind)) for kind in (*kinds, Skipped)},
            **({"parameters": _NAME_PARAMETER} if STREAM_NAME in path else {}),
        }
        for path, kinds in _SSE.items()
    }


def _operation(name: str, channel: dict[str, Any]) -> dict[str, Any]:
    inbox = name == _identifier(topics.INBOX.name)
    return {
        "action": "receive" if inbox else "send",
        "channel": _ref("channels", name),
        "messages": [_ref(f"channels/{name}/messages", message) for message in channel["messages"]],
    }


def _messages(cluster: Cluster | None) -> dict[str, Any]:
    registry = None if cluster is None else cluster.connection.registry
    found: dict[str, Any] = {}
    for channel in CHANNELS:
        for kind in channel.records:
            found[kind.__name__] = _record(kind, channel, registered=registry is not None)
        if not channel.records:
            found[_identifier(channel.topic.name)] = _bytes(channel)
    return found


def _record(kind: type, channel: Channel, *, registered: bool) -> dict[str, Any]:
    start = (MARKER + fingerprint(kind)).hex()
    framing = (
        "Confluent framing: 00, the schema's id (4 bytes, big-endian), the body."
        if registered
        else f"Avro single-object encoding: {start}, then the body."
    )
    registry_binding = {"schemaIdLocation": "payload", "schemaIdPayloadEncoding": "confluent"} if registered else {}
    return {
        "name": kind.__name__,
        "summary": schema(kind)["doc"],
        "description": framing,
        "contentType": "application/vnd.apache.avro",
        "payload": {"schemaFormat": _AVRO, "schema": schema(kind)},
        "bindings": {"kafka": {**_key(channel), **registry_binding, "bindingVersion": _KAFKA_BINDING}},
    }


def _bytes(channel: Channel) -> dict[str, Any]:
    found: dict[str, Any] = {
        "name": channel.topic.name,
        "summary": channel.meaning,
        "contentType": channel.media_type,
        "payload": {"type": "string", "format": "binary"},
        "bindings": {"kafka": {**_key(channel), "bindingVersion": _KAFKA_BINDING}},
    }
    if channel.headers:
        properties = {name: {"type": "string", "description": meaning} for name, meaning in channel.headers}
        found["headers"] = {"type": "object", "properties": properties}
    return found


def _key(channel: Channel) -> dict[str, Any]:
    return {} if channel.key == "none" else {"key": {"type": "string", "description": channel.key}}


def _events() -> dict[str, Any]:
    found: dict[str, Any] = {
        _event(kind): {
            "name": kind.__name__,
            "summary": schema(kind)["doc"],
            "contentType": "application/json",
            "payload": _ref("components/schemas", kind.__name__),
        }
        for kinds in _SSE.values()
        for kind in kinds
    }
    skipped = {"name": "skipped", "summary": _SKIPPED, "contentType": "application/json"}
    found[_event(Skipped)] = {**skipped, "payload": Skipped.model_json_schema()}
    return found


def _message_names(channel: Channel) -> list[str]:
    return [kind.__name__ for kind in channel.records] or [_identifier(channel.topic.name)]


def _event(kind: type) -> str:
    return f"{kind.__name__}.json"


def _identifier(name: str) -> str:
    """A name that AsyncAPI takes for a key and a reference alike."""
    return name.strip("/").replace("/", ".").replace(STREAM_NAME, "name")


def _ref(where: str, name: str) -> dict[str, str]:
    return {"$ref": f"#/{where}/{name}"}
