"""People are told by real mail and real HTTP; only services on the list, and none within the house, are let through."""

from datetime import UTC, datetime, timedelta

import pytest
from icalendar import Calendar
from people_here import post, web
from pydantic import SecretStr
from too_cases import MERGER, request

from nuncius.consumers.notify.calendar import window_calendar
from nuncius.consumers.notify.message import Attachment, Message
from nuncius.consumers.notify.notifier import Notifier
from nuncius.schemas import Retry, SettingsError

HELLO = Message(
    title="YES OR NO? imager: AT2017gfo",
    text="imager: AT2017gfo\nPRESS  nuncius too approve r\n<b>&amp; all</b>",
    short="YES OR NO? short",
    urgent=True,
    attachments=(
        Attachment("sky.png", "image/png", b"\x89PNG\r\n\x1a\n"),
        Attachment("w.ics", "text/calendar", b"BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n"),
    ),
)


def told(addresses: str) -> Notifier:
    return Notifier("shift", SecretStr(addresses))


def refused(address: str) -> str:
    with pytest.raises(SettingsError) as caught:
        told(address)
    return str(caught.value)


def test_a_mail_comes_as_written_with_its_files() -> None:
    with post() as office:
        assert told(office.address).send(HELLO) == "told by mailto"
        assert office.mails[0]["Subject"] == HELLO.title
        assert office.mails[0]["To"] == "shift@example.org"
        assert office.text().replace("\r\n", "\n").strip() == HELLO.text
        assert office.files() == {one.name: (one.media_type, one.data) for one in HELLO.attachments}


def test_a_webhook_and_a_push_service_get_it_too() -> None:
    with web() as service:
        said = told(f"json://127.0.0.1:{service.port}/hook ntfy://127.0.0.1:{service.port}/topic").send(HELLO)
        assert said == "told by json, ntfy"
        (hook,) = service.said("/hook")
        assert (hook["title"], hook["message"], hook["type"]) == (HELLO.title, HELLO.text, "warning")
        assert [one["filename"] for one in hook["attachments"]] == ["sky.png", "w.ics"]
        pushed = service.said("/topic")
        assert (pushed[0]["title"], pushed[0]["message"]) == (HELLO.title, HELLO.text)
        assert {one["filename"]: one["body"] for one in pushed} == {f.name: f.data for f in HELLO.attachments}


def test_a_service_that_takes_no_files_gets_the_words() -> None:
    with web() as service:
        service.refuses_files = True
        assert told(f"ntfy://127.0.0.1:{service.port}/topic").send(HELLO) == "told by ntfy (without files)"
        (words,) = service.said("/")
        assert (words["topic"], words["title"], words["message"]) == ("topic", HELLO.title, HELLO.text)


def test_one_address_that_fails_is_told_of_without_its_secrets() -> None:
    with web() as service:
        service.status = 503
        with post() as office:
            said = told(f"{office.address} json://ana:hunter2secret@127.0.0.1:{service.port}/T0P5ECRET").send(HELLO)
        assert said.startswith("told by mailto; json failed: ")
        assert "503" in said
        assert "hunter2secret" not in said
        assert "T0P5ECRET" not in said


def test_whoever_is_not_reached_is_tried_again() -> None:
    with post() as office:
        office.answer = "451 later"
        with pytest.raises(Retry, match="shift was not reached: mailto failed"):
            told(office.address).send(HELLO)


def test_a_redirect_is_not_followed() -> None:
    with web() as inner, web() as outer:
        outer.status, outer.location = 307, f"http://127.0.0.1:{inner.port}/inside"
        with pytest.raises(Retry):
            told(f"json://127.0.0.1:{outer.port}/hook").send(HELLO)
        assert inner.seen == []


