"""Replay: what the log holds is not fed again, whatever it is called; the past goes by at its pace."""

import itertools
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import cast

import pytest
from matching_alerts import at, gw
from road import Failing, decoded, final_state, history, memory, night, put, services, work_through

from nuncius.broker.services.fates import Tally
from nuncius.broker.services.ingest import Ingest
from nuncius.broker.services.outcome import outcome
from nuncius.broker.services.packets import Packet
from nuncius.broker.services.reading import Reading, read
from nuncius.broker.services.replay import Pace, replay
from nuncius.broker.services.runner import Work, drain
from nuncius.broker.services.settling import refuse_company
from nuncius.broker.sky import SkyMap
from nuncius.broker.transport import topics
from nuncius.broker.transport.port import Log
from nuncius.producers import Context
from nuncius.schemas import Alert, NotAnAlert, Retry, SettingsError


def reading(payload: str, source: str, *found: Alert | NotAnAlert) -> Reading:
    return read(Packet(payload.encode(), source), Context(), lambda *_: found)


@dataclass
class Waits:
    """Remembers how long it was told to wait."""

    waited: list[float] = field(default_factory=list)

    def __call__(self, seconds: float) -> None:
        self.waited.append(seconds)


def play(
    log: Log, readings: Sequence[Reading], speed: float | None = None, workers: Sequence[Work] = ()
) -> list[float]:
    """Replay, and what was waited."""
    waits = Waits()
    done: list[Reading] = []
    replay(readings, Ingest(log, SkyMap.read, "replay"), lambda: drain(workers), Pace(speed, waits), done.append, print)
    assert done == list(readings)
    return waits.waited


def tally(log: Log) -> Tally:
    return outcome(log).tally


def test_a_second_replay_feeds_nothing(log: Log) -> None:
    readings = [reading(str(n), f"file {n}", gw(f"lvk:S{n}")) for n in range(5)]
    play(log, readings[:3])
    play(log, readings)
    play(log, readings)
    assert tally(log).as_json()["packets"] == 5
    assert len(decoded(log, topics.EVENTS.name)) == 5


def test_files_of_one_name_in_two_folders_are_both_read(log: Log) -> None:
    play(log, [reading("1", "alert.xml", gw("lvk:S1"))])
    play(log, [reading("2", "alert.xml", gw("lvk:S2"))])
    assert [alert.thread_id for alert in decoded(log, topics.EVENTS.name)] == ["lvk:S1", "lvk:S2"]


def test_a_file_given_twice_is_a_duplicate_once_and_stays_so(log: Log) -> None:
    twice = [reading("1", "alert.xml", gw()), reading("1", "alert.xml", gw())]
    play(log, twice[:1])
    for _ in range(3):
        play(log, twice)
        assert (tally(log).of("alert"), tally(log).of("duplicate"), tally(log).files) == (1, 1, 2)


def test_a_log_on_which_another_process_works_is_refused(log: Log) -> None:
    at_work = services(log)
    drain(at_work)
    waits = Waits()
    with pytest.raises(SettingsError, match=r"another process works on this log \(nuncius-match, nuncius-associate"):
        refuse_company(log, waits)
    assert waits.waited == []
    for worker in at_work:
        worker.close()
    refuse_company(log, waits)


@pytest.mark.parametrize("outcome", ["retry", "lost", "unknown"])
@pytest.mark.parametrize("speed", [None, 1e9])
def test_a_log_that_goes_away_at_every_other_commit_gets_each_packet_once(outcome: str, speed: float | None) -> None:
    log = memory()
    plan = itertools.cycle(("", outcome, outcome, ""))
    failing = cast("Log", Failing(log, lambda _: next(plan)))
    readings = [reading(str(n), f"file {n % 3}", gw(f"lvk:S{n}", issued=float(n))) for n in range(9)]
    play(failing, readings, speed)
    assert sorted(alert.thread_id for alert in decoded(log, topics.EVENTS.name)) == [f"lvk:S{n}" for n in range(9)]
    assert tally(log).of("alert") == tally(log).files == 9
    log.close()


def test_a_log_that_stays_away_is_given_up(log: Log) -> None:
    failing = cast("Log", Failing(log, lambda _: "retry"))
    with pytest.raises(Retry, match="refused by the test"):
        play(failing, [reading("1", "a", gw())])


def test_the_past_goes_by_at_its_speed(log: Log) -> None:
    issued = (0.0, 60.0, 60.0, 3660.0, 3000.0)
    readings = [reading(str(n), str(n), gw(f"lvk:S{n}", issued=t)) for n, t in enumerate(issued)]
    assert play(log, readings, speed=60.0) == [1.0, 0.0, 60.0, 0.0]


def test_what_is_on_the_log_already_is_not_waited_for(log: Log) -> None:
    readings = [reading(str(n), str(n), gw(f"lvk:S{n}", issued=100.0 * n)) for n in range(6)]
    play(log, readings[:4])
    assert play(log, readings, speed=100.0) == [1.0]


def test_packets_without_a_time_are_not_waited_for(log: Log) -> None:
    readings = [
        reading("1", "1", NotAnAlert("slew", "", at(0))),
        reading("2", "2", NotAnAlert("slew")),
        reading("3", "3"),
        reading("4", "4", NotAnAlert("slew", "", at(0) + timedelta(days=1))),
    ]
    assert play(log, readings, speed=86_400.0) == [1.0]


def test_without_a_speed_nothing_waits(log: Log) -> None:
    assert play(log, [reading(str(n), str(n), gw(f"lvk:S{n}", issued=9e6 * n)) for n in range(3)]) == []


def test_any_order_of_arrival_ends_alike() -> None:
    states = []
    for seed in range(4):
        log = memory()
        alerts, rows = list(history()), night()
        if seed:
            late = alerts.pop()
            random.Random(seed).shuffle(alerts)  # noqa: S311  not for secrets
            alerts.append(late)
        put(log, alerts, rows)
        work_through(log, 2)
        states.append(final_state(log))
        log.close()
    assert states[1:] == states[:1] * 3
