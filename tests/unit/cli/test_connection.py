"""How to connect: what the settings name and the environment hides; what is missing is named."""

from pathlib import Path
from typing import Any

import pytest
from token_server import answer_json, token_server

from nuncius.broker.connection import connection_of
from nuncius.broker.settings import Settings
from nuncius.broker.transport.kafka.cluster import Connection, Registry, Security
from nuncius.broker.transport.kafka.tokens import OAuthClient
from nuncius.schemas import SettingsError

PASSWORD = {"NUNCIUS_KAFKA_PASSWORD": "correct-horse"}
CLIENT_SECRET = {"NUNCIUS_KAFKA_CLIENT_SECRET": "battery-staple"}
SCRAM = {"security_protocol": "SASL_SSL", "sasl_mechanism": "SCRAM-SHA-512", "username": "nuncius"}
BEARER = {
    "security_protocol": "SASL_SSL",
    "sasl_mechanism": "OAUTHBEARER",
    "token_url": "https://tokens.example/token",
    "client_id": "nuncius",
}


def settings(**kafka: Any) -> Settings:
    return Settings.model_validate({"kafka": kafka})


def wrong(environ: dict[str, str], **kafka: Any) -> str:
    with pytest.raises(SettingsError) as caught:
        connection_of(settings(**kafka), environ)
    told = str(caught.value)
    assert "\n" not in told
    assert not any(secret in told for secret in environ.values() if secret)
    return told


def test_nothing_set_is_a_broker_on_this_machine() -> None:
    connection = connection_of(settings(), {})
    assert connection == Connection()
    assert connection.security.config() == {"security.protocol": "PLAINTEXT"}


def test_secrets_of_the_environment_are_left_alone_where_nothing_asks_for_them() -> None:
    given = connection_of(settings(), {**PASSWORD, **CLIENT_SECRET}).security.config()
    assert given.get("sasl.mechanism") is None
    assert given.get("oauth_cb") is None


@pytest.mark.parametrize("mechanism", ["SCRAM-SHA-512", "SCRAM-SHA-256", "PLAIN"])
def test_a_password_comes_from_the_environment(mechanism: str) -> None:
    found = connection_of(settings(**{**SCRAM, "sasl_mechanism": mechanism}), PASSWORD)
    assert found.security.config() == {
        "security.protocol": "SASL_SSL",
        "sasl.mechanism": mechanism,
        "sasl.username": "nuncius",
        "sasl.password": "correct-horse",
    }
    assert "correct-horse" not in repr(found)


def test_tokens_are_asked_for_with_the_secret_of_the_environment() -> None:
    found = connection_of(settings(**BEARER, scope="kafka"), {**CLIENT_SECRET, **PASSWORD})
    client = OAuthClient("https://tokens.example/token", "nuncius", "battery-staple", "kafka")
    assert found.security.oauth == client
    assert "battery-staple" not in repr(found)


def test_a_client_gets_its_first_token_with_its_settings() -> None:
    with token_server(lambda _: answer_json(access_token="t0ken", expires_in=60)) as server:  # noqa: S106  a made-up one
        found = connection_of(settings(**{**BEARER, "token_url": server.url}), CLIENT_SECRET)
        assert server.asked == []
        given = found.security.config()
        assert [asked.basic for asked in server.asked] == [("nuncius", "battery-staple")]
        assert given.pop("oauth_cb")("")[0] == "t0ken"
        assert len(server.asked) == 1
    assert given == {"security.protocol": "SASL_SSL", "sasl.mechanism": "OAUTHBEARER"}


@pytest.mark.parametrize(
    "url", ["tokens.example/token", "file:///etc/hostname", "https://", "http://[::1", "ftp://a/b"]
)
def test_a_token_url_is_one_of_the_web(url: str) -> None:
    told = wrong(CLIENT_SECRET, **{**BEARER, "token_url": url})
    assert told.startswith(f"[kafka] token_url: {url!r}")


