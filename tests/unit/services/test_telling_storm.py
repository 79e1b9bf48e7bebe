"""Telling when it is hard: a receiver that hangs, a storm of requests, what nobody could cancel."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from threading import Event
from typing import Any

import pytest
from pydantic import SecretStr
from road import decoded, memory
from too_cases import MERGER, request
from too_log import lay

from nuncius.broker.planning.lifecycle import PERSON
from nuncius.broker.planning.telling import Due, Receiver
from nuncius.broker.services import told_words
from nuncius.broker.services.links import Links
from nuncius.broker.services.runner import drain
from nuncius.broker.services.sending import Sends
from nuncius.broker.services.telling import Telephone, Telling
from nuncius.broker.services.too_book import Entry, book, named, write_words
from nuncius.broker.services.too_seen import acknowledged
from nuncius.broker.transport import topics
from nuncius.broker.transport.clock import utc_now
from nuncius.broker.transport.port import Log
from nuncius.consumers.adapter import answer
from nuncius.consumers.notify.message import Message
from nuncius.schemas import SettingsError, ToORequest, ToOStatus

EVENING = MERGER.replace(microsecond=0) + timedelta(hours=12)
LINKS = Links("https://broker.example.org", SecretStr("0123456789abcdef" * 2))


@dataclass
class Pager:
    """Somebody's pager; it may hang until it is let go, or fail as nobody foresaw."""

    shown: list[Message] = field(default_factory=list)
    free: Event = field(default_factory=Event)
    fault: BaseException | None = None

    def __post_init__(self) -> None:
        self.free.set()

    def send(self, message: Message) -> str:
        self.free.wait(60)
        if self.fault is not None:
            raise self.fault
        self.shown.append(message)
        return "beeped"

    @property
    def titles(self) -> list[str]:
        return [one.title for one in self.shown]


def composed(due: Due, entries: Mapping[str, Entry], now: datetime) -> Message:
    """In the words of the service, without pictures."""
    return Message(
        title=told_words.title(due, entries, now),
        text=told_words.text(due, entries, now, LINKS),
        short=told_words.short(due, entries, now, LINKS),
        urgent=due.urgent,
    )


@dataclass
class Shift:
    """A log, the service, and three on call: the lead comes after the shift, an office is told beside it."""

    now: datetime = EVENING
    log: Log = field(default_factory=memory)
    pagers: dict[str, Pager] = field(default_factory=lambda: {name: Pager() for name in ("shift", "lead", "office")})
    compose: Callable[[Due, Mapping[str, Entry], datetime], Message] = composed

    def __post_init__(self) -> None:
        receivers = (Receiver(name="shift", then="lead"), Receiver(name="lead"), Receiver(name="office"))
        senders: Mapping[str, Sends] = self.pagers
        telephone = Telephone(
            receivers={one.name: one for one in receivers},
            senders=senders,
            names={"pair": ("shift", "office")},
            compose=self.compose,
        )
        self.service = Telling(self.log, telephone, lambda: self.now)

    def later(self, **span: float) -> None:
        self.now += timedelta(**span)
        drain((self.service,))

    def until(self, done: Callable[[], bool]) -> None:
        """Work until it is so."""
        end = utc_now() + timedelta(seconds=30)
        while not done():
            assert utc_now() < end, "never so"
            self.service.work(0.01)

    def told(self, name: str) -> list[ToOStatus]:
        return [one for one in decoded(self.log, topics.TOO_STATUS.name) if one.adapter == f"tell-{name}"]


@pytest.fixture
def shift() -> Iterator[Shift]:
    made = Shift()
    yield made
    for pager in made.pagers.values():
        pager.free.set()
    made.service.close()
    made.log.close()


def asking(ident: str = "aa11bb22cc", **changed: Any) -> ToORequest:
    known: dict[str, Any] = {"needs_approval": True, "expires": EVENING + timedelta(hours=8), "exposure_s": 60.0}
    return request(changed.pop("revision", 1), ident, **(known | changed))


