"""What planning keeps of an alert, and what a thread of alerts says as a whole.

A thread's state is a function of the set of its notices: they are put in the order of their issue, whatever the order
in which they came, and a copy changes nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from sys import intern
from typing import Self

from nuncius.broker.planning.kept import Kept
from nuncius.broker.planning.place import Place
from nuncius.broker.sky.skymap import SkyMap
from nuncius.schemas.alert import Alert
from nuncius.schemas.standing import IssueOrder, Standing, issue_order, standing
from nuncius.schemas.vocabulary import Messenger, Reality, RunMode


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """One alert, as far as planning looks at it; fields as in `Alert`.

    Parameters
    ----------
    time
        End of the event's interval, else its time, UTC.
    order
        Its place in the thread.
    kept
        The alert itself, for the policies' filters and for where it points.
    """

    alert_id: str
    thread_id: str
    retraction: bool
    reality: Reality
    run_mode: RunMode
    messenger: Messenger
    event_class: str
    facility: str
    time: datetime | None
    issued_time: datetime | None
    far_hz: float | None
    p_astro: float | None
    order: IssueOrder
    kept: Kept = field(compare=False, repr=False)

    @classmethod
    def of(cls, alert: Alert, maps: Mapping[str, SkyMap]) -> Self:
        """What is kept of an alert."""
        return cls(
            alert_id=alert.alert_id,
            thread_id=alert.thread_id,
            retraction=alert.kind == "retraction",
            reality=alert.reality,
            run_mode=alert.run_mode,
            messenger=alert.messenger,
            event_class=intern(alert.event_class),
            facility=intern(alert.facility),
            time=alert.time_stop or alert.time_start,
            issued_time=alert.issued_time,
            far_hz=alert.far_hz,
            p_astro=alert.p_astro,
            order=issue_order(alert),
            kept=Kept(alert, maps),
        )

    @property
    def cause_id(self) -> str:
        """The thread within its run mode: what is replayed says nothing about what is asked for live."""
        return self.thread_id if self.run_mode == "live" else f"{self.thread_id}?run_mode={self.run_mode}"

    @property
    def alert(self) -> Alert:
        """The alert itself."""
        return self.kept.alert

    @property
    def place(self) -> Place | None:
        """Where to point; None where the alert has no localization that can be read."""
        return self.kept.place

    def region(self) -> SkyMap | None:
        """The map around it; None as for `place`."""
        return self.kept.region()


@dataclass(frozen=True, slots=True)
class Thread:
    """All notices of one thread in one run mode, in order of issue; at least one.

    A retraction from a facility that does not own the thread is kept and not obeyed; the owner's is in force until the
    owner issues another notice of the event (`nuncius.schemas.standing`).
    """

    notices: tuple[Notice, ...]

    @property
    def obeyed(self) -> tuple[Notice, ...]:
        """The notices that count, latest first, a retraction that is in force before all; at least one."""
        counted = self._counted
        if not any(n.retraction for n in counted):
            return counted
        gone = self._standing.retraction
        return tuple(sorted(counted, key=lambda n: gone is not None and n.alert_id == gone.alert_id, reverse=True))

    @property
    def doubt(self) -> str:
        """That the owner took it back and said later that it stands, in words; empty elsewhere."""
        return self._standing.doubt if any(n.retraction for n in self._counted) else ""

    @property
    def last(self) -> Notice:
        """The notice in force."""
        return self.obeyed[0]

    @property
    def time(self) -> datetime | None:
        """Event time by the latest notice that states one."""
        return next((n.time for n in self.obeyed if n.time is not None), None)

    @property
    def placed(self) -> Notice | None:
        """The latest notice that says where to point."""
        return next((n for n in self.obeyed if n.place is not None), None)

    @property
    def far_hz(self) -> float | None:
        """False-alarm rate by the latest notice that states one."""
        return next((n.far_hz for n in self.obeyed if n.far_hz is not None), None)

    @property
    def p_astro(self) -> float | None:
        """Probability of astrophysical origin by the latest notice that states one."""
        return next((n.p_astro for n in self.obeyed if n.p_astro is not None), None)

    @property
    def _counted(self) -> tuple[Notice, ...]:
        """Without what others took back, latest first. A test lends nothing to what is real, nor the reverse."""
        owner = next((n.facility for n in self.notices if not n.retraction), None)
        counted = [n for n in reversed(self.notices) if not n.retraction or owner in {None, n.facility}]
        return tuple(n for n in counted if n.reality == counted[0].reality)

    @property
    def _standing(self) -> Standing:
        return standing([n.alert for n in reversed(self._counted)])

    def with_notice(self, notice: Notice) -> "Thread":
        """The thread with one more notice; itself where it has that notice already."""
        if any(known.alert_id == notice.alert_id for known in self.notices):
            return self
        return Thread(tuple(sorted((*self.notices, notice), key=lambda known: known.order)))
