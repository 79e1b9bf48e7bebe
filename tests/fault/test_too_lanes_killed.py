"""Either lane may be killed: the other works on, and in the end all is asked that one planner would have asked."""

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Final

import pytest
from commands import waiting
from road import decoded
from too_cases import GRB, GW, POLICIES, coincidence, inputs, wide_camera

from nuncius.broker.planning.engine import Planner
from nuncius.broker.planning.lanes import LANES, LaneName
from nuncius.broker.planning.policies_toml import load_policies
from nuncius.broker.services.planning import GROUPS
from nuncius.broker.transport import topics
from nuncius.broker.transport.address import parse_address
from nuncius.broker.transport.clock import utc_now
from nuncius.broker.transport.kafka.cluster import Connection
from nuncius.broker.transport.opening import open_address
from nuncius.broker.transport.port import Log, TopicPartition
from nuncius.schemas import Alert, Coincidence, ToORequest
from nuncius.schemas.codec import encode

pytestmark = pytest.mark.timeout(300)

FIELDS: Final = """
[[policy]]
name = "fields"
source = "a test"
cause = "coincidence"
rules = ["gw-grb"]
max_expected_by_chance = 0.01
facility = "camera"
ask = "tiles"
tiles_max = 4
expires_h = 24.0
exposure_s = 60.0
max_airmass = 2.5
"""
TEXT: Final = wide_camera("camera") + POLICIES + FIELDS
WORKER: Final = Path(__file__).with_name("lane_worker.py")
PAIRS: Final = TopicPartition(topics.COINCIDENCES.name, 0)

CAUSES: Final = 12
"""Half of them come after the kill."""


def causes() -> list[Coincidence]:
    """Half of them come once, the others are taken back in the end."""
    first = [replace(coincidence(), coincidence_id=f"pair {number}") for number in range(CAUSES)]
    return [*first, *(replace(one, revision=2, state="retracted") for one in first[::2])]


def put(log: Log, records: Sequence[Alert | Coincidence]) -> None:
    with closing(log.writer("test")) as writer:
        for one in records:
            topic = topics.EVENTS if isinstance(one, Alert) else topics.COINCIDENCES
            with writer.transaction() as tx:
                tx.send(topic.name, encode(one), key=b"key")


@contextmanager
def lane(name: LaneName, address: str, home: Path) -> Iterator["subprocess.Popen[bytes]"]:
    path = os.pathsep.join([str(Path(__file__).parents[1]), os.environ.get("PYTHONPATH", "")])
    command = [sys.executable, str(WORKER), address, str(home / "policies.toml"), name]
    with subprocess.Popen(command, env={**os.environ, "PYTHONPATH": path}) as running:
        try:
            yield running
        finally:
            running.kill()


def place(log: Log, name: LaneName) -> int:
    at = log.committed(GROUPS[name], PAIRS)
    return 0 if at is None else at.offset


def last(requests: Sequence[ToORequest]) -> dict[str, ToORequest]:
    return {one.request_id: replace(one, revision=0, idempotency_key="", issued_time=None) for one in requests}


@pytest.mark.parametrize("victim", LANES)
def test_a_killed_lane_holds_up_no_other_and_loses_nothing(victim: LaneName, tmp_path: Path) -> None:
    address = f"local:{tmp_path / 'log'}"
    (tmp_path / "policies.toml").write_text(TEXT)
    with ExitStack() as stack:
        log = stack.enter_context(closing(open_address(parse_address(address), utc_now, Connection(), None)))
        log.create(topics.TOPICS)
        running = {name: stack.enter_context(lane(name, address, tmp_path)) for name in LANES}
        put(log, [GW, GRB, *causes()[: CAUSES // 2]])
        for _ in waiting(f"{victim} to be at work", 120.0):
            if place(log, victim) > 1:
                break
        running[victim].kill()
        running[victim].wait()
        put(log, causes()[CAUSES // 2 :])
        other = next(name for name in LANES if name != victim)
        for _ in waiting(f"{other} to be through, alone", 120.0):
            if place(log, other) == len(causes()):
                break
        assert place(log, victim) < len(causes())
        stack.enter_context(lane(victim, address, tmp_path))
        for _ in waiting(f"{victim} to be through", 120.0):
            if place(log, victim) == len(causes()):
                break
        asked: list[ToORequest] = decoded(log, topics.TOO_REQUESTS.name)
    assert last(asked) == last(Planner(load_policies(TEXT)).step(inputs(GW, GRB, *causes())).effects)
    assert {one.policy for one in asked} >= {"pair", "fields"}
    revisions = [(one.request_id, one.revision) for one in asked]
    assert len(revisions) == len(set(revisions))
