"""Whatever a revision brings: a plan that follows another can be kept, and little would be gained by a new one."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import numpy as np
import pytest
from how_many import examples
from hypothesis import given, settings
from hypothesis import strategies as st
from tiling_cases import PALOMAR, PARANAL, START, blob, in_field, keeps_its_times, telescope
from too_cases import AT2017GFO, MERGER, alert, inputs, wide_tiles

from nuncius.broker.planning.engine import Planner
from nuncius.broker.planning.footprints import footprint
from nuncius.broker.planning.joint import TelescopePlan, plan_jointly
from nuncius.broker.planning.policies_toml import load_policies
from nuncius.broker.planning.telescope import CircleField, RectangleField
from nuncius.broker.sky import SkyMap
from nuncius.broker.sky.healpix import ORDER, position
from nuncius.broker.sky.moc import moc_ascii
from nuncius.schemas import Alert, ObservationReport, ToORequest

HOURS, MOST = 30.0, 6
TEAM = (
    telescope("one", PALOMAR, field=CircleField(1.5)),
    telescope("two", PARANAL, PALOMAR, field=RectangleField(3.0, 2.0)),
)
STOP = START + timedelta(hours=HOURS)


@dataclass(frozen=True)
class Change:
    """Where the map was, where it is, when it came, and how many of the past fields of each were taken."""

    before: tuple[float, float, float]
    after: tuple[float, float, float]
    hours: float
    taken: int


@st.composite
def changes(draw: st.DrawFn) -> Change:
    ra, dec, radius = draw(st.floats(0, 359.9)), draw(st.floats(-60, 60)), draw(st.floats(1.0, 10.0))
    move = draw(st.sampled_from([0.0, 0.2, 3.0, 30.0]))
    grown = draw(st.sampled_from([0.3, 0.95, 1.0, 1.5]))
    return Change(
        (ra, dec, radius),
        ((ra + move) % 360, dec, radius * grown),
        draw(st.floats(0.0, HOURS)),
        draw(st.integers(0, 6)),
    )


Plans = tuple[TelescopePlan, ...]


def plans(sky: SkyMap, start: datetime, *, earlier: Plans = (), observed: Plans = ()) -> Plans:
    return plan_jointly(
        sky,
        TEAM,
        start=start,
        stop=STOP,
        exposure_s=120.0,
        tiles_max=MOST,
        observed=observed,
        earlier=earlier,
    )


def worth(sky: SkyMap, start: datetime, made: Plans, taken: Plans) -> float:
    """Probability that is still to be seen, three tenths less at the end; by points drawn from the map."""
    rng = np.random.default_rng(7)
    weight = sky.density * sky.solid_angle_sr
    tile = rng.choice(sky.tiles, 20_000, p=weight / weight.sum())
    ra, dec = position(ORDER, sky.start[tile] + (rng.random(20_000) * (sky.stop - sky.start)[tile]).astype(np.int64))
    fields = {one.name: one.field for one in TEAM}
    free = np.ones(len(ra), np.bool_)
    for plan in taken:
        for one in plan.tiles:
            free &= ~in_field(fields[plan.telescope], one, ra, dec)
    total = 0.0
    for one, field in sorted(((t, fields[p.telescope]) for p in made for t in p.tiles), key=lambda look: look[0].start):
        if one.start >= start:
            held = free & in_field(field, one, ra, dec)
            total += float(held.mean()) * (1 - 0.3 * (one.start - start) / (STOP - start))
            free &= ~held
    return total


@pytest.mark.long
@settings(max_examples=examples(8), deadline=None)
@given(changes())
def test_a_plan_that_follows_can_be_kept_and_is_nearly_as_good_as_a_new_one(change: Change) -> None:
    start = START + timedelta(hours=change.hours)
    earlier = plans(blob(*change.before), START)
    past = [TelescopePlan(telescope=p.telescope, tiles=tuple(t for t in p.tiles if t.stop <= start)) for p in earlier]
    taken = tuple(replace(plan, tiles=plan.tiles[: change.taken]) for plan in past)
    sky = blob(*change.after)
    made = plans(sky, start, earlier=earlier, observed=taken)
    assert made == plans(sky, start, earlier=earlier[::-1], observed=taken)
    for one, plan, before in zip(TEAM, made, earlier, strict=True):
        keeps_its_times(one, plan.tiles)
        stands = [t.start for t in plan.tiles] == [t.start for t in before.tiles]
        assert all(tile.stop <= STOP for tile in plan.tiles)
        assert stands or all(tile.start >= start for tile in plan.tiles)
        assert len(plan.tiles) <= MOST
    fresh = plans(sky, start, observed=taken)
    assert worth(sky, start, made, taken) >= 0.95 * worth(sky, start, fresh, taken) - 0.01


POLICIES = wide_tiles(most=4, hours=16.0)
Record = Alert | ObservationReport


@st.composite
def notices(draw: st.DrawFn, number: int) -> Alert:
    at = AT2017GFO[0] + draw(st.sampled_from([0.0, 0.1, 15.0])), AT2017GFO[1]
    known = alert(f"gw-{number}", "lvk:S1", at, draw(st.sampled_from([2.0, 2.1])), messenger="gravitational_wave")
    return replace(
        known,
        facility="LVK",
        event_class="cbc",
        kind=draw(st.sampled_from(["initial", "update", "update", "update", "retraction"])),
        reality=draw(st.sampled_from(["real", "real", "real", "test"])),
        issued_time=draw(st.none() | st.floats(0.0, 12.0).map(lambda hours: MERGER + timedelta(hours=hours))),
    )


@st.composite
def reports(draw: st.DrawFn, number: int) -> ObservationReport:
    return ObservationReport(
        report_id=f"r-{number}",
        thread_id="lvk:S1",
        facility="others",
        state=draw(st.sampled_from(["planned", "completed"])),
        footprint=moc_ascii(footprint(CircleField(draw(st.floats(0.5, 2.0))), *AT2017GFO)),
        run_mode="live",
        issued_time=MERGER + timedelta(hours=draw(st.floats(0.0, 14.0))),
    )


@st.composite
def arrivals(draw: st.DrawFn) -> tuple[list[Record], list[list[Record]]]:
    """Records, and one way in which they arrive: shuffled, with copies, in batches."""
    history: list[Record] = [draw(notices(n)) for n in range(draw(st.integers(1, 5)))]
    history += [draw(reports(n)) for n in range(draw(st.integers(0, 2)))]
    order = draw(st.permutations([*history, *draw(st.lists(st.sampled_from(history), max_size=2))]))
    cuts = sorted(draw(st.sets(st.integers(0, len(order)), max_size=4)))
    return history, [order[a:b] for a, b in zip([0, *cuts], [*cuts, len(order)], strict=True)]


def last(log: list[ToORequest]) -> dict[str, ToORequest]:
    return {r.request_id: replace(r, revision=0, idempotency_key="", issued_time=None) for r in log}


@settings(max_examples=examples(10), deadline=None)
@given(arrived=arrivals(), data=st.data())
def test_every_arrival_of_a_threads_notices_ends_in_the_same_plan(
    arrived: tuple[list[Record], list[list[Record]]], data: st.DataObject
) -> None:
    """What a notice made nobody's is cancelled where it was asked before, else never asked."""
    history, batches = arrived
    at_once = list(Planner(load_policies(POLICIES)).step(inputs(*history)).effects)
    planner, log, read = Planner(load_policies(POLICIES)), list[ToORequest](), list[Record]()
    for batch in batches:
        match data.draw(st.sampled_from(["go", "abort", "restart"])):
            case "abort":
                planner.step(inputs(*batch))
            case "restart":
                planner = Planner(load_policies(POLICIES))
                planner.apply(planner.learn(inputs(*read)))
                planner.restore(log)
        outcome = planner.step(inputs(*batch))
        log.extend(outcome.effects)
        read.extend(batch)
        planner.apply(outcome.delta)
    known = last(at_once)
    assert {i: one for i, one in last(log).items() if i in known or one.state != "cancelled"} == known
