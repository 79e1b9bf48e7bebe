"""What a parser may need beside the bytes, found on disk: sky maps by file name, writer schemas by id."""

import re
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import orjson

from nuncius.broker.services.packets import Packet
from nuncius.producers.avro_schema import writer_schema
from nuncius.producers.facility import Context
from nuncius.schemas import SettingsError
from nuncius.schemas.limits import MAX_PACKET_BYTES
from nuncius.schemas.vocabulary import RunMode

_POINTER_BYTES: Final = 256
"""GraceDB keeps ``name,0`` beside ``name`` as a small file that holds only the name."""


_VERSION: Final = re.compile(r"lsst\.v(\d+)_(\d+)")
"""Rubin's schema id is 100 * major + minor of the namespace's version (alert_packet's own rule)."""


class SkymapFolders(Mapping[str, bytes]):
    """File name -> bytes, looked up in folders when asked for; nothing outside them is ever opened."""

    def __init__(self, folders: tuple[Path, ...]) -> None:
        self._folders = folders

    def __getitem__(self, name: str) -> bytes:
        if name != Path(name).name or name in ("", ".", ".."):
            raise KeyError(name)
        for folder in self._folders:
            for candidate in (name, name.partition(",")[0]):
                file = folder / candidate
                if _is_map(file):
                    return file.read_bytes()
        raise KeyError(name)

    def __iter__(self) -> Iterator[str]:
        return (file.name for folder in self._folders for file in sorted(folder.iterdir()) if file.is_file())

    def __len__(self) -> int:
        return sum(1 for _ in self)


def _is_map(file: Path) -> bool:
    try:
        return file.is_file() and _POINTER_BYTES < file.stat().st_size <= MAX_PACKET_BYTES
    except (OSError, ValueError):  # a name that no file system takes: too long, or with a NUL
        return False


class Supplies:
    """Folders a user named, read when first needed.

    Raises
    ------
    SettingsError
        If a named folder does not exist.
    """

    def __init__(self, skymaps: Path | None = None, schemas: Path | None = None) -> None:
        for folder in (skymaps, schemas):
            if folder is not None and not folder.is_dir():
                raise SettingsError(f"no such folder: {folder}")
        self._skymaps = (skymaps,) if skymaps is not None else ()
        self._schemas = schemas

    @cached_property
    def writer_schemas(self) -> Mapping[int, Any]:
        """Avro writer schemas by Confluent id; none where no folder was named."""
        if self._schemas is None:
            return {}
        versions: dict[int, list[Mapping[str, Any]]] = {}
        for file in sorted(self._schemas.rglob("*.avsc")):
            schema = _json(file)
            version = _VERSION.fullmatch(str(schema.get("namespace", "")))
            if version is not None:
                versions.setdefault(100 * int(version[1]) + int(version[2]), []).append(schema)
        return {number: writer_schema(schemas) for number, schemas in versions.items()}

    def context(self, packet: Packet, run_mode: RunMode) -> Context:
        """The context of a packet; maps are looked up in its folder too."""
        folders = self._skymaps if packet.folder is None else (*self._skymaps, packet.folder)
        return Context(
            stream=packet.stream,
            source=packet.source,
            received_time=packet.received_time,
            run_mode=run_mode,
            writer_schemas=self.writer_schemas,
            skymaps=SkymapFolders(folders),
        )


def _json(file: Path) -> Mapping[str, Any]:
    try:
        schema = orjson.loads(file.read_bytes())
    except orjson.JSONDecodeError as error:
        raise SettingsError(f"{file}: not JSON: {error}") from error
    if not isinstance(schema, dict):
        raise SettingsError(f"{file}: not an Avro record schema")
    return schema
