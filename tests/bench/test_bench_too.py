"""From a coincidence on the log to a request at a telescope's web service, with the service as a process of its own."""

import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import numpy as np
import orjson
import pytest
from commands import service, waiting
from road import records
from too_bench import POLICY, TILING, cause, opened, put
from too_cases import GRB
from too_server import SECRET, Facility, facility

from nuncius.broker.planning.engine import Inputs, Planner
from nuncius.broker.planning.policies_toml import load_policies
from nuncius.broker.services.planning import GROUPS
from nuncius.broker.transport import topics
from nuncius.broker.transport.clock import utc_now
from nuncius.broker.transport.port import Log, TopicPartition
from nuncius.schemas import Cone, Localization, ToORequest, ToOStatus
from nuncius.schemas.codec import decode

pytestmark = [pytest.mark.bench, pytest.mark.timeout(900)]

CAUSES: Final = 300
REST_S: Final = 0.05
"""Between two coincidences: they are rare, and the one before is done."""


@pytest.fixture(params=["local", pytest.param("kafka", marks=pytest.mark.kafka)])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "kafka":
        return str(request.getfixturevalue("kafka_address"))
    return f"local:{tmp_path / 'log'}"


def seen_s(state: Facility, count: int) -> float:
    """When the web service had so many requests."""
    deadline = time.perf_counter() + 60.0
    while len(state.seen) < count:
        if time.perf_counter() > deadline:
            raise AssertionError(f"{len(state.seen)} of {count} came")
        time.sleep(0.001)
    return time.perf_counter()


def appended(log: Log, topic: str, kind: type[ToORequest] | type[ToOStatus], state: str) -> dict[str, datetime]:
    """When the log took the first record of each request in a state, of the adapter that asks."""
    found: dict[str, datetime] = {}
    for record in records(log, topic):
        one = decode(kind, record.value or b"")
        if one.state == state and getattr(one, "adapter", "webhook") == "webhook":
            found.setdefault(one.request_id, record.time)
    return found


def test_from_a_coincidence_to_a_telescope(address: str, tmp_path: Path, measured: Callable[..., None]) -> None:
    causes = [cause(number, utc_now()) for number in range(CAUSES)]
    (tmp_path / "policies.toml").write_text(POLICY)
    with opened(address) as log, facility() as (state, url):
        (tmp_path / "nuncius.toml").write_text(f'policies = "policies.toml"\nwebhook_url = "{url}"\n')
        writer = log.writer("bench")
        put(writer, topics.EVENTS.name, *(alert for wave, burst, _ in causes for alert in (wave, burst)))
        events, last = TopicPartition(topics.EVENTS.name, 0), records(log, topics.EVENTS.name)[-1].offset
        with service("too", "--broker", address, home=tmp_path, NUNCIUS_WEBHOOK_SECRET=SECRET) as running:
            for _ in waiting("the alerts to be read"):
                assert running.process.poll() is None, running.said
                at = log.committed(GROUPS["point"], events)
                if at is not None and at.offset > last:
                    break
            whole, out = [], []
            for number, (*_, both) in enumerate(causes):
                put(writer, topics.COINCIDENCES.name, both)
                began, began_at = time.perf_counter(), utc_now()
                whole.append(1e3 * (seen_s(state, number + 1) - began))
                out.append((began_at, utc_now()))
                time.sleep(REST_S)
            writer.close()
            for _ in waiting("the last answer"):
                if len(appended(log, topics.TOO_STATUS.name, ToOStatus, "accepted")) == CAUSES:
                    break
        asked = appended(log, topics.TOO_REQUESTS.name, ToORequest, "proposed")
        sent = appended(log, topics.TOO_STATUS.name, ToOStatus, "sent")
        bodies = [orjson.loads(body)["request"] for _, _, body in state.seen]
        assert [body["cause_id"] for body in bodies] == [both.coincidence_id for *_, both in causes]
        assert {body["request_id"] for body in bodies} == set(asked) == set(sent)
        assert len(asked) == CAUSES
        parts = np.array(
            [
                [
                    (asked[ident] - began).total_seconds(),
                    (sent[ident] - asked[ident]).total_seconds(),
                    (came - sent[ident]).total_seconds(),
                ]
                for ident, (began, came) in zip([body["request_id"] for body in bodies], out, strict=True)
            ]
        )
    half, most = np.percentile(1e3 * parts, [50, 99], axis=0)
    measured(
        whole_p50_ms=float(np.percentile(whole, 50)),
        whole_p99_ms=float(np.percentile(whole, 99)),
        whole_max_ms=max(whole),
        poll_plan_commit_p50_ms=half[0],
        poll_plan_commit_p99_ms=most[0],
        poll_and_write_sent_p50_ms=half[1],
        poll_and_write_sent_p99_ms=most[1],
        to_the_telescope_p50_ms=half[2],
        to_the_telescope_p99_ms=most[2],
    )


def test_planning_alone(measured: Callable[..., None]) -> None:
    """The planner's own part, each cause at another place and time; the first one apart."""
    planner = Planner(load_policies(POLICY))
    now = utc_now()
    took: list[float] = []
    asked: list[ToORequest] = []
    for number in range(CAUSES):
        wave, burst, both = cause(number, now + timedelta(minutes=number))
        planner.apply(planner.step(Inputs(alerts=[wave, burst])).delta)
        began = time.perf_counter()
        outcome = planner.step(Inputs(coincidences=[both]))
        took.append(1e3 * (time.perf_counter() - began))
        planner.apply(outcome.delta)
        asked += outcome.effects
    assert [one.state for one in asked] == ["proposed"] * CAUSES
    measured(first_ms=took[0], p50_ms=float(np.percentile(took[1:], 50)), p99_ms=float(np.percentile(took[1:], 99)))


def test_a_full_tiling_for_three_sites(measured: Callable[..., None]) -> None:
    """A burst somewhere in 1 010 deg², three cameras on three continents, in the planner as the service calls it.

    The one in the east sees nearly all of it first; of the three plans that of the north is left alone.
    """
    policies = load_policies(TILING)
    issued = datetime(2026, 11, 23, 12, tzinfo=UTC)
    place = Localization(Cone(30.0, 5.0, 18.0))
    burst = replace(GRB, localizations=(place,), time_start=issued, issued_time=issued)
    began, spent = time.perf_counter(), time.process_time()
    asked = Planner(policies).step(Inputs(alerts=[burst])).effects
    seconds, processor_s = time.perf_counter() - began, time.process_time() - spent
    assert {one.facility: one.state for one in asked} == {"east": "proposed", "south": "proposed", "north": "rejected"}
    assert "north could add 0.2" in next(one.reason for one in asked if one.facility == "north")
    assert asked == Planner(policies).step(Inputs(alerts=[burst])).effects
    measured(
        seconds=seconds,
        processor_s=processor_s,
        goal_below=10,
        fields=sum(len(one.tiles) for one in asked),
        probability=sum(one.probability or 0.0 for one in asked),
    )
