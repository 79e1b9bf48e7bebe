"""Delivery reads to the end of the log before it asks anybody."""

from dataclasses import replace
from datetime import timedelta

from road import now
from too_cases import request

from nuncius.broker.services.delivering import Delivering, Route
from nuncius.broker.services.runner import drain
from nuncius.broker.transport import topics
from nuncius.broker.transport.port import Log
from nuncius.consumers.adapter import answer
from nuncius.schemas import ToORequest, ToOStatus
from nuncius.schemas.codec import encode


class Telescope:
    """A real adapter that remembers what it was told."""

    name = "telescope"
    real = True
    public = False

    def __init__(self) -> None:
        self.told: list[tuple[str, str]] = []

    def submit(self, request: ToORequest, _standing: str) -> ToOStatus:
        self.told.append(("submit", request.request_id))
        return answer(request, "accepted", self.name)

    def cancel(self, request: ToORequest, _standing: str) -> ToOStatus:
        self.told.append(("cancel", request.request_id))
        return answer(request, "cancelled", self.name)

    def look(self, _request: ToORequest, _standing: str) -> None:
        pass


def test_what_was_taken_back_while_nobody_delivered_is_never_asked(log: Log) -> None:
    wanted = replace(request(), expires=now() + timedelta(days=1), needs_approval=False)
    gone = replace(wanted, revision=2, state="cancelled", idempotency_key=f"{wanted.request_id}/2")
    others = [replace(wanted, request_id=f"other {n}", idempotency_key=f"{n}", expires=now()) for n in range(700)]
    writer = log.writer("test")
    for one in (wanted, *others, gone):
        with writer.transaction() as tx:
            tx.send(topics.TOO_REQUESTS.name, encode(one), key=one.request_id.encode())
    telescope = Telescope()
    delivering = Delivering(log, Route(adapter=telescope), now)
    drain((delivering,))
    delivering.close()
    assert telescope.told == []
