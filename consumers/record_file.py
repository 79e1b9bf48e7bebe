"""Records in files: one Avro object container for a stream, or a folder with a file for each."""

import os
import re
from collections.abc import Iterator, Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any, BinaryIO, Final

import fastavro.write
import orjson

from nuncius.consumers.voevent import to_voevent
from nuncius.schemas import Alert, CandidateList, Coincidence, SkyMapRef, StreamRow, ids
from nuncius.schemas.avsc import RECORDS, file_name
from nuncius.schemas.codec import encode_json
from nuncius.schemas.wire import to_avro

_NAMED: Final = ("record", "enum", "fixed")
_UNSAFE: Final = re.compile(r"[^A-Za-z0-9._-]")
_NAME_MAX: Final = 120
"""Longest file name that is made of an identifier; file systems take 255 bytes, and some of it is for what is added."""

_SHA256: Final = re.compile(r"[0-9a-f]{64}")
"""What names a map's content; whatever else stands there, as a stranger may write it, must name no file."""

_GZIP: Final = b"\x1f\x8b"


class AvroFile:
    """An Avro object container whose records are a union of all kinds that travel on our topics.

    Parameters
    ----------
    file
        Written from where it stands; not closed.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._writer = fastavro.write.Writer(file, _union())

    def write(self, record: Any) -> None:
        """Add a record, as a block of its own: what was written can be read whatever happens next."""
        named: Any = (f"nuncius.{type(record).__name__}", to_avro(record))
        self._writer.write(named)
        self._writer.flush()
        self._file.flush()


class RecordFolder:
    """A folder with a JSON file for each record, and the sky maps they name as FITS files.

    A file is there whole, or not at all. The same record again replaces its file by the same.

    Parameters
    ----------
    folder
        Made where absent.
    """

    _ending: str = "json"

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder

    def save(self, record: Any) -> Path:
        """Write a record; its path, made of its own identifier and, where there are several, its revision."""
        path = self._folder / f"{_file_stem(_identifier(record))}.{self._ending}"
        _write(path, self._encoded(record))
        return path

    def _encoded(self, record: Any) -> bytes:
        return encode_json(record) + b"\n"

    def missing_maps(self, record: Any) -> list[str]:
        """The sha256 of each sky map that the record names and the folder does not have."""
        return [
            sha256
            for sha256 in dict.fromkeys(_maps(record))
            if _SHA256.fullmatch(sha256)
            and not any((self._folder / f"{sha256}{end}").exists() for end in (".fits", ".fits.gz"))
        ]

    def save_map(self, sha256: str, data: bytes) -> Path:
        """Write a sky map's file, as received.

        Raises
        ------
        ValueError
            If the name is not that of the bytes.
        """
        if ids.digest(data) != sha256:
            raise ValueError(f"{len(data)} bytes that are not the sky map {sha256[:64]!r}")
        path = self._folder / f"{sha256}{'.fits.gz' if data.startswith(_GZIP) else '.fits'}"
        _write(path, data)
        return path


class VOEventFolder(RecordFolder):
    """The same with a VOEvent 2.0 packet for each alert, coincidence or candidate list."""

    _ending = "xml"

    def _encoded(self, record: Any) -> bytes:
        return to_voevent(record)


def _union() -> list[Any]:
    """Our schemas as one union; a type that several use is spelled out the first time only."""
    known: set[str] = set()
    texts = [files("nuncius.schemas").joinpath(file_name(kind)).read_bytes() for kind in RECORDS]
    return [_spelled_once(orjson.loads(text), "", known) for text in texts]


def _spelled_once(schema: Any, namespace: str, known: set[str]) -> Any:
    if isinstance(schema, list):
        return [_spelled_once(item, namespace, known) for item in schema]
    if not isinstance(schema, Mapping):
        return schema
    if schema.get("type") in _NAMED:
        namespace = schema.get("namespace", namespace)
        name = schema["name"] if "." in schema["name"] else f"{namespace}.{schema['name']}".lstrip(".")
        if name in known:
            return name
        known.add(name)
    inner = ("type", "items", "values", "fields")
    return {key: _spelled_once(value, namespace, known) if key in inner else value for key, value in schema.items()}


def _identifier(record: Any) -> str:
    match record:
        case Coincidence():
            return f"{record.coincidence_id}.{record.revision}"
        case CandidateList():
            return f"{record.list_id}.{record.revision}"
        case StreamRow():
            return f"{record.stream}.{record.sequence}"
    for name in ("alert_id", "sha256"):
        if isinstance(found := getattr(record, name, None), str):
            return found
    if hasattr(record, "request_id"):
        state = f".{record.state}.{record.adapter}" if hasattr(record, "adapter") else ""
        return f"{record.request_id}.{record.revision}{state}"
    return ids.digest(encode_json(record))


def _file_stem(identifier: str) -> str:
    """The identifier where it can name a file, else what can, and enough of its digest to tell two apart."""
    safe = _UNSAFE.sub("_", identifier).lstrip(".")[:_NAME_MAX]
    return safe if safe == identifier else f"{safe}-{ids.digest(identifier.encode())[:12]}"


def _maps(record: Any) -> Iterator[str]:
    match record:
        case Alert():
            yield from (item.shape.sha256 for item in record.localizations if isinstance(item.shape, SkyMapRef))
        case Coincidence() if record.combined_map is not None:
            yield record.combined_map.sha256
        case _:
            return


def _write(path: Path, data: bytes) -> None:
    fresh = path.with_name(f".{path.name}.{os.getpid()}.new")
    try:
        fresh.write_bytes(data)
        fresh.replace(path)
    except BaseException:
        fresh.unlink(missing_ok=True)
        raise
