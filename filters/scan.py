"""Before a filter is parsed: its caps, and every word and sign it may use, in one pass over the text."""

from collections.abc import Sequence
from difflib import get_close_matches
from typing import TYPE_CHECKING, Final

from nuncius.filters.errors import FilterError

if TYPE_CHECKING:
    from sqlglot.tokenizer_core import Token

MAX_CHARACTERS: Final = 4096
MAX_NODES: Final = 200
"""Words, numbers, texts and operators, brackets and commas apart."""
MAX_DEPTH: Final = 30
"""Of brackets, and of signs and NOTs in a row. A parser by recursive descent gives up at some hundreds."""
MAX_PATTERN: Final = 256
"""Of LIKE: what it costs is at most pattern times text."""

FUNCTIONS: Final = (
    *("CONTAINS", "POINT", "CIRCLE", "POLYGON", "DISTANCE"),
    *("IN_SKYMAP", "IN_MOC", "IN_REGION", "IN_EVENTS"),
)
_SIGNS: Final = frozenset(("(", ")", "[", "]", ",", "+", "-", "*", "/", "=", "!=", "<>", "<", "<=", ">", ">="))
_LETTERS: Final = frozenset("\t\n\r '\"()[],+-*/=<>!._")
_PUNCTUATION: Final = frozenset("()[],")
_KEYWORDS: Final = frozenset(
    ("AND", "OR", "NOT", "IN", "IS", "NULL", "LIKE", "ILIKE", "BETWEEN", "ESCAPE", "TRUE", "FALSE", "TIMESTAMP")
)
_WORD_KEYWORDS: Final = frozenset(("LIKE", "ILIKE", "ESCAPE", "IN", "AND", "OR", "NOT", "BETWEEN"))


def tokens(text: str) -> "list[Token]":
    """The tokens of a filter; every word that is neither a keyword nor a function is marked as a name.

    Parameters
    ----------
    text
        The filter.

    Raises
    ------
    FilterError
        Too long, too deep, a character, a sign, a word or a function that is no part of the language.
    """
    from sqlglot.errors import TokenError  # noqa: PLC0415  an extra: loaded with the first filter
    from sqlglot.tokenizer_core import Token, TokenType  # noqa: PLC0415  the same
    from sqlglot.tokens import Tokenizer  # noqa: PLC0415  the same

    _check_characters(text)
    try:
        found = Tokenizer().tokenize(text)
    except TokenError as error:
        raise FilterError("the filter cannot be read: is a quote left open?", len(text)) from error
    if not found:
        raise FilterError("the filter is empty; write TRUE to select everything")
    _check_size(found)
    marked = []
    for index, token in enumerate(found):
        before = found[index - 1].text.upper() if index else ""
        after = found[index + 1].text if index + 1 < len(found) else ""
        called = after == "(" and token.text.upper() not in _WORD_KEYWORDS
        kind = token.token_type
        if kind in (TokenType.STRING, TokenType.NUMBER) or (kind != TokenType.IDENTIFIER and token.text in _SIGNS):
            marked.append(token)
            continue
        if kind == TokenType.IDENTIFIER or not (called or token.text.upper() in _KEYWORDS):
            _check_word(token, before)
            kind = TokenType.IDENTIFIER
        elif called:
            if token.text.upper() not in FUNCTIONS:
                _refuse_function(token)
            kind = TokenType.VAR
        marked.append(Token(kind, token.text, token.line, token.col, token.start, token.end))
    return marked


def nearest(word: str, every: Sequence[str] | frozenset[str]) -> str:
    """``; did you mean …?`` with the nearest of the words; empty where none is near."""
    found = get_close_matches(word[:64], sorted(every), 1, 0.6)  # 64: the search is quadratic in the length
    return f"; did you mean {found[0]!r}?" if found else ""


def _check_characters(text: str) -> None:
    if len(text) > MAX_CHARACTERS:
        raise FilterError(f"a filter of {len(text)} characters; at most {MAX_CHARACTERS} are read", MAX_CHARACTERS)
    quote, depth, row = "", 0, 0
    for index, letter in enumerate(text):
        _check_readable(letter, index + 1)
        if quote:
            quote = "" if letter == quote else quote
            if quote == '"':
                _check_ascii(letter, index + 1)
            continue
        _check_ascii(letter, index + 1)
        quote = letter if letter in "'\"" else ""
        depth += (letter in "([") - (letter in ")]")
        row = row + 1 if letter in "-+" else row if letter.isspace() else 0
        if max(depth, row) > MAX_DEPTH:
            raise FilterError(f"nested more than {MAX_DEPTH} deep", index + 1)
        if text.startswith(("--", "/*"), index):
            raise FilterError("comments are no part of a filter (write -(-x) for two signs)", index + 1)
        if letter not in _LETTERS and not letter.isalnum():
            raise FilterError(f"{letter!r} is no part of the filter language", index + 1)
    if quote:
        raise FilterError(f"the quote {quote} is left open", len(text))
    if depth:
        raise FilterError(
            "a bracket is left open" if depth > 0 else "a bracket is closed that was not opened", len(text)
        )


def _check_readable(letter: str, column: int) -> None:
    code = ord(letter)
    if (code < 32 and letter not in "\t\n\r") or code == 127 or 0xD800 <= code <= 0xDFFF:
        raise FilterError(f"character U+{code:04X} cannot stand in a filter", column)


def _check_ascii(letter: str, column: int) -> None:
    if ord(letter) > 127:
        raise FilterError(
            f"{letter!r} (U+{ord(letter):04X}) outside of quotes; words and signs of a filter are ASCII", column
        )


def _check_size(found: "list[Token]") -> None:
    nodes = row = 0
    for token in found:
        nodes += token.text not in _PUNCTUATION
        row = row + 1 if token.text.upper() == "NOT" else row if token.text == "(" else 0
        if nodes > MAX_NODES:
            raise FilterError(f"more than {MAX_NODES} words, numbers and operators", token.start + 1)
        if row > MAX_DEPTH:
            raise FilterError(f"nested more than {MAX_DEPTH} deep", token.start + 1)


def _check_word(token: "Token", before: str) -> None:
    word = token.text
    if not word.isascii() or not word.replace("_", "a").isalnum() or len(word) > 128:
        raise FilterError(f"{word[:40]!r} is no part of the filter language", token.start + 1)
    if before == "." or word.upper() in (
        "SELECT",
        "CASE",
        "CAST",
        "EXISTS",
        "UNION",
        "FROM",
        "WHERE",
        "WITH",
        "ALL",
        "ANY",
    ):
        raise FilterError(
            f"{word} is no part of the filter language, which is the condition of a WHERE only", token.start + 1
        )


def _refuse_function(token: "Token") -> None:
    hint = nearest(token.text.upper(), FUNCTIONS)
    raise FilterError(
        f"the function {token.text[:40]} is not on the list: {', '.join(FUNCTIONS)}{hint}", token.start + 1
    )
