"""The too service: coincidences, candidate lists and alerts in, requests out."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from nuncius.broker.planning.cells import Galaxies
from nuncius.broker.planning.engine import Delta, Inputs, Outcome, Planner
from nuncius.broker.planning.fitting import ANYTHING, Fits
from nuncius.broker.planning.policy import Policies
from nuncius.broker.services.alerts import decode_alert
from nuncius.broker.services.fold import fold
from nuncius.broker.services.maps import MapShelf
from nuncius.broker.services.worker import Send, Step
from nuncius.broker.transport import topics
from nuncius.broker.transport.port import Log, Record, TopicPartition
from nuncius.broker.transport.reading import read_all
from nuncius.schemas import CandidateList, Coincidence, ObservationReport, ToORequest
from nuncius.schemas.codec import decode, encode, kind_of

GROUP: Final = "nuncius-too"
_CAUSES: Final = frozenset({"coincidence", "candidate_list", "alert"})
"""Of the policies' own requests; others lie beside them that no policy may take back."""
TOPICS: Final = (topics.EVENTS.name, topics.COINCIDENCES.name, topics.OBSERVATIONS.name)


class Planning:
    """Joins the planner to the log.

    Parameters
    ----------
    policies
        As in `Planner`.
    maps
        Sky maps of the log.
    fits
        The policies' filters.
    galaxies
        For policies that ask for galaxies.
    """

    name = "nuncius-too"
    group = GROUP
    topics = TOPICS

    def __init__(
        self, policies: Policies, maps: MapShelf, fits: Fits = ANYTHING, galaxies: Galaxies | None = None
    ) -> None:
        self._policies = policies
        self._maps = maps
        self._fits = fits
        self._galaxies = galaxies
        self._planner = Planner(policies, fits, galaxies)
        self._folded_to: datetime | None = None

    def restore(self, log: Log, committed: dict[TopicPartition, int]) -> None:
        """Fold causes up to the committed point silently, then take over what was asked."""
        self._planner = Planner(self._policies, self._fits, self._galaxies)
        starts = log.starts(committed)
        self._folded_to = None
        for records in fold(log, {tp: (starts[tp], offset) for tp, offset in committed.items()}):
            self._folded_to = max(records[-1].time, self._folded_to or records[-1].time)
            self._planner.apply(self._planner.learn(self._known(records)))
        lying = read_all(log, topics.TOO_REQUESTS.name)
        asked = [decode(ToORequest, record.value) for record in lying if record.value is not None]
        self._planner.restore([one for one in asked if one.cause_kind in _CAUSES])

    def amends(self) -> Step[Delta] | None:
        """Requests that are out, and that the policies of this start see otherwise."""
        if self._folded_to is None:
            return None
        return _said(self._planner.amend(self._maps, self._folded_to))

    def step(self, records: Sequence[Record], now: datetime) -> Step[Delta]:  # noqa: ARG002  plans run on the data's clock
        """What these records lead to."""
        return _said(self.consider(records))

    def apply(self, delta: Delta) -> None:
        """Take a committed step over."""
        self._planner.apply(delta)

    def consider(self, records: Sequence[Record]) -> Outcome:
        """What records lead to, with nothing remembered."""
        return self._planner.step(self._known(records))

    def _known(self, records: Sequence[Record]) -> Inputs:
        alerts, coincidences, lists, reports = [], [], [], []
        for record in records:
            data = record.value or b""
            if record.topic == topics.EVENTS.name:
                alerts.append(decode_alert(data))
            elif record.topic == topics.OBSERVATIONS.name:
                reports.append(decode(ObservationReport, data))
            elif kind_of(data) is Coincidence:
                coincidences.append(decode(Coincidence, data))
            else:
                lists.append(decode(CandidateList, data))
        return Inputs(coincidences=coincidences, lists=lists, alerts=alerts, reports=reports, maps=self._maps)


def _said(outcome: Outcome) -> Step[Delta]:
    sends = [Send(topics.TOO_REQUESTS.name, r.request_id.encode(), encode(r)) for r in outcome.effects]
    return Step(outcome.delta, tuple(sends))
