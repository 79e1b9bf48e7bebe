"""What to ask of whom, and when: policies and sites as data.

A file holds ``[[site]]`` and ``[[policy]]`` tables; sites that ship are known to every file. A policy says which of the
three kinds of cause it acts on and carries only the keys of that kind; an unknown key, a missing one, or one of another
kind is a `SettingsError` that names policy and key. A policy without ``source`` is read but stays disabled.
"""

import tomllib
from functools import cache
from importlib.resources import files
from typing import Annotated, Any, ClassVar, Final, Literal, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from nuncius.broker.planning.visibility import Limits, Site, altitude_of
from nuncius.schemas.errors import SettingsError
from nuncius.schemas.vocabulary import Messenger, Null, Reality

CauseKind = Literal["coincidence", "candidate_list", "alert"]
MAX_HOURS: Final = 31 * 24

Table = TypeVar("Table", bound=BaseModel)
Degrees = Annotated[float, Field(gt=0, le=180)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, le=1)]

_OF_KIND: Final[dict[str, frozenset[str]]] = {
    "coincidence": frozenset({"rules", "null", "max_expected_by_chance", "max_joint_far_hz", "min_overlap"}),
    "candidate_list": frozenset({"rules", "max_expected_by_chance", "max_rank"}),
    "alert": frozenset({"messengers", "event_classes", "observed_by", "max_far_hz", "min_p_astro"}),
}
_CRITERIA: Final = ("max_expected_by_chance", "max_joint_far_hz", "min_overlap")


class Policy(BaseModel):
    """One standing order: when a cause like this appears, ask that facility for this.

    Parameters
    ----------
    name, enabled, source
        ``enabled`` is False, whatever the file says, where ``source`` is empty.
    cause
        ``coincidence``, ``candidate_list`` or ``alert``.
    realities
        Realities it acts on. What is not ``real`` never reaches a telescope, whatever stands here.
    rules
        Names of coincidence or candidate rules (first two kinds).
    null, max_expected_by_chance, max_joint_far_hz, min_overlap
        A coincidence must meet each one that is stated, and one at least is. Chance and rate are taken after the
        stated trials; under ``unrelated_real`` the first counts, under ``noise_pair`` the second, and a null whose
        number is not capped here is refused. A number that is unknown or not valid meets no cap.
    max_expected_by_chance, max_rank
        Of a candidate list: at most so many unrelated objects among those that passed, inclusive; and how far down the
        list the first observable candidate may stand (1: only the best).
    messengers, event_classes, observed_by, max_far_hz, min_p_astro
        Of an alert; an empty tuple admits any. An alert that does not state a number meets no cap on it.
    max_radius_deg, max_area_deg2
        Largest 90 % region that is worth asking for, inclusive.
    facility, sites
        Who is asked, and where its telescopes stand: the site whose window opens first gets the target.
    expires_h
        Hours after the event (a candidate list: after its event's notice) when the request is worth nothing.
    exposure_s, filter, priority
        Passed on; 0 is the lowest priority.
    max_airmass, min_altitude_deg
        Exactly one of the two.
    sun_altitude_max_deg, moon_separation_min_deg
        As in `Limits`.
    approval
        True: a person must approve each request before a telescope gets it.
    """

    model_config: ClassVar[ConfigDict] = ConfigDict(frozen=True, extra="forbid", strict=True)

    name: Annotated[str, Field(min_length=1)]
    enabled: bool = True
    source: str = ""
    cause: CauseKind
    realities: Annotated[tuple[Reality, ...], Field(min_length=1)] = ("real",)
    rules: tuple[str, ...] = ()
    null: Null | None = None
    max_expected_by_chance: Positive | None = None
    max_joint_far_hz: Positive | None = None
    min_overlap: Positive | None = None
    max_rank: Annotated[int, Field(ge=1)] = 1
    messengers: tuple[Messenger, ...] = ()
    event_classes: tuple[str, ...] = ()
    observed_by: tuple[str, ...] = ()
    max_far_hz: Positive | None = None
    min_p_astro: Share | None = None
    max_radius_deg: Degrees | None = None
    max_area_deg2: Positive | None = None
    facility: Annotated[str, Field(min_length=1)]
    sites: Annotated[tuple[str, ...], Field(min_length=1)]
    expires_h: Annotated[float, Field(gt=0, le=MAX_HOURS)]
    exposure_s: Positive
    filter: str = ""
    priority: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 1.0
    max_airmass: Annotated[float, Field(ge=1, le=10)] | None = None
    min_altitude_deg: Annotated[float, Field(ge=0, le=90)] | None = None
    sun_altitude_max_deg: Annotated[float, Field(ge=-90, le=90)] = -18.0
    moon_separation_min_deg: Annotated[float, Field(ge=0, le=180)] = 0.0
    approval: bool = True

    @model_validator(mode="after")
    def _belongs_together(self) -> Self:
        stated = self.model_fields_set
        foreign = stated & frozenset().union(*_OF_KIND.values()) - _OF_KIND[self.cause]
        if foreign:
            raise ValueError(f"key {min(foreign)!r} does not apply to cause {self.cause!r}")
        if self.cause != "alert" and not self.rules:
            raise ValueError("key 'rules' must name at least one rule")
        if self.cause == "alert" and not (self.messengers or self.event_classes or self.observed_by):
            raise ValueError("state at least one of the keys 'messengers', 'event_classes', 'observed_by'")
        if self.cause == "coincidence" and all(getattr(self, key) is None for key in _CRITERIA):
            raise ValueError(f"state at least one of the keys {', '.join(map(repr, _CRITERIA))}")
        if (self.max_airmass is None) == (self.min_altitude_deg is None):
            raise ValueError("state exactly one of the keys 'max_airmass' and 'min_altitude_deg'")
        return self

    @property
    def active(self) -> bool:
        """Whether it acts: enabled, and with a source."""
        return self.enabled and bool(self.source)

    @property
    def limits(self) -> Limits:
        """What the telescope needs."""
        altitude = self.min_altitude_deg if self.max_airmass is None else altitude_of(self.max_airmass)
        return Limits(
            min_altitude_deg=altitude or 0.0,
            sun_altitude_max_deg=self.sun_altitude_max_deg,
            moon_separation_min_deg=self.moon_separation_min_deg,
        )


