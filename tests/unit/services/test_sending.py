"""A receiver whose service never answers is tried again, and what its service says in the end is told."""

from datetime import UTC, datetime, timedelta
from threading import Event

from nuncius.broker.planning.telling import Due
from nuncius.broker.services.sending import Sending
from nuncius.consumers.notify.message import Message

NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)
LOST = timedelta(minutes=10)
MESSAGE = Message(title="a", text="b", short="c")


class Service:
    """Answers when it is let go."""

    def __init__(self) -> None:
        self.began, self.go = Event(), Event()

    def send(self, _message: Message) -> str:
        self.began.set()
        assert self.go.wait(20)
        return "sent"


def test_one_that_hangs_is_given_up_and_its_late_end_does_not_end_the_next() -> None:
    service = Service()
    sending = Sending({"night": service})
    first, second = Due("night", urgent=True, items=()), Due("night", urgent=False, items=())
    sending.start(first, MESSAGE, NOW)
    assert list(sending.give_up(NOW + LOST, LOST)) == []
    (lost,) = sending.give_up(NOW + LOST + timedelta(seconds=1), LOST)
    assert (lost.due, lost.said, "it may have been sent" in str(lost.error)) == (first, "", True)
    assert sending.busy == frozenset()
    sending.start(second, MESSAGE, NOW + LOST)
    service.go.set()
    ends = [sending.next_done(20.0), sending.next_done(20.0)]
    assert [one.said for one in ends if one is not None] == ["sent", "sent"]
    assert sending.busy == frozenset()


def test_the_late_end_of_an_earlier_message_leaves_the_receiver_busy() -> None:
    early, late = Service(), Service()
    senders = {"night": early}
    sending = Sending(senders)
    sending.start(Due("night", urgent=True, items=()), MESSAGE, NOW)
    assert early.began.wait(20)
    list(sending.give_up(NOW + 2 * LOST, LOST))
    senders["night"] = late
    sending.start(Due("night", urgent=False, items=()), MESSAGE, NOW + 2 * LOST)
    early.go.set()
    assert sending.next_done(20.0) is not None
    assert sending.busy == {"night"}
    late.go.set()
    assert sending.next_done(20.0) is not None
    assert sending.busy == frozenset()
