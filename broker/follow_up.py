"""The part of the composition root that is about follow-up: policies, their filters, and who is asked through what."""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from urllib.parse import urlsplit

import numpy as np

from nuncius.broker.matching.rules import Rule
from nuncius.broker.planning.bands import NOTHING_STATED, Lights
from nuncius.broker.planning.cells import Galaxies
from nuncius.broker.planning.fitting import ANYTHING, Fits
from nuncius.broker.planning.policies_toml import load_policies, shipped
from nuncius.broker.planning.policy import Policies
from nuncius.broker.planning.restraint import Restraint
from nuncius.broker.services.catalogue import read_catalogue
from nuncius.broker.services.delivering import Route, acquainted
from nuncius.broker.services.links import Links, signed_links
from nuncius.broker.services.portal_desk import Portal
from nuncius.broker.services.runner import Work
from nuncius.broker.settings import Settings
from nuncius.broker.settings_files import read_with
from nuncius.broker.sky import SkyMap
from nuncius.broker.transport.clock import utc_now
from nuncius.broker.transport.port import Log
from nuncius.consumers.recorder import Recorder
from nuncius.consumers.too.no_answer import Keeps, aloud
from nuncius.filters import Area, Names
from nuncius.schemas import SettingsError


def policies_of(settings: Settings, rules: Sequence[Rule]) -> Policies:
    """The user's policies, else the shipped ones.

    Raises
    ------
    SettingsError
        If the file is wrong, or a policy names a rule that there is not.
    """
    policies = shipped()
    if settings.policies is not None:
        policies = read_with(settings.policies, load_policies).model_copy(update={"file": str(settings.policies)})
    names = [rule.name for rule in rules]
    for policy in policies.active:
        for name in policy.rules:
            if name not in names:
                near = get_close_matches(name, names, 1)
                guess = f"; is it {near[0]!r}?" if near else f"; there are {', '.join(names)}"
                raise policies.wrong(policy.name, "rules", f"no rule {name!r}{guess}")
    return policies


def galaxies_of(settings: Settings, policies: Policies) -> Galaxies | None:
    """The catalogue that policies ask for; None where none does.

    Raises
    ------
    SettingsError
        If a policy asks for galaxies and the settings name no catalogue, or it cannot be read.
    """
    asking = [policy.name for policy in policies.active if policy.ask == "galaxies"]
    if not asking:
        return None
    if settings.galaxies is None:
        raise policies.wrong(asking[0], "ask", "name a catalogue as 'galaxies' in nuncius.toml")
    listed = read_catalogue(settings.galaxies)
    weight = np.ones(len(listed.ra)) if listed.weight is None else np.array(listed.weight)
    return Galaxies(
        ra=np.array(listed.ra),
        dec=np.array(listed.dec),
        distance_mpc=np.array(listed.distance_mpc),
        weight=weight,
        name=tuple(listed.name),
    )


def fits_of(policies: Policies, names: Names, maps: Mapping[str, SkyMap], areas: Mapping[str, Area]) -> Fits:
    """The policies' filters, checked; without a filter among them nothing of the language is loaded."""
    if not any(policy.where or policy.anchor_where for policy in policies.policies):
        return ANYTHING
    from nuncius.broker.services.policy_filters import PolicyFilters

    return PolicyFilters(policies, names, maps, areas)


def routes_of(settings: Settings, policies: Policies, keep: Keeps = aloud) -> tuple[Route, ...]:
    """Who is asked: every adapter of the settings, and always the recorder, which asks nobody.

    ``keep`` takes what a facility says that is no answer.
    """
    restraints = {policy.name: policy.restraint for policy in policies.active}
    doors = _doors(settings, restraints, policies.lights, keep)
    return acquainted(*doors, *_webhook(settings, restraints), Route(adapter=Recorder()))


def tellers_of(log: Log, settings: Settings, policies: Policies) -> tuple[Work, ...]:
    """What tells people of requests; nothing where the settings name nobody to be told.

    Raises
    ------
    SettingsError
        If a policy tells somebody whom the settings do not name, an address is wrong, or a secret is missing.
    """
    if _tells_nobody(settings, policies):
        return ()
    from nuncius.broker.services.telling import Telling
    from nuncius.broker.telephone import telephone

    return (Telling(log, telephone(log, settings, policies, links_of(settings), os.environ), utc_now),)


