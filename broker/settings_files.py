"""Files that settings name, read whole."""

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from nuncius.schemas import SettingsError

Loaded = TypeVar("Loaded")


def read_with(path: Path, load: Callable[[str], Loaded]) -> Loaded:
    """What a file of the user's holds.

    Raises
    ------
    SettingsError
        If it cannot be read, is not UTF-8, or ``load`` refuses it; the message names the file.
    """
    text = _text(path)
    try:
        return load(text)
    except SettingsError as error:
        raise SettingsError(f"{path}: {error}") from error


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise SettingsError(f"no such file: {path}") from error
    except OSError as error:
        raise SettingsError(f"{path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise SettingsError(f"{path}: not UTF-8 text") from error
