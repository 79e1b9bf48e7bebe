"""Tokens by which facilities take what they are asked over HTTP."""

from collections.abc import Mapping
from typing import Final

from pydantic import SecretStr

from nuncius.broker.settings import DeskSettings
from nuncius.consumers.too.credentials import credential
from nuncius.schemas import SettingsError

LEAST: Final = 32
"""Characters at least: what ``openssl rand -hex 16`` writes."""


def desk_tokens(desks: Mapping[str, DeskSettings], environ: Mapping[str, str]) -> dict[str, SecretStr]:
    """The token of each facility.

    Raises
    ------
    SettingsError
        If one is missing, short, no word of ASCII, in a file that others may read, or another facility's; the message
        names facility and variable, and holds nothing of it.
    """
    found: dict[str, SecretStr] = {}
    for facility, desk in desks.items():
        about = f"[desk.{facility}]: ${desk.credential}"
        try:
            token = credential(environ, desk.credential)
        except SettingsError as error:
            raise SettingsError(f"[desk.{facility}]: {error}") from None
        said = token.get_secret_value()
        if len(said) < LEAST or not said.isascii() or not said.isprintable() or " " in said:
            raise SettingsError(f"{about}: a token is one word of at least {LEAST} characters: openssl rand -hex 32")
        other = next((name for name, one in found.items() if one.get_secret_value() == said), None)
        if other is not None:
            raise SettingsError(f"{about}: is the token of {other} too; give each facility one of its own")
        found[facility] = token
    return found
