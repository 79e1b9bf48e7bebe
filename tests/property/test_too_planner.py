"""Whatever the order, the copies, the batches, the aborts and the restarts: the same last word on every request."""

from dataclasses import dataclass, replace
from datetime import timedelta

from how_many import examples
from hypothesis import given, settings
from hypothesis import strategies as st
from too_cases import (
    AT2017GFO,
    GRB,
    GRB_SWIFT,
    GW,
    MAP_OUT,
    MERGER,
    NOISE_NULL,
    REAL_NULL,
    TRACK,
    alert,
    candidate_list,
    coincidence,
    counterpart,
    inputs,
    member,
    policies,
)

from nuncius.broker.planning.engine import Planner
from nuncius.schemas import Alert, CandidateList, Coincidence, Pair, ToORequest

Record = Alert | Coincidence | CandidateList
DARK, DARK_TOO, POINTS = (
    alert(f"sn-{n}", f"snews:{n}", at, messenger="neutrino", facility=f"D{n}", event_class="supernova_neutrino")
    for n, at in enumerate((None, None, (260.0, -30.0)))
)
HOURS = st.integers(0, 100).map(lambda hours: timedelta(hours=hours))


@st.composite
def coincidences(draw: st.DrawFn, revision: int) -> Coincidence:
    significance = st.sampled_from([REAL_NULL, replace(REAL_NULL, expected_by_chance=1.0), NOISE_NULL])
    other = Pair(
        partner=member(GRB_SWIFT, retracted=draw(st.booleans())), dt_s=1.0, overlap=9.0, significance=draw(significance)
    )
    return coincidence(
        revision,
        state=draw(st.sampled_from(["active", "revised", "retracted"])),
        partner=member(GRB, retracted=draw(st.booleans())),
        significance=draw(significance),
        others=(other,) if draw(st.booleans()) else (),
        issued_time=MAP_OUT + draw(HOURS),
    )


@st.composite
def bursts(draw: st.DrawFn, revision: int) -> Coincidence:
    """Two detectors or three, of which one points."""
    other = Pair(
        partner=member(POINTS, retracted=draw(st.booleans())),
        dt_s=1.0,
        significance=draw(st.sampled_from([NOISE_NULL, replace(NOISE_NULL, joint_far_hz=9e-9)])),
    )
    return coincidence(
        revision,
        coincidence_id="supernova-neutrinos of 1",
        rule="supernova-neutrinos",
        state=draw(st.sampled_from(["active", "revised", "retracted"])),
        anchor=member(DARK, retracted=draw(st.sampled_from([False, False, True]))),
        partner=member(DARK_TOO, retracted=draw(st.booleans())),
        overlap=None,
        significance=draw(st.sampled_from([NOISE_NULL, replace(NOISE_NULL, joint_far_hz=1.0)])),
        others=(other,) if draw(st.booleans()) else (),
        issued_time=MAP_OUT + draw(HOURS),
    )


@st.composite
def lists(draw: st.DrawFn, revision: int) -> CandidateList:
    rows = (counterpart("ztf:a", AT2017GFO), counterpart("ztf:b", (147.0, 13.0)), counterpart("ztf:c", (300.0, -40.0)))
    return candidate_list(
        revision,
        state=draw(st.sampled_from(["active", "retracted"])),
        candidates=tuple(draw(st.lists(st.sampled_from(rows), max_size=3))),
        expected_by_chance=draw(st.sampled_from([None, 0.1, 50.0])),
        issued_time=MERGER + draw(HOURS),
    )


@st.composite
def tracks(draw: st.DrawFn, number: int) -> Alert:
    first = TRACK.issued_time
    assert first is not None
    return alert(
        f"nu-{number}",
        TRACK.thread_id,
        draw(st.sampled_from([(77.3, 5.7), (77.4, 5.8)])),
        draw(st.sampled_from([0.5, 9.0])),
        kind=draw(st.sampled_from(["initial", "update", "retraction"])),
        messenger="neutrino",
        facility=draw(st.sampled_from(["IceCube", "IceCube", "Somebody"])),
        event_class="neutrino_track",
        p_astro=draw(st.sampled_from([None, 0.1, 0.6])),
        time_start=TRACK.time_start,
        issued_time=draw(st.none() | HOURS.map(lambda late: first + late)),
    )


