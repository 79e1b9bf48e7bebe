"""JSON from strangers: caps hold before it is parsed, and a key said twice is refused."""

from typing import Any, Final

import numpy as np
import orjson

from nuncius.producers.limits import MAX_JSON_DEPTH, check_size
from nuncius.schemas.errors import LimitExceeded, MalformedAlert

MAX_JSON_VALUES: Final = 250_000
"""Commas and brackets of a packet outside its strings, a bound on the objects it makes. The largest has some 30 000."""

_BRACKETS: Final = b"[]{}"
_NOT_BRACKETS: Final = bytes(byte for byte in range(256) if byte not in _BRACKETS)
_BOM: Final = b"\xef\xbb\xbf"
_QUOTE: Final = ord('"')
_LONG: Final = 65_536


def load(payload: bytes) -> Any:
    """The value a JSON text stands for.

    Raises
    ------
    LimitExceeded
        If it is larger, deeper or of more values than is read; found before parsing.
    MalformedAlert
        If it is no JSON (NaN and infinities are none), or an object names a key twice: which of them counts is open.
    """
    check_size(payload)
    text = payload.removeprefix(_BOM)
    outside = _outside_strings(text)
    values = sum(map(outside.count, (b",", b"[", b"{")))
    if values > MAX_JSON_VALUES:
        raise LimitExceeded(f"JSON of up to {values} values is over the limit of {MAX_JSON_VALUES}; not parsed")
    keys = _check_depth(outside)
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise MalformedAlert(f"not JSON: {error}") from error
    if _keys(value) != keys:
        raise MalformedAlert("an object of this JSON names a key twice; which of the two counts is open")
    return value


def load_object(payload: bytes) -> dict[str, Any]:
    """As `load`, for a packet that must be one object."""
    value = load(payload)
    if not isinstance(value, dict):
        raise MalformedAlert(f"one JSON object was expected, found {type(value).__name__}")
    return value


def _outside_strings(text: bytes) -> bytes:
    """The text without its strings, quotes included."""
    if b"\\" in text:
        text = text.replace(b"\\\\", b"").replace(b'\\"', b"")
    if len(text) < _LONG:
        return b"".join(text.split(b'"')[::2])
    # a packet that is mostly one embedded map: looked at as numbers, a megabyte takes a tenth of a millisecond
    is_quote = np.frombuffer(text, np.uint8) == _QUOTE
    count = int(np.count_nonzero(is_quote))
    if count > 4 * MAX_JSON_VALUES:
        raise LimitExceeded(f"JSON of {count // 2} strings is over the limit of {MAX_JSON_VALUES} values; not parsed")
    quotes = np.flatnonzero(is_quote).tolist()
    begins, ends = [0, *(place + 1 for place in quotes[1::2])], [*quotes[::2], len(text)]
    return b"".join(text[begin:end] for begin, end in zip(begins, ends, strict=False))


def _check_depth(outside: bytes) -> int:
    """Refuse deep nesting; the number of colons outside strings, which is that of keys."""
    depth = 0
    for bracket in outside.translate(None, _NOT_BRACKETS):
        depth += 1 if bracket in b"[{" else -1
        if depth < 0:
            break  # no JSON, which its parser says; millions of closing brackets are not counted
        if depth > MAX_JSON_DEPTH:
            raise LimitExceeded(f"JSON nested deeper than {MAX_JSON_DEPTH}; not parsed")
    return outside.count(b":")


def _keys(value: Any) -> int:
    count, left = 0, [value]
    while left:
        item = left.pop()
        if isinstance(item, dict):
            count += len(item)
            left.extend(item.values())
        elif isinstance(item, list):
            left.extend(item)
    return count
