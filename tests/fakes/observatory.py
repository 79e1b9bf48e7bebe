"""An observatory that reads VOEvents from one topic and answers on another, with no code of ours but the log's port."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Event, Thread
from typing import Any, Final

import orjson
import voeventparse

from nuncius.broker.transport.port import Log, TopicPartition

_USUAL: Final = {"request": "accepted", "cancel": "cancelled"}


@dataclass
class Observatory:
    """What it was asked, what it holds, and how it answers."""

    answers: Callable[[str, str], list[bytes]] = lambda key, action: [said(key, _USUAL[action], "OB-" + key)]
    executed: list[str] = field(default_factory=list)
    orders: dict[str, int] = field(default_factory=dict)
    packets: list[Any] = field(default_factory=list)

    def take(self, packet: bytes) -> list[bytes]:
        """One packet; the answers to it."""
        read = voeventparse.loads(packet)
        voeventparse.assert_valid_as_v2_0(read)
        self.packets.append(read)
        params = voeventparse.get_toplevel_params(read)
        key, action = params["idempotency_key"]["value"], params["action"]["value"]
        ident, _, revision = key.rpartition("/")
        if action == "cancel":
            self.orders.pop(ident, None)
        else:
            self.executed.append(key)
            self.orders[ident] = int(revision)
        return self.answers(key, action)


def said(key: str, state: str, reference: str = "", note: str = "") -> bytes:
    """An answer as the guide documents it."""
    return orjson.dumps({"idempotency_key": key, "state": state, "reference": reference, "note": note})


@contextmanager
def at_work(observatory: Observatory, log: Log, asked: str, answered: str) -> Iterator[None]:
    """It reads and answers in a thread of its own; both topics are there."""
    end = Event()

    def work() -> None:
        reader = log.reader({TopicPartition(asked, 0): 0})
        writer = log.writer("observatory")
        while not end.is_set():
            for record in reader.poll(10, 0.02):
                with writer.transaction() as tx:
                    for one in observatory.take(record.value or b""):
                        tx.send(answered, one)
        reader.close()
        writer.close()

    with beside(work, end):
        yield


@contextmanager
def beside(work: Callable[[], None], end: Event) -> Iterator[None]:
    """Work in a thread of its own, which ends when it is told to."""
    thread = Thread(target=work, name="observatory")
    thread.start()
    try:
        yield
    finally:
        end.set()
        thread.join()
