"""Asks over HTTP: one signed POST for each revision, safe to repeat.

The body is ``{"action": "submit" | "cancel", "request": {…}}``, the request as Nuncius writes it in JSON. Headers:

- ``Idempotency-Key``: the request's ``idempotency_key``. A receiver that has seen it answers as it did then. It should
  also pass over a revision lower than the highest it has seen of a ``request_id``: a late copy may overtake a
  cancellation;
- ``Nuncius-Signature``: ``sha256=`` and, in hexadecimal, the HMAC-SHA256 of key, newline and body under the shared
  secret.

Answers: 2xx is final and good; 408, 409, 425, 429 and 5xx, no answer, or a broken one, mean "again later"; anything
else, redirects too, is final and bad. Neither the URL's path or query nor the secret appears in any message or log.
"""

import hmac
from hashlib import sha256
from typing import Final, Literal
from urllib.parse import unquote

import httpx
import orjson

from nuncius.consumers.adapter import answer
from nuncius.consumers.bounded import BoundedTransport
from nuncius.consumers.too.door import checked_url
from nuncius.schemas.errors import Retry, SettingsError
from nuncius.schemas.too import ToORequest, ToOStatus
from nuncius.schemas.vocabulary import RequestState
from nuncius.schemas.wire import to_json

_AGAIN: Final = frozenset({408, 409, 425, 429})
_ANSWER_BYTES: Final = 2048
_SECRET_MIN: Final = 16


class Webhook:
    """An adapter that posts to one URL. Close it when done.

    Redirects are not followed, and proxies and credentials of the environment are not used.

    Parameters
    ----------
    url
        ``https``; ``http`` only for the loopback interface.
    secret
        Shared with the receiver, 16 characters or more.
    allowed_hosts
        Host names that may be asked; the URL's must be among them.
    name
        Of the adapter, in statuses.
    timeout_s
        For connecting, for sending, and for the whole answer.

    Raises
    ------
    SettingsError
        If URL or secret are not fit; the message does not repeat them.
    """

    real: Final = True
    public: Final = False

    def __init__(
        self,
        url: str,
        *,
        secret: str,
        allowed_hosts: frozenset[str],
        name: str = "webhook",
        timeout_s: float = 5.0,
    ) -> None:
        self.name = name
        self._url = checked_url(url, allowed_hosts, f"webhook {name!r}")
        if len(secret) < _SECRET_MIN:
            raise SettingsError(f"webhook {name!r}: the secret is shorter than {_SECRET_MIN} characters")
        self._secret = secret.encode()
        self._timeout_s = timeout_s
        self._transport = BoundedTransport(httpx.create_ssl_context(trust_env=False))
        self._hidden = _hidden(self._url, secret)

    def close(self) -> None:
        """Close the connection."""
        self._transport.close()

    def submit(self, request: ToORequest, _standing: str) -> ToOStatus:
        """Ask for the observation."""
        return self._post(request, "submit", "accepted", "rejected")

    def cancel(self, request: ToORequest, _standing: str) -> ToOStatus:
        """Take back what was asked under this id."""
        return self._post(request, "cancel", "cancelled", "not_cancelled")

    def look(self, _request: ToORequest, _standing: str) -> None:
        """Nothing: a webhook is told, not asked."""

    def _post(
        self, request: ToORequest, action: Literal["submit", "cancel"], good: RequestState, bad: RequestState
    ) -> ToOStatus:
        body = orjson.dumps({"action": action, "request": to_json(request)}, option=orjson.OPT_UTC_Z)
        key = request.idempotency_key
        message = httpx.Request(
            "POST",
            self._url,
            content=body,
            headers={
                "Content-Type": "application/json",
                "Idempotency-Key": key,
                "Nuncius-Signature": signature(self._secret, key, body),
                "User-Agent": "nuncius",
            },
            extensions={"timeout": httpx.Timeout(self._timeout_s).as_dict()},
        )
        code, words = self._exchange(message)
        if code >= httpx.codes.INTERNAL_SERVER_ERROR or code in _AGAIN:
            raise Retry(f"webhook {self.name!r}: {self._url.host} answered {code}: {words}")
        if not httpx.codes.is_success(code):
            return answer(request, bad, self.name, f"{self._url.host} answered {code}: {words}")
        return answer(request, good, self.name, f"{self._url.host} answered {code}: {words}")

    def _exchange(self, message: httpx.Request) -> tuple[int, str]:
        # The transport is used bare: httpx's client would log the whole URL.
        try:
            response = self._transport.exchange(message, self._timeout_s)
        except httpx.TransportError as error:
            raise Retry(f"webhook {self.name!r}: no answer from {self._url.host}: {type(error).__name__}") from None
        text = b""
        try:
            for part in response.iter_raw():
                text += part
                if len(text) >= _ANSWER_BYTES:
                    break
        except httpx.TransportError:
            text += b" (cut off)"
        finally:
            response.close()
        return response.status_code, self._shown(text[:_ANSWER_BYTES].decode("utf-8", "replace"))

    def _shown(self, text: str) -> str:
        for piece in self._hidden:
            text = text.replace(piece, "…")
        return "".join(letter if letter.isprintable() else " " for letter in text)[:200].strip()


def signature(secret: bytes, key: str, body: bytes) -> str:
    """The value of ``Nuncius-Signature``; receivers compare with `hmac.compare_digest`."""
    return "sha256=" + hmac.new(secret, key.encode() + b"\n" + body, sha256).hexdigest()


def _hidden(url: httpx.URL, secret: str) -> tuple[str, ...]:
    """What must not be shown, longest first: path, query and their parts, plain and decoded."""
    path, query = url.raw_path.decode().partition("?")[::2]
    parts = {secret, url.raw_path.decode(), path, query, *path.split("/"), *query.replace("=", "&").split("&")}
    return tuple(sorted((p for part in parts for p in {part, unquote(part)} if len(p) > 3), key=len, reverse=True))
