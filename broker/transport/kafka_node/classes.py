"""The classes that a Kafka loads, kept as the JVM's own file (JEP 350), so that later ones start in half the time."""

import hashlib
import os
import shutil
from contextlib import suppress
from pathlib import Path
from typing import Final

_MADE: Final = "classes.jsa"
_QUIET: Final = "-Xlog:cds*=off"
"""What does not fit is left aside by the JVM, which would say so on standard output."""


class KeptClasses:
    """The file of one Java and one set of jars, beside them in the cache. Without it all is as before, but slower.

    Parameters
    ----------
    jars
        Folder of Kafka's jars.
    java
        The program.
    """

    def __init__(self, jars: Path, java: str) -> None:
        self._name = f"{jars.name}-{_known_by(Path(java))}"
        self._cache = jars.parent

    def options(self, folder: Path | None = None) -> tuple[str, ...]:
        """Options for the JVM: to use the file; where there is none, to make one in the folder as the JVM ends."""
        for kept in self._cache.glob(f"{self._name}-*.jsa"):
            if kept.stem.endswith(f"-{kept.stat().st_size}"):  # a JVM aborts where the end of the file is missing
                return (_QUIET, f"-XX:SharedArchiveFile={kept}")
        return () if folder is None else (_QUIET, f"-XX:ArchiveClassesAtExit={folder / _MADE}")

    def keep(self, folder: Path) -> None:
        """Take what a JVM that ended by itself made in the folder; one that was killed may have left half a file."""
        with suppress(OSError):  # nothing was made, or the cache is for reading only
            size_bytes = (folder / _MADE).stat().st_size
            part = self._cache / f"{self._name}.{os.getpid()}.part"
            shutil.move(folder / _MADE, part)
            part.replace(self._cache / f"{self._name}-{size_bytes}.jsa")

    @staticmethod
    def drop(folder: Path) -> None:
        """Remove what an earlier JVM may have left in the folder."""
        (folder / _MADE).unlink(missing_ok=True)


def _known_by(program: Path) -> str:
    """A few letters that change when the Java does."""
    try:
        found = program.resolve()
        status = found.stat()
    except OSError:
        return "unknown"
    told = f"{found}\0{status.st_size}\0{status.st_mtime_ns}"
    return hashlib.sha256(told.encode()).hexdigest()[:12]
