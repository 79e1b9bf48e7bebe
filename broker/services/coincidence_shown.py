"""A coincidence on a log as it is drawn: found by its id or by an event that takes part."""

from collections.abc import Mapping

from nuncius.broker.plots.coincidence import Shown, shown
from nuncius.broker.services.alerts import alert_of
from nuncius.broker.services.archive import COINCIDENCES, Archive, record_at
from nuncius.broker.services.lines import in_words, printable
from nuncius.broker.services.maps import MapShelf
from nuncius.broker.services.readable import readable
from nuncius.broker.transport.port import Log, Record
from nuncius.schemas import Alert, Coincidence, SettingsError
from nuncius.schemas.codec import decode

_LISTED = 5
_LONGEST = 150
"""Characters of a line below the title: the width of the picture."""


def coincidence_shown(log: Log, name: str) -> tuple[Shown, tuple[str, ...]]:
    """What there is to draw of a coincidence, and what is said of its significance, a line each.

    Parameters
    ----------
    log
        Read for it, its alerts and their maps.
    name
        The beginning of its id, or an event that takes part in one alone; its prefix may be left out.

    Raises
    ------
    SettingsError
        If there is none, or more than one, or none of its members has a place.
    """
    archive = Archive(log)
    found = _named(log, archive, name.strip())
    members = (found.anchor, found.partner, *(pair.partner for pair in found.others))
    alerts = _alerts(archive, [ident for member in members for ident in member.alert_ids])
    try:
        made = shown(found, alerts, MapShelf(log))
    except ValueError as error:
        raise SettingsError(f"--coincidence {name}: {error}") from error
    state = "" if found.state == "active" else f"{found.state.upper()}; "
    real = "" if (found.reality, found.run_mode) == ("real", "live") else f" ({found.reality}, {found.run_mode})"
    return made, (_short(f"{state}{in_words(found.significance)}{real}"),)


def _named(log: Log, archive: Archive, name: str) -> Coincidence:
    last = archive.coincidences()
    starting = [ident for ident in last if name and ident.startswith(name)]
    hits = [_read(log, last[ident]) for ident in starting]
    if not hits and name:
        every = (_read(log, offset) for offset in last.values())
        hits = [one for one in every if one is not None and name in _events(one)]
    known = [one for one in hits if one is not None]
    if len(known) == 1:
        return known[0]
    if not known:
        where = "see: nuncius subscribe coincidences --until-end --json"
        raise SettingsError(f"--coincidence {name}: no coincidence of that id or event on this log; {where}")
    ids = "; ".join(f"{one.coincidence_id} ({one.rule}, {one.state})" for one in known[:_LISTED])
    raise SettingsError(f"--coincidence {name}: {len(known)} coincidences: {ids}; write the beginning of one id")


def _read(log: Log, offset: int) -> Coincidence | None:
    record = record_at(log, COINCIDENCES, offset)
    return next(readable(_coincidence, [] if record is None else [record]), None)


def _coincidence(record: Record) -> Coincidence:
    return decode(Coincidence, record.value or b"")


def _events(one: Coincidence) -> set[str]:
    """Names of the events that take part, with and without their prefix."""
    members = (one.anchor, one.partner, *(pair.partner for pair in one.others))
    threads = {thread for member in members for thread in (member.event_id, *member.threads)}
    return threads | {thread.partition(":")[2] for thread in threads if ":" in thread}


def _alerts(archive: Archive, idents: list[str]) -> Mapping[str, Alert]:
    records = (archive.alert(ident) for ident in idents)
    known = readable(alert_of, (record for record in records if record is not None))
    return {alert.alert_id: alert for alert in known}


def _short(text: str) -> str:
    line = printable(text)
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 1]}…"
