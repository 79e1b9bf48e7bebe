"""The files for containers, checked without an engine: against the Compose schema, our commands and settings."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.main import get_command

from nuncius.broker import connection
from nuncius.broker.cli.root import app
from nuncius.broker.settings import load
from nuncius.broker.transport.address import KafkaAddress, parse_address
from nuncius.broker.transport.kafka_node.jars import KAFKA_VERSION
from nuncius.broker.transport.kafka_node.properties import BROKER_SETTINGS

ROOT = Path(__file__).resolve().parents[3]
DOCKER = ROOT / "docker"
FOLDERS = ("schemas", "broker", "filters", "producers", "consumers")
COMPOSE: dict[str, Any] = yaml.safe_load((DOCKER / "compose.yaml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = {name: service for name, service in SERVICES.items() if name != "kafka"}
KAFKA: dict[str, str] = SERVICES["kafka"]["environment"]


def parsed(arguments: list[str]) -> dict[str, Any]:
    """What our command line makes of these arguments; nothing is run."""
    group = get_command(app)
    context = group.make_context("nuncius", list(arguments))
    name, command, rest = group.resolve_command(context, list(arguments))  # type: ignore[attr-defined]  # as above
    assert name == arguments[0]
    found: dict[str, Any] = command.make_context(name, rest, parent=context).params
    return found


def property_of(variable: str) -> str:
    """The Kafka setting that the image makes of a variable."""
    dotted = variable.removeprefix("KAFKA_").lower().replace("_", ".")
    return dotted.replace("...", "-").replace("..", "_")


def instructions() -> list[tuple[str, str]]:
    text = (DOCKER / "Dockerfile").read_text().replace("\\\n", " ")
    lines = (line for line in text.splitlines() if line.strip() and not line.startswith("#"))
    return [(line.split(maxsplit=1)[0], line.split(maxsplit=1)[1]) for line in lines]


def copied() -> list[str]:
    return [source for word, rest in instructions() if word == "COPY" for source in rest.split()[:-1]]


def test_the_compose_file_meets_the_compose_schema() -> None:
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec"]
    done = subprocess.run([*command, DOCKER / "compose.yaml"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_schema_check_sees_a_wrong_key(tmp_path: Path) -> None:
    (tmp_path / "compose.yaml").write_text("services: {web: {image: nuncius, comand: [web]}}\n")
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec"]
    done = subprocess.run([*command, tmp_path / "compose.yaml"], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "comand" in done.stdout


def test_every_service_of_the_road_runs() -> None:
    assert set(OURS) == {"ingest", "match", "associate", "too", "web"}
    assert {name: s.get("deploy", {}).get("replicas", 1) for name, s in OURS.items()} == {
        **dict.fromkeys(OURS, 1),
        "match": 2,
        "associate": 2,
    }


@pytest.mark.parametrize("name", OURS)
def test_every_command_is_one_of_ours(name: str) -> None:
    command = OURS[name]["command"]
    assert command[0] == name
    listener = KAFKA["KAFKA_ADVERTISED_LISTENERS"].removeprefix("PLAINTEXT://")
    assert parse_address(parsed(command)["broker"]) == KafkaAddress(listener)


def test_a_wrong_option_would_be_seen() -> None:
    with pytest.raises(Exception, match="--brokr"):
        parsed(["match", "--brokr", "kafka://kafka:9092"])


@pytest.mark.parametrize("name", OURS)
def test_every_service_waits_for_kafka_and_ends_in_its_time(name: str) -> None:
    service = OURS[name]
    assert service["depends_on"] == {"kafka": {"condition": "service_healthy"}}
    assert (service["restart"], service["stop_grace_period"]) == ("unless-stopped", "30s")


def test_what_services_refer_to_exists() -> None:
    for name, service in SERVICES.items():
        assert set(service.get("depends_on", {})) <= set(SERVICES), name
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            assert (DOCKER / source).exists() if source.startswith(".") else source in COMPOSE["volumes"], volume
        if "build" in service:
            context = DOCKER / service["build"]["context"]
            assert context.resolve() == ROOT
            assert (context / service["build"]["dockerfile"]).is_file()
    assert SERVICES["kafka"]["healthcheck"]["test"][0] == "CMD"


def test_kafka_is_the_version_that_was_tried() -> None:
    assert SERVICES["kafka"]["image"] == f"apache/kafka:{KAFKA_VERSION}"


def test_kafka_is_set_as_every_node_of_ours() -> None:
    found = {property_of(name): value for name, value in KAFKA.items() if name.startswith("KAFKA_")}
    assert {name: found.get(name) for name in BROKER_SETTINGS} == dict(BROKER_SETTINGS)
    assert set(found) - set(BROKER_SETTINGS) == {
        "controller.quorum.voters",
        "listeners",
        "advertised.listeners",
        "listener.security.protocol.map",
        "inter.broker.listener.name",
        "log.dirs",
    }
    assert all(isinstance(value, str) for value in KAFKA.values())


def test_kafka_keeps_its_records_in_the_volume() -> None:
    (volume,) = SERVICES["kafka"]["volumes"]
    assert volume.split(":")[1] == KAFKA["KAFKA_LOG_DIRS"]
    assert re.fullmatch(r"[A-Za-z0-9_-]{22}", KAFKA["CLUSTER_ID"])


def test_http_is_published_on_this_machine_only() -> None:
    assert {name: s["ports"] for name, s in SERVICES.items() if "ports" in s} == {"web": ["127.0.0.1:8088:8088"]}
    settings = load(DOCKER / "nuncius.toml", {}, ROOT)
    assert (settings.http_host, settings.http_port) == ("0.0.0.0", 8088)  # noqa: S104  inside the container
    assert ("EXPOSE", "8088") in instructions()


def test_the_settings_of_the_containers_have_no_secret_and_every_commented_key_exists(tmp_path: Path) -> None:
    text = (DOCKER / "nuncius.toml").read_text()
    assert not re.search("password|secret", "\n".join(map(str, tomllib.loads(text))))
    whole = re.sub(r"^# (?=\w+ = )", "", text, flags=re.MULTILINE)
    assert whole != text
    (tmp_path / "nuncius.toml").write_text(whole)
    assert load(tmp_path / "nuncius.toml", {}, tmp_path).kafka.username == "nuncius"


def test_every_secret_is_handed_through() -> None:
    wanted = {connection.PASSWORD, connection.KEY_PASSWORD, connection.CLIENT_SECRET, connection.REGISTRY_AUTH}
    for name, service in OURS.items():
        given = service["environment"]
        assert {*wanted, "NUNCIUS_WEBHOOK_SECRET"} == set(given), name
        assert all(value == f"${{{variable}:-}}" for variable, value in given.items())


def test_the_image_copies_what_exists_and_every_package() -> None:
    assert [source for source in copied() if not (ROOT / source).exists()] == []
    assert {folder + "/" for folder in FOLDERS} <= set(copied())
    listed = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["package-dir"].values()
    assert {folder + "/" for folder in listed} <= set(copied())
    ignored = (DOCKER / "Dockerfile.dockerignore").read_text().splitlines()
    assert ignored[0] == "*"
    assert {"!" + source.rstrip("/") for source in copied()} == {line for line in ignored if line.startswith("!")}


def test_the_image_installs_everything_and_runs_as_nobody_special() -> None:
    words = instructions()
    assert words[0] == ("FROM", "python:3.12-slim")
    assert any(word == "RUN" and "pip install" in rest and "'.[all]'" in rest for word, rest in words)
    users = [rest for word, rest in words if word == "USER"]
    assert users == ["nuncius"]
    assert ("ENTRYPOINT", '["nuncius"]') in words
    config = next(rest for word, rest in words if word == "ENV").split()[0].partition("=")[2]
    assert ("COPY", f"docker/nuncius.toml {config}") in words
    mounted = {volume.split(":")[1] for service in OURS.values() for volume in service["volumes"]}
    assert mounted == {config}
