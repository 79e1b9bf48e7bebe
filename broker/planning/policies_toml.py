"""Sites, telescopes and policies as TOML: ``[[site]]``, ``[[telescope]]``, ``[[policy]]``.

Sites and telescopes that ship are known to every file. An unknown key, a missing one, or a wrong value is a
`SettingsError` that names line, table and key. A policy without ``source`` is read but stays disabled.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from importlib.resources import files
from typing import Annotated, Any, ClassVar, Final, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from nuncius.broker.planning.bands import Band
from nuncius.broker.planning.policy import Policies, Policy
from nuncius.broker.planning.telescope import CircleField, FieldOfView, RectangleField, Telescope
from nuncius.broker.planning.toml_lines import complaint, in_words
from nuncius.broker.planning.visibility import Limits, Site, altitude_of
from nuncius.schemas.errors import SettingsError

Table = TypeVar("Table", bound=BaseModel)
_STRICT: Final = ConfigDict(frozen=True, extra="forbid", strict=True, use_attribute_docstrings=True)
_Degrees = Annotated[float, Field(gt=0, le=180)]
_Seconds = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class SiteTable(BaseModel):
    """A ``[[site]]``: WGS84, longitude east of Greenwich."""

    model_config: ClassVar[ConfigDict] = _STRICT

    name: Annotated[str, Field(min_length=1)]
    """As policies and telescopes name it."""
    lon_deg: Annotated[float, Field(ge=-180, le=360)]
    """East of Greenwich."""
    lat_deg: Annotated[float, Field(ge=-90, le=90)]
    """Geodetic, WGS84."""
    height_m: Annotated[float, Field(ge=-500, le=9000)]
    """Above the ellipsoid."""
    source: Annotated[str, Field(min_length=1)]
    """Where these numbers are from."""


class FilterTable(BaseModel):
    """A ``[telescope.filters.NAME]``: the light of a filter as the telescope has it."""

    model_config: ClassVar[ConfigDict] = _STRICT

    min_nm: Annotated[float, Field(gt=0, allow_inf_nan=False)]
    """Shortest wavelength, at half of the highest transmission."""
    max_nm: Annotated[float, Field(gt=0, allow_inf_nan=False)]
    """Longest wavelength, likewise."""

    @model_validator(mode="after")
    def _rises(self) -> Self:
        if not self.min_nm < self.max_nm:
            raise ValueError("min_nm must be below max_nm")
        return self

    @property
    def band(self) -> Band:
        """In metres."""
        return Band.between(self.min_nm * 1e-9, self.max_nm * 1e-9)


class TelescopeTable(BaseModel):
    """A ``[[telescope]]``; keys as in `Telescope`, the field as ``radius_deg`` or ``width_deg`` and ``height_deg``."""

    model_config: ClassVar[ConfigDict] = _STRICT

    name: Annotated[str, Field(min_length=1)]
    """As policies name it in facility or facilities."""
    sites: Annotated[tuple[str, ...], Field(min_length=1)]
    """Where it stands; several: a network of equal telescopes."""
    instrument: str = ""
    """As plans and reports name it."""
    radius_deg: Annotated[float, Field(gt=0, le=90)] | None = None
    """Of a round field; or width_deg and height_deg."""
    width_deg: _Degrees | None = None
    """Of a rectangular field, along right ascension at its centre."""
    height_deg: _Degrees | None = None
    """Of a rectangular field, along declination."""
    position_angle_deg: Annotated[float, Field(ge=0, lt=360)] | None = None
    """Of a rectangular field's upper edge, degrees north through east, the same for every field; none stated: 0."""
    slew_deg_s: Annotated[float, Field(gt=0, allow_inf_nan=False)]
    """How fast it moves."""
    settle_s: _Seconds
    """To come to rest after each move."""
    readout_s: _Seconds
    """Between the end of an exposure and the next move; the two do not overlap."""
    max_airmass: Annotated[float, Field(ge=1, le=10)] | None = None
    """State this or min_altitude_deg."""
    min_altitude_deg: Annotated[float, Field(ge=0, le=90)] | None = None
    """State this or max_airmass."""
    sun_altitude_max_deg: Annotated[float, Field(ge=-90, le=90)] = -18.0
    """How high the Sun may stand: -12 is nautical twilight."""
    moon_separation_min_deg: Annotated[float, Field(ge=0, le=180)] = 0.0
    """From the Moon while it is up."""
    horizon: tuple[tuple[float, float], ...] = ()
    """What hides the sky: pairs of azimuth (north through east) and altitude in degrees, azimuths ascending."""
    night_max_s: Annotated[float, Field(gt=0)] | None = None
    """At most so many seconds a night, all told."""
    source: Annotated[str, Field(min_length=1)]
    """Where these numbers are from."""
    filters: dict[Annotated[str, Field(min_length=1)], FilterTable] = {}
    """The light of its own filters, a [telescope.filters.NAME] each: U to I, u to z, J, H, K and UVOT's are known."""

    @model_validator(mode="after")
    def _belongs_together(self) -> Self:
        if (self.radius_deg is None) == (self.width_deg is None) or (self.width_deg is None) != (
            self.height_deg is None
        ):
            raise ValueError("state key 'radius_deg', or keys 'width_deg' and 'height_deg'")
        if self.radius_deg is not None and self.position_angle_deg is not None:
            raise ValueError("key 'position_angle_deg': a round field has none")
        if (self.max_airmass is None) == (self.min_altitude_deg is None):
            raise ValueError("state exactly one of the keys 'max_airmass' and 'min_altitude_deg'")
        azimuths = [azimuth for azimuth, _ in self.horizon]
        if azimuths != sorted(set(azimuths)) or any(not 0 <= azimuth <= 360 for azimuth in azimuths):
            raise ValueError("key 'horizon': azimuths ascend from 0 to 360")
        if any(not -90 <= altitude <= 90 for _, altitude in self.horizon):
            raise ValueError("key 'horizon': altitudes lie from -90 to 90")
        return self

    def telescope(self, sites: Mapping[str, Site]) -> Telescope:
        """As planning sees it; every site it names is among ``sites``."""
        lowest = self.min_altitude_deg if self.max_airmass is None else altitude_of(self.max_airmass)
        return Telescope(
            name=self.name,
            sites=tuple(sites[name] for name in self.sites),
            instrument=self.instrument,
            field=self._field(),
            slew_deg_s=self.slew_deg_s,
            settle_s=self.settle_s,
            readout_s=self.readout_s,
            limits=Limits(
                min_altitude_deg=lowest or 0.0,
                sun_altitude_max_deg=self.sun_altitude_max_deg,
                moon_separation_min_deg=self.moon_separation_min_deg,
            ),
            horizon=self.horizon,
            night_max_s=self.night_max_s,
            position_angle_deg=self.position_angle_deg or 0.0,
            filters={name: table.band for name, table in self.filters.items()},
            source=self.source,
        )

    def _field(self) -> FieldOfView:
        if self.width_deg is not None and self.height_deg is not None:
            return RectangleField(self.width_deg, self.height_deg)
        return CircleField(self.radius_deg or 0.0)


