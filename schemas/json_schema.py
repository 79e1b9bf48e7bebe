"""JSON Schema of what `nuncius.schemas.codec.encode_json` writes, from the dataclasses and their docstrings."""

import types
from collections.abc import Iterable, Mapping
from dataclasses import fields, is_dataclass
from datetime import datetime
from typing import Any, Final, Literal, Union, get_args, get_origin, get_type_hints

from nuncius.schemas.avsc import schema
from nuncius.schemas.scalars import Float32
from nuncius.schemas.wire import SHAPES

_PLAIN: Final[dict[Any, dict[str, Any]]] = {
    str: {"type": "string"},
    int: {"type": "integer"},
    float: {"type": ["number", "null"]},
    Float32: {"type": ["number", "null"]},
    bool: {"type": "boolean"},
    bytes: {"type": "string", "contentEncoding": "base64"},
    datetime: {"type": "string", "format": "date-time"},
}
"""JSON has no NaN: a number that is not known is null."""
_SHAPE_NAME: Final = {kind: name for name, kind in SHAPES.items()}


def definitions(records: Iterable[type], where: str) -> dict[str, dict[str, Any]]:
    """JSON Schema (draft 7) of these dataclasses and of all that are in them, by class name.

    Parameters
    ----------
    records
        Dataclasses that the codec writes.
    where
        Where the definitions will stand, for references: ``#/components/schemas``.
    """
    found: dict[str, dict[str, Any]] = {}
    for record in records:
        _define(record, where, found)
    return dict(sorted(found.items()))


def _define(kind: Any, where: str, found: dict[str, dict[str, Any]]) -> None:
    if kind.__name__ in found:
        return
    found[kind.__name__] = {}  # named before it is filled: a record may hold another of its kind
    hints, described = get_type_hints(kind), schema(kind)
    words = {field["name"]: field["doc"] for field in described["fields"]}
    properties: dict[str, Any] = {}
    if kind in _SHAPE_NAME:
        properties["type"] = {"const": _SHAPE_NAME[kind]}
    for field in fields(kind):
        value = _of(hints[field.name], where, found)
        said = words[field.name] if "$ref" not in value else ""  # draft 7: nothing beside a reference counts
        properties[field.name] = {**value, "description": said} if said else value
    found[kind.__name__] = {
        "type": "object",
        "description": described["doc"],
        "properties": properties,
        "required": list(properties),
    }


def _of(hint: Any, where: str, found: dict[str, dict[str, Any]]) -> dict[str, Any]:
    origin, args = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        return _union(args, where, found)
    if origin is tuple:
        return {"type": "array", "items": _of(args[0], where, found)}
    if origin is Literal:
        return {"type": "string", "enum": list(args)}
    if origin is not None and issubclass(origin, Mapping):
        return {"type": "object", "additionalProperties": _of(args[1], where, found)}
    if is_dataclass(hint) and isinstance(hint, type):
        _define(hint, where, found)
        return {"$ref": f"{where}/{hint.__name__}"}
    return dict(_PLAIN[hint])


def _union(args: tuple[Any, ...], where: str, found: dict[str, dict[str, Any]]) -> dict[str, Any]:
    options = [_of(a, where, found) for a in args if a is not types.NoneType]
    if types.NoneType in args:
        options.append({"type": "null"})
    return {"anyOf": options}