@pytest.mark.parametrize("mechanism", ["SCRAM-SHA-512", "SCRAM-SHA-256", "PLAIN"])
def test_who_and_with_which_password_must_be_known(mechanism: str) -> None:
    words = {**SCRAM, "sasl_mechanism": mechanism}
    assert wrong({}, **words).endswith(f"{mechanism} needs the environment variable NUNCIUS_KAFKA_PASSWORD")
    assert wrong({"NUNCIUS_KAFKA_PASSWORD": ""}, **words) == wrong({}, **words)
    assert "needs username in [kafka]" in wrong(PASSWORD, **{**words, "username": ""})
    both = wrong({}, **{**words, "username": ""})
    assert "username in [kafka] and the environment variable NUNCIUS_KAFKA_PASSWORD" in both


@pytest.mark.parametrize("key", ["token_url", "client_id"])
def test_every_key_that_tokens_need_is_named(key: str) -> None:
    told = wrong(CLIENT_SECRET, **{name: value for name, value in BEARER.items() if name != key})
    assert told == f"sasl_mechanism OAUTHBEARER needs {key} in [kafka]"


def test_all_that_is_missing_for_tokens_is_named_at_once() -> None:
    told = wrong(PASSWORD, security_protocol="SASL_SSL", sasl_mechanism="OAUTHBEARER")
    for name in ("token_url", "client_id", "NUNCIUS_KAFKA_CLIENT_SECRET"):
        assert name in told


@pytest.mark.parametrize("protocol", ["SASL_SSL", "SASL_PLAINTEXT"])
def test_sasl_needs_a_mechanism(protocol: str) -> None:
    told = wrong(PASSWORD, security_protocol=protocol, username="nuncius")
    assert protocol in told
    assert "needs a sasl_mechanism" in told


@pytest.mark.parametrize("protocol", ["SSL", "PLAINTEXT", None])
def test_a_mechanism_needs_sasl(protocol: str | None) -> None:
    words = {name: value for name, value in SCRAM.items() if name != "security_protocol"}
    told = wrong(PASSWORD, **words, **({} if protocol is None else {"security_protocol": protocol}))
    assert repr(protocol or "PLAINTEXT") in told
    assert "SASL_SSL" in told
    assert "sasl_mechanism" in told


@pytest.mark.parametrize("key", ["ca_file", "certificate_file", "key_file"])
def test_a_file_that_is_not_there_is_named(key: str, tmp_path: Path) -> None:
    told = wrong({}, security_protocol="SSL", **{key: tmp_path / "absent.pem"})
    assert told == f"[kafka] {key}: no such file: {tmp_path / 'absent.pem'}"
    assert "no such file" in wrong({}, security_protocol="SSL", **{key: tmp_path})


def test_files_and_the_keys_password(tmp_path: Path) -> None:
    files: dict[str, Any] = {n: tmp_path / f"{n}.pem" for n in ("ca_file", "certificate_file", "key_file")}
    for file in files.values():
        file.touch()
    found = connection_of(settings(security_protocol="SSL", **files), {"NUNCIUS_KAFKA_KEY_PASSWORD": "hush-hush"})
    assert found.security == Security("SSL", key_password="hush-hush", **files)  # noqa: S106  a made-up one
    assert found.security.config() == {
        "security.protocol": "SSL",
        "ssl.ca.location": str(files["ca_file"]),
        "ssl.certificate.location": str(files["certificate_file"]),
        "ssl.key.location": str(files["key_file"]),
        "ssl.key.password": "hush-hush",
    }
    assert "hush-hush" not in repr(found)


def test_a_registry_and_copies() -> None:
    url = "https://registry.example"
    assert connection_of(settings(schema_registry=url, replication=2), {}) == Connection(
        replication=2, registry=Registry(url)
    )
    found = connection_of(settings(schema_registry=url), {"NUNCIUS_REGISTRY_AUTH": "who:hush-hush"})
    assert found.registry == Registry(url, "who:hush-hush")
    assert "hush-hush" not in repr(found)
