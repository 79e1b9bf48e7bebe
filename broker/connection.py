"""How to connect to Kafka: settings and secrets of the environment into what the transport wants."""

import os
from collections.abc import Mapping
from urllib.parse import urlsplit

from nuncius.broker.settings import KafkaSettings, Settings
from nuncius.broker.transport.kafka.cluster import Connection, Registry, Security
from nuncius.broker.transport.kafka.tokens import OAuthClient
from nuncius.schemas import SettingsError

PASSWORD = "NUNCIUS_KAFKA_PASSWORD"  # noqa: S105  the name of a variable
KEY_PASSWORD = "NUNCIUS_KAFKA_KEY_PASSWORD"  # noqa: S105  as above
CLIENT_SECRET = "NUNCIUS_KAFKA_CLIENT_SECRET"  # noqa: S105  as above
REGISTRY_AUTH = "NUNCIUS_REGISTRY_AUTH"


def connection_of(settings: Settings, environ: Mapping[str, str] = os.environ) -> Connection:
    """How to connect to whatever cluster an address names.

    Raises
    ------
    SettingsError
        If something that the protocol needs is missing; the message names the key or variable.
    """
    kafka = settings.kafka
    url = kafka.schema_registry
    registry = None if url is None else Registry(url, environ.get(REGISTRY_AUTH, ""))
    return Connection(_security(kafka, environ), kafka.replication, registry)


def _security(kafka: KafkaSettings, environ: Mapping[str, str]) -> Security:
    sasl = kafka.security_protocol.startswith("SASL_")
    if sasl != (kafka.sasl_mechanism is not None):
        raise SettingsError(
            f"[kafka] security_protocol = {kafka.security_protocol!r} "
            + ("needs a sasl_mechanism" if sasl else "has no SASL: name SASL_SSL, or leave sasl_mechanism out")
        )
    password = environ.get(PASSWORD, "")
    oauth = None
    if kafka.sasl_mechanism == "OAUTHBEARER":
        secret = environ.get(CLIENT_SECRET, "")
        _need({"token_url": kafka.token_url, "client_id": kafka.client_id}, {CLIENT_SECRET: secret}, "OAUTHBEARER")
        _need_web(kafka.token_url)
        oauth = OAuthClient(kafka.token_url, kafka.client_id, secret, kafka.scope)
    elif kafka.sasl_mechanism is not None:
        _need({"username": kafka.username}, {PASSWORD: password}, kafka.sasl_mechanism)
    for name in ("ca_file", "certificate_file", "key_file"):
        file = getattr(kafka, name)
        if file is not None and not file.is_file():
            raise SettingsError(f"[kafka] {name}: no such file: {file}")
    return Security(
        protocol=kafka.security_protocol,
        mechanism=kafka.sasl_mechanism,
        username=kafka.username,
        password=password,
        ca_file=kafka.ca_file,
        certificate_file=kafka.certificate_file,
        key_file=kafka.key_file,
        key_password=environ.get(KEY_PASSWORD, ""),
        oauth=oauth,
    )


def _need_web(url: str) -> None:
    try:
        parts = urlsplit(url)
        web = parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        web = False
    if not web:
        raise SettingsError(f"[kafka] token_url: {url!r} is no address of the web: https://HOST/PATH")


def _need(keys: Mapping[str, str], secrets: Mapping[str, str], mechanism: str) -> None:
    missing = [f"{name} in [kafka]" for name, value in keys.items() if not value]
    missing += [f"the environment variable {name}" for name, value in secrets.items() if not value]
    if missing:
        raise SettingsError(f"sasl_mechanism {mechanism} needs {' and '.join(missing)}")
