"""Coincidence rules as data: which events or candidates belong to an anchor, in which window, at which rates."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal

from nuncius.schemas.alert import Alert

BURST_CLASSES: Final = frozenset({"grb", "sub_grb_targeted"})
"""Classes that several instruments report of one event: `nuncius.broker.matching.identity` joins them."""

Method = Literal["untargeted", "targeted", "interval"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Selector:
    """Which alerts a role of a rule takes. An empty list takes any value; several lists must all agree.

    Parameters
    ----------
    messengers, bands, event_classes
        Words of the alert's vocabulary.
    facilities, instruments
        Compared without regard to case, whole or by their first word: ``Fermi`` takes ``Fermi GBM``.
    """

    messengers: tuple[str, ...] = ()
    bands: tuple[str, ...] = ()
    event_classes: tuple[str, ...] = ()
    facilities: tuple[str, ...] = ()
    instruments: tuple[str, ...] = ()

    def takes(self, alert: Alert) -> bool:
        """Whether the alert has the words asked for. Looks at nothing else, not even at retractions."""
        return (
            (not self.messengers or alert.messenger in self.messengers)
            and (not self.event_classes or alert.event_class in self.event_classes)
            and (not self.bands or alert.band in self.bands)
            and (not self.facilities or _named(alert.facility, self.facilities))
            and (not self.instruments or _named(alert.instrument, self.instruments))
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class EventRule:
    """Events that come within a window of an anchor event.

    Parameters
    ----------
    name, enabled, source
        Name, whether it runs, and the citation of its window.
    anchor, partner
        The two roles. The coincidence is the anchor's: one a rule and anchor, with every partner in it.
    low_us, high_us
        Window of t_partner - t_anchor, microseconds, both ends inclusive. For intervals the distance between the
        nearer ends, 0 where they touch.
    method
        ``untargeted``; ``targeted`` (the partner's search looked at the anchor's times); ``interval``.
    max_separation_r90
        Largest separation of the best positions, in units of the 90 % radii added in quadrature, inclusive; None
        leaves the sky to the significance alone.
    partner_rate_hz, rate_source
        Rate of partners over the whole sky, and where it comes from; None where none is published.
    measure_us
        Without a published rate: how long before the anchor partners are counted, microseconds; None for no count.
    real_rate_hz, real_rate_source, real_rate_classes
        Rate of real events among the anchors, its source, and the anchor classes it holds for (empty: all).
    anchor_far_max_hz, partner_far_max_hz
        Caps of the targeted method.
    far_budget_hz, far_budget_source
        The rule's share of the published false alarms, Hz, and why that much. Every rule of a file has one.
    """

    name: str
    enabled: bool
    source: str
    anchor: Selector
    partner: Selector
    low_us: int
    high_us: int
    method: Method = "untargeted"
    max_separation_r90: float | None = None
    partner_rate_hz: float | None = None
    rate_source: str = ""
    measure_us: int | None = None
    real_rate_hz: float | None = None
    real_rate_source: str = ""
    real_rate_classes: tuple[str, ...] = ()
    anchor_far_max_hz: float | None = None
    partner_far_max_hz: float | None = None
    far_budget_hz: float | None = None
    far_budget_source: str = ""

    @property
    def window_s(self) -> tuple[float, float]:
        """The window in seconds."""
        return self.low_us / 1e6, self.high_us / 1e6

    def real_rate_of(self, event_class: str) -> float | None:
        """Rate of real anchors of a class, Hz; None where none is known."""
        known = not self.real_rate_classes or event_class in self.real_rate_classes
        return self.real_rate_hz if known else None


@dataclass(frozen=True, slots=True, kw_only=True)
class CandidateRule:
    """Survey candidates first seen after an event, inside its region.

    Parameters
    ----------
    name, enabled, source
        As in `EventRule`.
    anchor
        The events.
    low_us, high_us
        Window of the object's first detection after the event's time, microseconds, both ends inclusive.
    control_us
        Length of the control window before the event: objects first seen in [t0 - control, t0) under the same cuts
        measure the background. 0 for none.
    max_credible_level
        Largest 2-D credible level, inclusive.
    cap
        Candidates listed at most; the others are counted.
    min_score
        Least real-bogus score, inclusive, where the survey gives one; None for no cut.
    max_star_score
        Largest star score, inclusive, where one is known; None for no cut.
    """

    name: str
    enabled: bool
    source: str
    anchor: Selector
    low_us: int
    high_us: int
    control_us: int
    max_credible_level: float
    cap: int
    min_score: float | None = None
    max_star_score: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MultiplicityRule:
    """Detectors of one messenger that see one burst: events of different detectors within a window of the first.

    Parameters
    ----------
    name, enabled, source
        As in `EventRule`.
    select
        The events.
    window_us
        Length of the window after the first event, microseconds; both ends inclusive, 0 included.
    detectors, detectors_source
        How many detectors watch, n, and where that number comes from.
    rate_hz, rate_source
        False alarms of each detector, Hz, and where that rate comes from.
    same_detector
        Other names of a detector, as (other, name): a detector that reports by two roads is one.
    networks
        Facilities whose notice is itself made of several detectors: never a member.
    far_budget_hz, far_budget_source
        As in `EventRule`.
    """

    name: str
    enabled: bool
    source: str
    select: Selector
    window_us: int
    detectors: int
    detectors_source: str
    rate_hz: float
    rate_source: str
    same_detector: tuple[tuple[str, str], ...] = ()
    networks: tuple[str, ...] = ()
    far_budget_hz: float | None = None
    far_budget_source: str = ""

    def takes(self, alert: Alert) -> bool:
        """Whether the alert is one detector's event of the kind asked for."""
        return self.select.takes(alert) and not _named(alert.facility, self.networks)

    def detector_of(self, alert: Alert) -> str:
        """The detector that sent the alert, by one name whatever it is called; without regard to case."""
        facility = alert.facility.casefold()
        names = (name for other, name in self.same_detector if other.casefold() == facility)
        return next(names, facility).casefold()


Rule = EventRule | CandidateRule | MultiplicityRule


def total_far_budget_hz(rules: Iterable[Rule]) -> float:
    """The broker's published total: the sum of the budgets of the enabled rules on events, Hz.

    An upper bound on how often chance passes any rule, whether or not the rules are independent (Boole's inequality).
    """
    return math.fsum(
        rule.far_budget_hz
        for rule in rules
        if not isinstance(rule, CandidateRule) and rule.enabled and rule.far_budget_hz is not None
    )


def _named(value: str, names: tuple[str, ...]) -> bool:
    value = value.casefold()
    first = value.partition(" ")[0]
    return any(name.casefold() in (value, first) for name in names)
