"""What people read of a request whose position is not known yet: in words, on pages, in a calendar, as a plan."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import lxml.html
import pytest
from icalendar import Calendar
from road import memory
from too_cases import NOWHERE, request

from nuncius.broker.planning.policies_toml import shipped
from nuncius.broker.services.archive import Archive
from nuncius.broker.services.maps import MapShelf
from nuncius.broker.services.plan_found import plan_of, tiles_of
from nuncius.broker.services.told_picture import SkyPictures
from nuncius.broker.services.too_book import Entry
from nuncius.broker.services.too_words import brief, headline, history
from nuncius.broker.services.web.front_tables import Asked, request_table
from nuncius.broker.transport.port import Log
from nuncius.consumers.notify.calendar import window_calendar
from nuncius.schemas import SettingsError, ToORequest

BURST: Final = datetime(2031, 2, 3, 4, 5, 6, tzinfo=UTC)
NOW: Final = BURST + timedelta(minutes=12)


@pytest.fixture
def log() -> Iterator[Log]:
    made = memory()
    yield made
    made.close()


def waiting(revision: int = 1, **changed: Any) -> ToORequest:
    known: dict[str, Any] = {
        "facility": "ZTF",
        "policy": "galactic-supernova",
        "target_name": "snews:XENONnT:1",
        **NOWHERE,
        "exposure_s": 30.0,
        "filter": "r",
        "priority": 10.0,
        "preempt": True,
        "needs_approval": True,
        "event_thread": "snews:XENONnT:1",
        "event_class": "supernova_neutrino",
        "event_time": BURST,
        "expires": BURST + timedelta(days=7),
        "issued_time": BURST + timedelta(minutes=3),
        "reason": "supernova-neutrinos: XENONnT with KamLAND",
    }
    return request(revision, "aa11bb22cc", **(known | changed))


def test_the_message_can_be_acted_on_at_night() -> None:
    text = brief(Entry((waiting(),), ()), NOW, "https://broker.example.org/x")
    for line in (
        "ZTF: snews:XENONnT:1 (no position yet, make ready), policy galactic-supernova",
        "WHY    supernova-neutrinos: XENONnT with KamLAND",
        "EVENT  snews:XENONnT:1 (supernova_neutrino), 2031-02-03 04:05:06 UTC, 12 min ago",
        "TAKE   no position yet, make ready, 30 s r once there is one, priority 10, may interrupt what runs",
        "WHERE  not known yet",
        "WHEN   from now on: a revision with a position follows once one is known",
        "UNTIL  2031-02-10 04:05 UTC (6 d left)",
        "PRESS  nuncius too approve aa11bb22/1   or   nuncius too decline aa11bb22",
        "  or   https://broker.example.org/x",
    ):
        assert line in text.splitlines()
    assert "None" not in text


def test_once_it_is_known_the_place_stands_there() -> None:
    placed = waiting(2, ra=270.82, dec=31.46, radius_deg=0.9, ask="pointing")
    entry = Entry((waiting(), placed), ())
    assert headline(placed) == "ZTF: snews:XENONnT:1 (30 s r), policy galactic-supernova"
    assert "WHERE  RA 270.8200 Dec +31.4600 (ICRS), 90 % within 0.9 deg" in brief(entry, NOW).splitlines()
    assert len(list(history(entry))) == 2


def test_what_was_taken_back_promises_no_position() -> None:
    assert "WHEN" not in brief(Entry((waiting(), waiting(2, state="cancelled", expires=None)), ()), NOW)


def test_the_front_page_says_it() -> None:
    table = lxml.html.fromstring(str(request_table([Asked(waiting(), None)])))
    assert "snews:XENONnT:1 position not known yet" in table.text_content()
    assert "None" not in table.text_content()


def test_the_calendar_has_it_until_its_end_and_drops_it() -> None:
    data = window_calendar(waiting(), title="t", text="", firm=False, now=NOW)
    (entry,) = Calendar.from_ical(data or b"").walk("VEVENT")
    assert entry.decoded("dtstart") == BURST + timedelta(minutes=3)
    assert entry.decoded("dtend") == BURST + timedelta(days=7)
    assert entry["status"] == "TENTATIVE"
    gone = window_calendar(waiting(2, state="cancelled", expires=None), title="t", text="", firm=False, now=NOW)
    calendar = Calendar.from_ical(gone or b"")
    (entry,) = calendar.walk("VEVENT")
    assert (calendar["method"], entry["uid"], entry["sequence"], entry["status"]) == (
        "CANCEL",
        "aa11bb22cc@nuncius",
        2,
        "CANCELLED",
    )


def test_there_is_no_plan_and_no_picture_of_nowhere(log: Log) -> None:
    odd = waiting(window_start=BURST, window_stop=BURST + timedelta(hours=1))
    assert tiles_of(odd) == ()
    with pytest.raises(SettingsError, match="has no plan"):
        plan_of(log, Entry((odd,), ()), shipped())
    assert SkyPictures(Archive(log), MapShelf(log)).png(odd) is None
