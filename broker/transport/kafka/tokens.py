"""OAuth 2.0 client credentials for SASL/OAUTHBEARER (RFC 6749 section 4.4, RFC 7628)."""

import json
import re
import time
from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from http.client import HTTPException
from urllib.error import HTTPError
from urllib.parse import quote, urlencode
from urllib.request import (
    HTTPDefaultErrorHandler,
    HTTPErrorProcessor,
    HTTPHandler,
    HTTPSHandler,
    OpenerDirector,
    ProxyHandler,
    Request,
    UnknownHandler,
)

from nuncius.schemas.errors import Retry

_TIMEOUT_S = 10.0
_MOST_BYTES = 2**20
_LIFE_S = 300.0
"""Life of a token whose server does not state it (RFC 6749 section 5.1 recommends that it does)."""

_LONGEST_S = 1e9
"""A longer life, of thirty years, is taken as none stated."""

_TOKEN = re.compile(r"[A-Za-z0-9._~+/-]+=*")
"""How a bearer token is spelled (RFC 6750 section 2.1)."""


@dataclass(frozen=True, slots=True)
class OAuthClient:
    """Who asks which server for tokens.

    Parameters
    ----------
    token_url
        The token endpoint.
    client_id, client_secret
        As the server knows this client.
    scope
        What the token is for; empty where the server decides.
    """

    token_url: str
    client_id: str
    client_secret: str = field(repr=False)
    scope: str = ""


def token_of(client: OAuthClient) -> Callable[[str], tuple[str, float]]:
    """What librdkafka's ``oauth_cb`` calls: gives a token and the Unix time at which it ends.

    The first token is fetched before this returns: librdkafka does not tell why a callback failed.

    Raises
    ------
    Retry
        From here and from the call: the server does not answer, or not with a token. Neither secret nor token is in
        the message.
    """
    ready = [_fetch(client)]

    def fetch(_: str) -> tuple[str, float]:
        return ready.pop() if ready else _fetch(client)

    return fetch


def _fetch(client: OAuthClient) -> tuple[str, float]:
    asked = time.time()  # noqa: TID251  librdkafka wants the end of the token's life in Unix time
    answer = _ask(client)
    token = answer.get("access_token")
    if not isinstance(token, str) or not _TOKEN.fullmatch(token):
        raise Retry(f"{client.token_url}: the answer holds no access_token; look at the client's rights there")
    return token, asked + _life_s(answer.get("expires_in"))


def _life_s(stated: object) -> float:
    """The life stated, as a number or as text; `_LIFE_S` where that is no length of time."""
    try:
        life_s = float(stated) if isinstance(stated, int | float | str) and not isinstance(stated, bool) else 0.0
    except (ValueError, OverflowError):
        return _LIFE_S
    return life_s if 0.0 < life_s < _LONGEST_S else _LIFE_S


def _ask(client: OAuthClient) -> dict[str, object]:
    form = {"grant_type": "client_credentials"} | ({"scope": client.scope} if client.scope else {})
    who = f"{quote(client.client_id, safe='')}:{quote(client.client_secret, safe='')}"
    headers = {"Authorization": f"Basic {b64encode(who.encode()).decode()}", "Accept": "application/json"}
    try:
        request = Request(client.token_url, urlencode(form).encode(), headers)  # noqa: S310  the opener knows no other
        with _opener().open(request, timeout=_TIMEOUT_S) as answer:
            found = json.loads(answer.read(_MOST_BYTES))
    except HTTPError as error:
        error.close()
        raise Retry(f"no token from {client.token_url}: {_refusal(error.code)}") from None
    except (OSError, HTTPException, ValueError, RecursionError) as error:
        raise Retry(f"no token from {client.token_url}: {_cause(error)}; look at token_url in [kafka]") from error
    return found if isinstance(found, dict) else {}


def _opener() -> OpenerDirector:
    """Knows the web only, and follows no redirect: the credentials are for the server that was named."""
    opener = OpenerDirector()
    for handler in (ProxyHandler, UnknownHandler, HTTPHandler, HTTPSHandler, HTTPDefaultErrorHandler):
        opener.add_handler(handler())
    opener.add_handler(HTTPErrorProcessor())
    return opener


def _refusal(code: int) -> str:
    phrase = HTTPStatus(code).phrase if code in HTTPStatus._value2member_map_ else "no known answer"
    if HTTPStatus.MULTIPLE_CHOICES <= code < HTTPStatus.BAD_REQUEST:
        return f"HTTP {code} ({phrase}) is not followed; look at token_url in [kafka]"
    if HTTPStatus.BAD_REQUEST <= code < HTTPStatus.INTERNAL_SERVER_ERROR:
        return f"HTTP {code} ({phrase}); look at token_url, client_id and scope in [kafka] and at the client's secret"
    return f"HTTP {code} ({phrase})"


def _cause(error: Exception) -> str:
    """What happened, in one line."""
    if isinstance(error, json.JSONDecodeError | UnicodeDecodeError | RecursionError):
        return "the answer is not JSON"
    if isinstance(error, HTTPException):
        return "the answer is not HTTP"
    return " ".join(str(getattr(error, "reason", None) or error).split())