@pytest.mark.parametrize(
    "address",
    [
        "file:///tmp/x",
        "exec://rm",
        "dbus://",
        "glib://",
        "gnome://",
        "syslog://",
        "rsyslog://localhost",
        "windows://",
        "macosx://",
        "xml://127.0.0.1/x",
        "form://127.0.0.1/x",
        "http://127.0.0.1/x",
        "smb://127.0.0.1/x",
        "nothing",
    ],
)
def test_services_that_are_not_on_the_list_are_refused(address: str) -> None:
    assert "is not allowed; allowed: mailto, mailtos, slack" in refused(address)


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("json://hooks.example.org/x", "not encrypted"),
        ("ntfy://ntfy.example.org/topic", "not encrypted"),
        ("matrix://ana:hunter2@matrix.example.org/#room", "not encrypted"),
        ("mailto://ana:hunter2@mail.example.org?from=a@example.org", "not encrypted"),
        ("jsons://10.0.0.1/x", "no public one"),
        ("jsons://192.168.1.5/x", "no public one"),
        ("jsons://169.254.169.254/latest", "no public one"),
        ("jsons://metadata.google.internal/x", "no public one"),
        ("jsons://intranet/x", "no public one"),
        ("jsons://2130706433/x", "no public one"),
        ("jsons://[fd00::1]/x", "no public one"),
        ("mailtos://ana:hunter2@example.org?smtp=10.0.0.1", "no public one"),
        ("jsons://hooks.example.org/x?verify=no", "may not have the option 'verify'"),
        ("jsons://hooks.example.org/x?redirect=yes", "may not have the option 'redirect'"),
        ("ntfys://ntfy.example.org/x?attach=file:///etc/passwd", "may not have the option 'attach'"),
        ("mailtos://ana:hunter2@example.org?pgpprv=/etc/passwd", "may not have the option 'pgpprv'"),
        ("mailtos://ana:hunter2@example.org?mode=insecure", "mode=insecure"),
        ("slack://hunter2", "not whole"),
        ("", "no address"),
    ],
)
def test_what_leads_inside_or_is_open_to_all_is_refused(address: str, words: str) -> None:
    said = refused(address)
    assert words in said
    assert "hunter2" not in said


@pytest.mark.parametrize(
    "address",
    [
        "mailtos://ana:hunter2@mail.example.org?from=a@example.org&to=b@example.org&mode=ssl",
        "slack://xoxb-1234-1234-4ddbc191d40ee098cbaae6f3523ada2d/#alerts",
        "matrixs://ana:hunter2@matrix.org/#room",
        "ntfy://topic",
        "ntfys://ntfy.example.org/topic?priority=max",
        "tgram://123456789:abcdefg_hijklmnop/12315544/",
        f"twilio://AC{'0' * 32}:{'a' * 32}@15551234567/15557654321",
        "sns://AHIAJGNT76XIMXDBIJYA/bu1dHSdO22pfaaVy/wmNsdljF4C07D3bndi9PQJ9/us-east-2/15551234567",
        "jsons://hooks.example.org/path?+X-Token=abc",
    ],
)
def test_services_on_the_list_are_let_through(address: str) -> None:
    assert told(address).name == "shift"


def test_a_window_moves_and_goes_with_its_request() -> None:
    now = datetime(2017, 8, 17, 18, tzinfo=UTC)
    first = request(site="Las Campanas")
    data = window_calendar(first, title="imager: AT2017gfo", text="one; two, three\nfour", firm=False, now=now)
    (entry,) = Calendar.from_ical(data or b"").walk("VEVENT")
    assert (entry["uid"], entry["sequence"], entry["status"]) == ("r@nuncius", 1, "TENTATIVE")
    assert entry.decoded("dtstart") == (MERGER + timedelta(hours=11)).replace(microsecond=0)
    assert (entry["location"], entry["description"]) == ("Las Campanas", "one; two, three\nfour")
    gone = window_calendar(request(2, state="cancelled"), title="t", text="", firm=False, now=now)
    calendar = Calendar.from_ical(gone or b"")
    (entry,) = calendar.walk("VEVENT")
    assert (calendar["method"], entry["uid"], entry["sequence"], entry["status"]) == (
        "CANCEL",
        "r@nuncius",
        2,
        "CANCELLED",
    )
    assert window_calendar(request(window_start=None), title="", text="", firm=False, now=now) is None
