"""Avro schemas from strangers: refused where a few bytes could make many objects, and joined from their named parts."""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any, Final

from fastavro import parse_schema
from fastavro.schema import SchemaParseException, UnknownType

from nuncius.producers import json_text
from nuncius.schemas.errors import LimitExceeded, MalformedAlert, UnknownSchema

MAX_SCHEMA_BYTES: Final = 512 * 1024
"""Of one schema as JSON. Rubin's have 40 to 60 kB."""

OBJECTS_PER_BYTE: Final = 8
"""No encoding of an array's item may make more Python objects than this for each of its bytes."""

MAX_FREE_OBJECTS: Final = 20_000
"""Objects one record may make beyond `OBJECTS_PER_BYTE` for each byte; stops schemas that double and double again."""

_FIXED_SIZE: Final = {"null": 0, "boolean": 1, "int": 1, "long": 1, "float": 4, "double": 8, "bytes": 1, "string": 1}


@lru_cache(maxsize=64)
def compiled(schema_json: bytes) -> Any:
    """A writer's schema, audited and ready for fastavro; cached by its text.

    Raises
    ------
    LimitExceeded
        If it is too large or too deep, refers to itself, or lets few bytes make many objects.
    MalformedAlert
        If it is no Avro schema.
    """
    if len(schema_json) > MAX_SCHEMA_BYTES:
        raise LimitExceeded(f"Avro schema of {len(schema_json)} bytes, over the limit of {MAX_SCHEMA_BYTES}")
    return prepared(json_text.load(schema_json))


def prepared(schema: Any) -> Any:
    """As `compiled`, from the schema's JSON value. Logical types are read as the plain numbers they are made of."""
    plain = _plain(schema)
    try:
        free = _free(plain, "", {}, set())
        if free > MAX_FREE_OBJECTS:
            raise LimitExceeded(f"a record of this Avro schema makes {free} objects out of no bytes; not read")
        return parse_schema(plain)
    except (SchemaParseException, UnknownType, KeyError, TypeError, ValueError, AttributeError) as error:
        raise MalformedAlert(f"not an Avro schema: {error}", "avro.schema") from error


def writer_schema(named: Iterable[Mapping[str, Any]], root: str = "alert") -> Any:
    """One schema out of a set of named ones that refer to each other (the ``.avsc`` files of a folder, as JSON values).

    Parameters
    ----------
    named
        Record schemas by their full names; a name that none defines is taken as an Avro type.
    root
        Last part of the name of the one to return: ``alert`` for ``lsst.v10_0.alert``.

    Raises
    ------
    UnknownSchema
        If none or several of them end in ``root``.
    """
    known = {_full_name(schema, ""): schema for schema in named}
    roots = sorted(name for name in known if name.rpartition(".")[2] == root)
    if len(roots) != 1:
        raise UnknownSchema(f"{len(roots)} of {sorted(known)} are named {root!r}; exactly one must be")
    return prepared(_inlined(dict(known[roots[0]]), known, {roots[0]}))


def _inlined(part: Any, known: Mapping[str, Mapping[str, Any]], done: set[str]) -> Any:
    if isinstance(part, str):
        if part not in known or part in done:
            return part
        done.add(part)
        return _inlined(dict(known[part]), known, done)
    if isinstance(part, list):
        return [_inlined(item, known, done) for item in part]
    if isinstance(part, Mapping):
        return {
            k: _inlined(v, known, done) if k in ("type", "items", "values", "fields") else v for k, v in part.items()
        }
    return part


def _plain(part: Any) -> Any:
    if isinstance(part, dict):
        return {key: _plain(value) for key, value in part.items() if key not in ("logicalType", "doc")}
    return [_plain(item) for item in part] if isinstance(part, list) else part


def _full_name(schema: Mapping[str, Any], space: str) -> str:
    name, own = str(schema["name"]), schema.get("namespace", space)
    return name if "." in name or not own else f"{own}.{name}"


def _free(schema: Any, space: str, known: dict[str, int], inside: set[str]) -> int:
    """Most objects an encoding can make, less `OBJECTS_PER_BYTE` for each of its bytes."""
    if isinstance(schema, list):
        return max(_free(branch, space, known, inside) for branch in schema) - OBJECTS_PER_BYTE
    if isinstance(schema, str):
        if schema in _FIXED_SIZE:
            return 1 - OBJECTS_PER_BYTE * _FIXED_SIZE[schema]
        name = schema if schema in known or "." in schema or not space else f"{space}.{schema}"
        if name in inside or schema in inside:
            raise LimitExceeded(f"Avro type {name} holds itself; bytes of such a schema can nest without end")
        return known[name]
    kind = schema["type"]
    if kind in ("array", "map"):
        item = _free(schema["items" if kind == "array" else "values"], space, known, inside)
        if item - (OBJECTS_PER_BYTE if kind == "map" else 0) > 0:
            raise LimitExceeded(f"an Avro {kind} whose items need next to no bytes; five bytes could claim millions")
        return 1 - OBJECTS_PER_BYTE
    if kind in ("record", "error"):
        name = _full_name(schema, space)
        inner = name.rpartition(".")[0]
        inside.add(name)
        known[name] = 1 + sum(_free(field["type"], inner, known, inside) for field in schema["fields"])
        inside.discard(name)
        return known[name]
    if kind in ("enum", "fixed"):
        size = 1 if kind == "enum" else _fixed_size(schema)
        return known.setdefault(_full_name(schema, space), 1 - OBJECTS_PER_BYTE * size)
    return _free(kind, space, known, inside)


def _fixed_size(schema: Mapping[str, Any]) -> int:
    size = schema["size"]
    if not isinstance(size, int) or size < 0:
        raise ValueError(f"a fixed of {size!r} bytes")
    return size
