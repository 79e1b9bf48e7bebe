"""What to ask of whom, and when: policies and sites as data.

A file holds ``[[site]]`` and ``[[policy]]`` tables; sites that ship are known to every file. A policy says which of the
three kinds of cause it acts on and carries only the keys of that kind; an unknown key, a missing one, or one of another
kind is a `SettingsError` that names policy and key. A policy without ``source`` is read but stays disabled.
"""

from datetime import timedelta
from typing import Annotated, ClassVar, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from nuncius.broker.planning.bands import Lights
from nuncius.broker.planning.hours import span_of_day
from nuncius.broker.planning.restraint import Restraint
from nuncius.broker.planning.telescope import Telescope
from nuncius.broker.planning.toml_lines import complaint, number_of
from nuncius.broker.planning.visibility import Limits, Site, altitude_of
from nuncius.schemas.errors import SettingsError
from nuncius.schemas.plan import Ask
from nuncius.schemas.vocabulary import Messenger, Null, Reality

CauseKind = Literal["coincidence", "candidate_list", "alert"]
MAX_HOURS: Final = 31 * 24

Degrees = Annotated[float, Field(gt=0, le=180)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, le=1)]

_OF_KIND: Final[dict[str, frozenset[str]]] = {
    "coincidence": frozenset(
        {"rules", "null", "max_expected_by_chance", "max_joint_far_hz", "min_overlap", "anchor_where"}
    ),
    "candidate_list": frozenset({"rules", "max_expected_by_chance", "max_rank", "anchor_where"}),
    "alert": frozenset({"messengers", "event_classes", "observed_by", "max_far_hz", "min_p_astro"}),
}
_OF_PLANS: Final = frozenset({"tiles_max", "probability_min", "share"})
"""Keys that say something of several fields."""
_CRITERIA: Final = ("max_expected_by_chance", "max_joint_far_hz", "min_overlap", "where")


