"""The too service: coincidences, candidate lists and alerts in, requests out, in two lanes."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Final

from nuncius.broker.planning.cells import Galaxies
from nuncius.broker.planning.engine import Delta, Inputs, Outcome, Planner
from nuncius.broker.planning.fitting import ANYTHING, Fits
from nuncius.broker.planning.lanes import LANES, Lane, LaneName
from nuncius.broker.planning.policy import Policies
from nuncius.broker.services.alerts import alert_of
from nuncius.broker.services.fold import fold
from nuncius.broker.services.maps import MapShelf
from nuncius.broker.services.readable import readable
from nuncius.broker.services.worker import Send, Step, Worker
from nuncius.broker.transport import topics
from nuncius.broker.transport.port import Committed, Log, Record, TopicPartition
from nuncius.broker.transport.reading import read_all
from nuncius.schemas import Alert, CandidateList, Coincidence, ObservationReport, ToORequest
from nuncius.schemas.codec import decode, encode, kind_of

BEFORE: Final = "nuncius-too"
"""The group of both lanes' work when there was one."""

GROUPS: Final[Mapping[LaneName, str]] = {name: f"nuncius-too-{name}" for name in LANES}
TOPICS: Final = (topics.EVENTS.name, topics.COINCIDENCES.name, topics.OBSERVATIONS.name)

_ALL: Final = tuple(TopicPartition(topic, 0) for topic in TOPICS)
_REQUESTS: Final = TopicPartition(topics.TOO_REQUESTS.name, 0)
_CAUSES: Final = frozenset({"coincidence", "candidate_list", "alert"})
"""Of the policies' own requests; others lie beside them that no policy may take back."""

Span = tuple[int, int]


class Planning:
    """Joins the planner of one lane to the log.

    Parameters
    ----------
    lane
        Whose policies are obeyed.
    maps
        Sky maps of the log.
    fits
        The policies' filters.
    galaxies
        For policies that ask for galaxies.
    apart
        What one lane had worked on and the other had not when this process began: first offset (inclusive) and last
        (exclusive) of each partition.
    """

    topics = TOPICS

    def __init__(
        self,
        lane: Lane,
        maps: MapShelf,
        fits: Fits = ANYTHING,
        galaxies: Galaxies | None = None,
        apart: Mapping[TopicPartition, Span] | None = None,
    ) -> None:
        self.name = self.group = GROUPS[lane.name]
        self._lane = lane
        self._maps = maps
        self._fits = fits
        self._galaxies = galaxies
        self._apart = apart or {}
        self._planner = self._planner_anew()
        self._late: list[Record] = []
        self._folded_to: datetime | None = None

    def restore(self, log: Log, committed: dict[TopicPartition, int]) -> None:
        """Fold causes up to the committed point silently, then take over what was asked.

        A policy that changed its lane between two starts was asked about what lies up to the other lane's point. So
        what lies between both is read too, and left to `amends`: nothing of it is lost, and nothing that is out is
        judged by what was known before.
        """
        self._planner = self._planner_anew()
        starts = log.starts(committed)
        self._folded_to, self._late = None, []
        ours = {tp: (starts[tp], offset) for tp, offset in committed.items()}
        between = {tp: self._apart[tp] for tp in committed if tp in self._apart}
        for spans in _without(ours, between):
            for records in fold(log, spans):
                self._folded_to = max(records[-1].time, self._folded_to or records[-1].time)
                self._planner.apply(self._planner.learn(inputs_of(records, self._maps)))
        lying = read_all(log, topics.TOO_REQUESTS.name)
        asked = list(readable(_request, lying))
        self._planner.restore([one for one in asked if one.cause_kind in _CAUSES and self._lane.owns(one.policy)])
        self._late = [record for records in fold(log, between) for record in records]

    def amends(self) -> Step[Delta] | None:
        """What the policies of this start make of requests that are out, and of what their lane has not seen."""
        if self._late:
            self._folded_to = max(self._late[-1].time, self._folded_to or self._late[-1].time)
        if self._folded_to is None:
            return None
        late = self.consider(self._late)
        self._planner.apply(late.delta)
        amended = self._planner.amend(self._maps, self._folded_to)
        return _said(Outcome(amended.delta, (*late.effects, *amended.effects)))

    def step(self, records: Sequence[Record], now: datetime) -> Step[Delta]:  # noqa: ARG002  plans run on the data's clock
        """What these records lead to."""
        return _said(self.consider(records))

    def apply(self, delta: Delta) -> None:
        """Take a committed step over."""
        self._planner.apply(delta)

    def consider(self, records: Sequence[Record]) -> Outcome:
        """What records lead to, with nothing remembered."""
        return self._planner.step(inputs_of(records, self._maps))

    def _planner_anew(self) -> Planner:
        return Planner(self._lane.policies, self._fits, self._galaxies)