@st.composite
def histories(draw: st.DrawFn) -> list[Record]:
    """Every record once: revisions of one coincidence and of one list, notices of one thread, and what they name."""
    return [
        GW,
        GRB,
        GRB_SWIFT,
        DARK,
        DARK_TOO,
        POINTS,
        *(draw(bursts(n)) for n in range(1, 1 + draw(st.integers(0, 3)))),
        *(draw(coincidences(n)) for n in range(1, 1 + draw(st.integers(0, 3)))),
        *(draw(lists(n)) for n in range(1, 1 + draw(st.integers(0, 3)))),
        *(draw(tracks(n)) for n in range(draw(st.integers(0, 3)))),
    ]


@dataclass
class Service:
    """The loop around a planner, with a log: what was read, and what was published."""

    planner: Planner
    read: list[Record]
    log: list[ToORequest]

    def step(self, batch: list[Record], *, abort: bool) -> None:
        outcome = self.planner.step(inputs(*batch))
        if not abort:
            self.log.extend(outcome.effects)
            self.read.extend(batch)
            self.planner.apply(outcome.delta)

    def restart(self) -> None:
        self.planner = Planner(policies())
        log, read = self.log, self.read
        self.log, self.read = [], []
        self.step(read, abort=False)
        self.planner.restore(log)
        self.log = log

    @property
    def last(self) -> dict[str, ToORequest]:
        """The last word on each request, without revision and record times."""
        return {r.request_id: replace(r, revision=0, idempotency_key="", issued_time=None) for r in self.log}


def service() -> Service:
    return Service(Planner(policies()), [], [])


@st.composite
def runs(draw: st.DrawFn) -> tuple[list[Record], list[list[Record]]]:
    """A history, and one way in which it arrives: shuffled, with copies, in batches."""
    history = draw(histories())
    copies = draw(st.lists(st.sampled_from(history), max_size=4))
    order = draw(st.permutations([*history, *copies]))
    cuts = sorted(draw(st.sets(st.integers(0, len(order)), max_size=6)))
    return history, [order[a:b] for a, b in zip([0, *cuts], [*cuts, len(order)], strict=True)]


@settings(max_examples=examples(60), deadline=None)
@given(run=runs(), data=st.data())
def test_every_arrival_ends_alike(run: tuple[list[Record], list[list[Record]]], data: st.DataObject) -> None:
    history, batches = run
    at_once, other = service(), service()
    at_once.step(history, abort=False)
    for batch in batches:
        match data.draw(st.sampled_from(["go", "go", "abort", "restart"])):
            case "abort":
                other.step(batch, abort=True)
            case "restart":
                other.restart()
        other.step(batch, abort=False)
    assert other.last == at_once.last


@settings(max_examples=examples(40), deadline=None)
@given(run=runs())
def test_revisions_count_up_one_by_one_under_keys_of_their_own(run: tuple[list[Record], list[list[Record]]]) -> None:
    one = service()
    for batch in run[1]:
        one.step(batch, abort=False)
    for ident in {request.request_id for request in one.log}:
        revisions = [request for request in one.log if request.request_id == ident]
        assert [request.revision for request in revisions] == list(range(1, len(revisions) + 1))
    assert len({request.idempotency_key for request in one.log}) == len(one.log)


@settings(max_examples=examples(40), deadline=None)
@given(run=runs())
def test_only_who_says_so_asks_without_a_position_and_then_asks_for_nothing_else(
    run: tuple[list[Record], list[list[Record]]],
) -> None:
    one = service()
    for batch in run[1]:
        one.step(batch, abort=False)
    for request in one.log:
        nowhere = (request.ra, request.dec, request.radius_deg) == (None, None, None)
        assert nowhere == (request.position is None) == (request.ask == "ready")
        if nowhere:
            assert (request.policy, request.tiles, request.window_start) == ("burst", (), None)


@settings(max_examples=examples(40), deadline=None)
@given(run=runs(), last=st.integers(10, 20))
def test_no_request_survives_the_retraction_of_its_cause(
    run: tuple[list[Record], list[list[Record]]], last: int
) -> None:
    gone: list[Record] = [
        coincidence(last, state="retracted"),
        coincidence(
            last,
            coincidence_id="supernova-neutrinos of 1",
            rule="supernova-neutrinos",
            state="retracted",
            anchor=member(DARK),
            partner=member(DARK_TOO),
        ),
        candidate_list(last, state="retracted"),
        *(
            replace(TRACK, alert_id=f"nu-end-{owner}", kind="retraction", issued_time=None, facility=owner)
            for owner in ("IceCube", "Somebody")
        ),
    ]
    for where in (0, len(run[1])):
        one = service()
        for batch in [*run[1][:where], gone, *run[1][where:]]:
            one.step(batch, abort=False)
        assert {request.state for request in one.last.values()} <= {"cancelled"}
