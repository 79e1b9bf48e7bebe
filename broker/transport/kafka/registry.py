"""Confluent framing: a zero byte and the four-byte big-endian id that a schema registry gave the schema, then the body.

A schema is registered whole, words included, under its full name (RecordNameStrategy: ``nuncius.Alert``). A topic holds
several kinds of records, so the topic's name alone would not do; and a record's schema is one and the same on every
topic and in every namespace, so with the topic's name in front it would only be registered more often.
"""

import ssl
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from confluent_kafka.schema_registry import Schema, SchemaRegistryClient, SchemaRegistryError

from nuncius.broker.transport.kafka.cluster import Registry
from nuncius.broker.transport.kafka.errors import Refused
from nuncius.broker.transport.kafka.wire import Framing
from nuncius.broker.transport.topics import TOPICS, Topic
from nuncius.schemas.codec import MARKER, fingerprint_of, schema_of
from nuncius.schemas.errors import NunciusError, Retry, SettingsError, UnknownSchema

ANSWER_S: Final = 4.0
"""How long a request may take; it may stand in a transaction, which ends after 10 s."""

UNKNOWN_S: Final = 30.0
"""How long an id that the registry does not know is not asked for again."""

_ZERO: Final = b"\x00"
_FRAMED: Final = 5
_SINGLE: Final = len(MARKER) + 8
_LARGEST_ID: Final = 2**31 - 1
_UNKNOWN_MOST: Final = 1000
_NO_SUCH_SCHEMA: Final = 40400
"""Codes from here on say that the registry has no such thing; a lesser one with HTTP 404 comes from a wrong URL."""

_HTTPX: Final = tuple(import_module(name) for name in ("httpx2", "httpx") if find_spec(name) is not None)
_HTTP_ERRORS: Final[tuple[type[Exception], ...]] = tuple(module.HTTPError for module in _HTTPX)
_URL_ERRORS: Final[tuple[type[Exception], ...]] = tuple(
    error for module in _HTTPX for error in (module.InvalidURL, module.UnsupportedProtocol)
)
"""What Confluent's client lets through of the HTTP client it uses, the one or the other by its version."""


def registry_framing(registry: Registry, topics: Iterable[Topic] = TOPICS) -> Framing:
    """Framing with a registry, on those of the topics whose values are Avro; values on all others stay as they are.

    ``frame`` changes single-object encoding by a schema of ours. ``unframe`` changes what begins as Confluent framing.
    Both leave all else as it is: a topic may hold values from before there was a registry. The registry is asked once
    for a schema; from any thread.

    Raises
    ------
    SettingsError
        The URL is none, or ``auth`` is not ``user:password``. Later, from both: the registry refuses, or there is none.
    Retry
        Later, from both: the registry does not answer now.
    UnknownSchema
        Later, from ``unframe``: the registry does not know the id, or its schema is not Avro.
    """
    known = _Known(_Asking(registry))
    avro = frozenset(topic.name for topic in topics if topic.avro)

    def frame(topic: str, value: bytes) -> bytes:
        if topic not in avro or value[: len(MARKER)] != MARKER or len(value) < _SINGLE:
            return value
        head = known.framed(value[:_SINGLE])
        return value if head is None else head + value[_SINGLE:]

    def unframe(topic: str, value: bytes) -> bytes:
        if topic not in avro or value[:1] != _ZERO or len(value) < _FRAMED:
            return value
        head = known.single(value[:_FRAMED])
        return value if head is None else head + value[_FRAMED:]

    return Framing(frame, unframe)


class _Known:
    """Headers of the one kind by those of the other."""

    def __init__(self, asking: "_Asking") -> None:
        self._asking = asking
        self._lock = threading.Lock()
        self._framed: dict[bytes, bytes] = {}
        self._single: dict[bytes, bytes] = {}
        self._unknown: dict[bytes, tuple[float, str]] = {}

    def framed(self, single: bytes) -> bytes | None:
        """Confluent's header for one of single-object encoding; None where the schema is not ours."""
        found = self._framed.get(single)
        if found is None and (ours := schema_of(single[len(MARKER) :])) is not None:
            with self._lock:
                found = self._framed.get(single)
                if found is None:
                    found = _ZERO + self._asking.register(*ours).to_bytes(4, "big")
                    self._framed[single] = found
        return found

    def single(self, framed: bytes) -> bytes | None:
        """The other way round; None where the id is none that a registry gives."""
        found = self._single.get(framed)
        if found is not None or (number := int.from_bytes(framed[1:], "big")) > _LARGEST_ID:
            return found
        with self._lock:
            found = self._single.get(framed)
            if found is None:
                found = self._ask(framed, number)
        return found

    def _ask(self, framed: bytes, number: int) -> bytes:
        since, why = self._unknown.get(framed, (-UNKNOWN_S, ""))
        if why and time.monotonic() - since < UNKNOWN_S:
            raise UnknownSchema(why)
        try:
            found = MARKER + self._asking.fingerprint(number)
        except UnknownSchema as error:
            if len(self._unknown) >= _UNKNOWN_MOST:
                self._unknown.clear()
            self._unknown[framed] = (time.monotonic(), str(error))
            raise
        self._single[framed] = found
        return found