def planners(
    log: Log,
    policies: Policies,
    fits: Callable[[Policies, MapShelf], Fits] = lambda _, __: ANYTHING,
    galaxies: Galaxies | None = None,
    most: int = 2000,
) -> tuple[Worker[Delta], ...]:
    """A worker for each lane. They share nothing, so each may have a thread of its own.

    Parameters
    ----------
    log, most
        As in `Worker`.
    policies
        Of both lanes.
    fits
        Makes the filters of a lane's policies, given the sky maps that it reads.
    galaxies
        As in `Planning`.
    """
    apart = _apart(log)
    found = []
    for name in LANES:
        lane, maps = Lane(name, policies), MapShelf(log)
        planning = Planning(lane, maps, fits(lane.policies, maps), galaxies, apart)
        found.append(Worker(log, planning, most, heir_of=BEFORE, writes=[_REQUESTS]))
    return tuple(found)


def inputs_of(records: Sequence[Record], maps: MapShelf) -> Inputs:
    """Records of `TOPICS`, sorted out for the planner."""
    alerts, coincidences, lists, reports = [], [], [], []
    for one in readable(_input, records):
        match one:
            case Alert():
                alerts.append(one)
            case ObservationReport():
                reports.append(one)
            case Coincidence():
                coincidences.append(one)
            case CandidateList():
                lists.append(one)
    return Inputs(coincidences=coincidences, lists=lists, alerts=alerts, reports=reports, maps=maps)


def _input(record: Record) -> Alert | ObservationReport | Coincidence | CandidateList:
    data = record.value or b""
    if record.topic == topics.EVENTS.name:
        return alert_of(record)
    if record.topic == topics.OBSERVATIONS.name:
        return decode(ObservationReport, data)
    return decode(Coincidence, data) if kind_of(data) is Coincidence else decode(CandidateList, data)


def _request(record: Record) -> ToORequest:
    return decode(ToORequest, record.value or b"")


def _apart(log: Log) -> dict[TopicPartition, Span]:
    starts, before = log.starts(_ALL), log.all_committed(BEFORE, _ALL)
    lanes = [log.all_committed(group, _ALL) for group in GROUPS.values()]
    found: dict[TopicPartition, Span] = {}
    for tp in _ALL:
        places = [lane[tp] or before[tp] or Committed(starts[tp]) for lane in lanes]
        found[tp] = (min(at.offset for at in places), max(at.offset for at in places))
    return found


def _without(
    whole: Mapping[TopicPartition, Span], left_out: Mapping[TopicPartition, Span]
) -> tuple[dict[TopicPartition, Span], dict[TopicPartition, Span]]:
    """What lies before and behind the spans that are left out."""
    before, behind = {}, {}
    for tp, (start, stop) in whole.items():
        low, high = left_out.get(tp, (stop, stop))
        before[tp] = (start, min(low, stop))
        behind[tp] = (max(high, start), stop)
    return before, behind


def _said(outcome: Outcome) -> Step[Delta]:
    sends = [Send(topics.TOO_REQUESTS.name, r.request_id.encode(), encode(r)) for r in outcome.effects]
    return Step(outcome.delta, tuple(sends))
