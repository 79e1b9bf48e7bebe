"""The facilities' own doors, by ``[[adapter]]`` in the settings: which kind, for whom, with whose credential."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import timedelta
from difflib import get_close_matches
from typing import Annotated, Any, Final, get_args

from pydantic import BaseModel, ConfigDict, Field, SecretStr, TypeAdapter, ValidationError

from nuncius.broker.planning.bands import NOTHING_STATED, Lights
from nuncius.broker.planning.lifecycle import PERSON
from nuncius.broker.planning.policy import Policies
from nuncius.broker.planning.restraint import Restraint
from nuncius.broker.planning.told import SEEN, TELL
from nuncius.broker.planning.toml_lines import in_words
from nuncius.broker.services.delivering import Route
from nuncius.broker.services.exchange import Board
from nuncius.broker.services.exchange_book import SHARED
from nuncius.consumers.adapter import Adapter
from nuncius.consumers.desk.desk import desk_name
from nuncius.consumers.recorder import Recorder
from nuncius.consumers.too.credentials import credential
from nuncius.consumers.too.eso_p2 import EsoP2
from nuncius.consumers.too.eso_p2_block import EsoP2Settings
from nuncius.consumers.too.gemini import Gemini
from nuncius.consumers.too.gemini_trigger import GeminiSettings
from nuncius.consumers.too.hermes import Hermes, HermesSettings
from nuncius.consumers.too.no_answer import Keeps, aloud
from nuncius.consumers.too.ocs import Ocs
from nuncius.consumers.too.ocs_body import OcsSettings
from nuncius.consumers.too.skyportal import SkyPortal
from nuncius.consumers.too.skyportal_body import SkyPortalSettings
from nuncius.consumers.too.swift import Swift
from nuncius.consumers.too.swift_form import SwiftSettings
from nuncius.consumers.too.treasure_map import TreasureMap
from nuncius.consumers.too.treasure_map_in import OTHERS, TreasureMapReader
from nuncius.consumers.too.treasure_map_rows import TreasureMapSettings
from nuncius.consumers.too.voevent_drop import VoEventDrop, VoEventDropSettings
from nuncius.consumers.too.voevent_topic import voevent_topic
from nuncius.consumers.too.voevent_topic_settings import VoEventTopicSettings
from nuncius.schemas import SettingsError

_Own = Annotated[
    OcsSettings
    | SwiftSettings
    | TreasureMapSettings
    | SkyPortalSettings
    | EsoP2Settings
    | GeminiSettings
    | HermesSettings
    | VoEventDropSettings
    | VoEventTopicSettings,
    Field(discriminator="kind"),
]
_OWN: Final[TypeAdapter[_Own]] = TypeAdapter(_Own)
KINDS: Final[tuple[type[BaseModel], ...]] = get_args(get_args(_Own)[0])
"""The settings of every kind of adapter."""
_ONE_FIELD: Final = (EsoP2, Gemini, SkyPortal, Swift)
"""Doors that take no plan of several fields."""
_TAKEN: Final = frozenset({PERSON, Recorder.name, "webhook"})
_BEGINNINGS: Final = (TELL, SEEN, SHARED, desk_name(""))


class AdapterTable(BaseModel):
    """What stands in an ``[[adapter]]`` of every kind."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    facilities: list[str] = Field(min_length=1, description="whose requests go this way, as policies name them")
    formerly: list[str] = Field(
        default_factory=list,
        description="names that it had before: what it asked for under them is looked after and taken back here",
    )
    credential: str = Field(
        "", description="environment variable with the token or password (or its name and _FILE: a file only you read)"
    )


def adapter_routes(
    tables: Sequence[Mapping[str, Any]],
    restraints: Mapping[str, Restraint],
    environ: Mapping[str, str],
    lights: Lights = NOTHING_STATED,
    keep: Keeps = aloud,
) -> tuple[Route, ...]:
    """A route for each ``[[adapter]]``.

    Parameters
    ----------
    tables
        As read from the settings. ``kind``, ``facilities`` (whose requests go this way) and ``credential`` (the
        environment variable that holds the token or password) stand beside the keys of the kind.
    restraints
        Quotas and quiet hours by policy.
    environ
        Where the credentials are.
    lights
        Of telescopes' own filters.
    keep
        Takes what a facility says that is no answer.

    Raises
    ------
    SettingsError
        If a table is wrong, a credential is missing, or an adapter has a name that another one has, or that on the log
        means somebody else.
    """
    routes = [_route(number, table, restraints, environ, lights, keep) for number, table in enumerate(tables, 1)]
    names = [route.adapter.name for route in routes]
    for number, name in enumerate(names):
        if name in _TAKEN or name.startswith(_BEGINNINGS) or not name.strip() or not name.isprintable():
            said = f"{name!r} means somebody else on the log, or nobody; give the adapter another name"
            raise SettingsError(f"[[adapter]] {number + 1}: name: {said}")
        if name in names[:number]:
            raise SettingsError(f"[[adapter]] {number + 1}: there is an adapter {name!r} already; give it another name")
    _check_former(routes, names)
    return tuple(routes)


def _check_former(routes: Sequence[Route], names: Sequence[str]) -> None:
    """A former name is nobody's now, and was one adapter's."""
    taken = {name: f"there is an adapter {name!r} still" for name in (*names, *_TAKEN)}
    for number, route in enumerate(routes, 1):
        for old in sorted(route.formerly):
            if old in taken:
                raise SettingsError(f"[[adapter]] {number}: formerly: {taken[old]}; write a name that is gone")
            taken[old] = f"{old!r} became {route.adapter.name!r}"


