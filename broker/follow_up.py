"""The part of the composition root that is about follow-up: policies, their filters, and who is asked through what."""

import os
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from urllib.parse import urlsplit

from nuncius.broker.matching.rules import Rule
from nuncius.broker.planning.fitting import ANYTHING, Fits
from nuncius.broker.planning.policies_toml import load_policies, shipped
from nuncius.broker.planning.policy import Policies
from nuncius.broker.planning.restraint import Restraint
from nuncius.broker.services.delivering import Route
from nuncius.broker.settings import Settings
from nuncius.broker.settings_files import read_with
from nuncius.broker.sky import SkyMap
from nuncius.consumers.recorder import Recorder
from nuncius.filters import Area, Names
from nuncius.schemas import SettingsError


def policies_of(settings: Settings, rules: Sequence[Rule]) -> Policies:
    """The user's policies, else the shipped ones.

    Raises
    ------
    SettingsError
        If the file is wrong, or a policy names a rule that there is not.
    """
    policies = shipped() if settings.policies is None else read_with(settings.policies, load_policies)
    names = [rule.name for rule in rules]
    for policy in policies.active:
        for name in policy.rules:
            if name not in names:
                near = get_close_matches(name, names, 1)
                guess = f"; is it {near[0]!r}?" if near else f"; there are {', '.join(names)}"
                raise SettingsError(f"policy {policy.name!r}: key 'rules': no rule {name!r}{guess}")
    return policies


def fits_of(policies: Policies, names: Names, maps: Mapping[str, SkyMap], areas: Mapping[str, Area]) -> Fits:
    """The policies' filters, checked; without a filter among them nothing of the language is loaded."""
    if not any(policy.where or policy.anchor_where for policy in policies.policies):
        return ANYTHING
    from nuncius.broker.services.policy_filters import PolicyFilters

    return PolicyFilters(policies, names, maps, areas)


def routes_of(settings: Settings, policies: Policies) -> tuple[Route, ...]:
    """Who is asked: every adapter of the settings, and always the recorder, which asks nobody."""
    restraints = {policy.name: policy.restraint for policy in policies.active}
    return (*_doors(settings, restraints), *_webhook(settings, restraints), Route(adapter=Recorder()))


def _doors(settings: Settings, restraints: Mapping[str, Restraint]) -> tuple[Route, ...]:
    if not settings.adapter:
        return ()
    from nuncius.broker.adapters import adapter_routes

    return adapter_routes(settings.adapter, restraints, os.environ)


def _webhook(settings: Settings, restraints: Mapping[str, Restraint]) -> tuple[Route, ...]:
    if settings.webhook_url is None:
        return ()
    from nuncius.consumers.webhook import Webhook

    secret = os.environ.get("NUNCIUS_WEBHOOK_SECRET", "")
    host = urlsplit(settings.webhook_url).hostname or ""
    webhook = Webhook(settings.webhook_url, secret=secret, allowed_hosts=frozenset({host}))
    return (Route(adapter=webhook, restraints=restraints),)
