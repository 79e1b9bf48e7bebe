"""The road for tests: a small made history on a log, the services in one process, and logs whose commits fail."""

import itertools
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, cast

import orjson
from matching_alerts import alert, candidates, cone, grb, gw, neutrino
from transport_logs import ticking

from nuncius.broker.matching.rules_toml import shipped_rules
from nuncius.broker.planning.policies_toml import shipped
from nuncius.broker.services.associating import Associating
from nuncius.broker.services.delivering import Delivering, Route
from nuncius.broker.services.maps import MapShelf
from nuncius.broker.services.matching import MatchWorker
from nuncius.broker.services.outcome import outcome
from nuncius.broker.services.planning import planners
from nuncius.broker.services.runner import IDLE_WAIT_S, Work, drain, run
from nuncius.broker.services.worker import Worker
from nuncius.broker.transport import topics
from nuncius.broker.transport.local import open_local
from nuncius.broker.transport.port import Log, Record, TopicPartition, Transaction, Writer
from nuncius.broker.transport.reading import read_all
from nuncius.consumers.recorder import Recorder
from nuncius.schemas import Alert, CandidateBatch, CommitUnknown, Retry
from nuncius.schemas.candidate_row import rows
from nuncius.schemas.codec import decode, encode, kind_of

HOST = (197.45, -23.38)
"""Where the merger of the made history is."""


def now() -> datetime:
    """A clock that stands still, later than all that is made here."""
    return datetime(2026, 11, 23, 13, tzinfo=UTC)


def memory() -> Log:
    """A log to throw away, with every topic."""
    log = open_local(None, ticking())
    log.create(topics.TOPICS)
    return log


def history() -> tuple[Alert, ...]:
    """A merger with a burst, updated; another pair that is taken back; a test, an injection and a stray one."""
    here, large = cone(*HOST, 3.0), cone(*HOST, 12.0)
    far: dict[str, Any] = {"far_hz": 3e-12, "localizations": large}
    day = 86_400.0
    return (
        gw("lvk:S1", **far),
        grb("fermi-gbm:1"),
        grb("fermi-gbm:1", 1, localizations=cone(200.0, -20.0, 12.0)),
        gw("lvk:S1", 1, **(far | {"localizations": here})),
        grb("swift-bat:7", facility="Swift", instrument="BAT", localizations=cone(*HOST, 0.1), seconds=3.0),
        gw("lvk:MS1", reality="test", **far),
        grb("fermi-gbm:2", seconds=day + 1.5, localizations=cone(10.0, 10.0, 8.0)),
        gw("lvk:S2", seconds=day, far_hz=1e-9, localizations=cone(12.0, 11.0, 9.0)),
        gw("lvk:S2", 1, kind="retraction", seconds=None, issued=day + 3600.0),
        gw("lvk:S3", seconds=2 * day, reality="injection", **far),
        grb("fermi-gbm:3", seconds=2 * day + 2.0, reality="injection", localizations=here),
        neutrino("icecube:1_1", seconds=2.5 * day, localizations=cone(77.43, 5.72, 0.5), p_astro=0.6),
        neutrino("icecube:1_1", 1, seconds=2.5 * day, localizations=cone(77.36, 5.69, 0.4), p_astro=0.6),
        alert("late:1", seconds=-90 * day, messenger="photon", facility="Swift", event_class="grb"),
    )


def night() -> CandidateBatch:
    """Objects in and out of the merger's region, before and after it, some of them twice."""
    return candidates(
        {"thread_id": "ztf:old", "days": -6.0, "ra": 197.2, "dec": -23.0},
        {"thread_id": "ztf:host", "days": 0.45, "ra": HOST[0], "dec": HOST[1], "mag": 17.3},
        {"thread_id": "ztf:host", "days": 1.45, "first": 0.45, "ra": HOST[0], "dec": HOST[1], "detections": 2},
        {"thread_id": "ztf:near", "days": 0.9, "ra": 198.0, "dec": -23.9},
        {"thread_id": "ztf:away", "days": 0.9, "ra": 20.0, "dec": 40.0},
        {"thread_id": "lsst:5", "days": 2.0, "ra": 196.6, "dec": -22.9, "survey": "lsst"},
    )


