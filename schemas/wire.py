"""Dataclass <-> plain record, by the types the dataclass declares: what both Avro and JSON are made of."""

import types
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any, Final, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from nuncius.schemas.errors import MalformedAlert
from nuncius.schemas.localization import Cone, Ellipse, Region, SkyMapRef

SHAPES: Final[dict[str, type]] = {
    "cone": Cone,
    "ellipse": Ellipse,
    "region": Region,
    "sky_map": SkyMapRef,
}
_SHAPE_NAME: Final = {shape: name for name, shape in SHAPES.items()}
_AVRO_NAME: Final = {shape: f"nuncius.{shape.__name__}" for shape in SHAPES.values()}

Convert = Callable[[Any], Any]
T = TypeVar("T")


def to_avro(value: Any) -> Any:
    """Plain record for fastavro: shapes become (record name, record)."""
    if isinstance(value, tuple):
        return [to_avro(item) for item in value]
    if not hasattr(value, "__dataclass_fields__"):
        return value
    record = {name: to_avro(getattr(value, name)) for name in _names(type(value))}
    name = _AVRO_NAME.get(type(value))
    return record if name is None else (name, record)


def to_json(value: Any) -> Any:
    """Plain record for orjson: shapes carry their name as ``type``, bytes are base64."""
    if isinstance(value, tuple):
        return [to_json(item) for item in value]
    if isinstance(value, bytes):
        return b64encode(value).decode()
    if not hasattr(value, "__dataclass_fields__"):
        return value
    record = {name: to_json(getattr(value, name)) for name in _names(type(value))}
    name = _SHAPE_NAME.get(type(value))
    return record if name is None else {"type": name, **record}


def from_plain(kind: type[T], record: Any) -> T:
    """The value that a plain record (of either kind) stands for.

    Raises
    ------
    MalformedAlert
        If a field is missing or of the wrong type.
    """
    value: T = _converter(kind)(record)
    return value


@cache
def _names(kind: type) -> tuple[str, ...]:
    return tuple(field.name for field in fields(kind))


@cache
def _converter(hint: Any) -> Convert:
    origin = get_origin(hint)
    if origin in (Union, types.UnionType):
        return _union(hint)
    if origin is tuple:
        item = _converter(get_args(hint)[0])
        return lambda values: tuple(map(item, values))
    if origin is Literal:
        return _one_of(hint)
    if origin is not None and issubclass(origin, Mapping):
        return dict
    if hint is datetime:
        return _datetime
    if hint is bytes:
        return lambda data: b64decode(data) if isinstance(data, str) else data
    if hint is float:
        return float
    if is_dataclass(hint):
        return _record(hint)
    return lambda value: value


def _union(hint: Any) -> Convert:
    options = [option for option in get_args(hint) if option is not types.NoneType]
    if set(options) == set(_SHAPE_NAME):
        return _shape
    if len(options) != 1:
        return lambda value: value
    inner = _converter(options[0])
    return lambda value: None if value is None else inner(value)


def _shape(value: Any) -> Any:
    if isinstance(value, tuple):
        name, record = value
        kind = next(k for k, n in _AVRO_NAME.items() if n == name)
    else:
        kind, record = SHAPES[value["type"]], value
    return _converter(kind)(record)


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
    if moment.tzinfo is None:
        msg = f"{value!r} has no time zone"
        raise MalformedAlert(msg)
    return moment.astimezone(UTC)


def _record(kind: Any) -> Convert:
    hints = get_type_hints(kind)
    converters = tuple((f.name, _converter(hints[f.name])) for f in fields(kind))

    def convert(record: Any) -> Any:
        try:
            return kind(
                **{name: c(record[name]) for name, c in converters if name in record}
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            msg = f"not a {kind.__name__}: {error}"
            raise MalformedAlert(msg) from error

    return convert
