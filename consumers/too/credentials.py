"""Where tokens and passwords come from: the environment, or a file that only its owner can read."""

import stat
from collections.abc import Mapping
from pathlib import Path

from pydantic import SecretStr

from nuncius.schemas.errors import SettingsError

_OTHERS = stat.S_IRWXG | stat.S_IRWXO
_MAX_BYTES = 4096


def credential(environ: Mapping[str, str], variable: str) -> SecretStr:
    """The secret in ``$VARIABLE``, else in the file that ``$VARIABLE_FILE`` names.

    Raises
    ------
    SettingsError
        If neither is set, or the file is not there, is empty, or may be read by others than its owner. The message
        names variable and file, never what is in them.
    """
    found = environ.get(variable, "").strip()
    if found:
        return SecretStr(found)
    named = environ.get(f"{variable}_FILE", "")
    if not named:
        raise SettingsError(f"no credential: set {variable}, or {variable}_FILE to a file that only you can read")
    return SecretStr(_from_file(Path(named), variable))


def _from_file(path: Path, variable: str) -> str:
    try:
        with path.open("rb") as file:
            if stat.S_IMODE(path.stat().st_mode) & _OTHERS:
                raise SettingsError(f"others may read {path}, which {variable}_FILE names: chmod 600 {path}")
            text = file.read(_MAX_BYTES + 1).decode().strip()
    except OSError as error:
        raise SettingsError(f"{path}, which {variable}_FILE names, cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise SettingsError(f"{path}, which {variable}_FILE names, is not text") from None
    if not text or len(text) >= _MAX_BYTES or "\n" in text:
        raise SettingsError(f"{path}, which {variable}_FILE names, does not hold one line with a secret")
    return text