def put(log: Log, alerts: Sequence[Alert] = (), batch: CandidateBatch | None = None, slot: str = "test") -> None:
    """Alerts and rows onto the log, each in a transaction of its own, turn about."""
    writer = log.writer(slot)
    rowed = () if batch is None else rows(batch, "replay")
    for one, row in itertools.zip_longest(alerts, rowed):
        with writer.transaction() as tx:
            if one is not None:
                tx.send(topics.EVENTS.name, encode(one), key=one.thread_id.encode())
            if row is not None:
                tx.send(topics.CANDIDATES.name, encode(row), key=row.thread_id.encode())


def services(log: Log, most: int = 2000) -> tuple[Work, ...]:
    """Match, associate, too and delivery, with the shipped rules and policies."""
    maps = MapShelf(log)
    return (
        MatchWorker(log, shipped_rules(), maps, lateness_days=30.0),
        Worker(log, Associating(shipped_rules(), 30.0, maps), most),
        *planners(log, shipped(), most=most),
        Delivering(log, Route(adapter=Recorder()), now),
    )


def work_through(log: Log, most: int = 2000) -> None:
    """Let the services work until nothing is left, and close them."""
    workers = services(log, most)
    drain(workers)
    for worker in workers:
        worker.close()


def final_state(log: Log) -> list[bytes]:
    """As `nuncius replay --json` prints it."""
    return [orjson.dumps(row, option=orjson.OPT_UTC_Z) for row in outcome(log).as_json()]


def records(log: Log, topic: str) -> list[Record]:
    """Everything on a topic."""
    return list(read_all(log, topic))


def topic_partitions(log: Log, topic: str) -> list[TopicPartition]:
    """All partitions of a topic."""
    return [TopicPartition(topic, number) for number in range(log.partitions(topic))]


def decoded(log: Log, topic: str) -> list[Any]:
    """The values of everything on a topic."""
    return [decode(kind_of(r.value), r.value) for r in records(log, topic) if r.value is not None]


@dataclass
class Failing:
    """A log whose writers fail as planned; everything else is the log's own.

    Parameters
    ----------
    plan
        Asked at each commit, with the writer's slot: ``""`` lets it be; ``retry`` and ``lost`` abort it (and say so, or
        say that it is unknown); ``unknown`` commits it and says that it is unknown.
    """

    log: Log
    plan: Callable[[str], str]
    failed: list[str] = field(default_factory=list)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.log, name)

    def writer(self, slot: str) -> Writer:
        return cast("Writer", FailingWriter(self, slot, self.log.writer(slot)))


@dataclass
class FailingWriter:
    """A writer of such a log."""

    owner: Failing
    slot: str
    inner: Writer

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        what = self.owner.plan(self.slot)
        with self.inner.transaction() as tx:
            yield tx
            if what in ("retry", "lost"):
                self.owner.failed.append(self.slot)
                raise Retry("refused by the test") if what == "retry" else CommitUnknown("lost by the test")
        if what == "unknown":
            self.owner.failed.append(self.slot)
            raise CommitUnknown("committed, but not told, by the test")

    def close(self) -> None:
        self.inner.close()


@dataclass
class Idle:
    """Stops `run` once nothing was done and nothing failed for three rounds."""

    said: list[str] = field(default_factory=list)
    _quiet: int = 0
    _waits: set[float] = field(default_factory=set)

    def stop(self) -> bool:
        self._quiet = self._quiet + 1 if self._waits == {IDLE_WAIT_S} else 0
        self._waits.clear()
        return self._quiet >= 3

    def wait(self, seconds: float) -> None:
        self._waits.add(seconds)


def run_through(workers: Sequence[Work]) -> list[str]:
    """`runner.run` until nothing is left to do; what it said."""
    idle = Idle()
    run(workers, idle.stop, idle.wait, idle.said.append)
    return idle.said
