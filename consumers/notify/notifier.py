"""Sends messages to the addresses of one receiver, through apprise."""

import logging
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Final
from urllib.parse import unquote

import apprise
from apprise.attachment.memory import AttachMemory
from apprise.plugins.custom_json import NotifyJSON
from apprise.plugins.email import NotifyEmail
from apprise.plugins.matrix import NotifyMatrix
from apprise.plugins.ntfy import NotifyNtfy
from apprise.plugins.slack import NotifySlack
from apprise.plugins.sns import NotifySNS
from apprise.plugins.telegram import NotifyTelegram
from apprise.plugins.twilio import NotifyTwilio
from pydantic import SecretStr

from nuncius.consumers.notify.allowed import check_host, checked_address
from nuncius.consumers.notify.message import Message
from nuncius.schemas.errors import Retry, SettingsError

TIMEOUT_S: Final = 30.0
"""For one address, attachments included (ours)."""

_SERVICES: Final[dict[str, type[apprise.NotifyBase]]] = {
    "json": NotifyJSON,
    "mailto": NotifyEmail,
    "matrix": NotifyMatrix,
    "ntfy": NotifyNtfy,
    "slack": NotifySlack,
    "sns": NotifySNS,
    "tgram": NotifyTelegram,
    "twilio": NotifyTwilio,
}
"""By scheme without the s of an encrypted one. No other of apprise's services is ever loaded."""

_FIXED: Final = frozenset({"slack", "tgram", "twilio", "sns"})
"""Services with one host, which apprise knows."""

_ATTACH: Final[Callable[..., apprise.AttachBase]] = AttachMemory
"""Its constructor has no types."""

_SMS_CHARACTERS: Final = 1000
"""A service that takes less gets the short text."""

_LOGGER: Final = logging.getLogger("apprise")
_LOGGER.propagate = False  # its lines may hold URLs; what it says of a failure is shown by `Notifier.send`, without
_LOGGER.addHandler(logging.NullHandler())


class Notifier:
    """The addresses of one receiver.

    Parameters
    ----------
    name
        The receiver's.
    addresses
        apprise URLs, with white space between them.

    Raises
    ------
    SettingsError
        If there is none, or one is not allowed or not whole.
    """

    def __init__(self, name: str, addresses: SecretStr) -> None:
        self.name = name
        urls = addresses.get_secret_value().split()
        if not urls:
            raise SettingsError(f"[tell.{name}]: no address")
        asset = apprise.AppriseAsset(
            app_id="Nuncius",
            async_mode=False,
            http_redirects=False,
            pgp_autogen=False,
            pem_autogen=False,
            storage_mode=apprise.PersistentStoreMode.MEMORY,
            service_timeout=TIMEOUT_S,
            allow_templates=False,
        )
        asset.image_url_mask = ""  # no picture of apprise's, fetched from elsewhere
        self._services = tuple(_service(url, asset, f"[tell.{name}]") for url in urls)
        self._hidden = _pieces(urls)

    def send(self, message: Message) -> str:
        """Send to every address; what came of it, in words.

        Raises
        ------
        Retry
            If none of them took it. It may be sent again: at least once.
        """
        told: list[str] = []
        failed: list[str] = []
        for service in self._services:
            said: list[str] = []
            with _listening(said.append):
                if _hand_over(service, message):
                    told.append(str(service.schema))
                    continue
                if message.attachments and _hand_over(service, replace(message, attachments=())):
                    told.append(f"{service.schema} (without files)")
                    continue
            why = self._shown(said[-1]) if said else "no reason given"
            failed.append(f"{service.schema} failed: {why}")
        if not told:
            raise Retry(f"{self.name} was not reached: {'; '.join(failed)}")
        return "; ".join((f"told by {', '.join(told)}", *failed))

    def _shown(self, text: str) -> str:
        for piece in self._hidden:
            text = text.replace(piece, "…")
        return "".join(letter if letter.isprintable() else " " for letter in text)[:200].strip()


def _hand_over(service: apprise.NotifyBase, message: Message) -> bool:
    is_short = service.body_maxlen < _SMS_CHARACTERS
    files = apprise.AppriseAttachment()
    for one in message.attachments if service.attachment_support else ():
        files.add(_ATTACH(content=one.data, name=one.name, mimetype=one.media_type))
    return bool(
        service.notify(
            body=message.short if is_short else message.text,
            title="" if is_short else message.title,
            notify_type=apprise.NotifyType.WARNING if message.urgent else apprise.NotifyType.INFO,
            attach=files or None,
            body_format=apprise.NotifyFormat.TEXT,
        )
    )


def _service(url: str, asset: apprise.AppriseAsset, who: str) -> apprise.NotifyBase:
    scheme = checked_address(url, who).partition(":")[0].lower()
    kind = _SERVICES.get(scheme) or _SERVICES[scheme.removesuffix("s")]
    about = kind.parse_url(url.replace("/#", "/%23"))  # rooms and channels begin so
    whole = f"{who}: the {scheme}:// address is not whole; see https://appriseit.com/services/"
    if not about:
        raise SettingsError(whole)
    try:
        found = kind(**about, asset=asset)
    except TypeError:
        raise SettingsError(whole) from None
    for host in _hosts(found, scheme):
        check_host(host.strip("[]").lower(), scheme, who)
    found.request_rate_per_sec = 0  # it would sleep 5.5 s between a message and each of its files
    return found


def _hosts(service: apprise.NotifyBase, scheme: str) -> tuple[str, ...]:
    """Where it leads, as apprise read it; none where that is fixed, and what stands in its place a token or number."""
    if scheme in _FIXED or getattr(service, "mode", "") == "cloud":
        return ()
    return (str(service.host), str(getattr(service, "smtp_host", None) or service.host))


def _pieces(urls: list[str]) -> tuple[str, ...]:
    """What must not be shown, longest first."""
    parts = {piece for url in urls for piece in (url, *re.split(r"[:/@?&=#,;]+", url.partition(":")[2]))}
    both = {form for piece in parts for form in (piece, unquote(piece)) if len(form) > 3}
    return tuple(sorted(both, key=len, reverse=True))


@contextmanager
def _listening(say: Callable[[str], object]) -> Iterator[None]:
    """What apprise says of a failure, while it is asked."""

    class Ear(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            say(record.getMessage())

    ear = Ear(logging.WARNING)
    _LOGGER.addHandler(ear)
    try:
        yield
    finally:
        _LOGGER.removeHandler(ear)