def test_a_message_that_ends_while_the_log_is_read_anew_is_noted_and_sent_once(shift: Shift) -> None:
    more = [asking(f"r{number:03}", policy="of nobody") for number in range(600)]
    lay(shift.log, *more, asking())
    shift.pagers["shift"].free.clear()
    shift.until(lambda: bool(shift.told("office")))
    shift.service.reopen()
    shift.pagers["shift"].free.set()
    shift.until(lambda: bool(shift.told("shift")))
    shift.later(seconds=10)
    assert len(shift.pagers["shift"].shown) == len(shift.told("shift")) == 1


def stuck(shift: Shift) -> ToORequest:
    """A request that its telescope would not drop; who was asked knows of it."""
    one = asking(needs_approval=False)
    lay(shift.log, one, answer(one, "sent", "telescope"), answer(one, "accepted", "telescope", reference="17"))
    gone = replace(one, revision=2, state="cancelled", idempotency_key="aa11bb22cc/2")
    lay(shift.log, gone, answer(gone, "not_cancelled", "telescope", "the shutter is open"))
    shift.later()
    return gone


def sees_to_it(shift: Shift, who: str) -> None:
    entry = named(book(shift.log), "aa11")
    write_words(shift.log, acknowledged(entry, who=who, why="called them", now=shift.now), "person")


def test_one_that_hangs_holds_up_no_other_and_after_a_while_the_next_is_asked(shift: Shift) -> None:
    shift.pagers["shift"].free.clear()
    lay(shift.log, asking())
    shift.until(lambda: bool(shift.told("office")))
    lay(shift.log, asking("second"))
    shift.until(lambda: len(shift.told("office")) == 2)
    assert shift.told("shift") == shift.told("lead") == []
    shift.now += timedelta(seconds=21)
    shift.until(lambda: len(shift.told("lead")) == 2)
    shift.pagers["shift"].free.set()
    shift.until(lambda: len(shift.told("shift")) == 2)
    shift.later(minutes=2)
    assert [len(pager.shown) for pager in shift.pagers.values()] == [2, 2, 2]


def test_a_fault_nobody_foresaw_is_a_receiver_that_is_not_reached(shift: Shift) -> None:
    shift.pagers["shift"].fault = ZeroDivisionError()
    lay(shift.log, asking())
    shift.later()
    (trying,) = shift.told("shift")
    assert (trying.state, "ZeroDivisionError" in trying.detail) == ("proposed", True)
    assert len(shift.pagers["lead"].shown) == 1
    shift.pagers["shift"].fault = None
    shift.later(seconds=6)
    assert len(shift.pagers["shift"].shown) == 1


def test_words_that_cannot_be_made_end_nothing() -> None:
    def broken(_due: Due, _entries: Mapping[str, Entry], _now: datetime) -> Message:
        raise RecursionError

    made = Shift(compose=broken)
    lay(made.log, asking())
    made.later()
    assert [one.state for one in made.told("shift")] == ["proposed"]
    made.service.close()
    made.log.close()


def test_what_is_on_its_way_at_the_end_is_noted(shift: Shift) -> None:
    shift.pagers["shift"].free.clear()
    lay(shift.log, asking())
    shift.until(lambda: bool(shift.told("office")))
    shift.pagers["shift"].free.set()
    shift.service.close()
    assert [one.reference for one in shift.told("shift")] == ["request/waits"]


def test_300_requests_in_a_minute_are_six_messages_and_each_is_told_within_half_a_minute(shift: Shift) -> None:
    shift.later()
    for second in range(60):
        lay(shift.log, *(asking(f"{second:02}{n}00000") for n in range(5)))
        shift.later(seconds=1)
    for _ in range(30):
        shift.later(seconds=1)
    titles = shift.pagers["shift"].titles
    assert len(titles) <= 6
    assert titles[-1].startswith("YES OR NO? ")
    told = {one.request_id: one.time for one in shift.told("shift") if one.state == "recorded"}
    assert len(told) == 300
    for ident, time in told.items():
        put = EVENING + timedelta(seconds=int(ident[:2]))
        assert time is not None
        assert time - put <= timedelta(seconds=31)


