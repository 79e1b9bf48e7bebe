"""Restarts and failed commits of the services end in the state of an undisturbed run, and publish nothing twice."""

from collections import Counter, defaultdict
from collections.abc import Callable
from contextlib import closing
from typing import cast

import pytest
from road import (
    Failing,
    decoded,
    final_state,
    history,
    memory,
    night,
    put,
    run_through,
    services,
    work_through,
)

from nuncius.broker.services import matching
from nuncius.broker.transport import topics
from nuncius.broker.transport.port import Log
from nuncius.schemas import CandidateList, Coincidence, ToORequest, ToOStatus


@pytest.fixture(scope="module")
def undisturbed() -> list[bytes]:
    with closing(memory()) as log:
        put(log, history(), night())
        work_through(log)
        return final_state(log)


@pytest.fixture(autouse=True)
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(matching, "_MOST", 3)


@pytest.fixture
def filled(log: Log) -> Log:
    put(log, history(), night())
    return log


def revisions(log: Log) -> dict[str, list[int]]:
    """The revisions of every id, as they lie on the log."""
    found = defaultdict(list)
    for value in decoded(log, topics.COINCIDENCES.name) + decoded(log, topics.TOO_REQUESTS.name):
        if isinstance(value, Coincidence):
            found[value.coincidence_id].append(value.revision)
        elif isinstance(value, CandidateList):
            found[value.list_id].append(value.revision)
        elif isinstance(value, ToORequest):
            found[value.request_id].append(value.revision)
    return found


def assert_nothing_twice(log: Log) -> None:
    assert all(counts == list(range(1, len(counts) + 1)) for counts in revisions(log).values())
    said = Counter((s.request_id, s.revision, s.adapter) for s in decoded(log, topics.TOO_STATUS.name))
    assert set(said.values()) == {1}
    late = [q for q in decoded(log, topics.QUARANTINE.name) if q.reason == "too_late"]
    assert len(late) == 1


def first_of_each(outcome: str) -> Callable[[str], str]:
    """Every transaction fails so the first time it is tried, and succeeds the second time."""
    tried: Counter[str] = Counter()

    def plan(slot: str) -> str:
        tried[slot] += 1
        return outcome if tried[slot] % 2 else ""

    return plan


def test_the_made_history_leads_to_every_kind_of_record(undisturbed: list[bytes]) -> None:
    kinds = Counter(row.split(b'"')[3] for row in undisturbed)
    assert kinds.pop(b"too_request") > 4
    assert kinds == {b"coincidence": 3, b"candidate_list": 1, b"quarantined": 1, b"summary": 1}


@pytest.mark.parametrize("most", [1, 3])
def test_small_batches_end_alike(filled: Log, undisturbed: list[bytes], most: int) -> None:
    work_through(filled, most)
    assert final_state(filled) == undisturbed
    assert_nothing_twice(filled)


def test_alerts_that_come_while_services_work_end_alike(log: Log, undisturbed: list[bytes]) -> None:
    for one in history():
        put(log, [one])
        work_through(log)
    put(log, (), night())
    work_through(log)
    assert final_state(log) == undisturbed
    assert_nothing_twice(log)


def test_candidates_before_their_events_end_alike(log: Log, undisturbed: list[bytes]) -> None:
    put(log, (), night())
    work_through(log)
    put(log, history())
    work_through(log)
    assert final_state(log) == undisturbed
    assert_nothing_twice(log)


def test_a_restart_before_every_step_ends_alike(filled: Log, undisturbed: list[bytes]) -> None:
    most, restarts, idle = 2, 0, 0
    while not idle:
        idle = 1
        for place in range(5):
            workers = services(filled, most)
            worker = workers[place]
            worker.work(0.0)
            idle &= not worker.work(0.0)
            for each in workers:
                each.close()
            restarts += 1
    assert restarts > 40
    assert final_state(filled) == undisturbed
    assert_nothing_twice(filled)


@pytest.mark.parametrize("outcome", ["retry", "lost", "unknown"])
def test_a_failure_at_every_commit_ends_alike(filled: Log, undisturbed: list[bytes], outcome: str) -> None:
    failing = Failing(filled, first_of_each(outcome))
    said = run_through(services(cast("Log", failing), 2))
    assert Counter(failing.failed).keys() == {
        "nuncius-match-0",
        "nuncius-associate",
        "nuncius-too-point",
        "nuncius-too-plan",
        "nuncius-deliver-recorder",
    }
    assert len(said) == len(failing.failed) > 20
    assert final_state(filled) == undisturbed
    assert_nothing_twice(filled)


def test_delivery_says_what_became_of_every_revision_it_saw(filled: Log, undisturbed: list[bytes]) -> None:
    run_through(services(filled, 1))
    assert undisturbed
    requests = decoded(filled, topics.TOO_REQUESTS.name)
    ends = {(s.request_id, s.revision) for s in decoded(filled, topics.TOO_STATUS.name) if isinstance(s, ToOStatus)}
    latest = {r.request_id: r.revision for r in requests if r.request_id in {name for name, _ in ends}}
    assert {r.request_id for r in requests if r.state == "proposed"} <= latest.keys()
    assert {name: max(rev for i, rev in ends if i == name) for name in latest} == latest
