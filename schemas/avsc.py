"""Writes the ``.avsc`` files from the dataclasses and their docstrings: ``python -m nuncius.schemas.avsc``.

The files are committed, so that other languages need no Python; a test compares them with what this writes.
"""

import re
import types
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final, Literal, Union, get_args, get_origin, get_type_hints

import orjson

from nuncius.schemas.alert import Alert
from nuncius.schemas.candidate_row import CandidateRow
from nuncius.schemas.coincidence import CandidateList, Coincidence, Counterpart, Coverage
from nuncius.schemas.plan import ObservationReport
from nuncius.schemas.quarantined import Quarantined
from nuncius.schemas.scalars import Float32
from nuncius.schemas.stream import StreamCheckpoint, StreamDefinition, StreamProgress, StreamRow
from nuncius.schemas.too import ToORequest, ToOStatus

RECORDS: Final = (
    Alert,
    CandidateRow,
    Coincidence,
    Counterpart,
    Coverage,
    CandidateList,
    ToORequest,
    ToOStatus,
    ObservationReport,
    Quarantined,
    StreamDefinition,
    StreamRow,
    StreamProgress,
    StreamCheckpoint,
)
"""Every record that travels on a topic of its own."""

_PRIMITIVE: Final = {
    str: "string",
    int: "long",
    float: "double",
    Float32: "float",
    bool: "boolean",
    bytes: "bytes",
}
_MOMENT: Final = {"type": "long", "logicalType": "timestamp-micros"}


def schema(record: type) -> dict[str, Any]:
    """The Avro schema of a dataclass: names, types, defaults and the docstring's words for each field."""
    described: dict[str, Any] = _record(record, set())
    return described


def file_name(record: type) -> str:
    """``CandidateList`` -> ``candidate_list.avsc``; ``ToORequest`` -> ``too_request.avsc``."""
    stem = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", record.__name__.replace("ToO", "Too"))
    return f"{stem.lower()}.avsc"


def write(folder: Path) -> None:
    """Write one file a record of `RECORDS` into ``folder``."""
    for record in RECORDS:
        text = orjson.dumps(schema(record), option=orjson.OPT_INDENT_2)
        (folder / file_name(record)).write_bytes(text + b"\n")


def _record(kind: Any, seen: set[Any]) -> Any:
    if kind in seen:
        return f"nuncius.{kind.__name__}"
    seen.add(kind)
    hints, docs = get_type_hints(kind), _field_docs(kind)
    described = [
        {
            "name": f.name,
            "type": _type(hints[f.name], seen),
            "doc": docs.get(f.name) or _type_doc(hints[f.name]),
        }
        for f in fields(kind)
    ]
    for field in described:
        if isinstance(field["type"], list) and field["type"][0] == "null":
            field["default"] = None
    summary = (kind.__doc__ or "").strip().splitlines()[0]
    return {
        "type": "record",
        "name": kind.__name__,
        "namespace": "nuncius",
        "doc": summary,
        "fields": described,
    }


def _type(hint: Any, seen: set[Any]) -> Any:
    origin, args = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        options = [_type(a, seen) for a in args if a is not types.NoneType]
        return ["null", *options] if types.NoneType in args else options
    if origin is tuple:
        return {"type": "array", "items": _type(args[0], seen)}
    if origin is Literal:
        return "string"
    if origin is not None and issubclass(origin, Mapping):
        return {"type": "map", "values": _type(args[1], seen)}
    if hint is datetime:
        return dict(_MOMENT)
    if is_dataclass(hint):
        return _record(hint, seen)
    return _PRIMITIVE[hint]


def _type_doc(hint: Any) -> str:
    if get_origin(hint) is Literal:
        return "One of: " + ", ".join(get_args(hint))
    return ""


def _field_docs(kind: type) -> dict[str, str]:
    """Words of each parameter in a numpydoc ``Parameters`` section; base classes count too."""
    docs: dict[str, str] = {}
    for base in reversed(kind.__mro__):
        section = (base.__doc__ or "").partition("----------\n")[2]
        names: list[str] = []
        for line in section.splitlines():
            if re.match(r"    \S", line) and re.fullmatch(r"[\w, ]+", line.strip()):
                names = [name.strip() for name in line.split(",")]
            elif line.strip():
                for name in names:
                    docs[name] = f"{docs.get(name, '')} {line.strip()}".strip()
    return docs


if __name__ == "__main__":
    write(Path(__file__).parent)
