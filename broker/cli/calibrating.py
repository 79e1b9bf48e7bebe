"""Calibration put together: settings, files or made streams into time slides."""

from collections.abc import Sequence
from pathlib import Path

from nuncius.broker.app import Progress, rules_of, supplies_of
from nuncius.broker.matching.made_streams import MADE
from nuncius.broker.matching.measured_overlap import MeasuredOverlap
from nuncius.broker.matching.rules import EventRule
from nuncius.broker.matching.threads import microseconds, own_regions
from nuncius.broker.services.calibrating import Calibration, calibrate, read_alerts
from nuncius.broker.services.facility_reader import read_packet
from nuncius.broker.services.packets import from_paths
from nuncius.broker.settings import Settings
from nuncius.schemas import SettingsError


def calibrate_paths(
    settings: Settings,
    paths: Sequence[Path],
    names: Sequence[str],
    slides: int,
    seed: int,
    bar: Progress,
    *,
    measured: bool,
) -> tuple[Calibration, ...]:
    """Time slides over files, rule by rule.

    Parameters
    ----------
    settings
        Rules, folders of sky maps and schemas.
    paths
        Files, folders, archives.
    names
        Rules to run; all enabled ones where none is named.
    slides, seed
        As in `calibrate`.
    bar
        Shows how far it is.
    measured
        Whether overlaps are taken against the partners' own density.

    Raises
    ------
    SettingsError
        If a path or an enabled rule on events of that name does not exist.
    """
    rules = [rule for rule in rules_of(settings) if isinstance(rule, EventRule) and rule.enabled]
    known = [rule.name for rule in rules]
    for name in names:
        if name not in known:
            raise SettingsError(f"--rule {name}: no enabled rule on events has that name; there are {', '.join(known)}")
    chosen = [rule for rule in rules if not names or rule.name in names]
    bar.stage("reading")
    there = read_alerts(from_paths(paths), supplies_of(settings), read_packet, chosen, bar.step)
    if there.refused:
        bar.say(f"{there.refused} of {there.packets} packets could not be read")
    if there.refused_maps:
        bar.say(f"{there.refused_maps} sky maps could not be read: their alerts go without them")
    found = []
    for rule in chosen:
        bar.stage(rule.name, slides)
        partners = [alert for alert in there.alerts if rule.partner.takes(alert) and own_regions(alert)]
        against = MeasuredOverlap(partners, there.maps) if measured and partners else None
        found.append(calibrate(there.alerts, there.maps, rule, slides, seed, bar.step, overlap_of=against))
    return tuple(found)


def calibrate_made(kind: str, slides: int, seed: int, bar: Progress, *, measured: bool) -> tuple[Calibration, ...]:
    """Time slides over made streams.

    Raises
    ------
    SettingsError
        If there are no made streams of that name.
    """
    if kind not in MADE:
        raise SettingsError(f"--simulate {kind}: choose one of {', '.join(MADE)}")
    bar.stage(f"making {kind} streams")
    made = MADE[kind](seed)
    start, stop = map(microseconds, made.uptime)
    partners = [alert for alert in made.alerts if made.rule.partner.takes(alert)]
    against = MeasuredOverlap(partners, {}) if measured else None
    bar.stage(kind, slides)
    return (calibrate(made.alerts, {}, made.rule, slides, seed, bar.step, uptime=(start, stop), overlap_of=against),)
