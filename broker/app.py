"""The composition root: settings into a road. The only place that knows every part."""

import os
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import BinaryIO, Final, Protocol

from nuncius.broker.connection import connection_of
from nuncius.broker.follow_up import (
    door_notes,
    exchange_of,
    fits_of,
    galaxies_of,
    links_of,
    policies_of,
    portal_of,
    routes_of,
    tellers_of,
    who_is_asked,
    who_is_told,
)
from nuncius.broker.matching.rules import CandidateRule, Rule
from nuncius.broker.matching.rules_toml import load_rules, shipped_rules, shipped_text
from nuncius.broker.planning.policy import Policies
from nuncius.broker.services.adapter_kinds import changed_kinds
from nuncius.broker.services.areas import Areas
from nuncius.broker.services.associating import Associating
from nuncius.broker.services.carrying import carrying
from nuncius.broker.services.delivering import Delivering, adapter_names
from nuncius.broker.services.desk_tokens import desk_tokens
from nuncius.broker.services.doctor import Finding, examine, examine_machine
from nuncius.broker.services.facility_reader import read_packet
from nuncius.broker.services.harvest import Order, harvest, ordered
from nuncius.broker.services.ingest import Ingest
from nuncius.broker.services.kafka_topics_doctor import LookBack
from nuncius.broker.services.left_behind import watching_left
from nuncius.broker.services.maps import MapShelf
from nuncius.broker.services.matching import MatchWorker
from nuncius.broker.services.no_answers import NoAnswers
from nuncius.broker.services.outcome import Outcome, outcome
from nuncius.broker.services.own_names import check_at_start, names_in
from nuncius.broker.services.planning import planners
from nuncius.broker.services.publishing import Line, packets_of, publish_local
from nuncius.broker.services.replay import PATIENCE_S, Pace, replay
from nuncius.broker.services.reports import Reporting
from nuncius.broker.services.runner import Work, drain_patiently
from nuncius.broker.services.settling import examine_work, refuse_company, settle
from nuncius.broker.services.streams.limits import Limits
from nuncius.broker.services.streams.worker import StreamsWorker
from nuncius.broker.services.supplies import Supplies
from nuncius.broker.services.too_doctor import examine_requests
from nuncius.broker.services.web.regions import Regions
from nuncius.broker.services.worker import Worker
from nuncius.broker.settings import Settings
from nuncius.broker.settings_files import read_with
from nuncius.broker.sky import SkyMap
from nuncius.broker.transport import topics
from nuncius.broker.transport.address import (
    HttpAddress,
    KafkaAddress,
    KafkaLocalAddress,
    LocalAddress,
    node_folder,
    parse_address,
    shown,
)
from nuncius.broker.transport.clock import utc_now
from nuncius.broker.transport.local import open_local
from nuncius.broker.transport.local_file import FILE_NAME
from nuncius.broker.transport.opening import open_address
from nuncius.broker.transport.port import Log
from nuncius.filters import Names
from nuncius.schemas import NunciusError, SettingsError
from nuncius.schemas.vocabulary import RunMode

ROAD: Final = ("match", "associate", "too", "deliver")
"""Every service behind ingest, in the order of the road."""


class Progress(Protocol):
    """What shows a person how far it is."""

    def stage(self, title: str, total: int | None = None) -> None:
        """Begin a stage of so many steps."""

    def step(self, done: int = 1) -> None:
        """So many steps are done."""

    def say(self, line: str) -> None:
        """One line above the bar."""


def open_log(settings: Settings, address: str | None) -> Log:
    """The log at an address, its topics made; None for an embedded one that is thrown away when closed.

    Raises
    ------
    SettingsError
        If the address is none that holds a log.
    Retry
        If a cluster does not answer now.
    """
    log = _open(settings, address)
    try:
        log.create(topics.TOPICS)
    except BaseException:
        log.close()
        raise
    return log


def has_log(address: str | None) -> bool:
    """Whether an embedded log lies at an address; of a cluster it is not asked here."""
    there = parse_address(address or "")
    return not isinstance(there, LocalAddress) or (there.folder / FILE_NAME).is_file()


def _open(settings: Settings, address: str | None) -> Log:
    if address is None:
        return open_local(None, utc_now)
    folder = None if settings.data_folder is None else node_folder(settings.data_folder)
    return open_address(parse_address(address), utc_now, connection_of(settings), folder)


def rules_of(settings: Settings) -> tuple[Rule, ...]:
    """Shipped rules, with the user's own merged in by name."""
    return shipped_rules() if settings.rules is None else read_with(settings.rules, partial(load_rules, shipped_text()))


def names_of(settings: Settings, areas: Areas | None = None) -> Names:
    """Filters and regions that the user gave a name; with areas a filter that asks for an unreadable one is refused."""
    names = names_in(settings)
    return names if areas is None else replace(names, why_not=areas.why_not)