def boards(
    tables: Sequence[Mapping[str, Any]], environ: Mapping[str, str], lights: Lights = NOTHING_STATED
) -> tuple[Board, ...]:
    """A board for each ``[[adapter]]`` of a map on which everybody says where they looked; each map is read once.

    Raises
    ------
    SettingsError
        As `adapter_routes`.
    """
    found: list[Board] = []
    read: set[str] = set()
    for number, table in enumerate(tables, 1):
        if table.get("kind") != "treasure_map":
            continue
        about, own = _settings(number, table)
        if isinstance(own, TreasureMapSettings):
            board = Board(
                tells=TreasureMap(own, credential(environ, about.credential), lights=lights),
                facilities=frozenset(about.facilities),
                reads=None if own.url in read else TreasureMapReader(own),
                others=OTHERS,
                every=timedelta(seconds=own.every_s),
                span=timedelta(days=own.days),
                formerly=frozenset(about.formerly),
            )
            found.append(board)
            read.add(own.url)
    return tuple(found)


def _settings(number: int, table: Mapping[str, Any]) -> tuple[AdapterTable, _Own]:
    try:
        about = AdapterTable.model_validate({key: table[key] for key in AdapterTable.model_fields if key in table})
        own = _OWN.validate_python({key: table[key] for key in table if key not in AdapterTable.model_fields})
    except ValidationError as error:
        raise SettingsError(f"[[adapter]] {number}: {_wrong(error)}") from None
    asks_nobody = isinstance(own, VoEventDropSettings) or (
        isinstance(own, VoEventTopicSettings) and not own.needs_password
    )
    if not about.credential and not asks_nobody:
        raise SettingsError(
            f"[[adapter]] {number}: credential: name the environment variable that holds the token of {own.name!r}"
        )
    return about, own


def _wrong(error: ValidationError) -> str:
    """Which key of a table is wrong, and what to write."""
    first = min(error.errors(include_url=False), key=lambda one: one["type"] != "extra_forbidden")
    kinds = {str(model.model_fields["kind"].default): model for model in KINDS}
    if first["type"] in ("union_tag_invalid", "union_tag_not_found"):
        tag = str(first.get("ctx", {}).get("tag", ""))
        return f"kind: {f'no kind {tag!r}' if tag else 'missing'}; {_nearest(tag, kinds)}"
    *of, key = [*map(str, first["loc"])] or ["kind"]
    if first["type"] == "extra_forbidden":
        model = kinds.get(of[0]) if len(of) == 1 else None
        known = () if model is None else (*AdapterTable.model_fields, *model.model_fields)
        return f"{key}: unknown key; {_nearest(key, known)}" if known else f"{'.'.join((*of, key))}: unknown key"
    return f"{'.'.join((*of, key))}: {in_words(first['type'], first['msg'], first['input'])}"


def _nearest(name: str, known: Collection[str]) -> str:
    near = get_close_matches(name, known, 1)
    return f"is it {near[0]!r}?" if near else f"there are {', '.join(known)}"


def _route(
    number: int,
    table: Mapping[str, Any],
    restraints: Mapping[str, Restraint],
    environ: Mapping[str, str],
    lights: Lights,
    keep: Keeps,
) -> Route:
    about, own = _settings(number, table)
    try:
        secret = credential(environ, about.credential) if about.credential else SecretStr("")
    except SettingsError as error:
        raise SettingsError(f"[[adapter]] {number}: {own.name}: {error}") from None
    adapter = _made(own, secret, lights, keep)
    return Route(
        adapter=adapter,
        facilities=frozenset(about.facilities),
        restraints=restraints,
        kind=own.kind,
        formerly=frozenset(about.formerly),
    )


def _made(own: _Own, secret: SecretStr, lights: Lights, keep: Keeps) -> Adapter:
    match own:
        case OcsSettings():
            return Ocs(own, secret)
        case SwiftSettings():
            return Swift(own, secret)
        case TreasureMapSettings():
            return TreasureMap(own, secret, lights=lights)
        case SkyPortalSettings():
            return SkyPortal(own, secret)
        case EsoP2Settings():
            return EsoP2(own, secret)
        case GeminiSettings():
            return Gemini(own, secret)
        case HermesSettings():
            return Hermes(own, secret)
        case VoEventDropSettings():
            return VoEventDrop(own)
        case VoEventTopicSettings():
            return voevent_topic(own, secret, keep)


def misfits(routes: Sequence[Route], policies: Policies, also: Collection[str]) -> Iterator[str]:
    """What policies would ask of doors in vain, and doors for whom nobody asks; for people.

    Parameters
    ----------
    routes
        Of `adapter_routes`.
    policies
        Those that act are looked at.
    also
        Facilities that are asked by others than policies.
    """
    asked = {name for policy in policies.active for name in policy.asked} | set(also)
    for route in routes:
        for name in sorted((route.facilities or frozenset()) - asked):
            near = get_close_matches(name, asked, 1)
            guess = f"; is it {near[0]!r}?" if near else ""
            yield f"adapter {route.adapter.name!r} is for {name!r}, and no policy asks it{guess}"
        for policy in policies.active:
            for name in policy.asked if route.facilities is None else sorted(route.facilities & set(policy.asked)):
                if policy.ask != "pointing" and isinstance(route.adapter, _ONE_FIELD):
                    yield f"policy {policy.name!r} asks {name} for fields, and {route.adapter.name!r} takes one only"
                elif not policy.approval and isinstance(route.adapter, EsoP2):
                    yes = "wants a person's yes"
                    yield f"policy {policy.name!r} asks {name} by itself, and {route.adapter.name!r} {yes}"