class _SiteTable(BaseModel):
    model_config: ClassVar[ConfigDict] = ConfigDict(frozen=True, extra="forbid", strict=True)

    name: Annotated[str, Field(min_length=1)]
    lon_deg: Annotated[float, Field(ge=-180, le=360)]
    lat_deg: Annotated[float, Field(ge=-90, le=90)]
    height_m: Annotated[float, Field(ge=-500, le=9000)]
    source: Annotated[str, Field(min_length=1)]


class Policies(BaseModel):
    """The policies of a file, and every site they may name.

    Parameters
    ----------
    policies
        In the order of the file, disabled ones included; names are unique.
    sites
        By name.
    """

    model_config: ClassVar[ConfigDict] = ConfigDict(frozen=True, strict=True, arbitrary_types_allowed=True)

    policies: tuple[Policy, ...]
    sites: dict[str, Site]

    @property
    def active(self) -> tuple[Policy, ...]:
        """Those that act."""
        return tuple(policy for policy in self.policies if policy.active)


def load_policies(text: str) -> Policies:
    """The policies in a TOML text.

    Raises
    ------
    SettingsError
        If it is not TOML, or a table or key is unknown, missing or wrong; the message names policy and key.
    """
    return _load(text, shipped().sites)


@cache
def shipped() -> Policies:
    """The policies and sites that come with Nuncius (``policies.toml``)."""
    return _load(files("nuncius.broker.planning").joinpath("policies.toml").read_text("utf-8"), {})


def _load(text: str, known: dict[str, Site]) -> Policies:
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"policies: not TOML: {error}") from error
    unknown = tables.keys() - {"site", "policy"}
    if unknown:
        raise SettingsError(f"policies: unknown table {min(unknown)!r}; write [[site]] or [[policy]]")
    sites = [_read(_SiteTable, table, "site", n) for n, table in enumerate(_tables(tables, "site"), 1)]
    own = {site.name: Site(**site.model_dump()) for site in sites}
    policies = tuple(_read(Policy, table, "policy", n) for n, table in enumerate(_tables(tables, "policy"), 1))
    _unique("site", [site.name for site in sites])
    _unique("policy", [policy.name for policy in policies])
    every = {**known, **own}
    for policy in policies:
        for name in policy.sites:
            if name not in every:
                raise SettingsError(f"policy {policy.name!r}: key 'sites': no site {name!r}; known: {sorted(every)}")
    return Policies(policies=policies, sites=every)


def _tables(tables: dict[str, Any], name: str) -> list[Any]:
    found = tables.get(name, [])
    if not isinstance(found, list):
        raise SettingsError(f"policies: write [[{name}]], not [{name}]")
    return found


def _unique(kind: str, names: list[str]) -> None:
    for name in names:
        if names.count(name) > 1:
            raise SettingsError(f"{kind} {name!r}: key 'name': used more than once")


def _read(model: type[Table], table: Any, kind: str, number: int) -> Table:
    if not isinstance(table, dict):
        raise SettingsError(f"{kind} {number}: not a table; write [[{kind}]] with keys below it")
    name = table.get("name", f"number {number}")
    values = {key: tuple(value) if isinstance(value, list) else value for key, value in table.items()}
    try:
        return model.model_validate(values)
    except ValidationError as error:
        first = min(error.errors(include_url=False), key=lambda found: found["type"] != "extra_forbidden")
        key = ".".join(str(part) for part in first["loc"])
        words = {"extra_forbidden": "unknown key", "missing": "missing"}.get(first["type"], first["msg"])
        at = f"key {key!r}: " if key else ""
        raise SettingsError(f"{kind} {name!r}: {at}{words.removeprefix('Value error, ')}") from error
