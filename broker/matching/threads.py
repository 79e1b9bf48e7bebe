"""A thread: every version of one facility's event, and what they say together, whatever order they came in."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final, NamedTuple

from nuncius.schemas.alert import Alert
from nuncius.schemas.localization import Localization, SkyMapRef
from nuncius.schemas.standing import EVENT_KINDS, issue_order, standing
from nuncius.schemas.vocabulary import Reality, RunMode

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)

REMEMBERED: Final = 8192
"""Threads of which what they say is remembered, by the thread as it is: some megabytes."""

Span = tuple[int, int]
"""Event time in microseconds since 1970: both ends, equal for an instant."""


class ThreadKey(NamedTuple):
    """A thread within one reality and run mode: a test and a real alert never share one, whatever they call it."""

    thread_id: str
    reality: Reality
    run_mode: RunMode

    @property
    def name(self) -> str:
        """What ids are made from: the thread id itself for what is real and live."""
        if self.reality == "real" and self.run_mode == "live":
            return self.thread_id
        return f"{self.thread_id}?reality={self.reality}&run_mode={self.run_mode}"

    @property
    def scope(self) -> tuple[Reality, RunMode]:
        """Only threads of one scope are ever matched."""
        return self.reality, self.run_mode


def key_of(alert: Alert) -> ThreadKey:
    """The thread that an alert belongs to."""
    return ThreadKey(alert.thread_id, alert.reality, alert.run_mode)


def microseconds(time: datetime) -> int:
    """Whole microseconds since 1970-01-01 UTC."""
    return (time - EPOCH) // _MICROSECOND


def moment(time_us: int) -> datetime:
    """The UTC time of so many microseconds since 1970."""
    return EPOCH + timedelta(microseconds=time_us)


def span_of(alert: Alert) -> Span | None:
    """When the event was, by this alert; None where it states no time. An interval needs ``time_kind`` interval."""
    if alert.time_start is None:
        return None
    start = microseconds(alert.time_start)
    if alert.time_kind != "interval" or alert.time_stop is None:
        return start, start
    return start, max(start, microseconds(alert.time_stop))


def gap_us(anchor: Span, partner: Span) -> int:
    """Partner time minus anchor time, microseconds; between the nearer ends of intervals, 0 where they touch."""
    if partner[0] > anchor[1]:
        return partner[0] - anchor[1]
    return min(partner[1] - anchor[0], 0)


def own_regions(alert: Alert) -> tuple[Localization, ...]:
    """The facility's own localizations that say where they are: no combined product, no map known by its URL only."""
    return tuple(
        region
        for region in alert.localizations
        if region.origin == "own" and not (isinstance(region.shape, SkyMapRef) and not region.shape.sha256)
    )


@dataclass(frozen=True, slots=True, eq=False)
class Thread:
    """Versions of one thread, oldest first, without duplicates.

    Parameters
    ----------
    key
        Which thread.
    versions
        Sorted by `issue_order`.
    """

    key: ThreadKey
    versions: tuple[Alert, ...] = ()

    def with_alert(self, alert: Alert) -> "Thread":
        """The thread with one more version."""
        if not self.versions or issue_order(self.versions[-1]) < issue_order(alert):
            return Thread(self.key, (*self.versions, alert))
        return Thread(self.key, tuple(sorted((*self.versions, alert), key=issue_order)))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Facts:
    """What a thread says now.

    Parameters
    ----------
    key
        Which thread.
    main
        Latest notice of the event itself (initial or update; a follow-up only where there is no other). Its class
        is the thread's. None for a thread of retractions only.
    timed, located, rated, likely
        Latest notice that states a time, an own localization, a false-alarm rate, a probability of astrophysical
        origin; the time by `main`'s preference.
    span
        Of ``timed``.
    retraction
        The owner's retraction, where no later notice of the event takes it back.
    doubt
        That the owner took it back and said later that it stands, in words (`Standing`); empty elsewhere.
    foreign
        Retractions by others: shown, not obeyed.
    statements
        How many notices that are not retractions there are.
    first_issued
        Earliest issue time.
    """

    key: ThreadKey
    main: Alert | None
    timed: Alert | None
    span: Span | None
    located: Alert | None
    rated: Alert | None
    likely: Alert | None
    retraction: Alert | None
    doubt: str
    foreign: tuple[Alert, ...]
    statements: int
    first_issued: datetime

    @property
    def used(self) -> tuple[Alert, ...]:
        """The exact notices behind these facts, each once, sorted by id."""
        alerts = (self.main, self.timed, self.located, self.rated, self.likely, self.retraction)
        by_id = {alert.alert_id: alert for alert in alerts if alert is not None}
        return tuple(by_id[alert_id] for alert_id in sorted(by_id))


@lru_cache(maxsize=REMEMBERED)
def stated(thread: Thread) -> tuple[tuple[Alert, Span], ...]:
    """Versions that state a time and are no retraction, with that time; oldest first."""
    return tuple(
        (alert, span)
        for alert in thread.versions
        if alert.kind != "retraction" and (span := span_of(alert)) is not None
    )


@lru_cache(maxsize=REMEMBERED)
def facts(thread: Thread) -> Facts:
    """What the versions say together. The owner is the facility of the earliest notice that is no retraction."""
    said = [alert for alert in thread.versions if alert.kind != "retraction"]
    main = [alert for alert in said if alert.kind in EVENT_KINDS] or said
    timed = _latest([alert for alert in main if alert.time_start is not None])
    if timed is None:
        timed = _latest([alert for alert in said if alert.time_start is not None])
    now = standing(thread.versions)
    retractions = [alert for alert in thread.versions if alert.kind == "retraction"]
    return Facts(
        key=thread.key,
        main=_latest(main),
        timed=timed,
        span=None if timed is None else span_of(timed),
        located=_latest([alert for alert in said if own_regions(alert)]),
        rated=_latest([alert for alert in said if alert.far_hz is not None]),
        likely=_latest([alert for alert in said if alert.p_astro is not None]),
        retraction=now.retraction,
        doubt=now.doubt,
        foreign=tuple(alert for alert in retractions if now.owner not in {None, alert.facility}),
        statements=len(said),
        first_issued=min((issue_order(alert)[0] for alert in thread.versions), default=EPOCH),
    )


def _latest(alerts: list[Alert]) -> Alert | None:
    return alerts[-1] if alerts else None
