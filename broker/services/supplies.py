"""What a parser may need beside the bytes, found on disk: sky maps by file name, writer schemas by id."""

from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from nuncius.producers.facility import Context
from nuncius.producers.limits import MAX_PACKET_BYTES
from nuncius.schemas import SettingsError
from nuncius.schemas.vocabulary import RunMode

_POINTER_BYTES: Final = 256
"""GraceDB keeps ``name,0`` beside ``name`` as a small file that holds only the name."""


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
                if file.is_file() and _POINTER_BYTES < file.stat().st_size <= MAX_PACKET_BYTES:
                    return file.read_bytes()
        raise KeyError(name)

    def __iter__(self) -> Iterator[str]:
        return (file.name for folder in self._folders for file in sorted(folder.iterdir()) if file.is_file())

    def __len__(self) -> int:
        return sum(1 for _ in self)


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
        from nuncius.producers.writer_schemas import parsed

        files = sorted(self._schemas.rglob("*.avsc"))
        return parsed({file.relative_to(self._schemas).as_posix(): file.read_bytes() for file in files})

    def context(self, source: str, folder: Path | None, run_mode: RunMode, stream: str = "") -> Context:
        """The context of a packet that lies in ``folder`` (maps are looked up there too)."""
        folders = self._skymaps if folder is None else (*self._skymaps, folder)
        return Context(
            stream=stream,
            source=source,
            run_mode=run_mode,
            writer_schemas=self.writer_schemas,
            skymaps=SkymapFolders(folders),
        )
