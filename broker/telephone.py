"""Receivers of the settings, and what policies say of them: who is told at which addresses, in which words."""

from collections.abc import Mapping
from datetime import timedelta
from difflib import get_close_matches

from pydantic import SecretStr

from nuncius.broker.planning.hours import span_of_day
from nuncius.broker.planning.policy import Policies
from nuncius.broker.planning.telling import Receiver
from nuncius.broker.services.archive import Archive
from nuncius.broker.services.links import Links
from nuncius.broker.services.maps import MapShelf
from nuncius.broker.services.plan_found import PlanFinder
from nuncius.broker.services.telling import Telephone
from nuncius.broker.services.told_message import Composer
from nuncius.broker.services.told_picture import SkyPictures, ToldPictures
from nuncius.broker.settings import Settings, TellSettings
from nuncius.broker.transport.port import Log
from nuncius.consumers.notify.notifier import Notifier
from nuncius.consumers.too.credentials import credential
from nuncius.consumers.too.skyportal_in import SKYPORTAL
from nuncius.schemas import SettingsError


def telephone(
    log: Log, settings: Settings, policies: Policies, links: Links | None, environ: Mapping[str, str]
) -> Telephone:
    """Everybody whom the settings name.

    Raises
    ------
    SettingsError
        If a chain or a policy names nobody, a policy is unknown, an address is missing or not allowed.
    """
    names = named_in(settings, policies)
    return Telephone(
        receivers={name: _receiver(name, one) for name, one in settings.tell.items()},
        senders={name: notifier(settings, name, environ) for name in settings.tell},
        names=names,
        compose=Composer(_pictures(log, policies), links),
    )


def _pictures(log: Log, policies: Policies) -> ToldPictures:
    archive, maps = Archive(log), MapShelf(log)
    return ToldPictures(SkyPictures(archive, maps), PlanFinder(log, archive, maps, policies))


def notifier(settings: Settings, name: str, environ: Mapping[str, str]) -> Notifier:
    """The addresses of one receiver.

    Raises
    ------
    SettingsError
        If there is no such receiver, or an address is missing or not allowed.
    """
    _known(name, settings.tell, "nuncius.toml", "[tell.NAME]")
    return Notifier(name, _addresses(name, settings.tell[name], environ))


def who_is_told(settings: Settings, policies: Policies, environ: Mapping[str, str]) -> str:
    """One line: for each policy that acts, who is told and who comes after.

    Raises
    ------
    SettingsError
        As `telephone`.
    """
    names = named_in(settings, policies)
    for name in settings.tell:
        notifier(settings, name, environ)
    chains = {
        policy.name: ", ".join(_chain(settings, name) for name in names[policy.name]) for policy in policies.active
    }
    words = [f"{policy}: {chain}" for policy, chain in chains.items() if chain]
    silent = [policy for policy, chain in chains.items() if not chain]
    return "; ".join([*words, *([f"nobody is told of: {', '.join(silent)}"] if silent else [])])


def _chain(settings: Settings, name: str) -> str:
    chain = [name]
    while (then := settings.tell[chain[-1]].then) and then not in chain:
        chain.append(then)
    return " then ".join(chain)


def named_in(settings: Settings, policies: Policies) -> dict[str, tuple[str, ...]]:
    """Receivers by policy: those that the policy names, then those that name the policy.

    Raises
    ------
    SettingsError
        If one of the names is nobody's.
    """
    for name, one in settings.tell.items():
        if one.then == name:
            raise SettingsError(f"[tell.{name}]: then: it names itself; name somebody else, or leave it out")
        if one.then:
            _known(one.then, settings.tell, f"[tell.{name}]: then", "[tell.NAME]")
        for wanted in one.policies:
            known = {p.name: "" for p in policies.policies} | dict.fromkeys(_asking(settings), "")
            _known(wanted, known, f"[tell.{name}]: policies", "policy")
    for active in policies.active:
        for name in active.tell:
            if name not in settings.tell:
                raise policies.wrong(active.name, "tell", _nobody(name, settings.tell, "[tell.NAME] in nuncius.toml"))
    return {name: _choosing(settings, name) for name in _asking(settings)} | {
        policy.name: tuple(dict.fromkeys((*policy.tell, *_choosing(settings, policy.name))))
        for policy in policies.policies
    }


def _asking(settings: Settings) -> tuple[str, ...]:
    """Under which names others ask than by a policy."""
    return () if settings.skyportal is None else (SKYPORTAL,)


def _choosing(settings: Settings, policy: str) -> tuple[str, ...]:
    return tuple(name for name, one in settings.tell.items() if policy in one.policies)


def _receiver(name: str, one: TellSettings) -> Receiver:
    return Receiver(
        name=name,
        hours=tuple(map(span_of_day, one.on_call_utc)),
        every=timedelta(seconds=one.every_s),
        then=one.then,
        after=timedelta(seconds=one.after_s),
        drills=one.drills,
    )


def _addresses(name: str, one: TellSettings, environ: Mapping[str, str]) -> SecretStr:
    if "://" in one.where:
        raise SettingsError(f"[tell.{name}]: where: an address holds secrets; name the environment variable it is in")
    try:
        return credential(environ, one.where)
    except SettingsError as error:
        raise SettingsError(f"[tell.{name}]: where: {error}") from None


def _known(name: str, known: Mapping[str, object], where: str, what: str) -> None:
    if name not in known:
        raise SettingsError(f"{where}: {_nobody(name, known, what)}")


def _nobody(name: str, known: Mapping[str, object], what: str) -> str:
    near = get_close_matches(name, known, 1)
    return f"no {what} {name!r}; " + (f"is it {near[0]!r}?" if near else f"there are {', '.join(known) or 'none'}")
