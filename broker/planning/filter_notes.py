"""Filters whose light nobody knows: no mistake, for a facility may call them what it likes, but worth a word."""

import re
from collections.abc import Iterator
from typing import Final

from nuncius.broker.planning.bands import band_of
from nuncius.broker.planning.policy import Policies, Policy

_BARE: Final = re.compile(r"[A-Za-z0-9_-]+")


def filter_notes(policies: Policies) -> Iterator[str]:
    """What to say of the filters of policies that act, with their lines; nothing of those whose light is known."""
    for policy in policies.active:
        words = _unknown(policy, policies) if policy.filter else ""
        if words:
            yield str(policies.wrong(policy.name, "filter", words))


def _unknown(policy: Policy, policies: Policies) -> str:
    """Where the light of its filter is not known, and which table would say it; empty where it is known everywhere."""
    known = policies.telescopes
    dark = [
        facility
        for facility in policy.asked
        if band_of(policy.filter, known[facility].filters if facility in known else {}) is None
    ]
    if not dark:
        return ""
    name = policy.filter if _BARE.fullmatch(policy.filter) else f'"{policy.filter}"'
    return (
        f"nobody knows the light of {policy.filter!r} at {', '.join(dark)}: it is asked for by that name, and tables "
        f"of plans state no wavelengths; a [telescope.filters.{name}] below its [[telescope]] says them"
    )
