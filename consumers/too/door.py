"""A facility's web service: where it is, how often it may be asked, and what its answers mean to an adapter.

Redirects are not followed; proxies, cookies and credentials of the environment are not used.
"""

import logging
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cache
from ipaddress import ip_address
from pathlib import Path
from ssl import SSLContext, SSLError, create_default_context
from threading import Lock
from time import monotonic, sleep
from typing import Any, Final, TypeVar
from urllib.parse import quote, quote_plus

import httpx
import orjson
from pydantic import TypeAdapter, ValidationError

from nuncius.consumers.adapter import answer
from nuncius.consumers.bounded import BoundedTransport
from nuncius.schemas.errors import Retry, SettingsError
from nuncius.schemas.too import ToORequest, ToOStatus
from nuncius.schemas.vocabulary import RequestState

_AGAIN: Final = frozenset({408, 425, 429})
_ANSWER_BYTES: Final = 4_000_000
_WORDS: Final = 300
_PATIENCE_S: Final = 3600.0
"""The longest ``Retry-After`` that is obeyed (ours)."""

Model = TypeVar("Model")

logging.getLogger("httpcore").setLevel(logging.INFO)  # at DEBUG it writes headers of answers, session cookies too


class Untouched(Retry):
    """The facility did nothing: the call did not reach it, or it said so."""


class TooLong(Retry):
    """The answer is longer than is read of any: to ask again for the same leads nowhere."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the facility said.

    Parameters
    ----------
    code
        HTTP status below 500, and none that means "again later".
    body
        The JSON of the answer; None where it is not JSON.
    words
        The answer for people: one line, printable, bounded, without secrets.
    cookies
        ``name=value`` of those set.
    etag
        Version of what was answered, where the facility gives one.
    """

    code: int
    body: Any
    words: str
    cookies: tuple[str, ...] = ()
    etag: str = ""

    @property
    def good(self) -> bool:
        """Whether the facility did as it was asked."""
        return 200 <= self.code < 300

    def read(self, shape: type[Model]) -> Model:
        """The body in the shape that the facility documents.

        Raises
        ------
        Retry
            If it has another shape: what the facility did is unknown then.
        """
        try:
            return TypeAdapter(shape).validate_python(self.body)
        except ValidationError as error:
            first = error.errors(include_input=False, include_url=False)[0]
            place = ".".join(map(str, first["loc"])) or "the whole"
            raise Retry(f"an answer ({self.code}) that cannot be read: {place}: {first['msg']}") from None


@dataclass(frozen=True, slots=True)
class Allowance:
    """At most so many calls within so many seconds."""

    calls: int
    within_s: float


@dataclass(slots=True)
class _Pace:
    allowance: Allowance
    made: deque[float] = field(default_factory=deque)
    closed_until: float = 0.0

    def wait_s(self, now: float) -> float:
        """How long the next call must wait."""
        while self.made and self.made[0] <= now - self.allowance.within_s:
            self.made.popleft()
        full = len(self.made) >= self.allowance.calls
        free_at = self.made[-self.allowance.calls] + self.allowance.within_s if full else 0.0
        return max(self.closed_until - now, free_at - now, 0.0)