def areas_of(settings: Settings, say: Callable[[str], object] = lambda _: None) -> Areas:
    """Watchlists and watchmaps by name, each read when it is first asked for; ``say`` is told of what cannot be."""
    return Areas(settings.regions, say)


def checked_areas(settings: Settings, say: Callable[[str], object]) -> Areas:
    """The same for a service that starts: all are read, and all named filters are checked.

    Raises
    ------
    SettingsError
        For a named filter that cannot be used, with file and line.
    """
    areas = areas_of(settings, say)
    check_at_start(settings, areas)
    return areas


def regions_on(settings: Settings, log: Log, areas: Areas | None = None) -> Regions:
    """What filters ask about the sky: from what lies on a log, and the user's own regions."""
    return Regions(log, areas_of(settings) if areas is None else areas)


def supplies_of(settings: Settings) -> Supplies:
    """Folders for sky maps and writer schemas."""
    return Supplies(skymaps=settings.skymaps, schemas=settings.schemas)


def ingest_of(log: Log, run_mode: RunMode, slot: str) -> Ingest:
    """The ingest service's writing half."""
    return Ingest(log, SkyMap.read, run_mode, slot)


def workers_of(
    log: Log,
    settings: Settings,
    names: Sequence[str] = ROAD,
    match_slot: str = "nuncius-match-0",
    areas: Areas | None = None,
    say: Callable[[str], object] = lambda _: None,
) -> tuple[Work, ...]:
    """Services by name, in the order of the road; ``match_slot`` names the writer of the matching one.

    ``areas`` are those of `checked_areas`, where the process has them already; ``say`` is told of what goes wrong
    outside.
    """
    rules, maps = rules_of(settings), MapShelf(log)
    areas = areas_of(settings) if areas is None else areas
    workers: list[Work] = []
    if "match" in names:
        workers.append(MatchWorker(log, rules, maps, lateness_days=settings.lateness_days, slot=match_slot))
    if "associate" in names:
        workers.append(Worker(log, Associating(rules, settings.lateness_days, maps)))
    if "too" in names:
        policies = policies_of(settings, rules)
        names_known = names_of(settings)
        workers += planners(
            log,
            policies,
            lambda own, shelf: fits_of(own, names_known, shelf, areas),
            galaxies_of(settings, policies),
        )
    if "deliver" in names:
        workers += _deliverers(log, settings, policies_of(settings, rules), say)
    if "watch" in names:
        known = adapter_names(routes_of(settings, policies_of(settings, rules)))
        workers += [watching_left(log, known, utc_now, say), carrying(log, utc_now)]
    if "report" in names:
        workers.append(Worker(log, Reporting(policies_of(settings, rules).telescopes)))
    if "tell" in names:
        workers += tellers_of(log, settings, policies_of(settings, rules))
    if "exchange" in names:
        workers += exchange_of(log, settings, say, policies_of(settings, rules).lights)
    if "streams" in names:
        limits = Limits(settings.streams.most, settings.streams.past_rows)
        workers.append(StreamsWorker(log, maps, names_of(settings), areas, limits))
    return tuple(workers)


def _deliverers(log: Log, settings: Settings, policies: Policies, say: Callable[[str], object]) -> list[Delivering]:
    """One an adapter; what changed its kind is said."""
    routes = routes_of(settings, policies, NoAnswers(log))
    for finding in changed_kinds(log, routes):
        say(f"{finding.what}: {finding.detail}")
    return [Delivering(log, route, utc_now) for route in routes]


def replay_paths(
    settings: Settings,
    paths: Sequence[Path],
    broker: str | None,
    order: Order,
    speed: float | None,
    bar: Progress,
    *,
    feed_only: bool = False,
) -> Outcome:
    """Replay files on a log (thrown away where none is named) and return its final state.

    With ``feed_only`` the work is left to the services that run elsewhere on this log, and waited for.
    """
    supplies = supplies_of(settings)
    with throw_away_node(broker, bar.say) as address:
        log = open_log(settings, address)
        try:
            bar.stage("reading packets")
            found = harvest(paths, supplies, read_packet, "replay", lambda _: bar.step())
            readings = ordered(found, order)
            bar.stage("replaying", len(readings))
            ingest = ingest_of(log, "replay", "nuncius-replay")
            work = _nothing if feed_only else road_on(log, settings, bar.say)
            replay(readings, ingest, work, Pace(speed, time.sleep), lambda _: bar.step(), bar.say)
            if feed_only:
                bar.stage("waiting for the services")
                settle(log, bar.say, time.sleep)
            return outcome(log, ingest.seen)
        finally:
            log.close()