def load_policies(text: str) -> Policies:
    """The policies in a TOML text.

    Raises
    ------
    SettingsError
        If it is not TOML, or a table or key is unknown, missing or wrong; the message names line, table and key.
    """
    return _load(text, shipped())


@cache
def shipped() -> Policies:
    """The policies, telescopes and sites that come with Nuncius (``policies.toml``)."""
    text = files("nuncius.broker.planning").joinpath("policies.toml").read_text("utf-8")
    return _load(text, Policies(policies=(), sites={}, telescopes={}))


@dataclass(frozen=True, slots=True)
class _File:
    text: str
    tables: Mapping[str, Any]

    def read(self, model: type[Table], kind: str) -> list[Table]:
        """Every ``[[kind]]``, names unique."""
        found = self.tables.get(kind, [])
        if not isinstance(found, list):
            raise SettingsError(f"policies: write [[{kind}]], not [{kind}]")
        made = [self._one(model, table, kind, number) for number, table in enumerate(found, 1)]
        names = [str(getattr(one, "name", "")) for one in made]
        for number, name in enumerate(names, 1):
            if name in names[: number - 1]:
                raise self.wrong(kind, number, name, "name", "used more than once")
        return made

    def wrong(self, kind: str, number: int, name: str, key: str, words: str) -> SettingsError:
        """The error about a key of the ``number``-th table."""
        return complaint(self.text, kind, number, name, key, words)

    def _one(self, model: type[Table], table: Any, kind: str, number: int) -> Table:
        if not isinstance(table, dict):
            raise SettingsError(f"{kind} {number}: not a table; write [[{kind}]] with keys below it")
        name = str(table.get("name", f"number {number}"))
        try:
            return model.model_validate({key: _frozen(value) for key, value in table.items()})
        except ValidationError as error:
            first = min(error.errors(include_url=False), key=lambda found: found["type"] != "extra_forbidden")
            place = [str(part) for part in first["loc"]]
            key, words = ".".join(place[:1]), in_words(first["type"], first["msg"], first["input"])
            if key == "filters" and len(place) > 1:
                key = ".".join(place[:2])
                words = _unknown(place[-1], FilterTable) if first["type"] == "extra_forbidden" else words
                words = f"{place[2]}: {words}" if len(place) > 2 else words
            elif first["type"] == "extra_forbidden":
                words = _unknown(key, model)
            raise self.wrong(kind, number, name, key, words) from error


