"""Settings: `nuncius.toml` into frozen values. From the environment come only secrets and addresses."""

import tomllib
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, ValidationError, field_validator

from nuncius.broker.planning.hours import span_of_day
from nuncius.broker.planning.toml_lines import in_words
from nuncius.schemas import SettingsError

FILE_NAME: Final = "nuncius.toml"
_PATHS: Final = ("rules", "policies", "galaxies", "skymaps", "schemas", "data_folder")
_KAFKA_PATHS: Final = ("ca_file", "certificate_file", "key_file")
_ADAPTER_PATHS: Final = ("folder", "ca_file")


class KafkaSettings(BaseModel):
    """How to connect to a Kafka cluster; passwords come from the environment."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = Field(
        "PLAINTEXT", description="as Kafka names it"
    )
    sasl_mechanism: Literal["SCRAM-SHA-512", "SCRAM-SHA-256", "PLAIN", "OAUTHBEARER"] | None = Field(
        None, description="as Kafka names it; SCRAM and PLAIN take the password from $NUNCIUS_KAFKA_PASSWORD"
    )
    username: str = Field("", description="for SCRAM and PLAIN")
    ca_file: Path | None = Field(None, description="PEM file of the authority that signed the brokers' certificates")
    certificate_file: Path | None = Field(None, description="PEM file of this client's certificate")
    key_file: Path | None = Field(None, description="PEM file of its key; its password: $NUNCIUS_KAFKA_KEY_PASSWORD")
    token_url: str = Field("", description="for OAUTHBEARER: where tokens come from (OAuth 2.0 client credentials)")
    client_id: str = Field("", description="for OAUTHBEARER; the secret: $NUNCIUS_KAFKA_CLIENT_SECRET")
    scope: str = Field("", description="for OAUTHBEARER: what the tokens are for")
    replication: int | None = Field(None, ge=1, le=9, description="copies of every topic; 3 where there are brokers")
    schema_registry: str | None = Field(
        None, description="URL of a schema registry: values then travel in Confluent framing; $NUNCIUS_REGISTRY_AUTH"
    )


class ServiceSettings(BaseModel):
    """How many processes ``nuncius up`` runs on Kafka."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    ingest: int = Field(1, ge=1, le=16, description="readers of nuncius.inbox")
    match: int = Field(2, ge=1, le=64, description="workers that share the candidates")
    associate: int = Field(2, ge=1, le=4, description="one works, the others stand by")
    too: int = Field(1, ge=1, le=4, description="one works, the others stand by")


class StreamSettings(BaseModel):
    """What named streams may cost."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    most: int = Field(2000, ge=0, description="named streams at the same time; one more is refused")
    past_rows: int = Field(
        1_000_000, ge=1, description="rows of a back-fill; there it is cut off, and the stream's readers are told"
    )


class RegionSettings(BaseModel):
    """A region of the sky that filters may name."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    file: Path = Field(description="coverage map (FITS, JSON, ASCII), or targets in CSV or VOTable")
    radius_deg: float | None = Field(None, gt=0, le=180, description="around each target, where the file has no column")


class TellSettings(BaseModel):
    """Somebody whom policies may tell: a person, a shift, a channel."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    where: str = Field(
        min_length=1,
        description="environment variable with apprise URLs (or its name and _FILE: a file only you can read)",
    )
    on_call_utc: tuple[str, ...] = Field((), description="hours such as 22:00-06:30, UTC; none: always")
    every_s: float = Field(600.0, ge=0, description="between two messages that are not urgent, seconds")
    then: str = Field("", description="who is told next where this one does not answer, is off call or not reached")
    after_s: float = Field(900.0, gt=0, description="how long an answer is waited for before, seconds")
    drills: bool = Field(False, description="whether tests and drills are told, marked as such")
    policies: tuple[str, ...] = Field((), description="policies whose requests are told, beside those that name this")

    @field_validator("on_call_utc")
    @classmethod
    def _spans(cls, spans: tuple[str, ...]) -> tuple[str, ...]:
        for span in spans:
            span_of_day(span)
        return spans


class SkyPortalSettings(BaseModel):
    """A SkyPortal that may ask for telescope time, at ``POST /too/skyportal``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    url: str = Field(description="of the SkyPortal, where its sources are looked up, e.g. https://fritz.science")
    credential: str = Field(
        min_length=1,
        description="environment variable with a token there (or its name and _FILE: a file only you read)",
    )
    allocations: dict[int, Annotated[str, Field(min_length=1)]] = Field(
        min_length=1, description="by the number of an allocation there: the facility that is asked"
    )


