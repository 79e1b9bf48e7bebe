"""Packets from files, folders and tar archives, in a fixed order, with names that are the same on every machine."""

import lzma
import tarfile
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from tarfile import EOFHeaderError, HeaderError, ReadError  # type: ignore[attr-defined]  # typeshed knows one of them
from typing import Final, Self

from nuncius.schemas import SettingsError
from nuncius.schemas.limits import MAX_PACKET_BYTES

TAR_SUFFIXES: Final = (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz")

_PADDING: Final = 2**20
"""Zeros that may follow an archive's end mark; tar itself writes less than 10 kB."""


@dataclass(frozen=True, slots=True)
class Packet:
    """One message as received.

    Parameters
    ----------
    payload
        The bytes; of a file longer than `MAX_PACKET_BYTES` one byte more than that, and ``nbytes`` tells.
    source
        Where they came from: file or archive member, without the folders of this machine. Always writable as UTF-8:
        bytes of a name that are none stand as escapes.
    stream
        The topic it came on; empty where the bytes must tell.
    received_time
        When it reached us; None in a replay, where the notice's own issue time stands for it.
    nbytes
        Whole length; -1 where it is that of the payload.
    folder
        Where files it names are looked for; None inside an archive or off the network.
    """

    payload: bytes
    source: str
    stream: str = ""
    received_time: datetime | None = None
    nbytes: int = -1
    folder: Path | None = None


def from_paths(paths: Sequence[Path]) -> Iterator[Packet]:
    """Every file below the given paths, archives opened, in sorted order a path.

    Raises
    ------
    SettingsError
        If a path does not exist or an archive cannot be opened.
    """
    for path in paths:
        if not path.exists():
            raise SettingsError(f"no such file or folder: {path}")
        if path.is_dir():
            for file in sorted(p for p in path.rglob("*") if p.is_file()):
                yield from _file(file, f"{path.name or '.'}/{file.relative_to(path).as_posix()}")
        else:
            yield from _file(path, path.name)


def _file(path: Path, source: str) -> Iterator[Packet]:
    if path.name.endswith(TAR_SUFFIXES):
        yield from _archive(path, source)
        return
    size = path.stat().st_size
    with path.open("rb") as file:
        yield Packet(file.read(min(size, MAX_PACKET_BYTES + 1)), _printable(source), nbytes=size, folder=path.parent)


def _archive(path: Path, source: str) -> Iterator[Packet]:
    try:
        with tarfile.open(path, tarinfo=_WholeInfo) as archive:
            for member in archive:
                if not member.isfile():
                    continue
                content = archive.extractfile(member)
                if content is not None:
                    name = _printable(f"{source}!{member.name.removeprefix('./')}")
                    yield Packet(content.read(min(member.size, MAX_PACKET_BYTES + 1)), name, nbytes=member.size)
            if archive.fileobj is not None:
                archive.fileobj.read(_PADDING)  # up to the check sum of what was compressed
    except (tarfile.TarError, EOFError, OSError, zlib.error, lzma.LZMAError) as error:
        words = " ".join(str(error).split())
        raise SettingsError(f"{path.name}: cannot read the archive: {words}") from error


class _WholeInfo(tarfile.TarInfo):
    """A header that must be sound: where one is broken, `tarfile` would end as if the archive did."""

    @classmethod
    def fromtarfile(cls, tarfile: tarfile.TarFile) -> Self:
        """The next header.

        Raises
        ------
        ReadError
            If there is neither a sound one nor the mark that ends an archive.
        """
        try:
            return super().fromtarfile(tarfile)
        except HeaderError as error:
            if isinstance(error, EOFHeaderError):
                raise
            raise ReadError(f"{error} at byte {tarfile.offset}: cut short, or damaged") from error


def _printable(name: str) -> str:
    return name.encode("utf-8", "backslashreplace").decode()