def test_a_storm_at_once_is_one_message_that_says_all(shift: Shift) -> None:
    lay(shift.log, *(asking(f"{n:03}00000", priority=float(n == 7)) for n in range(300)))
    shift.later()
    (message,) = shift.pagers["shift"].shown
    assert message.title.startswith("YES OR NO? 300 requests, among them imager: AT2017gfo")
    lines = message.text.splitlines()
    assert lines[2].startswith("00700000/1 YES OR NO? imager: AT2017gfo (60 s), policy pair, until ")
    shown = sum(" YES OR NO? imager" in line for line in lines)
    assert lines[-1] == f"and {300 - shown} more of policy pair"
    assert len(message.text) < 4096
    assert message.short.endswith("nuncius too list")
    assert len(message.short) < 160
    shift.later(minutes=9)
    assert len(shift.pagers["shift"].shown) == 1


def test_three_at_once_are_three_and_a_fourth_soon_after_waits_half_a_minute(shift: Shift) -> None:
    lay(shift.log, *(asking(f"{n}0000000") for n in range(3)))
    shift.later()
    lay(shift.log, asking("30000000"))
    shift.later(seconds=29)
    assert len(shift.pagers["shift"].shown) == 3
    shift.later(seconds=1)
    assert len(shift.pagers["shift"].shown) == 4


def test_what_could_not_be_cancelled_comes_first_in_a_storm(shift: Shift) -> None:
    one = asking("stuck000", needs_approval=False)
    lay(shift.log, one, answer(one, "accepted", "telescope"))
    gone = replace(one, revision=2, state="cancelled")
    lay(shift.log, *(asking(f"{n}0000000", priority=9.0) for n in range(5)), gone)
    lay(shift.log, answer(gone, "not_cancelled", "telescope"))
    shift.later()
    (message,) = shift.pagers["shift"].shown
    assert message.title.startswith("CANCEL BY HAND: 1; YES OR NO? 5 requests")
    assert message.text.splitlines()[2].startswith("stuck000 at telescope imager")


def test_what_could_not_be_cancelled_goes_on_to_the_next_until_a_person_sees_to_it(shift: Shift) -> None:
    stuck(shift)
    (message,) = shift.pagers["shift"].shown
    assert "nuncius too acknowledge aa11bb22" in message.text
    assert "/too/aa11bb22cc/acknowledge?" in message.text
    assert "/too/aa11bb22cc/acknowledge?" in message.short
    shift.later(minutes=14)
    assert shift.pagers["lead"].shown == []
    shift.later(minutes=1)
    assert shift.pagers["lead"].titles == [message.title]
    sees_to_it(shift, "Ana")
    shift.later(minutes=10)
    assert "Ana sees to what telescope would not cancel" in shift.pagers["shift"].shown[-1].text
    assert "Ana sees to what telescope would not cancel" in shift.pagers["lead"].shown[-1].text
    before = [len(pager.shown) for pager in shift.pagers.values()]
    shift.later(hours=3)
    assert [len(pager.shown) for pager in shift.pagers.values()] == before


def test_a_word_in_time_wakes_nobody_else_and_is_on_the_log(shift: Shift) -> None:
    gone = stuck(shift)
    sees_to_it(shift, "Ana")
    shift.later(hours=3)
    assert shift.pagers["lead"].shown == []
    (word,) = (one for one in decoded(shift.log, topics.TOO_STATUS.name) if one.adapter == "seen-telescope")
    assert (word.revision, word.state, word.who, word.detail) == (2, "recorded", "Ana", "called them")
    entry = named(book(shift.log), "aa11")
    assert entry.state == "not_cancelled"
    assert acknowledged(entry, who="Ben", why="", now=shift.now) == ()
    lay(shift.log, answer(gone, "cancelled", "telescope"))
    with pytest.raises(SettingsError, match="no telescope refused to cancel it"):
        acknowledged(named(book(shift.log), "aa11"), who="Ben", why="", now=shift.now)


def test_a_word_does_not_hold_for_what_the_telescope_took_after_it(shift: Shift) -> None:
    gone = stuck(shift)
    sees_to_it(shift, "Ana")
    anew = replace(gone, revision=3, state="proposed", exposure_s=90.0)
    again = replace(anew, revision=4, state="cancelled")
    lay(shift.log, anew, answer(anew, "accepted", "telescope"), again, answer(again, "not_cancelled", "telescope"))
    shift.later()
    assert shift.pagers["shift"].titles[-1].startswith("CANCEL BY HAND at telescope")
    assert PERSON not in {one.adapter for one in named(book(shift.log), "aa11").told}
