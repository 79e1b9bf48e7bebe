"""Which addresses people may be told at: a list of services, with what each may be told in its URL.

apprise knows more than a hundred services, among them some that write files, run programs or speak to this machine's
desktop, and options that read files or fetch what a URL names. Only what stands here is let through.
"""

from ipaddress import ip_address
from typing import Final
from urllib.parse import SplitResult, unquote, urlsplit

from nuncius.schemas.errors import SettingsError

_MAIL: Final = frozenset({"from", "to", "cc", "bcc", "name", "smtp", "user", "pass", "mode", "reply"})
_NTFY: Final = frozenset({"to", "priority", "tags", "auth", "token", "mode"})
_MATRIX: Final = frozenset({"to", "token", "msgtype"})

OPTIONS: Final[dict[str, frozenset[str]]] = {
    "mailto": _MAIL,
    "mailtos": _MAIL,
    "slack": frozenset({"to"}),
    "matrix": _MATRIX,
    "matrixs": _MATRIX,
    "ntfy": _NTFY,
    "ntfys": _NTFY,
    "tgram": frozenset({"to", "topic"}),
    "twilio": frozenset({"to", "from"}),
    "sns": frozenset({"to", "mode", "region"}),
    "json": frozenset(),
    "jsons": frozenset(),
}
"""Schemes that are allowed, and the options each may have."""

_PLAIN: Final = frozenset({"mailto", "matrix", "ntfy", "json"})
"""Not encrypted: for this machine only."""

_INSIDE: Final = (".internal", ".local", ".localdomain", ".lan", ".intranet", ".corp", ".home.arpa")


def checked_address(url: str, who: str) -> str:
    """The URL, where its service and its options are allowed; `check_host` is for where it leads.

    Parameters
    ----------
    url
        As apprise reads it.
    who
        For messages. They never show more of the URL than its scheme and the names of its options.

    Raises
    ------
    SettingsError
        If they are not.
    """
    try:
        parts = urlsplit(url)
    except ValueError:
        raise SettingsError(f"{who}: an address cannot be read; write it as apprise has it") from None
    scheme = parts.scheme
    if scheme not in OPTIONS:
        raise SettingsError(f"{who}: {scheme or '(none)'}:// is not allowed; allowed: {', '.join(OPTIONS)}")
    options = _options(parts)
    wrong = [name for name in options if name not in OPTIONS[scheme] and not (scheme == "jsons" and name[:1] == "+")]
    if wrong:
        known = ", ".join(sorted(OPTIONS[scheme])) or "none"
        raise SettingsError(f"{who}: {scheme}:// may not have the option {min(wrong)!r}; allowed: {known}")
    if options.get("mode", "").lower() == "insecure":
        raise SettingsError(f"{who}: {scheme}:// with mode=insecure is not allowed; use starttls or ssl")
    return url


def check_host(host: str, scheme: str, who: str) -> None:
    """Whether people may be told at this host: loopback, or a public one by an encrypted scheme.

    Raises
    ------
    SettingsError
        If not. What a public name resolves to is not asked.
    """
    if _is_loopback(host):
        return
    if scheme in _PLAIN:
        raise SettingsError(f"{who}: {scheme}://{host} is not encrypted; write {scheme}s://, off this machine")
    if _is_inside(host):
        raise SettingsError(f"{who}: host {host!r} is no public one; people are told through public hosts or loopback")


def _options(parts: SplitResult) -> dict[str, str]:
    """A ``+`` before a name marks a header of the request; `urllib.parse.parse_qsl` would make it a space."""
    pairs = (piece.partition("=") for piece in parts.query.replace(";", "&").split("&") if piece)
    return {unquote(name) if name[:1] == "+" else unquote(name).lower(): unquote(value) for name, _, value in pairs}


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _is_inside(host: str) -> bool:
    """Whether it can only mean something within a network."""
    try:
        return not ip_address(host).is_global
    except ValueError:
        last = host.rstrip(".").rpartition(".")[2]
        return "." not in host.strip(".") or host.rstrip(".").endswith(_INSIDE) or last[:1].isdigit()
