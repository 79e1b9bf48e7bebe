"""OAuth 2.0 client credentials for SASL/OAUTHBEARER (RFC 6749 section 4.4, RFC 7628)."""

import json
import time
from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.error import URLError
from urllib.parse import quote, urlencode
from urllib.request import Request, urlopen

from nuncius.schemas.errors import Retry

_TIMEOUT_S = 10.0
_MOST_BYTES = 2**20
_LIFE_S = 300
"""Life of a token whose server does not state it (RFC 6749 section 5.1 recommends that it does)."""


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

    Raises
    ------
    Retry
        From the call: the server does not answer, or not with a token. Neither secret nor token is in the message.
    """

    def fetch(_: str) -> tuple[str, float]:
        asked = time.time()  # noqa: TID251  librdkafka wants the end of the token's life in Unix time
        answer = _ask(client)
        token = answer.get("access_token")
        if not isinstance(token, str) or not token:
            raise Retry(f"{client.token_url}: the answer holds no access_token; look at the client's rights there")
        life = answer.get("expires_in", _LIFE_S)
        return token, asked + float(life if isinstance(life, int | float) else _LIFE_S)

    return fetch


def _ask(client: OAuthClient) -> dict[str, object]:
    form = {"grant_type": "client_credentials"} | ({"scope": client.scope} if client.scope else {})
    who = f"{quote(client.client_id, safe='')}:{quote(client.client_secret, safe='')}"
    headers = {"Authorization": f"Basic {b64encode(who.encode()).decode()}", "Accept": "application/json"}
    request = Request(client.token_url, urlencode(form).encode(), headers)  # noqa: S310  the operator's own setting
    try:
        with urlopen(request, timeout=_TIMEOUT_S) as answer:  # noqa: S310  as above
            found = json.loads(answer.read(_MOST_BYTES))
    except (URLError, TimeoutError, ValueError, OSError) as error:
        reason = getattr(error, "reason", None) or error
        raise Retry(f"no token from {client.token_url}: {reason}") from error
    return found if isinstance(found, dict) else {}
