"""Where a subscriber stands, as one word that is kept: a position, and which log it is of."""

from collections.abc import Mapping
from typing import Final

from nuncius.broker.transport.position import from_token, to_token
from nuncius.schemas import SettingsError

_SIGN: Final = "@"


def to_place(position: Mapping[int, int], identity: str) -> str:
    """``0:13,1:7@IDENTITY``; empty where there is no position yet."""
    token = to_token(position)
    return f"{token}{_SIGN}{identity}" if token and identity else token


def from_place(text: str) -> tuple[dict[int, int], str]:
    """Position and identity; an empty identity where the word names none, as the ids of server-sent events.

    Raises
    ------
    SettingsError
        If it is no such word.
    """
    token, _, identity = text.partition(_SIGN)
    return from_token(token), identity


def check_log(where: str, expected: str, found: str) -> None:
    """Whether a position is of this log.

    Raises
    ------
    SettingsError
        If both are known and differ.
    """
    if expected and found and expected != found:
        raise SettingsError(another_log(where, "it was made anew since"))


def another_log(where: str, why: str) -> str:
    """What is said to who comes with the position of another log."""
    return (
        f"{where}: the position is that of another log: {why}; begin anew with --since, --last or (until the end)"
        " neither, and --restart where a bookmark is kept"
    )
