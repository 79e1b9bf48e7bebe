"""From a coincidence on the log to a request at a telescope's web service, with the service as a process of its own."""

import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import numpy as np
import orjson
import pytest
from commands import service, waiting
from road import records
from too_cases import GRB, GW, coincidence, member
from too_server import SECRET, Facility, facility

from nuncius.broker.planning.engine import Inputs, Planner
from nuncius.broker.planning.policies_toml import load_policies
from nuncius.broker.services.planning import GROUP
from nuncius.broker.transport import topics
from nuncius.broker.transport.address import parse_address
from nuncius.broker.transport.clock import utc_now
from nuncius.broker.transport.kafka.cluster import Connection
from nuncius.broker.transport.opening import open_address
from nuncius.broker.transport.port import Log, TopicPartition, Writer
from nuncius.schemas import Alert, Coincidence, Cone, Localization, ToORequest, ToOStatus
from nuncius.schemas.codec import decode, encode

pytestmark = [pytest.mark.bench, pytest.mark.timeout(900)]

CAUSES: Final = 300
REST_S: Final = 0.05
"""Between two coincidences: they are rare, and the one before is done."""
POLICY: Final = """
[[policy]]
name = "pair"
source = "a bench"
cause = "coincidence"
rules = ["gw-cbc-grb"]
max_expected_by_chance = 0.01
facility = "imager"
sites = ["Las Campanas", "Palomar"]
expires_h = 72.0
exposure_s = 60.0
min_altitude_deg = 10.0
sun_altitude_max_deg = 90.0
approval = false
"""
TILING: Final = (
    "".join(
        f"""
[[telescope]]
name = "{name}"
sites = ["{site}"]
source = "made up"
width_deg = 3.0
height_deg = 3.0
slew_deg_s = 2.0
settle_s = 2.0
readout_s = 10.0
max_airmass = 2.5
sun_altitude_max_deg = -12.0
"""
        for name, site in (("north", "Palomar"), ("south", "Las Campanas"), ("east", "Siding Spring"))
    )
    + """
[[policy]]
name = "tiles"
source = "a bench"
cause = "alert"
event_classes = ["grb"]
facilities = ["north", "south", "east"]
ask = "tiles"
expires_h = 24.0
exposure_s = 60.0
max_airmass = 2.5
approval = false
"""
)


def cause(number: int, now: datetime) -> tuple[Alert, Alert, Coincidence]:
    """A merger without a map, a burst somewhere, and both together."""
    here = ((197.0 + 41.3 * number) % 360.0, -40.0 + (17.7 * number) % 80.0)
    times = {"time_start": now, "issued_time": now + timedelta(seconds=10)}
    place = Localization(Cone(*here, 1.0))
    wave = replace(GW, alert_id=f"gw-{number}", thread_id=f"lvk:S{number}", localizations=(), **times)  # type: ignore[arg-type]  # times
    burst = replace(GRB, alert_id=f"grb-{number}", thread_id=f"fermi-gbm:{number}", localizations=(place,), **times)  # type: ignore[arg-type]  # times
    both = coincidence(
        coincidence_id=f"pair {number}",
        rule="gw-cbc-grb",
        anchor=member(wave),
        partner=member(burst),
        issued_time=now + timedelta(seconds=20),
    )
    return wave, burst, both


@pytest.fixture(params=["local", pytest.param("kafka", marks=pytest.mark.kafka)])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "kafka":
        return str(request.getfixturevalue("kafka_address"))
    return f"local:{tmp_path / 'log'}"


@contextmanager
def opened(address: str) -> Iterator[Log]:
    with closing(open_address(parse_address(address), utc_now, Connection(), None)) as log:
        log.create(topics.TOPICS)
        yield log


def put(writer: Writer, topic: str, *values: Alert | Coincidence) -> None:
    with writer.transaction() as tx:
        for one in values:
            tx.send(topic, encode(one), key=b"key")


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
                at = log.committed(GROUP, events)
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
    """A burst somewhere in 1 010 deg², three cameras on three continents, in the planner as the service calls it."""
    policies = load_policies(TILING)
    issued = datetime(2026, 11, 23, 12, tzinfo=UTC)
    place = Localization(Cone(30.0, 5.0, 18.0))
    burst = replace(GRB, localizations=(place,), time_start=issued, issued_time=issued)
    began, spent = time.perf_counter(), time.process_time()
    asked = Planner(policies).step(Inputs(alerts=[burst])).effects
    seconds, processor_s = time.perf_counter() - began, time.process_time() - spent
    assert [one.state for one in asked] == ["proposed"] * 3
    assert {one.facility for one in asked} == {"north", "south", "east"}
    assert asked == Planner(policies).step(Inputs(alerts=[burst])).effects
    measured(
        seconds=seconds,
        processor_s=processor_s,
        goal_below=10,
        fields=sum(len(one.tiles) for one in asked),
        probability=sum(one.probability or 0.0 for one in asked),
    )
