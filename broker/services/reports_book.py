"""The book of observation reports: who looked where for an event, and how much of its map that holds together."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from nuncius.broker.planning.notice import Notice
from nuncius.broker.services.alerts import alert_of
from nuncius.broker.services.maps import MapShelf
from nuncius.broker.services.plan_found import thread_of
from nuncius.broker.services.readable import readable
from nuncius.broker.sky import SkyMap, probability_inside
from nuncius.broker.sky.ranges import NOTHING, Ranges, area_deg2, joined
from nuncius.broker.sky.region import moc_ranges
from nuncius.broker.transport import topics
from nuncius.broker.transport.port import Log, Record
from nuncius.broker.transport.reading import read_all
from nuncius.schemas import ObservationReport, Quarantine
from nuncius.schemas.codec import decode, encode

_TOGETHER: Final = 500
"""Reports a transaction (ours)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """What one facility looked at, or is to look at.

    Parameters
    ----------
    facility, instrument
        Who, with what; empty for all together.
    completed, planned
        Numbers of fields.
    area_deg2, probability
        Of the union of completed fields; the probability None where the event has no map here.
    planned_probability
        Of the union of planned fields outside what was completed by anybody; None as before.
    first, last
        Of the completed fields, UTC; None where none states a time.
    """

    facility: str
    instrument: str
    completed: int
    planned: int
    area_deg2: float
    probability: float | None
    planned_probability: float | None
    first: datetime | None
    last: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Followed:
    """One event as it was followed.

    Parameters
    ----------
    thread_id
        The event.
    shares
        By facility and instrument.
    together
        All of them, no place counted twice.
    reports
        The latest of each name, planned and completed, by time.
    """

    thread_id: str
    shares: tuple[Share, ...]
    together: Share
    reports: tuple[ObservationReport, ...]


def reports_on(log: Log) -> tuple[ObservationReport, ...]:
    """The last report of each name, in the order of their first."""
    found: dict[str, ObservationReport] = {}
    for report in readable(_report, read_all(log, topics.OBSERVATIONS.name)):
        found[report.report_id] = report
    return tuple(found.values())


def write_reports(log: Log, reports: Sequence[ObservationReport], slot: str) -> int:
    """Puts reports on the log, some hundred a transaction; returns how many said something new.

    One that says what stands there already, but for the time it was issued, is left out: sending a file again does
    nothing.
    """
    known = {report.report_id: _content(report) for report in reports_on(log)}
    fresh = [report for report in reports if known.get(report.report_id) != _content(report)]
    writer = log.writer(slot)
    try:
        for some in _batched(fresh):
            with writer.transaction() as tx:
                for report in some:
                    tx.send(topics.OBSERVATIONS.name, encode(report), key=report.thread_id.encode())
    finally:
        writer.close()
    return len(fresh)


def followed(log: Log, thread_id: str | None) -> tuple[Followed, ...]:
    """Every event that was reported on, or the one named, by name.

    Parameters
    ----------
    log
        Read only. Probabilities are those of the event's map in force.
    thread_id
        E.g. ``lvk:S190814bv``, its prefix may be left out; None for all.
    """
    by_thread: dict[str, list[ObservationReport]] = {}
    for report in reports_on(log):
        names = (None, report.thread_id, report.thread_id.partition(":")[2])
        if report.state != "cancelled" and thread_id in names:
            by_thread.setdefault(report.thread_id, []).append(report)
    skies = _skies(log, by_thread)
    return tuple(_followed(name, by_thread[name], skies.get(name)) for name in sorted(by_thread))


def threads_on(log: Log) -> frozenset[str]:
    """Every event of a log."""
    return frozenset(alert.thread_id for alert in readable(alert_of, read_all(log, topics.EVENTS.name)))


def _followed(thread_id: str, reports: Sequence[ObservationReport], sky: SkyMap | None) -> Followed:
    done = _union(reports, "completed")
    groups: dict[tuple[str, str], list[ObservationReport]] = {}
    for report in reports:
        groups.setdefault((report.facility, report.instrument), []).append(report)
    return Followed(
        thread_id=thread_id,
        shares=tuple(_share(*name, groups[name], done, sky) for name in sorted(groups)),
        together=_share("", "", reports, done, sky),
        reports=tuple(sorted(reports, key=_when)),
    )


def _share(
    facility: str, instrument: str, reports: Sequence[ObservationReport], done: Ranges, sky: SkyMap | None
) -> Share:
    own, planned = _union(reports, "completed"), _union(reports, "planned")
    times = [time for one in reports if one.state == "completed" for time in (one.time_start, one.time_stop) if time]
    more = None if sky is None else probability_inside(sky, joined(done, planned)) - probability_inside(sky, done)
    return Share(
        facility=facility,
        instrument=instrument,
        completed=sum(one.state == "completed" for one in reports),
        planned=sum(one.state == "planned" for one in reports),
        area_deg2=area_deg2(*own),
        probability=None if sky is None else probability_inside(sky, own),
        planned_probability=more,
        first=min(times, default=None),
        last=max(times, default=None),
    )


def _union(reports: Iterable[ObservationReport], state: str) -> Ranges:
    """Of what can be read: a footprint that cannot, from whoever, is no place."""
    found: list[Ranges] = []
    for report in reports:
        if report.state == state:
            try:
                found.append(moc_ranges(report.footprint))
            except Quarantine:
                found.append(NOTHING)
    return joined(*found)


def _skies(log: Log, threads: Mapping[str, object]) -> dict[str, SkyMap]:
    """The map in force of each event that has one."""
    maps = MapShelf(log)
    notices: dict[tuple[str, str], list[Notice]] = {}
    for alert in readable(alert_of, read_all(log, topics.EVENTS.name)):
        if alert.thread_id in threads:
            notices.setdefault((alert.thread_id, alert.run_mode), []).append(Notice.of(alert, maps))
    out: dict[str, SkyMap] = {}
    # what is live comes last and counts
    for thread_id, run_mode in sorted(notices, key=lambda key: key[1] == "live"):
        event = thread_of(notices[thread_id, run_mode], thread_id, run_mode)
        sky = None if event is None or event.placed is None else event.placed.region()
        if sky is not None:
            out[thread_id] = sky
    return out


def _report(record: Record) -> ObservationReport:
    return decode(ObservationReport, record.value or b"")


def _when(report: ObservationReport) -> tuple[float, str]:
    moment = report.time_start or report.time_stop
    return (float("inf") if moment is None else moment.timestamp(), report.report_id)


def _content(report: ObservationReport) -> ObservationReport:
    return replace(report, issued_time=None)


def _batched(reports: Sequence[ObservationReport]) -> Iterator[Sequence[ObservationReport]]:
    """Pieces that fit a transaction: a footprint takes some kilobytes."""
    for first in range(0, len(reports), _TOGETHER):
        yield reports[first : first + _TOGETHER]
