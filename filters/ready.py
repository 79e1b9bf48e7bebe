"""The filters that Nuncius ships, with where their cuts come from."""

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files


@dataclass(frozen=True, slots=True)
class ReadyFilter:
    """A filter with a name, which others may use as a bare word.

    Parameters
    ----------
    name, table, text
        As in `nuncius.filters`.
    meaning
        What it selects.
    source
        Where the cuts come from; empty where they are our own choice.
    misses
        What a user might expect and does not get.
    """

    name: str
    table: str
    text: str
    meaning: str
    source: str
    misses: str


@cache
def ready_filters() -> tuple[ReadyFilter, ...]:
    """All of them, in the order of the file."""
    text = files("nuncius.filters").joinpath("ready.toml").read_text(encoding="utf-8")
    return tuple(ReadyFilter(**row) for row in tomllib.loads(text)["filter"])
