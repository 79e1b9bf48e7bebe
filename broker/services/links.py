"""Signed, expiring links by which a receiver answers a request."""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from ipaddress import ip_address
from typing import Final
from urllib.parse import parse_qs, quote, urlencode, urlsplit

from pydantic import SecretStr

from nuncius.consumers.too.credentials import credential
from nuncius.schemas import SettingsError, ToORequest

VARIABLE: Final = "NUNCIUS_LINK_SECRET"
LEAST: Final = 32
"""Characters of the secret at least: what ``openssl rand -hex 16`` writes."""

_PURPOSE: Final = {"answer": b"nuncius too link 1", "acknowledge": b"nuncius too seen 1"}
"""What is signed first, by what the link is for: one for the other is none."""
_STUCK_FOR: Final = timedelta(days=1)
"""So long after a request expired people hear of it (`nuncius.broker.planning.telling`), and may say that they act."""


@dataclass(frozen=True, slots=True)
class Link:
    """What a link says.

    Parameters
    ----------
    request_id, revision
        What it is about.
    expires
        UTC, whole seconds; exclusive.
    receiver
        To whom it was sent.
    """

    request_id: str
    revision: int
    expires: datetime
    receiver: str


def signed_links(public_url: str, environ: Mapping[str, str]) -> "Links":
    """Links below a public address, with the secret of ``$NUNCIUS_LINK_SECRET`` (or the file of ``…_FILE``).

    Raises
    ------
    SettingsError
        If the address is no https URL (http for loopback), or the secret is missing or too short.
    """
    parts = urlsplit(public_url)
    host = parts.hostname or ""
    if not host or parts.query or parts.username or not (parts.scheme == "https" or _is_local(parts.scheme, host)):
        raise SettingsError(f"public_url: {public_url!r} is no https:// address (http:// is for loopback)")
    try:
        return Links(public_url, credential(environ, VARIABLE))
    except SettingsError as error:
        raise SettingsError(f"public_url is set, so answers by a link are wanted: {error}") from None


class Links:
    """Writes links and reads them.

    Parameters
    ----------
    public_url
        The address at which people reach the web service.
    secret
        Of ``$NUNCIUS_LINK_SECRET``; the same for whoever sends links and whoever serves them.

    Raises
    ------
    SettingsError
        If the secret is too short to be one.
    """

    def __init__(self, public_url: str, secret: SecretStr) -> None:
        self._base = public_url.rstrip("/")
        self._key = secret.get_secret_value().encode()
        if len(self._key) < LEAST:
            raise SettingsError(f"${VARIABLE} holds fewer than {LEAST} characters; make one: openssl rand -hex 32")

    def url(self, request: ToORequest, receiver: str) -> str:
        """The link to answer a revision; empty where it does not expire, and so cannot be asked of a telescope."""
        return "" if request.expires is None else self._url("answer", request, request.expires, receiver)

    def acknowledging(self, request: ToORequest, receiver: str) -> str:
        """The link to say that one sees to what a telescope would not cancel, good for a day after it expired."""
        until = None if request.expires is None else request.expires + _STUCK_FOR
        return "" if until is None else self._url("acknowledge", request, until, receiver)

    def _url(self, purpose: str, request: ToORequest, until: datetime, receiver: str) -> str:
        link = Link(request.request_id, request.revision, until.replace(microsecond=0), receiver)
        query = urlencode(
            {
                "revision": link.revision,
                "until": int(link.expires.timestamp()),
                "to": link.receiver,
                "sign": self._signature(purpose, link),
            }
        )
        return f"{self._base}/too/{quote(link.request_id, safe='')}/{purpose}?{query}"

    def read(self, request_id: str, query: str) -> Link | None:
        """What the query of a link says; None where it was not written by `url`. Its expiry is for the caller."""
        return self._read("answer", request_id, query)

    def read_acknowledging(self, request_id: str, query: str) -> Link | None:
        """The same of `acknowledging`."""
        return self._read("acknowledge", request_id, query)

    def _read(self, purpose: str, request_id: str, query: str) -> Link | None:
        try:
            found = parse_qs(query[:2000], max_num_fields=8)
            revision, until, receiver, sign = (found[name][0] for name in ("revision", "until", "to", "sign"))
            link = Link(request_id, int(revision), datetime.fromtimestamp(int(until), UTC), receiver)
        except (KeyError, ValueError, OverflowError, OSError):
            return None
        return link if hmac.compare_digest(sign.encode(), self._signature(purpose, link).encode()) else None

    def _signature(self, purpose: str, link: Link) -> str:
        fields = (link.request_id, str(link.revision), str(int(link.expires.timestamp())), link.receiver)
        said = b"".join(b"\0%d:%b" % (len(field.encode()), field.encode()) for field in fields)
        return hmac.new(self._key, _PURPOSE[purpose] + said, sha256).hexdigest()


def _is_local(scheme: str, host: str) -> bool:
    try:
        return scheme == "http" and (host == "localhost" or ip_address(host).is_loopback)
    except ValueError:
        return False
