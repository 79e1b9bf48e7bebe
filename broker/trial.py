"""Policies tried on the past: on files, replayed on a log that is thrown away, or on what lies on a log."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from nuncius.broker.app import (
    Progress,
    areas_of,
    has_log,
    ingest_of,
    names_of,
    open_log,
    rules_of,
    supplies_of,
    workers_of,
)
from nuncius.broker.follow_up import fits_of, galaxies_of, policies_of
from nuncius.broker.planning.policy import Policies
from nuncius.broker.services.check_notes import Heard, notes
from nuncius.broker.services.facility_reader import read_packet
from nuncius.broker.services.harvest import harvest, ordered
from nuncius.broker.services.reading import Reading
from nuncius.broker.services.replay import PATIENCE_S, Pace, replay
from nuncius.broker.services.runner import drain_patiently
from nuncius.broker.services.too_check import would_have_asked
from nuncius.broker.settings import Settings
from nuncius.broker.transport.port import Log
from nuncius.schemas import ToORequest


@dataclass(frozen=True, slots=True)
class Checked:
    """A policy file and what it would have asked.

    Parameters
    ----------
    policies
        As read.
    revisions
        Every revision of every request, in the order of their publication.
    source
        What it was tried on, for people.
    notes
        What a person should know beside it, a line each.
    """

    policies: Policies
    revisions: tuple[ToORequest, ...]
    source: str
    notes: tuple[str, ...] = ()


def check_policies(settings: Settings, paths: Sequence[Path], bar: Progress) -> Checked:
    """Read the settings' policies and run them over files, else over the log of the settings.

    Raises
    ------
    SettingsError
        If a policy or a filter in it is wrong; the message names file, line and key.
    """
    policies = policies_of(settings, rules_of(settings))
    names, areas = names_of(settings), areas_of(settings)
    fits_of(policies, names, {}, areas)
    galaxies = galaxies_of(settings, policies)
    heard = Heard()
    if not paths and not has_log(settings.broker):
        nothing = f"nothing: no log at {settings.broker}; name files or folders of past alerts"
        return Checked(policies, (), nothing, tuple(notes(policies, heard, settings.tell)))
    if paths:
        log, source = _replayed(settings, paths, bar)
    else:
        log, source = open_log(settings, settings.broker), str(settings.broker)
    try:
        bar.stage("asking the policies")
        revisions = would_have_asked(
            log, policies, lambda maps: fits_of(policies, names, maps, areas), galaxies, bar.step, heard.hear
        )
    finally:
        log.close()
    return Checked(policies, revisions, source, tuple(notes(policies, heard, settings.tell)))


def in_numbers(readings: Sequence[Reading]) -> str:
    """What was read, for people: how many packets, what is in them, and the first that cannot be read."""
    counts = {
        "packet": len(readings),
        "alert": sum(len(one.alerts) for one in readings),
        "candidate": sum(0 if one.rows is None else len(one.rows) for one in readings),
    }
    said = [f"{n} {word}{'' if n == 1 else 's'}" for word, n in counts.items() if n or word != "candidate"]
    faults = [one.fault for one in readings if one.fault is not None]
    if faults:
        said.append(f"{len(faults)} not to be read (first {faults[0].source}: {faults[0].detail})")
    return ", ".join(said)


def _replayed(settings: Settings, paths: Sequence[Path], bar: Progress) -> tuple[Log, str]:
    bar.stage("reading packets")
    found = harvest(paths, supplies_of(settings), read_packet, "replay", lambda _: bar.step())
    readings = ordered(found, "issued")
    log = open_log(settings, None)
    try:
        bar.stage("replaying", len(readings))
        work = partial(
            drain_patiently, workers_of(log, settings, ("match", "associate")), time.sleep, bar.say, PATIENCE_S
        )
        ingest = ingest_of(log, "replay", "nuncius-check")
        replay(readings, ingest, work, Pace(None, time.sleep), lambda _: bar.step(), bar.say)
    except BaseException:
        log.close()
        raise
    return log, in_numbers(readings)