class _Asking:
    """Questions to a registry, each with a client of its own: they are few, and nothing is left to close."""

    def __init__(self, registry: Registry) -> None:
        try:
            parts = urlsplit(registry.url)
            self._where = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
            host, password = parts.hostname, parts.password or ""
        except ValueError:
            raise SettingsError("schema_registry in [kafka] is no URL") from None
        if parts.scheme not in ("http", "https") or not host:
            raise SettingsError(f"schema_registry in [kafka]: {self._where}: no URL that begins with http(s)://HOST")
        if registry.auth and (":" not in registry.auth or password):
            raise SettingsError(
                f"{self._where}: who asks is told once, as user:password, in the environment variable"
                " NUNCIUS_REGISTRY_AUTH; not in the URL as well"
            )
        secrets = (registry.auth, registry.auth.partition(":")[2], password, unquote(password))
        self._secrets = tuple(secret for secret in secrets if secret)
        self._config: dict[str, Any] = {"url": registry.url, "timeout": ANSWER_S, "max.retries": 0}
        if registry.auth:
            self._config["basic.auth.user.info"] = registry.auth

    def register(self, name: str, text: str) -> int:
        """The id of a schema of ours, which is registered where it is not yet."""
        with self._asked(f"registering {name}") as client:
            return _id(client.register_schema(name, Schema(text, "AVRO")))

    def fingerprint(self, number: int) -> bytes:
        """The fingerprint of the schema with that id."""
        with self._asked(f"schema {number}", by_id=True) as client:
            found = client.get_schema(number)
            text, kind = found.schema_str, found.schema_type
            if not isinstance(text, str):
                raise TypeError("no schema in the answer")
        if kind not in ("AVRO", None):
            raise UnknownSchema(f"{self._where}: schema {number} is {kind}, not Avro")
        try:
            return fingerprint_of(text)
        except UnknownSchema as error:
            raise UnknownSchema(f"{self._where}: schema {number}: {error}") from error

    @contextmanager
    def _asked(self, what: str, *, by_id: bool = False) -> Iterator[SchemaRegistryClient]:
        """A client, whose errors come out as ours."""
        doing = f"{self._where}: {what}"
        look = "look at schema_registry in [kafka] of the settings"
        try:
            with SchemaRegistryClient(self._config) as client:
                yield client
        except SchemaRegistryError as error:
            raise self._explain(error, doing, by_id=by_id) from None
        except _URL_ERRORS as error:
            raise SettingsError(f"{doing}: {self._clean(str(error))}; {look}") from None
        except _HTTP_ERRORS as error:
            said = f"{doing}: {self._clean(str(error)) or type(error).__name__}"
            if _untrusted(error):
                raise SettingsError(f"{said}; SSL_CERT_FILE may name the registry's certificate authority") from None
            raise Retry(said) from None
        except (AttributeError, LookupError, TypeError, ValueError) as error:
            raise SettingsError(f"{doing}: no answer of a schema registry ({type(error).__name__}); {look}") from None

    def _explain(self, error: SchemaRegistryError, doing: str, *, by_id: bool) -> NunciusError:
        status = error.http_status_code
        code: object = error.error_code  # whatever the answer held
        said = f"HTTP {status}"
        if isinstance(code, int) and code >= 0:  # otherwise some page came, not an answer
            said += f", {self._clean(str(error.error_message))}"
        if status in (401, 403):
            return Refused(f"{doing}: refused: {said}; look at the environment variable NUNCIUS_REGISTRY_AUTH")
        if status in (408, 429) or status >= 500:
            return Retry(f"{doing}: {said}")
        if by_id and status == 404 and isinstance(code, int) and code >= _NO_SUCH_SCHEMA:
            return UnknownSchema(f"{doing}: not known there")
        return SettingsError(f"{doing}: {said}; look at schema_registry in [kafka] of the settings")

    def _clean(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, "…")
        return text[:200]


def _id(found: object) -> int:
    if not isinstance(found, int) or not 0 <= found <= _LARGEST_ID:
        raise TypeError("no id in the answer")
    return found


def _untrusted(error: BaseException | None) -> bool:
    """Whether the server's certificate is at fault, somewhere down the causes."""
    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError):
            return True
        error = error.__cause__ or error.__context__
    return False
