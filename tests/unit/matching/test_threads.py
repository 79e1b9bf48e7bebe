"""The facts of a thread, whatever order its versions came in."""

from dataclasses import replace
from itertools import permutations

import pytest
from matching_alerts import at, cone, gw

from nuncius.broker.matching.threads import Thread, ThreadKey, facts, gap_us, key_of, own_regions, span_of
from nuncius.schemas import Alert, Localization, SkyMapRef
from nuncius.schemas.standing import issue_order

FIRST = gw(version=0, seconds=0.0, far_hz=1e-6, localizations=cone(10, 10))
SECOND = gw(version=1, seconds=0.5, p_astro=0.9, issued=120)
THIRD = gw(version=2, kind="followup", seconds=900.0, issued=180, localizations=cone(12, 12, 1))
GONE = gw(version=3, kind="retraction", seconds=None, issued=240)


def thread(*versions: Alert) -> Thread:
    made = Thread(key_of(versions[0]))
    for version in versions:
        made = made.with_alert(version)
    return made


@pytest.mark.parametrize("arrival", list(permutations([FIRST, SECOND, THIRD, GONE])))
def test_facts_do_not_hang_on_arrival(arrival: tuple[Alert, ...]) -> None:
    now = facts(thread(*arrival))
    assert now.main is SECOND
    assert now.timed is SECOND
    assert now.located is THIRD
    assert now.rated is FIRST
    assert now.likely is SECOND
    assert now.retraction is GONE
    assert now.statements == 3
    assert now.first_issued == at(60)


def test_follow_up_gives_the_time_only_where_nothing_else_does() -> None:
    assert facts(thread(THIRD)).timed is THIRD
    assert facts(thread(replace(FIRST, time_start=None), THIRD)).timed is THIRD


def test_a_later_notice_of_the_owner_takes_a_retraction_back() -> None:
    again = gw(version=4, issued=300)
    now = facts(thread(FIRST, GONE, again))
    assert now.retraction is None
    assert "took it back in lvk:G298048-3" in now.doubt
    assert "says in lvk:G298048-4" in now.doubt
    now = facts(thread(FIRST, GONE, replace(again, kind="followup")))
    assert (now.retraction, now.doubt) == (GONE, "")


def test_a_retraction_that_states_no_issue_time_is_obeyed() -> None:
    gone = replace(GONE, issued_time=None)
    assert facts(thread(FIRST, THIRD, gone)).retraction is gone
    assert facts(thread(gone, FIRST, THIRD)).retraction is gone


def test_foreign_retraction_is_shown_not_obeyed() -> None:
    foreign = gw(version=5, kind="retraction", facility="Elsewhere", seconds=None, issued=30)
    now = facts(thread(FIRST, foreign))
    assert now.retraction is None
    assert now.foreign == (foreign,)


def test_a_retraction_alone_says_nothing() -> None:
    now = facts(thread(GONE))
    assert now.main is None
    assert now.span is None


def test_realities_never_share_a_thread() -> None:
    assert key_of(gw()) != key_of(gw(reality="test"))
    names = {key_of(gw(reality=r, run_mode=m)).name for r in ("real", "test") for m in ("live", "drill")}
    assert len(names) == 4
    assert ThreadKey("lvk:S1", "real", "live").name == "lvk:S1"


def test_order_is_the_facilitys_own() -> None:
    early, late = gw("t", 7, issued=10), gw("t", 1, issued=20)
    assert issue_order(early) < issue_order(late)
    assert issue_order(replace(early, issued_time=late.issued_time)) > issue_order(late)


@pytest.mark.parametrize(
    ("anchor", "partner", "gap"),
    [
        ((10, 10), (15, 15), 5),
        ((10, 10), (4, 4), -6),
        ((10, 10), (4, 12), 0),
        ((10, 20), (20, 30), 0),
        ((10, 20), (23, 30), 3),
        ((10, 20), (1, 8), -2),
    ],
)
def test_gap(anchor: tuple[int, int], partner: tuple[int, int], gap: int) -> None:
    #  anchor    |--|
    #  partner          |--|    the gap lies between the nearer ends
    assert gap_us(anchor, partner) == gap


def test_only_an_interval_has_two_ends() -> None:
    start, stop = at(0), at(60)
    assert span_of(gw(time_stop=stop)) == (span_of(gw()) or (0, 0))
    span = span_of(gw(time_start=start, time_stop=stop, time_kind="interval"))
    assert span is not None
    assert span[1] - span[0] == 60_000_000
    backwards = span_of(gw(time_start=stop, time_stop=start, time_kind="interval"))
    assert backwards is not None
    assert backwards[0] == backwards[1]


def test_combined_products_and_bare_addresses_are_no_own_regions() -> None:
    own = Localization(SkyMapRef("ab", 3))
    address = Localization(SkyMapRef("", 0, url="https://example.org/map.fits"))
    combined = Localization(SkyMapRef("cd", 3), origin="combined")
    external = Localization(SkyMapRef("ef", 3), origin="external")
    assert own_regions(gw(localizations=(address, combined, external, own))) == (own,)
