"""What the log says of observations that are to be read from, or told to, a public map of them."""

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Final

from nuncius.broker.services.alerts import decode_alert
from nuncius.broker.services.readable import readable
from nuncius.broker.transport import topics
from nuncius.broker.transport.port import Record
from nuncius.schemas import Alert, ObservationReport, ToORequest, ToOStatus
from nuncius.schemas.codec import decode, encode

SHARED: Final = "shared-"
"""With a map's name behind it, the adapter in a status that says that a report was told there."""
TAKEN: Final = "taken"
"""How the detail of such a status begins where the map took it."""
_LVK: Final = b"lvk:"
_NUMBER: Final = re.compile(r"[0-9]{1,9}")


@dataclass(frozen=True, slots=True)
class _Event:
    """Whether all notices of an event are real, whether any is live, or takes it back; and its time."""

    real: bool = True
    live: bool = False
    gone: bool = False
    time: datetime | None = None

    def with_notice(self, alert: Alert) -> "_Event":
        return _Event(
            self.real and alert.reality == "real",
            self.live or alert.run_mode == "live",
            self.gone or alert.kind == "retraction",
            self.time or alert.time_start,
        )


class ExchangeBook:
    """Events of LVK, requests, reports, and what was told of them: folded in any order and with any copies."""

    def __init__(self) -> None:
        self._events: dict[str, _Event] = {}
        self._requests: dict[str, ToORequest] = {}
        self._for_the_team: dict[str, set[int]] = {}
        self._reports: dict[str, ObservationReport] = {}
        self._told: dict[tuple[str, str], set[str]] = {}

    def take(self, records: Iterable[Record]) -> None:
        """Records of the four topics."""
        for _ in readable(self._take, records):
            pass

    def _take(self, record: Record) -> None:
        data = record.value or b""
        if record.topic == topics.EVENTS.name:
            if (record.key or b"").startswith(_LVK):
                alert = decode_alert(data)
                known = self._events.get(alert.thread_id, _Event())
                self._events[alert.thread_id] = known.with_notice(alert)
        elif record.topic == topics.TOO_REQUESTS.name:
            request = decode(ToORequest, data)
            if request.team_only:
                self._for_the_team.setdefault(request.request_id, set()).add(request.revision)
            before = self._requests.get(request.request_id)
            if before is None or request.revision > before.revision:
                self._requests[request.request_id] = request
        elif record.topic == topics.OBSERVATIONS.name:
            self.note(decode(ObservationReport, data))
        else:
            self.learn(decode(ToOStatus, data))

    def note(self, report: ObservationReport) -> None:
        """A report that is on the log."""
        self._reports[report.report_id] = report

    def learn(self, status: ToOStatus) -> None:
        """A status that is on the log."""
        if status.adapter.startswith(SHARED):
            marks = self._told.setdefault((status.adapter, status.reference), set())
            marks.add(TAKEN if status.detail.startswith(TAKEN) else status.idempotency_key)

    def is_news(self, report: ObservationReport) -> bool:
        """Whether a report says something else than the log, but for the time it was issued.

        What is cancelled and was never reported is no news.
        """
        known = self._reports.get(report.report_id)
        return report.state != "cancelled" if known is None else _content(known) != _content(report)

    def watched(self, now: datetime, span: timedelta) -> tuple[str, ...]:
        """Threads of LVK for which somebody may look now: a request is out, or the event is not older than ``span``.

        Real and live ones only.
        """
        asked = {
            one.event_thread
            for one in self._requests.values()
            if one.state == "proposed"
            and (one.reality, one.run_mode) == ("real", "live")
            and one.expires is not None
            and one.expires > now
        }
        young = {
            thread
            for thread, event in self._events.items()
            if event.live and not event.gone and event.time is not None and event.time + span > now
        }
        return tuple(sorted(thread for thread in asked | young if self._is_real(thread)))

    def to_tell(
        self, names: Collection[str], facilities: Collection[str], others: str
    ) -> tuple[ObservationReport, ...]:
        """Completed reports of these facilities that a map was not told, or did not take and that were changed since.

        Those of a request for the team only are not among them, and what was observed for the team stays with it
        whatever the request says later.

        Parameters
        ----------
        names
            Of the map's adapter, former ones too.
        facilities
            Whose reports.
        others
            How the names of reports begin that came from the map.
        """
        return tuple(
            report
            for ident, report in self._reports.items()
            if report.facility in facilities
            and (report.state, report.run_mode) == ("completed", "live")
            and not ident.startswith(others)
            and self._is_real(report.thread_id)
            and not self._is_for_the_team(report)
            and all(self._told.get((SHARED + name, ident), set()).isdisjoint({TAKEN, mark(report)}) for name in names)
        )

    def status(self, name: str, report: ObservationReport, refused: str, now: datetime) -> ToOStatus:
        """What remembers that a map was told; ``refused`` is why it did not take it, empty where it did."""
        request = self._requests.get(report.request_id)
        return ToOStatus(
            request_id=report.request_id,
            revision=0 if request is None else request.revision,
            state="recorded",
            facility=report.facility,
            adapter=SHARED + name,
            detail=f"not taken: {refused}" if refused else f"{TAKEN}: the field at {report.ra} {report.dec}",
            idempotency_key=mark(report),
            reference=report.report_id,
            time=now,
        )

    def _is_for_the_team(self, report: ObservationReport) -> bool:
        """Whether it was observed for the team, or its request is for the team now.

        Which revision was observed stands in the names of our own reports; where a report does not say it, any that
        was for the team keeps it there.
        """
        request, for_team = self._requests.get(report.request_id), self._for_the_team.get(report.request_id, set())
        observed = _revision_in(report)
        return bool(request and request.team_only) or (bool(for_team) if observed is None else observed in for_team)

    def _is_real(self, thread: str) -> bool:
        event = self._events.get(thread)
        return event is not None and event.real and event.live


def _revision_in(report: ObservationReport) -> int | None:
    """Of a report that is named ``request/revision/number``."""
    before, _, rest = report.report_id.partition(f"{report.request_id}/")
    revision, slash, _ = rest.partition("/")
    return int(revision) if report.request_id and not before and slash and _NUMBER.fullmatch(revision) else None


def mark(report: ObservationReport) -> str:
    """What tells this content of a report from another."""
    return sha256(encode(_content(report))).hexdigest()[:16]


def _content(report: ObservationReport) -> ObservationReport:
    return replace(report, issued_time=None)
