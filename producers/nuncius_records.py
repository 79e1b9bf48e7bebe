"""The record that a Nuncius wrote as a VOEvent, read back from its parameters."""

from collections.abc import Iterator, Mapping
from dataclasses import MISSING, fields
from typing import Any, Final, get_args, get_origin, get_type_hints

import orjson

from nuncius.producers import voevent
from nuncius.schemas import Alert, CandidateList, Coincidence, MalformedAlert
from nuncius.schemas.flat import rebuilt
from nuncius.schemas.wire import from_plain

_KINDS: Final[Mapping[str, type[Alert | Coincidence | CandidateList]]] = {
    "alerts": Alert,
    "coincidences": Coincidence,
    "candidate_lists": CandidateList,
}


def read_back(payload: bytes) -> Alert | Coincidence | CandidateList:
    """The record that `nuncius.consumers.voevent.to_voevent` wrote.

    Raises
    ------
    MalformedAlert
        If it is none of these packets, or a parameter is missing, doubled or of the wrong type.
    """
    root = voevent.packet_root(payload)
    stream, _ = voevent.split_ivorn(root.get("ivorn", "").strip())
    kind = _KINDS.get(stream.rpartition("/")[2])
    if kind is None:
        raise MalformedAlert(
            f"{stream[:60]!r} is no stream of a Nuncius: alerts, coincidences, candidate_lists", "ivorn"
        )
    record = rebuilt(_leaves(next(root.iterchildren("What"), ())))
    return from_plain(kind, {**_empty(kind), **record}, "json")


def _leaves(what: Any) -> Iterator[tuple[tuple[str, ...], Any]]:
    for node in what:
        name = node.get("name", "")
        if node.tag == "Param":
            yield (name,), _value(node, name)
        elif node.tag == "Group":
            yield from (((name, *param.get("name", "").split("/")), _value(param, name)) for param in node)


def _value(param: Any, name: str) -> Any:
    text = param.get("value", "")
    if param.get("dataType") == "string" and param.get("utype") != "nuncius:json":
        return text
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise MalformedAlert(f"{name[:60]}: {text[:60]!r} is no value", name[:60]) from error


def _empty(kind: type) -> dict[str, Any]:
    """What is not written because it is missing or empty, where the record has no default of its own."""
    hints = get_type_hints(kind)
    needed = [f.name for f in fields(kind) if f.default is MISSING and f.default_factory is MISSING]
    empty: dict[str, Any] = {name: [] for name in needed if get_origin(hints[name]) is tuple}
    return empty | {name: None for name in needed if type(None) in get_args(hints[name])}