def who_is_told(settings: Settings, policies: Policies) -> str:
    """One line: who is told of which policy's requests."""
    if _tells_nobody(settings, policies):
        return "nobody is told of requests; [tell.NAME] in nuncius.toml names people"
    from nuncius.broker.telephone import who_is_told as told

    links_of(settings)
    return told(settings, policies, os.environ)


def exchange_of(
    log: Log, settings: Settings, say: Callable[[str], object], lights: Lights = NOTHING_STATED
) -> tuple[Work, ...]:
    """What reads and tells where everybody looked; nothing where no adapter is a map of that.

    Raises
    ------
    SettingsError
        If an adapter's settings are wrong or its credential is missing.
    """
    if not any(table.get("kind") == "treasure_map" for table in settings.adapter):
        return ()
    from nuncius.broker.adapters import boards
    from nuncius.broker.services.exchange import Exchanging

    return (Exchanging(log, boards(settings.adapter, os.environ, lights), utc_now, say),)


def portal_of(settings: Settings) -> Portal | None:
    """A SkyPortal that may ask for telescope time; None where the settings name none.

    Raises
    ------
    SettingsError
        If its address is not fit, or the credential is missing.
    """
    if settings.skyportal is None:
        return None
    from nuncius.consumers.too.credentials import credential
    from nuncius.consumers.too.skyportal_sources import SkyPortalSources

    there = settings.skyportal
    hosts = frozenset({urlsplit(there.url).hostname or ""})
    return Portal(there.allocations, SkyPortalSources(there.url, hosts, credential(os.environ, there.credential)))


def links_of(settings: Settings) -> Links | None:
    """What signs and checks the links by which people answer; None where no public address is set."""
    return None if settings.public_url is None else signed_links(settings.public_url, os.environ)


def who_is_asked(settings: Settings, policies: Policies) -> str:
    """One line: each facility that a policy asks, and the adapters that really ask it; which of them are public."""
    real = [route for route in routes_of(settings, policies) if route.adapter.real]
    facilities = dict.fromkeys(name for policy in policies.active for name in policy.asked)
    through = {
        name: [
            *(_door(route) for route in real if route.facilities is None or name in route.facilities),
            *(["its own desk over HTTP"] if name in settings.desk else []),
        ]
        for name in facilities
    }
    words = [f"{name} through {' and '.join(doors)}" for name, doors in through.items() if doors]
    silent = [name for name, doors in through.items() if not doors]
    if silent:
        words.append(f"recorded only, unless their own nuncius too follow takes it: {', '.join(silent)}")
    return "; ".join(words)


def door_notes(settings: Settings, policies: Policies) -> Iterator[str]:
    """What policies would ask of doors in vain, and doors for whom nobody asks: a line each, for people."""
    if settings.adapter:
        from nuncius.broker.adapters import misfits

        portal = () if settings.skyportal is None else settings.skyportal.allocations.values()
        yield from misfits(_doors(settings, {}, policies.lights, aloud), policies, frozenset(portal))


def _door(route: Route) -> str:
    return f"{route.adapter.name} (everybody can read it)" if route.adapter.public else route.adapter.name


def _tells_nobody(settings: Settings, policies: Policies) -> bool:
    for policy in policies.active:
        if policy.tell and not settings.tell:
            raise policies.wrong(policy.name, "tell", f"no [tell.{policy.tell[0]}] in nuncius.toml")
    return not settings.tell


def _doors(settings: Settings, restraints: Mapping[str, Restraint], lights: Lights, keep: Keeps) -> tuple[Route, ...]:
    if not settings.adapter:
        return ()
    from nuncius.broker.adapters import adapter_routes

    return adapter_routes(settings.adapter, restraints, os.environ, lights, keep)


def _webhook(settings: Settings, restraints: Mapping[str, Restraint]) -> tuple[Route, ...]:
    if settings.webhook_url is None:
        return ()
    from nuncius.consumers.too.credentials import credential
    from nuncius.consumers.webhook import Webhook

    try:
        secret = credential(os.environ, "NUNCIUS_WEBHOOK_SECRET").get_secret_value()
    except SettingsError as error:
        raise SettingsError(f"webhook_url is set, so its posts are signed: {error}") from None
    host = urlsplit(settings.webhook_url).hostname or ""
    webhook = Webhook(settings.webhook_url, secret=secret, allowed_hosts=frozenset({host}))
    return (Route(adapter=webhook, restraints=restraints),)
