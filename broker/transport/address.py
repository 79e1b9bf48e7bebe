"""Broker addresses: one text that says where the log is."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from nuncius.schemas.errors import SettingsError

FORMS = "local:DIR, kafka://HOST:PORT, kafka:local or http://HOST:PORT"


@dataclass(frozen=True, slots=True)
class LocalAddress:
    """An embedded log in a folder of this machine."""

    folder: Path


@dataclass(frozen=True, slots=True)
class KafkaAddress:
    """A Kafka cluster.

    Parameters
    ----------
    servers
        ``HOST:PORT`` of one or more of its brokers, joined by commas.
    """

    servers: str


@dataclass(frozen=True, slots=True)
class KafkaLocalAddress:
    """A single Kafka node that is started on this machine."""


@dataclass(frozen=True, slots=True)
class HttpAddress:
    """The HTTP service of a broker.

    Parameters
    ----------
    url
        Without a slash at its end.
    """

    url: str


Address = LocalAddress | KafkaAddress | KafkaLocalAddress | HttpAddress


def parse_address(text: str) -> Address:
    """The address that a text stands for.

    ``~`` opens the home folder. Kafka's port is 9092 where none is given.

    Raises
    ------
    SettingsError
        It is none; the message is one line and holds no password.
    """
    text = text.strip()
    if text == "kafka:local":
        return KafkaLocalAddress()
    if text.startswith("local:"):
        return LocalAddress(_folder(text.removeprefix("local:")))
    if text.startswith("kafka://"):
        servers = text.removeprefix("kafka://").rstrip("/")
        return KafkaAddress(",".join(_server(server) for server in servers.split(",")))
    if text.startswith(("http://", "https://")):
        return HttpAddress(_url(text))
    scheme = text.split(":", maxsplit=1)[0][:20]
    raise SettingsError(f"broker address begins with {scheme!r}: write {FORMS}")


def find_address(option: str | None, environ: Mapping[str, str]) -> Address:
    """The address given as an option, else by ``$NUNCIUS_BROKER``, else the log in the user's data folder.

    The data folder is ``$XDG_DATA_HOME/nuncius``, ``~/.local/share/nuncius`` where that is not set.
    """
    text = option if option is not None else environ.get("NUNCIUS_BROKER")
    if text:
        return parse_address(text)
    if option is not None:
        raise SettingsError(f"broker address is empty: write {FORMS}")
    data = environ.get("XDG_DATA_HOME")
    return LocalAddress((Path(data) if data else Path.home() / ".local" / "share") / "nuncius")


def _folder(text: str) -> Path:
    if not text or "\0" in text:
        raise SettingsError("broker address local: names no folder; write local:DIR, for example local:./log")
    try:
        return Path(text).expanduser()
    except RuntimeError as error:
        raise SettingsError(f"broker address local:{text}: {error}") from error


def _server(text: str) -> str:
    parts = _split(f"kafka://{text}")
    if parts.path or parts.query or parts.fragment:
        raise SettingsError("broker address kafka://…: a server is HOST:PORT, servers are joined by commas")
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    return f"{host}:{parts.port or 9092}"


def _url(text: str) -> str:
    parts = _split(text)
    if parts.query or parts.fragment:
        raise SettingsError("broker address http://…: it has no query and no fragment")
    return text.rstrip("/")


def _split(text: str) -> SplitResult:
    try:
        parts = urlsplit(text)
        port_ok = parts.port is None or parts.port > 0
    except ValueError as error:
        raise SettingsError(f"broker address {text.split(':', maxsplit=1)[0]}://…: {error}") from error
    if parts.username is not None or parts.password is not None:
        raise SettingsError("broker address: user and password do not belong in it, set them in the environment")
    if not parts.hostname or not port_ok or any(letter.isspace() for letter in parts.netloc):
        raise SettingsError(f"broker address {parts.scheme}://…: no host name or no such port; write {FORMS}")
    return parts
