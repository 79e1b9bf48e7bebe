"""Where in a TOML text a table and a key of it stand, for messages: tomllib does not say."""

import math
import re
import tomllib
from typing import Final

from nuncius.schemas.errors import SettingsError

_PART: Final = r"""(?:[\w-]+|"[^"]*"|'[^']*')"""
_HEADER: Final = re.compile(rf"^\s*\[\[?\s*({_PART}(?:\.{_PART})*)\s*\]\]?\s*(#.*)?$")
_NAMED: Final = re.compile(r"\bkey '(\w+)'")

_SAYS: Final = {
    "missing": "missing",
    "tuple_type": "write a list, in brackets",
    "list_type": "write a list, in brackets",
    "too_short": "name at least one",
    "string_too_short": "must not be empty",
    "string_type": "write text, in quotes",
    "float_type": "write a number, without quotes",
    "int_type": "write a whole number",
    "bool_type": "write true or false",
}
"""What pydantic says in words of Python, by the type of its error."""


def line_of(text: str, table: str, number: int, key: str = "") -> int | None:
    """The line, from 1, of a key in the ``number``-th ``[[table]]``, else of the table's header; None for neither.

    Parameters
    ----------
    text
        The file.
    table
        Name in the double brackets.
    number
        From 1.
    key
        A key as written, bare or in quotes, or the name of a table below, as ``filters.C3``; empty for the header.
    """
    wanted = re.compile(rf"""^\s*["']?{re.escape(key)}["']?\s*=""") if key else None
    header, count, inside = None, 0, False
    for line, words in enumerate(text.splitlines(), 1):
        found = _HEADER.match(words)
        if found is not None:
            name = _bare(found[1])
            if key and count == number and name == _bare(f"{table}.{key}"):
                return line
            inside = name == table
            count += inside
            inside = inside and count == number
            header = line if inside else header
        elif inside and wanted is not None and wanted.match(words):
            return line
    return header


def _bare(name: str) -> str:
    """Without any quotes."""
    return name.replace('"', "").replace("'", "")


def number_of(text: str, table: str, name: str) -> int:
    """Which ``[[table]]``, from 1, has this name; the last one where none has."""
    names = [one.get("name") for one in tomllib.loads(text).get(table, [])]
    return names.index(name) + 1 if name in names else len(names)


def complaint(text: str, table: str, number: int, name: str, key: str, words: str) -> SettingsError:
    """What is wrong about a key of the ``number``-th ``[[table]]``: line, table and key, then the words.

    Without a key the line is that of the first key that the words name.
    """
    named = _NAMED.search(words)
    line = line_of(text, table, number, key or (named[1] if named else ""))
    at = "" if line is None else f"line {line}: "
    about = f"key {key!r}: " if key else ""
    return SettingsError(f"{at}{table} {name!r}: {about}{words}")


def in_words(kind: str, message: str, value: object) -> str:
    """What pydantic says of a wrong value, for people."""
    if isinstance(value, float) and math.isnan(value):  # pydantic says that it is above a bound
        return "nan is no number"
    return _SAYS.get(kind, message).removeprefix("Value error, ").replace("Input should be", "it must be")
