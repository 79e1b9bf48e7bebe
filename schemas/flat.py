"""A plain record as named leaves, for formats that hold no nested values, and back."""

import re
from collections.abc import Iterable, Iterator
from typing import Any, Final

import orjson

from nuncius.schemas.errors import MalformedAlert

MAX_ITEMS: Final = 100_000
"""Most places of a list that are rebuilt: beyond every alert, and small enough to hold."""

_NO_XML: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
"""Characters that XML 1.0, section 2.2, cannot hold."""
_ESCAPE: Final = re.compile(r"~(0|1|2|x[0-9a-f]{1,4}~)")
_INDEX: Final = re.compile(r"\[(0|[1-9][0-9]{0,5})\]", re.ASCII)


def fits_xml(text: str) -> bool:
    """Whether XML 1.0 can hold the text."""
    return _NO_XML.search(text) is None


def leaves(value: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Path and value of every leaf, in order; an empty list or object is a leaf.

    A step is an object's key, escaped as in RFC 6901 (``~0`` for ``~``, ``~1`` for ``/``; ``~2`` for a leading ``[``,
    ``~x7~`` for a character that XML cannot hold), or ``[i]`` in a list.
    """
    if isinstance(value, dict) and value:
        for key, item in value.items():
            yield from leaves(item, (*path, _escaped(key)))
    elif isinstance(value, list) and value:
        for number, item in enumerate(value):
            yield from leaves(item, (*path, f"[{number}]"))
    else:
        yield path, value


def rebuilt(found: Iterable[tuple[tuple[str, ...], Any]]) -> dict[str, Any]:
    """The record that `leaves` took apart.

    Raises
    ------
    MalformedAlert
        If a path is used twice, a list has a hole, or a step is both a list and an object.
    """
    root: dict[Any, Any] = {}
    for path, value in found:
        if not path:
            raise MalformedAlert("a value without a name")
        place = root
        for step in path[:-1]:
            place = place.setdefault(step, _Branch())
            if not isinstance(place, _Branch):
                raise MalformedAlert(f"{'/'.join(path)[:80]}: a value and values below it")
        if path[-1] in place:
            raise MalformedAlert(f"{'/'.join(path)[:80]} is given twice")
        place[path[-1]] = value
    return {_plain_key(key): _closed(value) for key, value in root.items()}


def text_of(value: Any) -> tuple[str, bool]:
    """A leaf as text, and whether the text is JSON (else it is the string itself)."""
    if isinstance(value, str) and fits_xml(value):
        return value, False
    if isinstance(value, str):
        return '"' + "".join(f"\\u{unit:04x}" for unit in _units(value)) + '"', True
    return orjson.dumps(value, option=orjson.OPT_UTC_Z).decode(), True


class _Branch(dict[str, Any]):
    """An inner place, told from a leaf that is an empty object."""


def _units(text: str) -> Iterator[int]:
    data = text.encode("utf-16-be", "surrogatepass")
    return (int.from_bytes(data[at : at + 2]) for at in range(0, len(data), 2))


def _closed(value: Any) -> Any:
    if not isinstance(value, _Branch):
        return value
    if all(key.startswith("[") for key in value):
        return _listed(value)
    return {_plain_key(key): _closed(item) for key, item in value.items()}


def _listed(value: _Branch) -> list[Any]:
    places = [_INDEX.fullmatch(key) for key in value]
    if sorted(int(place[1]) for place in places if place) != list(range(len(value))) or len(value) > MAX_ITEMS:
        raise MalformedAlert(f"a list whose places are {', '.join(value)[:80]}")
    return [_closed(value[f"[{number}]"]) for number in range(len(value))]


def _escaped(key: str) -> str:
    key = key.replace("~", "~0").replace("/", "~1")
    key = "~2" + key[1:] if key.startswith("[") else key
    return _NO_XML.sub(lambda found: f"~x{ord(found[0]):x}~", key)


def _plain_key(key: str) -> str:
    if key.startswith("["):
        raise MalformedAlert(f"{key[:40]}: a place in a list beside names")
    return _ESCAPE.sub(lambda found: {"0": "~", "1": "/", "2": "["}.get(found[1]) or chr(int(found[1][1:-1], 16)), key)