def _unknown(key: str, model: type[BaseModel]) -> str:
    near = get_close_matches(key, model.model_fields, 1)
    return f"unknown key; is it {near[0]!r}?" if near else f"unknown key; known: {', '.join(model.model_fields)}"


def _load(text: str, known: Policies) -> Policies:
    try:
        tables = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise SettingsError(f"policies: not TOML: {error}") from error
    unknown = tables.keys() - {"site", "telescope", "policy"}
    if unknown:
        raise SettingsError(f"policies: unknown table {min(unknown)!r}; write [[site]], [[telescope]] or [[policy]]")
    file = _File(text, tables)
    own = {table.name: Site(**table.model_dump()) for table in file.read(SiteTable, "site")}
    sites = {**known.sites, **own}
    telescopes = dict(known.telescopes)
    for number, table in enumerate(file.read(TelescopeTable, "telescope"), 1):
        _must_be_sites(file, "telescope", number, table.name, table.sites, sites)
        telescopes[table.name] = table.telescope(sites)
    policies = tuple(file.read(Policy, "policy"))
    for number, policy in enumerate(policies, 1):
        _must_be_sites(file, "policy", number, policy.name, policy.sites, sites)
        _must_be_known(file, number, policy, telescopes)
    return Policies(policies=policies, sites=sites, telescopes=telescopes, text=text)


def _must_be_sites(
    file: _File, kind: str, number: int, name: str, named: tuple[str, ...], sites: Mapping[str, Site]
) -> None:
    for site in named:
        if site not in sites:
            raise file.wrong(kind, number, name, "sites", f"no site {site!r}; known: {sorted(sites)}")


def _must_be_known(file: _File, number: int, policy: Policy, telescopes: Mapping[str, Telescope]) -> None:
    key = "facilities" if policy.facilities else "facility"
    for facility in policy.asked:
        if facility not in telescopes and (policy.ask != "pointing" or not policy.sites):
            words = f"no [[telescope]] {facility!r}, and no 'sites' beside it; known: {sorted(telescopes)}"
            if policy.ask != "pointing":
                words = f"a plan needs a [[telescope]], and {facility!r} is none; known: {sorted(telescopes)}"
            raise file.wrong("policy", number, policy.name, key, words)


def _frozen(value: Any) -> Any:
    return tuple(_frozen(item) for item in value) if isinstance(value, list) else value
