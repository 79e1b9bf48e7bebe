"""Telling, on a real log and a real mail server, through restarts; the clock is given."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Self

import pytest
from icalendar import Calendar
from people_here import Post, post
from pydantic import SecretStr
from road import decoded, memory
from too_cases import MERGER, TRACK, request
from too_log import lay
from too_tiles import tile

from nuncius.broker.planning.lifecycle import PERSON
from nuncius.broker.planning.policies_toml import shipped
from nuncius.broker.planning.telling import Receiver
from nuncius.broker.services.archive import Archive
from nuncius.broker.services.links import Links
from nuncius.broker.services.maps import MapShelf
from nuncius.broker.services.plan_found import PlanFinder
from nuncius.broker.services.runner import drain
from nuncius.broker.services.telling import Telephone, Telling
from nuncius.broker.services.told_message import Composer
from nuncius.broker.services.told_picture import SkyPictures, ToldPictures
from nuncius.broker.transport import topics
from nuncius.broker.transport.port import Log
from nuncius.consumers.adapter import answer
from nuncius.consumers.notify.notifier import Notifier
from nuncius.schemas import ToORequest, ToOStatus
from nuncius.schemas.codec import encode
from nuncius.schemas.vocabulary import RequestState

EVENING = MERGER.replace(microsecond=0) + timedelta(hours=12)
LINKS = Links("https://broker.example.org", SecretStr("0123456789abcdef" * 2))


def _pictures(log: Log) -> ToldPictures:
    archive, maps = Archive(log), MapShelf(log)
    return ToldPictures(SkyPictures(archive, maps), PlanFinder(log, archive, maps, shipped()))


@dataclass
class Desk:
    """A log, the service, and a mail server for the shift and one for the lead, who is asked after a quarter hour."""

    shift: Post
    lead: Post
    now: datetime = EVENING
    log: Log = field(default_factory=memory)
    names: dict[str, tuple[str, ...]] = field(default_factory=lambda: {"pair": ("shift",)})
    service: Telling = field(init=False)

    def __post_init__(self) -> None:
        self.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.service.close()
        self.log.close()

    def start(self) -> None:
        receivers = (Receiver(name="shift", then="lead", drills=True), Receiver(name="lead"))
        telephone = Telephone(
            receivers={one.name: one for one in receivers},
            senders={
                "shift": Notifier("shift", SecretStr(self.shift.address)),
                "lead": Notifier("lead", SecretStr(self.lead.address)),
            },
            names=self.names,
            compose=Composer(_pictures(self.log), LINKS),
        )
        self.service = Telling(self.log, telephone, lambda: self.now)

    def restart(self) -> None:
        self.service.close()
        self.start()

    def put(self, *records: ToORequest | ToOStatus) -> None:
        """Onto the log, and let the service work."""
        lay(self.log, *records)
        drain((self.service,))

    def says(self, who: str, word: RequestState, about: ToORequest) -> None:
        self.put(replace(answer(about, word, PERSON), who=who, time=self.now))

    def later(self, **span: float) -> None:
        self.now += timedelta(**span)
        drain((self.service,))

    def told(self) -> list[tuple[str, str]]:
        """Receivers and what each was told, as the log has it."""
        found = [one for one in decoded(self.log, topics.TOO_STATUS.name) if one.adapter.startswith("tell-")]
        return [(one.adapter.removeprefix("tell-"), one.reference) for one in found]


@pytest.fixture
def desk() -> Iterator[Desk]:
    with post() as shift, post() as lead, Desk(shift, lead) as made:
        yield made


def asking(revision: int = 1, ident: str = "aa11bb22cc", **changed: Any) -> ToORequest:
    """A request that waits for a yes."""
    known: dict[str, Any] = {"needs_approval": True, "expires": EVENING + timedelta(hours=8), "exposure_s": 60.0}
    return request(revision, ident, **(known | changed))


def test_a_policy_that_is_gone_leaves_nobody_in_the_dark(desk: Desk) -> None:
    one = asking()
    desk.put(one)
    desk.says("Ana", "approved", one)
    desk.put(replace(answer(one, "accepted", "swift"), time=desk.now))
    desk.names = {}
    desk.restart()
    gone = replace(one, revision=2, idempotency_key="2", state="cancelled")
    desk.put(gone, replace(answer(gone, "not_cancelled", "swift", "call the duty scientist"), time=desk.now))
    assert desk.shift.mails[-1]["Subject"].startswith("CANCEL BY HAND at swift")


def test_requests_of_one_event_that_are_told_at_once_are_one_picture(desk: Desk) -> None:
    plans = [
        asking(
            ident=ident, facility=name, event_thread="lvk:S170817", ask="tiles", tiles=(tile(1, ra), tile(2, ra + 2))
        )
        for ident, name, ra in (
            ("a1", "ZTF", 197.0),
            ("b2", "DECam", 203.0),
            ("c3", "wide", 209.0),
            ("d4", "far", 10.0),
        )
    ]
    desk.put(*plans[:3], replace(plans[3], event_thread="lvk:S170818"))
    (mail,) = desk.shift.mails
    assert mail["Subject"].startswith("YES OR NO? 4 requests")
    _, data = desk.shift.files()["nuncius-a1.png"]
    words = next(chunk for chunk in data.split(b"tEXt") if chunk.startswith(b"Description"))
    assert b"A, ZTF, 2 fields" in words
    assert b"B, DECam, 2 fields" in words
    assert b"C, wide, 2 fields" in words
    assert b"far" not in words


def test_a_picture_that_cannot_be_drawn_holds_no_message_up(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", "/proc/no-such-folder")
    desk.put(asking(radius_deg=1.0))
    assert [mail["Subject"][:10] for mail in desk.shift.mails] == ["YES OR NO?"]


def test_one_mail_says_what_where_when_until_when_and_what_to_press(desk: Desk) -> None:
    writer = desk.log.writer("ingest")
    track = replace(TRACK, alert_id="0b0e5b6e-1111-5222-8333-444455556666")
    with writer.transaction() as tx:
        tx.send(topics.EVENTS.name, encode(track), key=b"t")
    writer.close()
    one = asking(
        follows=(track.alert_id,),
        target_name="TXS 0506+056",
        event_thread="icecube:1_1",
        event_class="neutrino_track",
        event_time=EVENING - timedelta(minutes=90),
        max_airmass=2.0,
        site="Palomar",
    )
    desk.put(one)
    (mail,) = desk.shift.mails
    assert mail["Subject"] == "YES OR NO? imager: TXS 0506+056 (60 s), policy pair, until 08:41 UTC"
    text = desk.shift.text()
    for words in (
        "WHY    a test",
        "EVENT  icecube:1_1 (neutrino_track), 2017-08-17 23:11:04 UTC, 90 min ago",
        "TAKE   60 s, priority 1, airmass up to 2",
        "WHERE  RA 197.4504 Dec -23.3815 (ICRS)",
        "WHEN   2017-08-17 23:41 to 2017-08-18 01:41 UTC from Palomar (it has begun)",
        "UNTIL  2017-08-18 08:41 UTC (8 h left)",
        "PRESS  nuncius too approve aa11bb22/1   or   nuncius too decline aa11bb22",
        LINKS.url(one, "shift"),
    ):
        assert words in text
    files = desk.shift.files()
    (entry,) = Calendar.from_ical(files["nuncius-aa11bb22.ics"][1]).walk("VEVENT")
    assert (entry["uid"], entry["status"]) == ("aa11bb22cc@nuncius", "TENTATIVE")
    assert files["nuncius-aa11bb22.png"][0] == "image/png"
    assert files["nuncius-aa11bb22.png"][1].startswith(b"\x89PNG")


def test_a_restart_tells_nobody_twice_and_the_next_is_told_once(desk: Desk) -> None:
    desk.put(asking())
    for _ in range(4):
        desk.restart()
        desk.later(minutes=10)
    assert desk.told() == [("shift", "request/waits"), ("lead", "request/waits")]
    assert (len(desk.shift.mails), len(desk.lead.mails)) == (1, 1)


def test_a_yes_ends_the_asking_and_both_hear_of_it(desk: Desk) -> None:
    one = asking()
    desk.put(one)
    desk.later(minutes=20)
    desk.says("Ana", "approved", one)
    desk.put(replace(answer(one, "sent", "telescope"), time=desk.now))
    desk.put(replace(answer(one, "accepted", "telescope", reference="17"), time=desk.now))
    desk.later(minutes=11)
    assert (len(desk.shift.mails), len(desk.lead.mails)) == (3, 2)
    assert "approved by Ana" in desk.shift.text(1)
    assert "telescope has it (there 17)" in desk.shift.text(2)
    assert "approved by Ana" in desk.lead.text()
    assert "telescope has it (there 17)" in desk.lead.text()
    desk.later(hours=3)
    assert (len(desk.shift.mails), len(desk.lead.mails)) == (3, 2)


def test_many_at_once_are_an_alarm_each_and_the_rest_is_one_message(desk: Desk) -> None:
    several = [asking(ident=f"{n:08}") for n in range(3)]
    desk.put(*several)
    assert len(desk.shift.mails) == 3
    for one in several:
        desk.put(replace(one, revision=2, state="cancelled", reason="taken back by LVK"))
    assert len(desk.shift.mails) == 3
    desk.later(minutes=10)
    assert desk.shift.mails[3]["Subject"].startswith("3 changes, among them imager: AT2017gfo")
    assert desk.shift.text().count("taken back: nothing to do any more") == 3
    (entry,) = Calendar.from_ical(desk.shift.files()["nuncius-00000000.ics"][1]).walk("VEVENT")
    assert entry["status"] == "CANCELLED"
    assert desk.lead.mails == []


def test_what_cannot_be_cancelled_breaks_the_quiet(desk: Desk) -> None:
    one = asking()
    desk.put(one)
    desk.says("Ana", "approved", one)
    desk.put(answer(one, "sent", "telescope"), answer(one, "accepted", "telescope", reference="17"))
    gone = replace(one, revision=2, state="cancelled")
    desk.put(gone)
    before = len(desk.shift.mails)
    desk.put(answer(gone, "not_cancelled", "telescope", "the shutter is open"))
    assert len(desk.shift.mails) == before + 1
    assert desk.shift.mails[-1]["Subject"].startswith("CANCEL BY HAND at telescope: imager: AT2017gfo")
    assert "would not cancel it: the shutter is open" in desk.shift.text()


def test_a_drill_says_so_in_its_first_words_and_has_nothing_to_press(desk: Desk) -> None:
    for one in (asking(run_mode="drill"), asking(ident="test", reality="test"), asking(ident="old", run_mode="replay")):
        desk.put(one)
        desk.later(minutes=10)
    subjects = [str(mail["Subject"]) for mail in desk.shift.mails]
    assert len(subjects) == 2
    assert all(subject.startswith("DRILL, no telescope is asked: [") for subject in subjects)
    assert not any("approve" in desk.shift.text(number) for number in range(2))
    assert desk.lead.mails == []


def test_who_is_not_reached_is_tried_again_and_the_next_is_asked_at_once(desk: Desk) -> None:
    desk.shift.answer = "451 later"
    desk.put(asking())
    assert desk.told() == [("shift", ""), ("lead", "request/waits")]
    trying = next(one for one in decoded(desk.log, topics.TOO_STATUS.name) if one.adapter == "tell-shift")
    assert "shift was not reached: mailto failed" in trying.detail
    desk.shift.answer = "250 taken"
    desk.later(seconds=1)
    assert desk.shift.mails == []
    desk.later(seconds=5)
    assert len(desk.shift.mails) == 1
    assert desk.told()[1:] == [("lead", "request/waits"), ("shift", "request/waits")]


def test_what_a_stranger_wrote_is_one_line(desk: Desk) -> None:
    desk.put(asking(target_name="X\nBcc: all@example.org", reason="r\nPRESS  https://evil.example.org"))
    (mail,) = desk.shift.mails
    assert mail["Bcc"] is None
    assert "\nPRESS  https" not in desk.shift.text()
    assert [line for line in desk.shift.text().splitlines() if line.startswith("PRESS")] == [
        "PRESS  nuncius too approve aa11bb22/1   or   nuncius too decline aa11bb22"
    ]
