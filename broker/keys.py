"""What may stand in the files an operator writes: every table, its keys, and what they mean."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Final

from pydantic import BaseModel

from nuncius.broker.adapters import AdapterTable
from nuncius.broker.planning.policies_toml import FilterTable, SiteTable, TelescopeTable
from nuncius.broker.planning.policy import Policy
from nuncius.broker.settings import (
    DeskSettings,
    KafkaSettings,
    RegionSettings,
    ServiceSettings,
    Settings,
    SkyPortalSettings,
    StreamSettings,
    TellSettings,
)
from nuncius.consumers.too.eso_p2_block import EsoP2Settings
from nuncius.consumers.too.gemini_trigger import GeminiSettings
from nuncius.consumers.too.hermes import HermesSettings
from nuncius.consumers.too.ocs_body import OcsSettings
from nuncius.consumers.too.skyportal_body import SkyPortalSettings as SkyPortalDoor
from nuncius.consumers.too.swift_form import SwiftSettings
from nuncius.consumers.too.treasure_map_others import Others
from nuncius.consumers.too.treasure_map_rows import TreasureMapSettings
from nuncius.consumers.too.voevent_drop import VoEventDropSettings
from nuncius.consumers.too.voevent_topic_settings import VoEventTopicSettings
from nuncius.schemas import SettingsError

_NOTHING: Final[tuple[object, ...]] = (None, "", [], {})
_TABLE: Final = "table"
_BOUNDS: Final = {
    "minimum": "at least {}",
    "exclusiveMinimum": "above {}",
    "maximum": "at most {}",
    "exclusiveMaximum": "below {}",
}


@dataclass(frozen=True, slots=True)
class Table:
    """A table of a file.

    Parameters
    ----------
    file, heading
        Where it stands; the heading is empty for what stands above all tables.
    models
        Whose fields its keys are.
    says
        What it is, for people.
    """

    file: str
    heading: str
    models: tuple[type[BaseModel], ...]
    says: str


@dataclass(frozen=True, slots=True)
class Key:
    """A key of a table.

    Parameters
    ----------
    name
        As it is written.
    kind
        What its value is, for people.
    default
        As TOML; empty where there is none.
    needed
        Whether it must be there.
    says
        What it means.
    """

    name: str
    kind: str
    default: str
    needed: bool
    says: str


TABLES: Final[Mapping[str, Table]] = {
    "settings": Table("nuncius.toml", "", (Settings,), "The broker."),
    "kafka": Table("nuncius.toml", "[kafka]", (KafkaSettings,), "How to connect to a Kafka cluster."),
    "services": Table("nuncius.toml", "[services]", (ServiceSettings,), "How many processes nuncius up runs on Kafka."),
    "streams": Table("nuncius.toml", "[streams]", (StreamSettings,), "What named streams may cost."),
    "regions": Table("nuncius.toml", "[regions.NAME]", (RegionSettings,), "A watchlist or watchmap for filters."),
    "tell": Table("nuncius.toml", "[tell.NAME]", (TellSettings,), "Somebody who is told of requests."),
    "skyportal": Table("nuncius.toml", "[skyportal]", (SkyPortalSettings,), "A SkyPortal that may ask for time."),
    "desk": Table("nuncius.toml", "[desk.NAME]", (DeskSettings,), "A facility that takes what it is asked over HTTP."),
    "policy": Table("policies.toml", "[[policy]]", (Policy,), "When to ask whom for what."),
    "telescope": Table("policies.toml", "[[telescope]]", (TelescopeTable,), "For plans of several fields."),
    "filter": Table(
        "policies.toml",
        "[telescope.filters.NAME]",
        (FilterTable,),
        "Below a [[telescope]]: the light of its own filter.",
    ),
    "site": Table("policies.toml", "[[site]]", (SiteTable,), "Where a telescope stands."),
    **{
        f"adapter-{model.model_fields['kind'].default}": Table(
            "nuncius.toml", "[[adapter]]", (AdapterTable, model), says
        )
        for model, says in (
            (OcsSettings, "LCO, SOAR, Blanco: an instrument of an observation portal."),
            (SwiftSettings, "Swift's ToO form."),
            (EsoP2Settings, "ESO: a block prepared in p2."),
            (GeminiSettings, "Gemini: templates on hold in the Observing Tool."),
            (SkyPortalDoor, "An allocation at a SkyPortal."),
            (TreasureMapSettings, "The Treasure Map, in and out."),
            (HermesSettings, "A topic of Hermes."),
            (VoEventDropSettings, "VOEvent files in a folder."),
            (VoEventTopicSettings, "VOEvents on a Kafka topic; the facility answers on another."),
        )
    },
    "adapter-others": Table(
        "nuncius.toml", "[adapter.others]", (Others,), "Below an adapter of kind treasure_map: whose pointings count."
    ),
}
"""By the name under which ``nuncius keys`` shows it."""


def keys_of(table: str) -> Iterator[Key]:
    """The keys of a table, those that are needed first.

    Raises
    ------
    SettingsError
        If there is no such table.
    """
    if table not in TABLES:
        near = get_close_matches(table, TABLES, 1)
        raise SettingsError(
            f"no table {table!r}; " + (f"is it {near[0]!r}?" if near else f"there are {', '.join(TABLES)}")
        )
    found = [key for model in TABLES[table].models for key in _keys(model)]
    yield from sorted(found, key=lambda key: not key.needed)


def _keys(model: type[BaseModel]) -> Iterator[Key]:
    schema = model.model_json_schema()
    for name, about in schema["properties"].items():
        if "const" in about:
            yield Key(name, _toml(about["const"]), "", needed=True, says="which door this is")
            continue
        kind = _kind(about, schema.get("$defs", {}))
        default = "" if about.get("default") in _NOTHING or kind == _TABLE else _toml(about["default"])
        yield Key(name, kind, default, name in schema.get("required", ()), about.get("description", ""))


def _kind(about: Mapping[str, Any], known: Mapping[str, Any]) -> str:
    if "$ref" in about:
        return _kind(known[about["$ref"].rpartition("/")[2]], known)
    if "anyOf" in about:
        return " or ".join(_kind(one, known) for one in about["anyOf"] if one.get("type") != "null")
    if "enum" in about:
        return " | ".join(_toml(one) for one in about["enum"])
    if "prefixItems" in about:
        return "[" + ", ".join(_kind(one, known) for one in about["prefixItems"]) + "]"
    if about["type"] == "array":
        return f"list of {_kind(about['items'], known)}"
    if about["type"] == "object":
        return _TABLE
    bounds = [words.format(about[bound]) for bound, words in _BOUNDS.items() if bound in about]
    return " ".join([about.get("format", about["type"]), ", ".join(bounds)]).strip()


def _toml(value: Any) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            return f'"{value}"'
        case list():
            return f"[{', '.join(map(_toml, value))}]"
        case _:
            return str(value)
