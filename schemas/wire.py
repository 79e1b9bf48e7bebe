"""Dataclass <-> plain record, by the types the dataclass declares: what both Avro and JSON are made of."""

import types
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime
from functools import cache, partial
from math import nan
from operator import attrgetter
from typing import Any, Final, Literal, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from nuncius.schemas.errors import MalformedAlert
from nuncius.schemas.localization import Cone, Ellipse, Region, SkyMapRef
from nuncius.schemas.scalars import Float32

SHAPES: Final[dict[str, type]] = {
    "cone": Cone,
    "ellipse": Ellipse,
    "region": Region,
    "sky_map": SkyMapRef,
}
_SHAPE_NAME: Final = {shape: name for name, shape in SHAPES.items()}
_AVRO_NAME: Final = {shape: f"nuncius.{shape.__name__}" for shape in SHAPES.values()}

Convert = Callable[[Any], Any]
Wire = Literal["avro", "json"]
T = TypeVar("T")


def to_avro(value: Any) -> Any:
    """Plain record for fastavro: shapes become (record name, record)."""
    return _writer(_hint(value), "avro")(value)


def to_json(value: Any) -> Any:
    """Plain record for orjson: shapes carry their name as ``type``, bytes are base64."""
    return _writer(_hint(value), "json")(value)


def from_plain(kind: type[T], record: Any, wire: Wire) -> T:
    """The value that a plain record stands for; fastavro has checked the plain types, orjson has not.

    Raises
    ------
    MalformedAlert
        If a field is missing or of the wrong type.
    """
    hint: Any = kind
    value: T = _converter(hint, wire)(record)
    return value


@cache
def _writer(hint: Any, wire: Wire) -> Convert:
    origin = get_origin(hint)
    if origin in (Union, types.UnionType):
        return _union_writer(hint, wire)
    if origin is tuple:
        item = _writer(get_args(hint)[0], wire)
        return lambda values: [item(value) for value in values]
    if hint is bytes and wire == "json":
        return lambda data: b64encode(data).decode()
    if is_dataclass(hint):
        return _record_writer(hint, wire)
    return _same


def _same(value: Any) -> Any:
    return value


def _hint(value: Any) -> Any:
    return type(value)


def _union_writer(hint: Any, wire: Wire) -> Convert:
    options = [option for option in get_args(hint) if option is not types.NoneType]
    if set(options) == set(_SHAPE_NAME):
        return lambda shape: _writer(_hint(shape), wire)(shape)
    inner = _writer(options[0], wire) if len(options) == 1 else _same
    if inner is _same:
        return _same
    return lambda value: None if value is None else inner(value)


def _record_writer(kind: Any, wire: Wire) -> Convert:
    hints = get_type_hints(kind)
    names = tuple(field.name for field in fields(kind))
    read = attrgetter(*names)
    special = tuple((n, w) for n in names if (w := _writer(hints[n], wire)) is not _same)

    def write(value: Any) -> Any:
        record = dict(zip(names, read(value), strict=True))
        for name, convert in special:
            record[name] = convert(record[name])
        return record

    if kind not in _SHAPE_NAME:
        return write
    if wire == "json":
        return lambda value: {"type": _SHAPE_NAME[kind], **write(value)}
    return lambda value: (_AVRO_NAME[kind], write(value))


@cache
def _converter(hint: Any, wire: Wire) -> Convert:
    origin = get_origin(hint)
    if origin in (Union, types.UnionType):
        return _union(hint, wire)
    if origin is tuple:
        item = _converter(get_args(hint)[0], wire)
        return lambda values: tuple(map(item, _is((list,), values)))
    if origin is Literal:
        return _one_of(hint)
    if origin is not None and issubclass(origin, Mapping):
        return _map(get_args(hint)[1], wire)
    if hint is datetime:
        return _datetime
    if is_dataclass(hint):
        return _record(hint, wire)
    return _same if wire == "avro" else _PLAIN[hint]


def _is(kinds: tuple[type, ...], value: Any) -> Any:
    if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
        msg = f"{repr(value)[:40]} is no {kinds[0].__name__}"
        raise TypeError(msg)
    return value


def _number(value: Any) -> float:
    return nan if value is None else float(_is((float, int), value))


_PLAIN: Final[dict[Any, Convert]] = {
    str: partial(_is, (str,)),
    int: partial(_is, (int,)),
    bool: partial(_is, (bool,)),
    float: _number,
    Float32: _number,
    bytes: lambda value: b64decode(_is((str,), value), validate=True),
}
"""What JSON holds for each plain type; it has no NaN, only null."""


def _map(hint: Any, wire: Wire) -> Convert:
    item = _converter(hint, wire)
    if item is _same:
        return dict
    return lambda values: {name: item(value) for name, value in values.items()}


def _union(hint: Any, wire: Wire) -> Convert:
    options = [option for option in get_args(hint) if option is not types.NoneType]
    if set(options) == set(_SHAPE_NAME):
        return _avro_shape if wire == "avro" else _json_shape
    if len(options) > 1:
        return _same if wire == "avro" else partial(_is, (*options, int))
    inner = _converter(options[0], wire)
    if inner is _same:
        return _same
    return lambda value: None if value is None else inner(value)


def _avro_shape(value: Any) -> Any:
    name, record = value
    kind = next(k for k, n in _AVRO_NAME.items() if n == name)
    return _converter(kind, "avro")(record)


def _json_shape(value: Any) -> Any:
    return _converter(SHAPES[value["type"]], "json")(value)


def _one_of(hint: Any) -> Convert:
    allowed = frozenset(get_args(hint))

    def convert(word: Any) -> Any:
        if word not in allowed:
            msg = f"{word!r} is none of {sorted(allowed)}"
            raise MalformedAlert(msg)
        return word

    return convert


def _datetime(value: Any) -> datetime:
    moment = datetime.fromisoformat(value) if isinstance(value, str) else value
    if moment.tzinfo is UTC:
        return cast("datetime", moment)
    if moment.tzinfo is None:
        msg = f"{value!r} has no time zone"
        raise MalformedAlert(msg)
    return moment.astimezone(UTC)


def _record(kind: Any, wire: Wire) -> Convert:
    hints = get_type_hints(kind)
    special = tuple((f.name, c) for f in fields(kind) if (c := _converter(hints[f.name], wire)) is not _same)
    known = frozenset(f.name for f in fields(kind))

    def convert_all(record: Any) -> Any:
        """Of Avro: every field is there, and no other, in a dictionary that is nobody else's."""
        try:
            for name, converter in special:
                record[name] = converter(record[name])
            return kind(**record)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise MalformedAlert(f"not a {kind.__name__}: {error}") from error

    if wire == "avro":
        return convert_all

    def convert(record: Any) -> Any:
        try:
            values = {name: value for name, value in record.items() if name in known}
            for name, converter in special:
                if name in values:
                    values[name] = converter(values[name])
            return kind(**values)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            msg = f"not a {kind.__name__}: {error}"
            raise MalformedAlert(msg) from error

    return convert
