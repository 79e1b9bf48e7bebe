"""What the two lanes owe each other, and the one lane that was before them."""

from collections.abc import Iterator, Sequence
from datetime import timedelta

import pytest
from road import decoded, topic_partitions
from too_cases import GRB, GW, MAP_OUT, POLICIES, coincidence, wide_camera
from too_log import lay
from too_night import Night

from nuncius.broker.planning.policies_toml import load_policies
from nuncius.broker.planning.policy import Policies
from nuncius.broker.services.planning import BEFORE, GROUPS, TOPICS, planners
from nuncius.broker.services.runner import drain
from nuncius.broker.transport import topics
from nuncius.schemas import Retry

POINTING = load_policies(wide_camera("imager") + POLICIES)
FIELDS = load_policies(wide_camera("imager") + POLICIES.replace('name = "pair"', 'name = "pair"\nask = "tiles"'))
POINT, PLAN = 0, 1


@pytest.fixture
def night() -> Iterator[Night]:
    with Night(now=MAP_OUT + timedelta(hours=1)) as made:
        yield made


def work(night: Night, policies: Policies, lanes: Sequence[int] = (POINT, PLAN)) -> None:
    """A process that begins, and ends when these lanes are through; the others come to nothing."""
    workers = planners(night.log, policies)
    drain([workers[lane] for lane in lanes])
    for worker in workers:
        worker.close()


def asked(night: Night) -> list[tuple[str, str, str]]:
    """Policy, state and what is asked, of every revision."""
    return [(one.policy, one.state, one.ask) for one in decoded(night.log, topics.TOO_REQUESTS.name)]


def test_a_policy_that_leaves_the_lane_behind_misses_nothing(night: Night) -> None:
    lay(night.log, GW, GRB, coincidence())
    work(night, FIELDS, [POINT])
    assert asked(night) == []
    work(night, POINTING)
    assert asked(night) == [("pair", "proposed", "pointing")]


def test_a_policy_that_comes_to_the_lane_behind_says_nothing_again(night: Night) -> None:
    lay(night.log, GW, GRB, coincidence())
    work(night, POINTING)
    lay(night.log, coincidence(2, state="retracted"))
    work(night, POINTING, [POINT])
    before = asked(night)
    assert [state for _, state, _ in before] == ["proposed", "cancelled"]
    work(night, FIELDS)
    assert "proposed" not in [state for _, state, _ in asked(night)[2:]]
    assert asked(night)[-1][1] == "cancelled"


def test_a_policy_that_changes_its_lane_revises_what_is_out(night: Night) -> None:
    lay(night.log, GW, GRB, coincidence())
    for policies in (POINTING, FIELDS, FIELDS, POINTING):
        work(night, policies)
    requests = decoded(night.log, topics.TOO_REQUESTS.name)
    assert [(one.revision, one.ask) for one in requests] == [(1, "pointing"), (2, "tiles"), (3, "pointing")]
    assert len({one.request_id for one in requests}) == 1


def test_both_lanes_go_on_where_the_one_before_them_came_to(night: Night) -> None:
    lay(night.log, GW, GRB, coincidence())
    places = [tp for topic in TOPICS for tp in topic_partitions(night.log, topic)]
    ends = {tp: night.log.end(tp) for tp in places}
    writer = night.log.writer("the one lane")
    with writer.transaction() as tx:
        for tp, end in ends.items():
            tx.commit_offset(BEFORE, tp, end)
    writer.close()
    work(night, POINTING)
    assert asked(night) == []
    for group in GROUPS.values():
        assert {tp: at and at.offset for tp, at in night.log.all_committed(group, places).items()} == ends
    lay(night.log, coincidence(2))
    work(night, POINTING)
    assert asked(night) == [("pair", "proposed", "pointing")]


def test_an_earlier_version_that_still_works_is_not_worked_beside(night: Night) -> None:
    lay(night.log, GW)
    writer = night.log.writer("the one lane")
    with writer.transaction() as tx:
        tx.commit_offset(BEFORE, topic_partitions(night.log, topics.EVENTS.name)[0], 0)
    writer.close()
    member = night.log.member(BEFORE, TOPICS)
    member.poll(1, 0.0)
    workers = planners(night.log, POINTING)
    with pytest.raises(Retry, match=f"works as {BEFORE} on this log; stop it"):
        workers[POINT].work(0.0)
    member.close()
    workers[POINT].reopen()
    assert workers[POINT].work(0.0)
    for worker in workers:
        worker.close()
