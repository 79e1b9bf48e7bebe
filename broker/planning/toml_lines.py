"""Where in a TOML text a table and a key of it stand, for messages: tomllib does not say."""

import re
from typing import Final

_HEADER: Final = re.compile(r"^\s*\[\[?\s*([\w.-]+)\s*\]\]?\s*(#.*)?$")


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
        A key as written, bare or in quotes; empty for the header.
    """
    wanted = re.compile(rf"""^\s*["']?{re.escape(key)}["']?\s*=""") if key else None
    header, count, inside = None, 0, False
    for line, words in enumerate(text.splitlines(), 1):
        found = _HEADER.match(words)
        if found is not None:
            inside = found[1] == table
            count += inside
            inside = inside and count == number
            header = line if inside else header
        elif inside and wanted is not None and wanted.match(words):
            return line
    return header
