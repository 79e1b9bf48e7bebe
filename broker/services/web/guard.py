"""Who may change named streams, and ask for telescope time, over HTTP."""

import hmac
from collections.abc import Callable
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

from fastapi import Request

from nuncius.broker.services.web.answers import RefusedError

VARIABLE: Final = "NUNCIUS_HTTP_TOKEN"
_SCHEMES: Final = ("Bearer", "token")
"""What stands before the token; the second is SkyPortal's word."""


def guard(host: str, token: str) -> Callable[[Request], None]:
    """What lets a write through: the token where one is set, else only who is on this machine.

    Parameters
    ----------
    host
        Address the service listens on.
    token
        Of ``$NUNCIUS_HTTP_TOKEN``; empty for none.
    """

    def allow(request: Request) -> None:
        if token:
            given = request.headers.get("authorization", "")
            if not any(hmac.compare_digest(given.encode(), f"{word} {token}".encode()) for word in _SCHEMES):
                raise RefusedError(403, f"send Authorization: Bearer TOKEN, with the token of the broker's ${VARIABLE}")
            return
        if not _is_loopback(host):
            raise RefusedError(
                403,
                f"nothing is changed over HTTP here: the broker listens on {host} without a token; "
                f"set ${VARIABLE}, or use the commands: nuncius streams, nuncius too",
            )
        asked = _host_in(f"//{request.headers.get('host', '')}")
        origin = request.headers.get("origin")
        if not _is_loopback(asked) or (origin is not None and not _is_loopback(_host_in(origin))):
            raise RefusedError(403, "a page of another site may change nothing here; ask http://127.0.0.1 itself")

    return allow


def _host_in(url: str) -> str:
    """Empty where it has none, or is no URL."""
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