class DeskSettings(BaseModel):
    """A facility that takes what it is asked over HTTP, with a token of its own."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    credential: str = Field(
        min_length=1,
        description="environment variable with the facility's token (or its name and _FILE: a file only you read)",
    )
    public: bool = Field(False, description="whether it shows others what it is asked: nothing for the team only then")


class Settings(BaseModel):
    """Everything an operator may set. Command-line options go first, then the file, then these defaults."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    broker: str | None = Field(None, description="address of the log: local:DIR, kafka://HOST:PORT, http://HOST:PORT")
    rules: Path | None = Field(None, description="TOML file of your own coincidence rules, added to the shipped ones")
    policies: Path | None = Field(
        None, description="TOML file of ToO policies, instead of the shipped ones; the shipped sites stay known"
    )
    galaxies: Path | None = Field(None, description="CSV file of galaxies, for policies that ask for galaxies")
    skymaps: Path | None = Field(None, description="folder in which sky maps named in alerts are looked up")
    schemas: Path | None = Field(None, description="folder of Avro writer schemas by Confluent id (Rubin)")
    http_host: str = Field("127.0.0.1", description="address the HTTP service listens on")
    http_port: int = Field(8088, ge=0, le=65535, description="port of the HTTP service; 0 picks a free one")
    lateness_days: float = Field(30.0, gt=0, description="how late an alert may come and still be matched, days")
    webhook_url: str | None = Field(
        None,
        description="where approved live ToO requests are posted, signed with $NUNCIUS_WEBHOOK_SECRET; none: recorded",
    )
    adapter: tuple[dict[str, Any], ...] = Field((), description="who is asked for telescope time, and through what")
    tell: dict[Annotated[str, Field(pattern="^[a-z0-9][a-z0-9-]{0,39}$")], TellSettings] = Field(
        {}, description="who is told of requests, by name"
    )
    public_url: str | None = Field(
        None, description="where people reach the web service; with $NUNCIUS_LINK_SECRET they can answer by a link"
    )
    skyportal: SkyPortalSettings | None = Field(None, description="who may ask over HTTP as SkyPortals do")
    desk: dict[Annotated[str, Field(min_length=1, max_length=100)], DeskSettings] = Field(
        {}, description="facilities that take what they are asked over HTTP, by the name that policies have"
    )
    data_folder: Path | None = Field(None, description="where the embedded log lies when no broker is named")
    filters: dict[str, str] = Field({}, description="your own filters by name, to be used as bare words")
    regions: dict[str, RegionSettings] = Field({}, description="watchlists and watchmaps by name, for IN_REGION")
    kafka: KafkaSettings = Field(KafkaSettings.model_validate({}), description="how to connect to a Kafka cluster")
    streams: StreamSettings = Field(StreamSettings.model_validate({}), description="what named streams may cost")
    services: ServiceSettings = Field(ServiceSettings.model_validate({}), description="how many run on Kafka")
    _file: Path | None = PrivateAttr(None)

    def model_post_init(self, context: Any, /) -> None:
        """Keeps the file that the values were read from."""
        self._file = context if isinstance(context, Path) else None

    @property
    def file(self) -> Path | None:
        """Where they were read from; None where there was no file."""
        return self._file


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
        except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
            raise SettingsError(f"{file}: not TOML: {error}") from error
    try:
        settings = Settings.model_validate(values, context=file if file.is_file() else None)
    except ValidationError as error:
        raise SettingsError(f"{file}: {_wrong(error)}") from error
    kafka = settings.kafka.model_copy(update=_beside(file.parent, settings.kafka, _KAFKA_PATHS))
    adapters = tuple(
        {
            key: str(file.parent / Path(value).expanduser())
            if key in _ADAPTER_PATHS and isinstance(value, str)
            else value
            for key, value in table.items()
        }
        for table in settings.adapter
    )
    regions = {
        name: region.model_copy(update={"file": file.parent / region.file.expanduser()})
        for name, region in settings.regions.items()
    }
    settings = settings.model_copy(
        update={**_beside(file.parent, settings, _PATHS), "kafka": kafka, "regions": regions, "adapter": adapters}
    )
    address = environment.get("NUNCIUS_BROKER")
    return settings.model_copy(update={"broker": address}) if address else settings


def _beside(folder: Path, settings: BaseModel, names: Sequence[str]) -> dict[str, Path]:
    return {name: folder / path.expanduser() for name in names if (path := getattr(settings, name)) is not None}


def _wrong(error: ValidationError) -> str:
    first = error.errors()[0]
    name = ".".join(map(str, first["loc"])) or "(top)"
    if first["type"] != "extra_forbidden":
        return f"{name}: {in_words(first['type'], first['msg'], first['input'])}"
    table, _, key = name.rpartition(".")
    tables: dict[str, type[BaseModel]] = {
        "kafka": KafkaSettings,
        "services": ServiceSettings,
        "streams": StreamSettings,
        "skyportal": SkyPortalSettings,
    }
    if table.startswith("regions."):
        tables[table] = RegionSettings
    if table.startswith("tell."):
        tables[table] = TellSettings
    if table.startswith("desk."):
        tables[table] = DeskSettings
    known = tables.get(table, Settings).model_fields
    near = get_close_matches(key, known, 1)
    guess = f"is it {near[0]!r}? " if near else ""
    return f"{name}: unknown name; {guess}known names: {', '.join(known)}"
