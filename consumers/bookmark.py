"""Where a subscriber stopped, kept in a small file: read at the start, written whole at each acknowledgement."""

import os
from pathlib import Path
from typing import Final

import orjson

from nuncius.schemas import SettingsError, ids

FOLDER: Final = "bookmarks"


class Bookmark:
    """One bookmark in a folder.

    Parameters
    ----------
    folder
        Made where it is not there.
    name
        The subscriber's own.
    asked
        Broker, stream and filter: another question is another bookmark.
    """

    def __init__(self, folder: Path, name: str, *asked: str) -> None:
        self.name = name
        self._asked = asked
        key = ids.digest("\n".join((name, *asked)).encode())[:16]
        self._file = folder / f"{key}.json"

    def read(self) -> str | None:
        """The token that was written last; None where there is none.

        Raises
        ------
        SettingsError
            If the file is damaged.
        """
        try:
            token = orjson.loads(self._file.read_bytes())["position"]
        except FileNotFoundError:
            return None
        except (orjson.JSONDecodeError, KeyError, TypeError) as error:
            raise SettingsError(f"the bookmark {self.name!r} cannot be read; remove {self._file}") from error
        return str(token)

    def forget(self) -> None:
        """Be as one that was never written."""
        self._file.unlink(missing_ok=True)

    def write(self, token: str) -> None:
        """Keep the token, in a file that is whole whatever happens."""
        self._file.parent.mkdir(parents=True, exist_ok=True)
        new = self._file.with_suffix(f".{os.getpid()}.new")
        said = {"name": self.name, "asked": list(self._asked), "position": token}
        with new.open("wb") as file:
            file.write(orjson.dumps(said, option=orjson.OPT_INDENT_2))
            file.flush()
            os.fsync(file.fileno())
        new.replace(self._file)
