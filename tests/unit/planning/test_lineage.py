"""Requests of a thread whose notices follow each other: what was asked stays where it is good."""

from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

from too_cases import AT2017GFO, MERGER, alert, run, wide_tiles

from nuncius.broker.planning.engine import Planner
from nuncius.broker.planning.fitting import ANYTHING
from nuncius.broker.planning.footprints import footprint
from nuncius.broker.planning.lineage import MOST, Lineage
from nuncius.broker.planning.notice import Notice, Thread
from nuncius.broker.planning.order import same_order, same_wish
from nuncius.broker.planning.policies_toml import load_policies
from nuncius.broker.planning.telescope import CircleField
from nuncius.broker.sky.moc import moc_ascii
from nuncius.schemas import Alert, ObservationReport, ToORequest

POLICIES = wide_tiles(most=6, hours=24.0)


def notice(number: int, minutes: float = 0.0, **changed: Any) -> Alert:
    known = alert(f"gw-{number}", "lvk:S1", AT2017GFO, 3.0, messenger="gravitational_wave", facility="LVK")
    known = replace(known, event_class="cbc", issued_time=MERGER + timedelta(minutes=10 * number + minutes))
    return replace(known, **changed)


def planner() -> Planner:
    return Planner(load_policies(POLICIES))


def pointings(request: ToORequest) -> list[tuple[float, float, str]]:
    return [(tile.ra, tile.dec, tile.start.isoformat()) for tile in request.tiles]


def test_an_update_that_says_little_new_is_the_same_order_and_needs_no_new_yes() -> None:
    one = planner()
    (first,) = run(one, notice(1))
    moved = alert("", "", (AT2017GFO[0] + 0.1, AT2017GFO[1]), 3.0).localizations
    event = MERGER + timedelta(milliseconds=11)
    (second,) = run(one, notice(2, time_start=event, localizations=moved))
    assert second.revision == 2
    assert second.ra != first.ra
    assert pointings(second) == pointings(first)
    assert second.expires == first.expires
    assert f"{len(first.tiles)} of them as planned before" in second.reason
    assert same_order(first, second)
    assert same_wish(first, second)


def test_an_event_time_that_changed_in_earnest_moves_the_end() -> None:
    one = planner()
    (first,) = run(one, notice(1))
    (second,) = run(one, notice(2, time_start=MERGER + timedelta(minutes=1)))
    assert pointings(second) == pointings(first)
    assert second.expires == MERGER + timedelta(hours=24, minutes=1)


def test_a_notice_that_comes_late_changes_what_follows_as_if_it_had_come_in_time() -> None:
    late, in_time = planner(), planner()
    run(late, notice(1))
    run(late, notice(3, minutes=60 * 11))
    elsewhere = alert("", "", (AT2017GFO[0] + 20, AT2017GFO[1]), 3.0).localizations
    run(late, notice(2, localizations=elsewhere))
    run(in_time, notice(1))
    run(in_time, notice(2, localizations=elsewhere))
    run(in_time, notice(3, minutes=60 * 11))
    again = (notice(4, minutes=60 * 11, p_astro=0.9),)
    (one,), (other,) = run(late, *again), run(in_time, *again)
    assert one.tiles == other.tiles


def test_after_a_refusal_nothing_is_left_to_stay() -> None:
    wide = alert("", "", AT2017GFO, 12.0).localizations
    strict = Planner(load_policies(POLICIES.replace("tiles_max = 6", "tiles_max = 6\nmax_area_deg2 = 100.0")))
    run(strict, notice(1))
    (refused,) = run(strict, notice(2, localizations=wide))
    assert refused.state == "rejected"
    (third,) = run(strict, notice(3))
    assert "as planned before" not in third.reason


def test_a_long_thread_is_made_anew_after_so_many_notices_as_stated() -> None:
    one = planner()
    thread = [notice(number) for number in range(1, MOST + 1)]
    (kept,) = run(one, *thread)
    assert "as planned before" in kept.reason
    (anew,) = run(one, notice(MOST + 1))
    assert "as planned before" not in anew.reason
    (after,) = run(one, notice(MOST + 2))
    assert "as planned before" in after.reason


def test_what_was_planned_once_is_not_planned_again() -> None:
    policies = load_policies(POLICIES)
    plans = partial(Lineage(policies, ANYTHING, None).plans, policies.active[0], maps={}, reports=())
    first, second, early = (Notice.of(notice(number), {}) for number in (1, 3, 2))
    one = plans(thread=Thread((first,)))
    assert plans(thread=Thread((first,))) is one
    both = plans(thread=Thread((first, second)))
    assert plans(thread=Thread((first, second))) is both
    assert plans(thread=Thread((first, early, second))) is not both


def test_a_report_that_comes_late_counts_as_if_it_had_come_in_time() -> None:
    policies = load_policies(POLICIES)
    thread = Thread((Notice.of(notice(1), {}),))
    report = ObservationReport(
        report_id="theirs",
        thread_id="lvk:S1",
        facility="others",
        state="completed",
        footprint=moc_ascii(footprint(CircleField(2.0), *AT2017GFO)),
        run_mode="live",
        issued_time=MERGER,
    )
    one, other = (partial(Lineage(policies, ANYTHING, None).plans, policies.active[0], thread, {}) for _ in range(2))
    assert one([])["wide"].tiles != one([report])["wide"].tiles
    assert one([report])["wide"].tiles == other([report])["wide"].tiles
