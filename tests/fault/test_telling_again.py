"""Telling where the log fails after a message went out, and where one process takes over from another."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from typing import cast

import pytest
from road import Failing, memory, run_through
from too_cases import request
from too_log import lay
from transport_logs import kafka_logs

from nuncius.broker.planning.telling import Due, Receiver
from nuncius.broker.services.telling import Telephone, Telling
from nuncius.broker.services.too_book import Entry
from nuncius.broker.transport import topics
from nuncius.broker.transport.clock import utc_now
from nuncius.broker.transport.port import Log
from nuncius.consumers.notify.message import Message


@dataclass
class Pager:
    """Somebody's pager: what it showed."""

    shown: list[str] = field(default_factory=list)

    def send(self, message: Message) -> str:
        self.shown.append(message.title)
        return "beeped"


def telling(log: Log, pager: Pager) -> Telling:
    def compose(due: Due, _entries: dict[str, Entry], _now: object) -> Message:
        words = f"{due.items[0].request_id} {due.items[0].mark}"
        return Message(title=words, text=words, short=words)

    telephone = Telephone(
        receivers={"shift": Receiver(name="shift")},
        senders={"shift": pager},
        names={"pair": ("shift",)},
        compose=compose,  # type: ignore[arg-type]  # it takes less than it could
    )
    return Telling(log, telephone, utc_now)


def put(log: Log, *idents: str) -> None:
    late = utc_now().replace(year=utc_now().year + 1)
    lay(log, *(request(ident=ident, needs_approval=True, expires=late) for ident in idents))


@pytest.fixture
def log() -> Iterator[Log]:
    with closing(memory()) as made:
        yield made


@pytest.mark.parametrize(("trouble", "times"), [("retry", 2), ("lost", 2), ("unknown", 1)])
def test_at_least_once_and_not_again_where_it_is_written(log: Log, trouble: str, times: int) -> None:
    pager, plan = Pager(), iter((trouble,))
    view = Failing(log, lambda slot: next(plan, "") if slot == "nuncius-tell" else "")
    put(log, "a")
    run_through((telling(cast("Log", view), pager),))
    assert pager.shown == ["a request/waits"] * times
    run_through((telling(log, pager),))
    assert len(pager.shown) == times


def work(*services: Telling, until: int, pagers: tuple[Pager, ...]) -> None:
    """Turn about, until so many messages were shown and all is read."""
    deadline = utc_now().timestamp() + 60
    while utc_now().timestamp() < deadline:
        for service in services:
            service.work(0.1)
        if sum(len(pager.shown) for pager in pagers) >= until and any(one.caught_up() for one in services):
            return
    raise AssertionError("not told in time")


@pytest.mark.soak
@pytest.mark.kafka
def test_on_kafka_the_one_that_stands_by_takes_over_and_tells_nothing_twice(kafka_servers: str) -> None:
    with closing(kafka_logs(kafka_servers).open()) as log:
        log.create(topics.TOPICS)
        pagers = (Pager(), Pager())
        with closing(telling(log, pagers[0])) as first, closing(telling(log, pagers[1])) as second:
            put(log, "a", "b")
            work(first, second, until=2, pagers=pagers)
            active, other = (first, second) if pagers[0].shown else (second, first)
            active.close()
            put(log, "c")
            work(other, until=3, pagers=pagers)
        assert sorted(pagers[0].shown + pagers[1].shown) == [f"{ident} request/waits" for ident in "abc"]
        assert sorted(len(pager.shown) for pager in pagers) == [1, 2]