class Door:
    """One web service, asked in JSON or as a form. Close it when done.

    Parameters
    ----------
    name
        Of the adapter, for messages.
    base
        URL that paths are added to.
    allowed_hosts
        Host names that may be asked.
    allowance
        What the facility lets one ask: a call beyond it waits, up to ``timeout_s``.
    secrets
        What is blotted out wherever an answer repeats it.
    timeout_s
        For the whole exchange: connecting, sending, and the answer to its end.
    ca_file
        Certificates (PEM) of the authorities that are trusted; None: those that everybody trusts.

    Raises
    ------
    SettingsError
        If the URL is not fit, or the file cannot be read.
    """

    def __init__(
        self,
        name: str,
        base: str,
        *,
        allowed_hosts: frozenset[str],
        allowance: Allowance,
        secrets: tuple[str, ...],
        timeout_s: float,
        ca_file: Path | None = None,
    ) -> None:
        self._name = name
        self._base = checked_url(base.rstrip("/"), allowed_hosts, name)
        self._pace = _Pace(allowance)
        self._secrets: tuple[str, ...] = ()
        self.hide(*secrets)
        self._timeout_s = timeout_s
        self._turn = Lock()
        self._transport = BoundedTransport(_trusted(ca_file))

    def close(self) -> None:
        """Close the connection."""
        self._transport.close()

    def ask(
        self,
        method: str,
        path: str,
        *,
        body: object = None,
        form: Mapping[str, str] | None = None,
        query: Mapping[str, str | tuple[str, ...]] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """One call, at most one of ``body`` (sent as JSON) and ``form`` with it.

        Raises
        ------
        Retry
            If nothing came back, the facility is in trouble or asks for patience, or it was asked too often;
            `Untouched` where it certainly did nothing, `TooLong` where the answer is.
        """
        with self._turn:
            now = monotonic()
            wait_s = self._pace.wait_s(now)
            if wait_s > self._timeout_s:
                raise Untouched(
                    f"{self._name}: not asked: {self._base.host} wants to be left alone for another {wait_s:.0f} s"
                )
            self._pace.made.append(now + wait_s)
        sleep(wait_s)
        known = {"Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": "nuncius"}
        content = None if body is None else orjson.dumps(body, option=orjson.OPT_UTC_Z)
        if content is not None:
            known["Content-Type"] = "application/json"
        message = httpx.Request(
            method,
            self._base.copy_with(path=self._base.path.rstrip("/") + path, params=query or None),
            content=content,
            data=form,
            headers=known | dict(headers or {}),
            extensions={"timeout": httpx.Timeout(self._timeout_s).as_dict()},
        )
        answer, after = self._exchange(message)
        if answer.code in _AGAIN or answer.code >= httpx.codes.INTERNAL_SERVER_ERROR:
            self._pace.closed_until = monotonic() + min(after, _PATIENCE_S)
            kind = Untouched if answer.code == httpx.codes.TOO_MANY_REQUESTS else Retry
            raise kind(f"{self._name}: {self._base.host} answered {answer.code}: {answer.words}")
        return answer

    def _exchange(self, message: httpx.Request) -> tuple[Answer, float]:
        # The transport is used bare: httpx's client would log the whole URL, follow cookies and read ~/.netrc.
        try:
            response = self._transport.exchange(message, self._timeout_s)
        except httpx.TransportError as error:
            kind = Untouched if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout) else Retry
            raise kind(f"{self._name}: no answer from {self._base.host}: {type(error).__name__}") from None
        text = b""
        try:
            for part in response.iter_raw():
                text += part
                if len(text) > _ANSWER_BYTES:
                    raise TooLong(f"{self._name}: an answer from {self._base.host} of more than {_ANSWER_BYTES} bytes")
        except httpx.TimeoutException:
            raise Retry(f"{self._name}: an answer from {self._base.host} without an end") from None
        except httpx.TransportError as error:
            raise Retry(f"{self._name}: half an answer from {self._base.host}: {type(error).__name__}") from None
        finally:
            response.close()
        return self._read(response, text), _seconds(response.headers)

    def _read(self, response: httpx.Response, text: bytes) -> Answer:
        body: Any = None
        with suppress(orjson.JSONDecodeError):
            body = orjson.loads(text)
        words = "" if body is None else "; ".join(said(body))
        return Answer(
            response.status_code,
            body,
            self.shown(words or text[: 8 * _WORDS].decode("utf-8", "replace")),
            tuple(value.partition(";")[0] for value in response.headers.get_list("Set-Cookie")),
            response.headers.get("ETag", ""),
        )

    def shown(self, text: str) -> str:
        """The text as it may be shown: secrets blotted out, one printable line, bounded."""
        for secret in self._secrets:
            text = text.replace(secret, "…")
        return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())[:_WORDS]

    def status(self, request: ToORequest, state: RequestState, detail: str, reference: str = "") -> ToOStatus:
        """What became of a request, in words that may hold what the facility said."""
        return answer(request, state, self._name, self.shown(detail), self.shown(reference))

    def hide(self, *secrets: str) -> None:
        """Blot these out, however they are spelled: what the facility gave for the session."""
        spelled = {way(secret) for secret in secrets if secret for way in (str, quote, quote_plus, _in_json)}
        self._secrets = tuple(sorted({*self._secrets, *spelled}, key=len, reverse=True))


def said(body: object, place: str = "", depth: int = 6) -> list[str]:
    """The leaves of a JSON answer as ``place: value``, empty ones left out; `depth` levels at most."""
    if depth == 0 or body is None or body in ("", [], {}):
        return []
    if isinstance(body, dict):
        return [
            w for key, value in body.items() for w in said(value, f"{place}.{key}" if place else str(key), depth - 1)
        ]
    if isinstance(body, list):
        return [word for value in body for word in said(value, place, depth - 1)]
    return [f"{place}: {body}" if place else str(body)]


def checked_url(text: str, allowed_hosts: frozenset[str], who: str) -> httpx.URL:
    """The URL, where it may be asked: an allowed host, by TLS or on the loopback interface, without credentials.

    Raises
    ------
    SettingsError
        If it is not fit; the message does not repeat its path or query.
    """
    try:
        url = httpx.URL(text)
    except httpx.InvalidURL:
        raise SettingsError(f"{who}: its URL cannot be read") from None
    if url.userinfo:
        raise SettingsError(f"{who}: its URL holds a user name; put secrets into the environment")
    if url.host not in allowed_hosts:
        raise SettingsError(f"{who}: host {url.host!r} is not allowed; allowed: {sorted(allowed_hosts)}")
    if url.scheme != "https" and not (url.scheme == "http" and _loopback(url.host)):
        raise SettingsError(f"{who}: {url.scheme}://{url.host} is not https (http is for loopback only)")
    return url


@cache
def _trusted(ca_file: Path | None) -> SSLContext:
    """Reading the authorities' certificates takes about 0.1 s: all doors share them."""
    if ca_file is None:
        return httpx.create_ssl_context(trust_env=False)
    try:
        return create_default_context(cafile=ca_file)
    except SSLError:
        raise SettingsError(f"ca_file {ca_file} holds no certificate: name a PEM file") from None
    except OSError as error:
        raise SettingsError(f"ca_file {ca_file} cannot be read: {error.strerror}") from None


def _loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _in_json(text: str) -> str:
    return orjson.dumps(text).decode()[1:-1]


def _seconds(headers: httpx.Headers) -> float:
    """The delay that ``Retry-After`` states; 0 where it states none.

    A moment is held against the answer's own ``Date``: our clock and the facility's may differ.
    """
    text = headers.get("Retry-After", "")
    if text.isdecimal() and len(text) < 9:
        return float(text)
    until, said_at = _moment(text), _moment(headers.get("Date", ""))
    return 0.0 if until is None or said_at is None else max(0.0, (until - said_at).total_seconds())


def _moment(text: str) -> datetime | None:
    """A date of HTTP (RFC 9110, 5.6.7); None where it is none."""
    try:
        found = parsedate_to_datetime(text)
    except ValueError:
        return None
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)
