"""Settings: `nuncius.toml` into frozen values. From the environment come only secrets and addresses."""

import tomllib
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from nuncius.schemas import SettingsError

FILE_NAME: Final = "nuncius.toml"
_PATHS: Final = ("rules", "policies", "skymaps", "schemas", "data_folder")


class Settings(BaseModel):
    """Everything an operator may set. Command-line options go first, then the file, then these defaults."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    broker: str | None = Field(None, description="address of the log: local:DIR, kafka://HOST:PORT, http://HOST:PORT")
    rules: Path | None = Field(None, description="TOML file of your own coincidence rules, added to the shipped ones")
    policies: Path | None = Field(
        None, description="TOML file of ToO policies, instead of the shipped ones; the shipped sites stay known"
    )
    skymaps: Path | None = Field(None, description="folder in which sky maps named in alerts are looked up")
    schemas: Path | None = Field(None, description="folder of Avro writer schemas by Confluent id (Rubin)")
    http_host: str = Field("127.0.0.1", description="address the HTTP service listens on")
    http_port: int = Field(8088, ge=0, le=65535, description="port of the HTTP service; 0 picks a free one")
    lateness_days: float = Field(30.0, gt=0, description="how late an alert may come and still be matched, days")
    webhook_url: str | None = Field(
        None, description="where approved live ToO requests are posted; none: only recorded"
    )
    data_folder: Path | None = Field(None, description="where the embedded log lies when no broker is named")


def load(path: Path | None, environment: Mapping[str, str], folder: Path) -> Settings:
    """Settings from ``path``, else ``$NUNCIUS_CONFIG``, else ``nuncius.toml`` in ``folder``, else the defaults.

    Relative paths in a file start from the file's own folder.

    Raises
    ------
    SettingsError
        If a named file is missing, is not TOML, or holds an unknown name or a wrong value.
    """
    named = path or (Path(environment["NUNCIUS_CONFIG"]) if environment.get("NUNCIUS_CONFIG") else None)
    file = named or folder / FILE_NAME
    values: dict[str, object] = {}
    if named is not None and not file.is_file():
        raise SettingsError(f"no such settings file: {file}")
    if file.is_file():
        try:
            values = tomllib.loads(file.read_text(encoding="utf-8"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise SettingsError(f"{file}: not TOML: {error}") from error
    try:
        settings = Settings.model_validate(values)
    except ValidationError as error:
        raise SettingsError(f"{file}: {_wrong(error)}") from error
    beside = {name: file.parent / path.expanduser() for name in _PATHS if (path := getattr(settings, name)) is not None}
    settings = settings.model_copy(update=beside)
    address = environment.get("NUNCIUS_BROKER")
    return settings.model_copy(update={"broker": address}) if address else settings


def _wrong(error: ValidationError) -> str:
    first = error.errors()[0]
    name = ".".join(map(str, first["loc"])) or "(top)"
    if first["type"] != "extra_forbidden":
        return f"{name}: {first['msg']}"
    near = get_close_matches(name, Settings.model_fields, 1)
    guess = f"is it {near[0]!r}? " if near else ""
    return f"{name}: unknown name; {guess}known names: {', '.join(Settings.model_fields)}"


def default_data_folder(environment: Mapping[str, str]) -> Path:
    """The user's data folder (XDG base directories): where a second shell finds what ``up`` started."""
    base = environment.get("XDG_DATA_HOME") or str(Path.home() / ".local" / "share")
    return Path(base) / "nuncius"