def road_on(log: Log, settings: Settings, say: Callable[[str], object]) -> Callable[[], None]:
    """What does all there is to do behind ingest, in this process, each time it is called.

    Raises
    ------
    SettingsError
        If another process works on this log.
    """
    refuse_company(log, time.sleep)
    workers = workers_of(log, settings)
    return partial(drain_patiently, workers, time.sleep, say, PATIENCE_S)


@contextmanager
def throw_away_node(broker: str | None, say: Callable[[str], object]) -> Iterator[str | None]:
    """The address; for ``kafka:local`` that of a Kafka node which is gone at the end."""
    if broker is None or not isinstance(parse_address(broker), KafkaLocalAddress):
        yield broker
        return
    from nuncius.broker.transport.kafka_node.ours import throw_away

    with throw_away(say, os.environ) as node:
        yield f"kafka://{node.servers}"


def _nothing() -> None:
    """What is left to do where others do the work."""


def publish_paths(
    settings: Settings, paths: Sequence[Path], stream: str, stdin: BinaryIO, *, json: bool
) -> Iterator[Line]:
    """Publish files to the broker of the settings; a line for each packet once it is durable."""
    now = utc_now()
    packets = (replace(packet, stream=stream, received_time=now) for packet in packets_of(paths, stdin))
    address = parse_address(settings.broker or "")
    if isinstance(address, HttpAddress):
        from nuncius.broker.services.posting import post

        yield from post(address.url, packets, json=json)
        return
    log = open_log(settings, settings.broker)
    try:
        ingest = ingest_of(log, "live", f"nuncius-publish-{socket.gethostname()}-{os.getpid()}")
        yield from publish_local(ingest, packets, supplies_of(settings), read_packet, json=json)
    finally:
        log.close()


def diagnose(settings: Settings) -> Iterator[Finding]:
    """Every check of ``nuncius doctor``."""
    address = parse_address(settings.broker or "")
    folder = address.folder if isinstance(address, LocalAddress) else None
    yield from _examine_settings(settings)
    if isinstance(address, KafkaAddress | KafkaLocalAddress):
        from nuncius.broker.services.kafka_doctor import examine_cluster

        yield from examine_machine(None)
        yield from examine_cluster(
            lambda: _open(settings, settings.broker), look_back_of(settings), utc_now, shown(address)
        )
    elif not has_log(settings.broker):
        yield from examine_machine(folder)
        yield Finding("log", "note", f"none at {settings.broker} yet; is the address right? One is made by: nuncius up")
    else:
        yield from examine(lambda: open_log(settings, settings.broker), folder, utc_now())
    yield from _examine_requests(settings)


def look_back_of(settings: Settings) -> LookBack:
    """How long candidates are wanted by the rules and the settings; by the shipped rules where the user's are wrong."""
    try:
        rules = rules_of(settings)
    except SettingsError:
        rules = shipped_rules()
    wanted = [rule for rule in rules if isinstance(rule, CandidateRule) and rule.enabled]
    window_us = max((max(rule.high_us, rule.control_us) for rule in wanted), default=0)
    return LookBack(window_us / 86_400_000_000, settings.lateness_days)


def _examine_requests(settings: Settings) -> Iterator[Finding]:
    """Nothing where settings or log are wrong: that is said already."""
    there = settings.broker if has_log(settings.broker) else None
    with suppress(NunciusError), closing(_open(settings, there) if there else open_log(settings, None)) as log:
        routes = routes_of(settings, policies_of(settings, rules_of(settings)))
        yield from examine_work(log)
        yield from changed_kinds(log, routes)
        yield from examine_requests(log, adapter_names(routes), utc_now(), tuple(settings.desk))


def _examine_settings(settings: Settings) -> Iterator[Finding]:
    yield Finding("log at", "ok", str(settings.broker))
    try:
        rules = rules_of(settings)
        known = policies_of(settings, rules)
        asked, told = who_is_asked(settings, known), who_is_told(settings, known)
        desk_tokens(settings.desk, os.environ)
        links_of(settings)
        portal_of(settings)
        galaxies_of(settings, known)
    except SettingsError as error:
        yield Finding("settings", "wrong", str(error))
        return
    policies = known.policies
    for what, file, off, count in (
        ("rules", settings.rules, [rule.name for rule in rules if not rule.enabled], len(rules)),
        ("policies", settings.policies, [policy.name for policy in policies if not policy.active], len(policies)),
    ):
        idle = f"; disabled, or without a source: {', '.join(off)}" if off else ""
        yield Finding(what, "ok", f"{count}, {'as shipped' if file is None else f'with {file}'}{idle}")
    yield Finding("telescopes", "ok", asked)
    yield from (Finding("telescopes", "note", note) for note in door_notes(settings, known))
    yield Finding("people", "ok", told)
