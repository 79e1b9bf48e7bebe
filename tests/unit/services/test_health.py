"""What an operator would expect health to notice, and that the doctor says the same."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from resource import RLIMIT_FSIZE, getrlimit, setrlimit
from threading import Event
from typing import Any
from unittest.mock import patch

import pytest
from matching_alerts import gw
from road import put, work_through
from too_cases import request
from too_log import lay

from nuncius.broker.services import pulse
from nuncius.broker.services.crew import Crew
from nuncius.broker.services.doctor import examine
from nuncius.broker.services.health import Health
from nuncius.broker.services.pulse import Pulse
from nuncius.broker.services.too_doctor import examine_requests
from nuncius.broker.transport import topics
from nuncius.broker.transport.clock import utc_now
from nuncius.broker.transport.local import open_local
from nuncius.broker.transport.port import Log
from nuncius.consumers.adapter import answer
from nuncius.consumers.delivery import FAULT, NO_ANSWER
from nuncius.schemas import Retry, ToOStatus

NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)


def said(state: Any, adapter: str, detail: str) -> ToOStatus:
    return replace(answer(request(), state, adapter, detail), time=NOW - timedelta(minutes=5))


class Idle:
    """A worker with nothing to do, which can be made to fail."""

    name = "idle"

    def __init__(self) -> None:
        self.fault: Retry | None = None
        self.stepped = Event()

    def work(self, _timeout_s: float) -> int:
        if self.fault is not None:
            self.stepped.set()
            raise self.fault
        self.stepped.set()
        return 0

    def caught_up(self) -> bool:
        return True

    def reopen(self) -> None:
        """Nothing is held."""

    def close(self) -> None:
        """Nothing is held."""


@pytest.fixture
def worker() -> Idle:
    return Idle()


@pytest.fixture
def crew(worker: Idle) -> Iterator[Crew]:
    made = Crew(((worker,),), lambda _: None)
    made.start()
    yield made
    made.join()


@pytest.fixture(autouse=True)
def at_once() -> Iterator[None]:
    """An answer is never kept."""
    with patch("nuncius.broker.services.health.KEPT_S", -1.0):
        yield


def wrong(facts: dict[str, Any]) -> list[str]:
    assert facts["ok"] is not any(one["verdict"] == "wrong" for one in facts["checks"])
    return [one["what"] for one in facts["checks"] if one["verdict"] == "wrong"]


def test_all_is_well(log: Log, crew: Crew) -> None:
    facts = Health(log, crew, None, utc_now).facts()
    assert (facts["ok"], facts["error"]) == (True, "")
    assert facts["checks"] == [{"what": "log", "verdict": "ok", "detail": "can be written"}]
    assert facts["log_ends"]["nuncius.events"] == 0


def test_a_full_disk_is_noticed_and_so_is_room(tmp_path: Path, crew: Crew) -> None:
    """A limit on the size of files: what is written beyond it fails as on a full disk."""
    log = open_local(tmp_path, utc_now)
    log.create(topics.TOPICS)
    health = Health(log, crew, tmp_path, utc_now)
    soft, hard = getrlimit(RLIMIT_FSIZE)
    try:
        setrlimit(RLIMIT_FSIZE, (4096, hard))
        full = health.facts()
        sick = {one.what: one for one in examine(lambda: open_local(tmp_path, utc_now), tmp_path, NOW)}
    finally:
        setrlimit(RLIMIT_FSIZE, (soft, hard))
    assert wrong(full) == ["log"]
    assert full["error"].startswith(f"log: {tmp_path}")
    assert sick["log"].verdict == "wrong"
    assert health.facts()["ok"]
    log.close()


def test_a_service_that_fails_is_named_until_it_works_again(log: Log, crew: Crew, worker: Idle) -> None:
    health = Health(log, crew, None, utc_now)
    worker.fault = Retry("the disk is full; make room")
    while "service idle" not in wrong(health.facts()):
        assert crew.works
    assert health.facts()["error"].endswith("the disk is full; make room")
    worker.fault = None
    while wrong(health.facts()):
        assert crew.works


def test_a_step_that_does_not_end_is_noticed(log: Log, crew: Crew) -> None:
    now = [0.0]
    crew.pulse = Pulse(lambda: now[0])
    crew.pulse.began("match")
    health = Health(log, crew, None, utc_now)
    now[0] = pulse.STILL_S
    assert health.facts()["ok"]
    now[0] += 1.0
    assert wrong(health.facts()) == ["service match"]
    crew.pulse.ended("match")
    assert health.facts()["ok"]


def test_services_that_ended_are_noticed_at_once(log: Log, crew: Crew) -> None:
    health = Health(log, crew, None, utc_now)
    with patch("nuncius.broker.services.health.KEPT_S", 1000.0):
        assert health.facts()["ok"]
        crew.join()
        assert wrong(health.facts()) == ["services"]


def test_a_log_that_is_away_is_said_and_asked_nothing_more(log: Log, crew: Crew) -> None:
    def away(*_: Any) -> Any:
        raise Retry("kafka://here: no answer; is it up?")

    with patch.object(log, "probe", away), patch.object(log, "end", pytest.fail):
        facts = Health(log, crew, None, utc_now).facts()
    assert (wrong(facts), facts["error"]) == (["log"], "log: kafka://here: no answer; is it up?")


def test_a_service_that_is_gone_while_records_wait_for_it_is_noticed(log: Log, crew: Crew) -> None:
    health = Health(log, crew, None, utc_now)
    put(log, [gw()])
    assert health.facts()["ok"], "nobody ever worked here"
    work_through(log)
    assert health.facts()["ok"]
    put(log, [gw("lvk:S2:1", seconds=3600.0)])
    assert set(wrong(health.facts())) >= {"nuncius-associate"}
    work_through(log)
    assert health.facts()["ok"]


def test_telescopes_and_people_that_do_not_answer_are_notes_here_and_in_the_doctor(log: Log, crew: Crew) -> None:
    health = Health(log, crew, None, lambda: NOW)
    earlier = replace(said("cancelled", "lco", ""), request_id="b", time=NOW - timedelta(hours=1))
    lay(
        log,
        request(),
        request(ident="b"),
        earlier,
        said("sent", "lco", f"{NO_ANSWER}lco: 503"),
        said("sent", "eso", f"{FAULT}it hangs"),
    )
    lay(log, said("proposed", "tell-night", "nobody was reached"), said("accepted", "swift", "ToO 17"))
    noted = {check["what"]: check["detail"] for check in health.facts()["checks"] if check["verdict"] == "note"}
    assert set(noted) == {"adapter lco", "adapter eso", "told night"}
    assert "lco: 503" in noted["adapter lco"]
    doctor = {one.what: one.detail for one in examine_requests(log, ("lco", "eso", "swift"), NOW)}
    assert noted.items() <= doctor.items()
    assert health.facts()["ok"]
    lay(log, said("accepted", "lco", ""), said("rejected", "eso", ""), said("recorded", "tell-night", ""))
    assert [check["what"] for check in health.facts()["checks"] if check["verdict"] == "note"] == []


def test_what_was_long_ago_is_no_trouble_of_now(log: Log, crew: Crew) -> None:
    lay(log, request(), said("sent", "lco", f"{NO_ANSWER}lco: 503"))
    assert len(Health(log, crew, None, lambda: NOW + timedelta(days=2)).facts()["checks"]) == 1
