"""LIKE greedy, piece by piece, never going back: a piece has one length, so nothing in it can be tried in many ways."""

import re
from functools import lru_cache
from typing import Final

ANY: Final = None
"""Stands for one character of any kind (``_``)."""

Piece = tuple[str | None, ...]


@lru_cache(maxsize=1024)
def pieces(pattern: str, escape: str) -> tuple[Piece, ...]:
    """The pattern cut at its ``%``, each piece one entry a character.

    Raises
    ------
    ValueError
        The escape character stands before anything but ``%``, ``_`` or itself.
    """
    found: list[list[str | None]] = [[]]
    letters = iter(pattern)
    for letter in letters:
        if escape and letter == escape:
            kept = next(letters, "")
            if kept not in ("%", "_", escape):
                raise ValueError(f"the escape character {escape!r} stands before {kept!r}; expected %, _ or itself")
            found[-1].append(kept)
        elif letter == "%":
            found.append([])
        else:
            found[-1].append(ANY if letter == "_" else letter)
    return tuple(tuple(piece) for piece in found)


def like(text: str, pattern: str, escape: str = "", *, ignore_case: bool = False) -> bool:
    """Whether the whole text fits; letter case ignored by lower-casing both, as Python does."""
    if ignore_case:
        text, pattern, escape = text.lower(), pattern.lower(), escape.lower()
    first, *rest = pieces(pattern, escape)
    if not rest:
        return len(text) == len(first) and _fits(text, 0, first)
    last = rest.pop()
    if len(text) < len(first) + len(last) or not _fits(text, 0, first):
        return False
    at, end = len(first), len(text) - len(last)
    for piece in rest:
        at = _found(text, at, end, piece)
        if at < 0:
            return False
        at += len(piece)
    return at <= end and _fits(text, end, last)


def _found(text: str, start: int, stop: int, piece: Piece) -> int:
    """Where the piece first fits within text[start:stop]; -1 where nowhere."""
    if ANY not in piece:
        return text.find("".join(letter for letter in piece if letter is not None), start, stop)
    found = _searched(piece).search(text, start, stop)
    return -1 if found is None else found.start()


@lru_cache(maxsize=1024)
def _searched(piece: Piece) -> re.Pattern[str]:
    """A pattern without anything that repeats: letters and dots alone, at most length times length steps."""
    return re.compile("".join("." if letter is ANY else re.escape(letter) for letter in piece), re.DOTALL)


def _fits(text: str, at: int, piece: Piece) -> bool:
    return len(text) - at >= len(piece) and all(
        letter is ANY or text[at + index] == letter for index, letter in enumerate(piece)
    )
