from pathlib import Path

import pytest

from nuncius.broker.transport.address import (
    Address,
    HttpAddress,
    KafkaAddress,
    KafkaLocalAddress,
    LocalAddress,
    find_address,
    parse_address,
)
from nuncius.schemas.errors import SettingsError


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("local:log", LocalAddress(Path("log"))),
        ("local:/var/lib/my log", LocalAddress(Path("/var/lib/my log"))),
        ("local:~/log", LocalAddress(Path.home() / "log")),
        (" local:. ", LocalAddress(Path())),
        ("kafka:local", KafkaLocalAddress()),
        ("kafka://broker:19092", KafkaAddress("broker:19092")),
        ("kafka://broker/", KafkaAddress("broker:9092")),
        ("kafka://a.example.org:1,b:65535", KafkaAddress("a.example.org:1,b:65535")),
        ("kafka://[::1]:9092", KafkaAddress("[::1]:9092")),
        ("http://localhost:8000", HttpAddress("http://localhost:8000")),
        ("https://nuncius.example.org/api/", HttpAddress("https://nuncius.example.org/api")),
    ],
)
def test_what_an_address_stands_for(text: str, expected: Address) -> None:
    assert parse_address(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "local",
        "local:",
        "local:\0",
        "localhost:9092",
        "LOCAL:x",
        "kafka:",
        "kafka:broker:9092",
        "kafka://",
        "kafka://,",
        "kafka://a:1,,b:2",
        "kafka://broker:port",
        "kafka://broker:0",
        "kafka://broker:65536",
        "kafka://broker:-1",
        "kafka://broker:9092/no.such/name",
        "kafka://bro ker:9092",
        "kafka://[::1",
        "http://",
        "http://:8000",
        "http://host:8000?x=1",
        "ftp://host",
        "/var/lib/log",
        "🌌",
    ],
)
def test_rubbish_is_one_clear_line(text: str) -> None:
    with pytest.raises(SettingsError) as caught:
        parse_address(text)
    assert "\n" not in str(caught.value)
    assert str(caught.value).startswith("broker address")


def test_a_password_is_refused_and_not_shown() -> None:
    for text in ("kafka://me:hunter2@broker:9092", "http://me:hunter2@host"):
        with pytest.raises(SettingsError, match="environment") as caught:
            parse_address(text)
        assert "hunter2" not in str(caught.value)


def test_the_option_goes_before_the_environment_before_the_data_folder() -> None:
    environ = {"NUNCIUS_BROKER": "local:env", "XDG_DATA_HOME": "/data"}
    assert find_address("local:option", environ) == LocalAddress(Path("option"))
    assert find_address(None, environ) == LocalAddress(Path("env"))
    assert find_address(None, {"XDG_DATA_HOME": "/data"}) == LocalAddress(Path("/data/nuncius"))
    assert find_address(None, {}) == LocalAddress(Path.home() / ".local/share/nuncius")
    with pytest.raises(SettingsError, match="empty"):
        find_address("", environ)
