"""One tile while 1 000 deg² are being tiled for three sites: both lanes in one thread, and each in its own."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Final

import numpy as np
import orjson
import pytest
from commands import waiting
from road import records
from too_bench import POLICY, TILING, cause, opened, put
from too_cases import GRB
from too_server import Facility, facility

from nuncius.broker.services.planning import GROUPS
from nuncius.broker.transport import topics
from nuncius.broker.transport.clock import utc_now
from nuncius.broker.transport.port import Log, TopicPartition
from nuncius.schemas import Alert, Cone, Localization, ToORequest
from nuncius.schemas.codec import decode

pytestmark = [pytest.mark.bench, pytest.mark.timeout(900)]

WIDE: Final = 3
"""Maps to tile."""

MOST: Final = 200
"""Pairs at the most; one each 0.2 s while there is tiling."""

EVERY_S: Final = 0.2
RADIUS_DEG: Final = 18.0
"""1 009 square degrees."""

SERVICE: Final = Path(__file__).with_name("lanes_service.py")
POLICIES: Final = POLICY + TILING.replace('event_classes = ["grb"]', 'observed_by = ["Wide"]')
EVENTS: Final = TopicPartition(topics.EVENTS.name, 0)

LOOK_S: Final = 0.001
"""Between two looks at what has come to the telescope: so fine are the figures."""


def wide(number: int, now: datetime) -> Alert:
    """A burst somewhere in 1 009 deg² that culminates around midnight."""
    midnight_deg = (180.0 + 360.0 * (now.timetuple().tm_yday - 80) / 365.25 + 3.0 * number) % 360.0
    place = Localization(Cone(midnight_deg, 5.0 - number, RADIUS_DEG))
    burst = replace(GRB, alert_id=f"wide-{number}", thread_id=f"wide:{number}", facility="Wide")
    return replace(burst, localizations=(place,), time_start=now, issued_time=now)


@contextmanager
def planning(address: str, url: str, threads: str, home: Path) -> Iterator[None]:
    """The service as a process."""
    policies = home / "policies.toml"
    policies.write_text(POLICIES)
    path = os.pathsep.join([str(Path(__file__).parents[1]), os.environ.get("PYTHONPATH", "")])
    command = [sys.executable, str(SERVICE), address, str(policies), url, threads]
    with subprocess.Popen(command, stdin=subprocess.PIPE, env={**os.environ, "PYTHONPATH": path}) as running:
        try:
            yield
        finally:
            if running.stdin is not None:
                running.stdin.close()
            running.wait(60.0)


def read(log: Log, group: str, last: int) -> bool:
    """Whether a lane is through with the alerts up to an offset."""
    at = log.committed(group, EVENTS)
    return at is not None and at.offset > last


class Clocked:
    """When the telescope was asked for each cause, seconds of this process's clock."""

    def __init__(self, state: Facility) -> None:
        self._state = state
        self._read = 0
        self.came: dict[str, float] = {}

    def look(self) -> None:
        now = time.perf_counter()
        for _, _, body in self._state.seen[self._read :]:
            self.came.setdefault(orjson.loads(body)["request"]["cause_id"], now)
            self._read += 1

    def wait(self, causes: Iterable[str]) -> None:
        for _ in waiting(f"the telescope to be asked for {causes}", 300.0):
            self.look()
            if all(one in self.came for one in causes):
                return


def latencies_ms(address: str, threads: str, home: Path) -> tuple[list[float], float]:
    """From the coincidence on the log to the telescope, while there is tiling; and how long the tilings took, s."""
    home.mkdir()
    with opened(address) as log, facility() as (state, url):
        pairs = [cause(number, utc_now()) for number in range(MOST)]
        writer = log.writer("bench")
        put(writer, topics.EVENTS.name, *(alert for wave, burst, _ in pairs for alert in (wave, burst)))
        last = records(log, EVENTS.topic)[-1].offset
        with planning(address, url, threads, home):
            for _ in waiting("the alerts to be read"):
                if all(read(log, group, last) for group in GROUPS.values()):
                    break
            clocked, began_at = Clocked(state), {}
            put(writer, topics.COINCIDENCES.name, pairs[0][2])
            clocked.wait([pairs[0][2].coincidence_id])  # the first one loads what planning needs
            put(writer, topics.EVENTS.name, *(wide(number, utc_now()) for number in range(WIDE)))
            last, began = records(log, EVENTS.topic)[-1].offset, time.perf_counter()
            for number, (*_, both) in enumerate(pairs[1:], 1):
                while time.perf_counter() < began + EVERY_S * number:
                    clocked.look()
                    time.sleep(LOOK_S)
                if read(log, GROUPS["plan"], last):
                    break
                put(writer, topics.COINCIDENCES.name, both)
                began_at[both.coincidence_id] = time.perf_counter()
            writer.close()
            clocked.wait(began_at)
            for _ in waiting("the tilings", 300.0):
                if read(log, GROUPS["plan"], last):
                    break
            tiling_s = time.perf_counter() - began
        asked = [decode(ToORequest, record.value or b"") for record in records(log, topics.TOO_REQUESTS.name)]
        assert sum(one.policy == "tiles" for one in asked) == 3 * WIDE
        assert sum(bool(one.tiles) for one in asked) > WIDE
        return [1e3 * (clocked.came[ident] - at) for ident, at in began_at.items()], tiling_s


@pytest.fixture(params=["local", pytest.param("kafka", marks=pytest.mark.kafka)])
def addresses(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[str, str]:
    """Two logs, new ones."""
    if request.param == "kafka":
        address = str(request.getfixturevalue("kafka_address"))
        return address, f"{address}-two"
    return f"local:{tmp_path / 'log-one'}", f"local:{tmp_path / 'log-two'}"


def test_one_tile_while_a_wide_map_is_tiled(
    addresses: tuple[str, str], tmp_path: Path, measured: Callable[..., None]
) -> None:
    found: dict[str, float] = {}
    for threads, address in zip(("one", "two"), addresses, strict=True):
        took, tiling_s = latencies_ms(address, threads, tmp_path / threads)
        assert len(took) > 3
        half, most = np.percentile(took, [50, 99])
        found |= {f"{threads}_p50_ms": half, f"{threads}_p99_ms": most, f"{threads}_tiling_s": tiling_s}
        found |= {f"{threads}_pairs": float(len(took))}
    measured(**found)
