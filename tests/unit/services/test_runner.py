"""The loop over workers, and the door of ingest for other threads."""

from concurrent.futures import CancelledError, Future
from dataclasses import dataclass, field
from typing import cast

import pytest
from matching_alerts import gw
from road import Failing, Idle, decoded, memory, run_through

from nuncius.broker.services.fates import Fate
from nuncius.broker.services.ingest import Ingest
from nuncius.broker.services.intake import GROUP, Intake
from nuncius.broker.services.packets import Packet
from nuncius.broker.services.reading import Reading, read
from nuncius.broker.services.runner import drain, run
from nuncius.broker.sky import SkyMap
from nuncius.broker.transport import topics
from nuncius.broker.transport.port import Fenced, Log
from nuncius.producers import Context
from nuncius.schemas import Retry


@dataclass
class Scripted:
    """A worker that does what it is told; a word in the script is an error."""

    name: str
    script: list[int | str]
    did: list[str] = field(default_factory=list)

    def work(self, _timeout_s: float) -> int:
        return self._next("work")

    def caught_up(self) -> bool:
        return not self.script

    def reopen(self) -> None:
        self._next("reopen")

    def close(self) -> None:
        self.did.append("close")

    def _next(self, what: str) -> int:
        self.did.append(what)
        step = self.script.pop(0) if self.script else 0
        if step == "retry":
            raise Retry("away")
        if step == "fenced":
            raise Fenced("gone")
        return cast("int", step)


def test_a_worker_whose_log_is_away_goes_back_and_on() -> None:
    worker = Scripted("w", [3, "retry", 0, 2])
    assert run_through([worker]) == ["w: away; trying again"]
    assert worker.did[:4] == ["work", "work", "reopen", "work"]
    assert worker.did[-1] == "close"


def test_a_log_that_is_away_for_long_is_asked_again_and_again() -> None:
    worker = Scripted("w", ["retry", "retry", "retry", "retry", 0, 1])
    assert len(run_through([worker])) == 4
    assert worker.did[:6] == ["work", "reopen", "reopen", "reopen", "reopen", "work"]


def test_one_workers_trouble_does_not_stop_the_others() -> None:
    broken, sound = Scripted("b", ["retry"] * 5), Scripted("s", [1] * 5)
    run_through([broken, sound])
    assert sound.script == []


def test_all_workers_are_closed_when_one_must_stop() -> None:
    workers = [Scripted("a", [1]), Scripted("b", ["fenced"]), Scripted("c", [1])]
    idle = Idle()
    with pytest.raises(Fenced):
        run(workers, idle.stop, idle.wait, idle.said.append)
    assert [worker.did[-1] for worker in workers] == ["close"] * 3


def test_drain_ends_after_the_last_work() -> None:
    first, second = Scripted("a", [0, 0, 0, 5]), Scripted("b", [1, 1, 1, 1])
    drain([first, second])
    assert first.script == second.script == []


def reading(number: int) -> Reading:
    payload = str(number).encode()
    return read(Packet(payload, "http"), Context(), lambda *_: (gw(f"lvk:S{number}"),))


def intake_of(log: Log) -> Intake:
    return Intake(Ingest(log, SkyMap.read, "live"))


@pytest.fixture
def intake(log: Log) -> Intake:
    return intake_of(log)


def test_a_reading_is_acked_when_it_is_durable(log: Log, intake: Intake) -> None:
    futures = [intake.put(reading(n)) for n in (1, 2, 1)]
    assert not any(future.done() for future in futures)
    assert not intake.caught_up()
    assert intake.work(0.0) == 3
    assert [future.result(0) for future in futures] == [
        (Fate("alert", "initial:real"),),
        (Fate("alert", "initial:real"),),
        (Fate("duplicate"),),
    ]
    assert len(decoded(log, topics.EVENTS.name)) == 2
    assert intake.caught_up()
    assert intake.work(0.0) == 0


def test_many_readings_are_taken_in_groups(intake: Intake) -> None:
    for n in range(GROUP + 1):
        intake.put(reading(n))
    assert [intake.work(0.0) for _ in range(3)] == [GROUP, 1, 0]


def test_who_gave_up_waiting_holds_nobody_up(log: Log, intake: Intake) -> None:
    gone, waiting = intake.put(reading(1)), intake.put(reading(2))
    assert gone.cancel()
    assert intake.work(0.0) == 1
    assert waiting.result(0) == (Fate("alert", "initial:real"),)
    assert [alert.thread_id for alert in decoded(log, topics.EVENTS.name)] == ["lvk:S2"]


@pytest.mark.parametrize("outcome", ["retry", "lost", "unknown"])
def test_who_waits_is_told_that_it_failed_and_may_come_again(outcome: str) -> None:
    log = memory()
    plan = iter((outcome, "", ""))
    intake = intake_of(cast("Log", Failing(log, lambda _slot: next(plan))))
    first: Future[tuple[Fate, ...]] = intake.put(reading(1))
    with pytest.raises(Retry):
        intake.work(0.0)
    assert isinstance(first.exception(0), Retry)
    intake.reopen()
    again = intake.put(reading(1))
    intake.work(0.0)
    assert again.result(0)[0].word == ("duplicate" if outcome == "unknown" else "alert")
    assert len(decoded(log, topics.EVENTS.name)) == 1
    log.close()


def test_who_waits_when_the_door_closes_is_told_so(intake: Intake) -> None:
    future = intake.put(reading(1))
    intake.close()
    with pytest.raises(CancelledError):
        future.result(0)
