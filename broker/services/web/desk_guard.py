"""Who may sit at a facility's desk over HTTP: who has its token, and no other facility's."""

import hmac
from collections.abc import Callable, Mapping
from hashlib import sha256

from fastapi import Request
from pydantic import SecretStr

from nuncius.broker.services.web.answers import RefusedError


def desk_guard(tokens: Mapping[str, SecretStr], allow: Callable[[Request], None]) -> Callable[[Request, str], None]:
    """What lets a call to a facility's desk through.

    Parameters
    ----------
    tokens
        By facility. Its own token alone opens a facility's desk, from wherever it is called; where any facility has
        one, those without are refused: behind a proxy everybody seems to come from this machine.
    allow
        Where none has, as for all that changes something here: see `nuncius.broker.services.web.guard.guard`.
    """
    known = {facility: _digest(f"Bearer {token.get_secret_value()}") for facility, token in tokens.items()}

    def admit(request: Request, facility: str) -> None:
        expected = known.get(facility)
        if expected is None:
            said = f"no token is known here for {facility[:100]} ([desk.NAME] in the broker's settings)"
            if known:
                raise RefusedError(403, said)
            try:
                allow(request)
            except RefusedError as error:
                raise RefusedError(error.status, f"{said}; {error}") from None
            return
        if not hmac.compare_digest(_digest(request.headers.get("authorization", "")), expected):
            raise RefusedError(403, f"send Authorization: Bearer TOKEN, with the token of {facility[:100]}")

    return admit


def _digest(text: str) -> bytes:
    return sha256(text.encode()).digest()
