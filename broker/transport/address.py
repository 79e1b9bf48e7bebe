"""Broker addresses: one text that says where the log is."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import SplitResult, urlsplit

from nuncius.schemas.errors import SettingsError

FORMS = "local:DIR, kafka://HOST:PORT, kafka:local or http://HOST:PORT"

_NAMESPACE: Final = re.compile(r"[A-Za-z0-9_-]{1,60}")


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
    namespace
        Of our topics there; empty for none.
    """

    servers: str
    namespace: str = ""


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

    ``~`` opens the home folder. Kafka's port is 9092 where none is given; ``kafka://HOST:PORT/NAME`` is a broker whose
    topics on that cluster all begin with ``NAME.``, so that several share it.

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
        servers, _, namespace = text.removeprefix("kafka://").rstrip("/").partition("/")
        if namespace and _NAMESPACE.fullmatch(namespace) is None:
            raise SettingsError("broker address kafka://…/NAME: a name has letters, digits, '_' and '-', 60 at most")
        return KafkaAddress(",".join(_server(server) for server in servers.split(",")), namespace)
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
    return LocalAddress(data_folder(environ))


def shown(address: Address) -> str:
    """The address as a person writes it."""
    match address:
        case LocalAddress(folder):
            return f"local:{folder}"
        case KafkaAddress(servers, namespace):
            return f"kafka://{servers}/{namespace}".rstrip("/")
        case KafkaLocalAddress():
            return "kafka:local"
        case HttpAddress(url):
            return url


def data_folder(environ: Mapping[str, str]) -> Path:
    """The user's data folder (XDG base directories): where a second shell finds what ``up`` started."""
    data = environ.get("XDG_DATA_HOME")
    return (Path(data) if data else Path.home() / ".local" / "share") / "nuncius"


def node_folder(data: Path) -> Path:
    """Where in the data folder the Kafka node of ``kafka:local`` lies."""
    return data / "kafka"


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