class Policy(BaseModel):
    """One standing order: when a cause like this appears, ask that facility for this."""

    model_config: ClassVar[ConfigDict] = ConfigDict(
        frozen=True, extra="forbid", strict=True, use_attribute_docstrings=True
    )

    name: Annotated[str, Field(min_length=1)]
    """Unique among the policies of a file."""
    enabled: bool = True
    """False: read, and asks nobody."""
    source: str = ""
    """What it follows: a paper, a page, your own note. Without it the policy is off."""
    cause: CauseKind
    """What it acts on."""
    realities: Annotated[tuple[Reality, ...], Field(min_length=1)] = ("real",)
    """Realities it acts on. What is not real never reaches a telescope, whatever stands here."""
    rules: tuple[str, ...] = ()
    """Names of coincidence or candidate rules; not of alerts."""
    null: Null | None = None
    """Which null a coincidence must state."""
    max_expected_by_chance: Positive | None = None
    """At most so many by chance, inclusive, after the stated trials: of a coincidence under unrelated_real (a number
    that is unknown or not valid meets no cap; a null whose number is not capped is refused), of a candidate list
    among those that passed.
    """
    max_joint_far_hz: Positive | None = None
    """Of a coincidence under noise_pair: the highest joint false-alarm rate, inclusive, after the stated trials;
    otherwise as above.
    """
    min_overlap: Positive | None = None
    """Of a coincidence: the smallest overlap of the two regions, inclusive."""
    max_rank: Annotated[int, Field(ge=1)] = 1
    """How far down a candidate list the first observable candidate may stand; 1: only the best."""
    messengers: tuple[Messenger, ...] = ()
    """Of an alert; none stated: any."""
    event_classes: tuple[str, ...] = ()
    """Of an alert: grb, cbc, neutrino_track, …; none stated: any."""
    observed_by: tuple[str, ...] = ()
    """Of an alert: facilities; none stated: any."""
    max_far_hz: Positive | None = None
    """Of an alert; one that states no rate meets no cap."""
    min_p_astro: Share | None = None
    """Of an alert; one that states none does not meet it."""
    where: str = ""
    """A filter that the record must fit (nuncius filters fields alerts, coincidences)."""
    anchor_where: str = ""
    """A filter of alerts that the latest notice of the anchor must fit; of a candidate list, of its event."""
    max_radius_deg: Degrees | None = None
    """Largest 90 % radius that is worth asking for, inclusive."""
    max_area_deg2: Positive | None = None
    """Largest 90 % area that is worth asking for, inclusive."""
    without_position: bool = False
    """True: it asks as well where nothing says yet where to look, to make ready; a later notice with a position revises
    the request. Not of candidate lists, nor beside a largest region: what is not known is no small one.
    """
    facility: str = ""
    """Who is asked: a telescope of the file, or a name with sites beside it."""
    facilities: tuple[str, ...] = ()
    """As facility, several: each a telescope of the file."""
    sites: tuple[str, ...] = ()
    """Where the facility's telescopes stand, instead of what its [[telescope]] says: the site whose window opens first
    gets the target. Needed where the facility is no telescope of the file.
    """
    ask: Ask = "pointing"
    """pointing: one field on the position; tiles: fields over the region; galaxies: fields on catalogued galaxies in it
    (the settings name the catalogue).
    """
    tiles_max: Annotated[int, Field(ge=1, le=1000)] = 200
    """At most so many fields a telescope; not of a pointing, as the next two."""
    probability_min: Annotated[float, Field(ge=0, le=1)] = 0.0
    """No request where the plan covers less of the map."""
    share: Literal["split", "repeat"] = "split"
    """Several telescopes split the map, or repeat each other."""
    expires_h: Annotated[float, Field(gt=0, le=MAX_HOURS)]
    """Hours after the event (a candidate list: after its event's notice) when the request is worth nothing."""
    exposure_s: Annotated[float, Field(gt=0, le=MAX_HOURS * 3600)]
    """Of each field."""
    filter: str = ""
    """As the facility names it; empty: its own choice."""
    position_angle_deg: Annotated[float, Field(ge=0, lt=360)] | None = None
    """Of the field's upper edge or of the slit, degrees north through east; none stated: the telescope's."""
    priority: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 1.0
    """0 is the lowest."""
    preempt: bool = False
    """True: it may interrupt what runs."""
    max_airmass: Annotated[float, Field(ge=1, le=10)] | None = None
    """State this or min_altitude_deg."""
    min_altitude_deg: Annotated[float, Field(ge=0, le=90)] | None = None
    """State this or max_airmass."""
    sun_altitude_max_deg: Annotated[float, Field(ge=-90, le=90)] = -18.0
    """How high the Sun may stand: -12 is nautical twilight."""
    moon_separation_min_deg: Annotated[float, Field(ge=0, le=180)] = 0.0
    """From the Moon while it is up."""
    approval: bool = True
    """True: a person must say yes to each request before a telescope gets it."""
    quota: Annotated[int, Field(ge=0)] | None = None
    """At most so many requests to one facility within quota_h."""
    exposure_total_s: Positive | None = None
    """At most so many seconds of exposure at one facility within quota_h."""
    quota_h: Annotated[float, Field(gt=0, le=MAX_HOURS)] = 24.0
    """Any so many hours."""
    quiet_utc: tuple[str, ...] = ()
    """Spans such as "22:00-06:30", UTC, in which nothing goes out without a person's yes."""
    team_only: bool = False
    """True: nothing of it reaches a door that shows the world what is asked (a public map, a message, a VOEvent)."""
    tell: tuple[str, ...] = ()
    """Names of those in the settings ([tell.NAME]) who are told."""

    @field_validator("quiet_utc")
    @classmethod
    def _spans(cls, spans: tuple[str, ...]) -> tuple[str, ...]:
        for span in spans:
            span_of_day(span)
        return spans

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
        if self.cause == "coincidence" and not any(getattr(self, key) for key in _CRITERIA):
            raise ValueError(f"state at least one of the keys {', '.join(map(repr, _CRITERIA))}")
        if (self.max_airmass is None) == (self.min_altitude_deg is None):
            raise ValueError("state exactly one of the keys 'max_airmass' and 'min_altitude_deg'")
        if self.without_position and self.cause == "candidate_list":
            raise ValueError("key 'without_position' does not apply to cause 'candidate_list'")
        if self.without_position and (self.max_radius_deg or self.max_area_deg2):
            raise ValueError("key 'without_position' contradicts 'max_radius_deg' and 'max_area_deg2': leave one out")
        return self

    @model_validator(mode="after")
    def _asks_what_can_be(self) -> Self:
        if self.ask == "pointing" and self.model_fields_set & _OF_PLANS:
            raise ValueError(f"key {min(self.model_fields_set & _OF_PLANS)!r} does not apply to ask 'pointing'")
        if self.ask != "pointing" and self.cause == "candidate_list":
            raise ValueError(
                f"key 'ask': {self.ask!r} does not apply to cause 'candidate_list': a candidate is a point"
            )
        if bool(self.facility) == bool(self.facilities):
            raise ValueError("state exactly one of the keys 'facility' and 'facilities'")
        if len(set(self.facilities)) < len(self.facilities):
            raise ValueError("key 'facilities' names one twice")
        if self.sites and len(self.asked) > 1:
            raise ValueError("key 'sites' goes with one facility; give each of several a [[telescope]] table")
        return self

    @property
    def active(self) -> bool:
        """Whether it acts: enabled, and with a source."""
        return self.enabled and bool(self.source)

    @property
    def asked(self) -> tuple[str, ...]:
        """Everybody who is asked."""
        return self.facilities or (self.facility,)

    @property
    def restraint(self) -> Restraint:
        """What holds its requests back."""
        return Restraint(
            quota=self.quota,
            time_s=self.exposure_total_s,
            within=timedelta(hours=self.quota_h),
            quiet=tuple(map(span_of_day, self.quiet_utc)),
        )

    @property
    def limits(self) -> Limits:
        """What the telescope needs."""
        altitude = self.min_altitude_deg if self.max_airmass is None else altitude_of(self.max_airmass)
        return Limits(
            min_altitude_deg=altitude or 0.0,
            sun_altitude_max_deg=self.sun_altitude_max_deg,
            moon_separation_min_deg=self.moon_separation_min_deg,
        )


class Policies(BaseModel):
    """The policies of a file, and every site they may name.

    Parameters
    ----------
    policies
        In the order of the file, disabled ones included; names are unique.
    sites, telescopes
        By name.
    text, file
        What they were read from, and its name; for messages.
    """

    model_config: ClassVar[ConfigDict] = ConfigDict(frozen=True, strict=True, arbitrary_types_allowed=True)

    policies: tuple[Policy, ...]
    sites: dict[str, Site]
    telescopes: dict[str, Telescope] = {}
    text: str = ""
    file: str = ""

    @property
    def lights(self) -> Lights:
        """Of telescopes' own filters."""
        return Lights({name: telescope.filters for name, telescope in self.telescopes.items()})

    @property
    def active(self) -> tuple[Policy, ...]:
        """Those that act."""
        return tuple(policy for policy in self.policies if policy.active)

    def wrong(self, policy: str, key: str, words: str) -> SettingsError:
        """The error about a key of a policy: file, line, policy and key, then the words."""
        found = complaint(self.text, "policy", number_of(self.text, "policy", policy), policy, key, words)
        return SettingsError(f"{self.file}: {found}") if self.file else found
