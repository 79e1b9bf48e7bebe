"""Requests over real HTTP: pages to read, and a yes or no by a signed link that only its buttons give."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import httpx
import lxml.html
import pytest
from http_here import serving
from pydantic import SecretStr
from road import decoded, memory
from too_cases import request
from too_log import lay
from too_tiles import tile

from nuncius.broker.services.links import Links, signed_links
from nuncius.broker.transport import topics
from nuncius.broker.transport.clock import utc_now
from nuncius.broker.transport.port import Log
from nuncius.consumers.adapter import answer
from nuncius.schemas import SettingsError, ToORequest, ToOStatus

SECRET = "correct horse battery staple, and more"  # noqa: S105  a made-up one
HOSTILE = "</pre><script>alert(1)</script><img src=x onerror=alert(2)>\"'\n"


@dataclass
class Site:
    """A served log, and who signs links to it."""

    log: Log
    url: str
    links: Links

    def put(self, *requests: ToORequest) -> None:
        lay(self.log, *requests)

    def link(self, one: ToORequest, receiver: str = "shift") -> str:
        return self.links.url(one, receiver).replace("https://broker.example.org/sub", self.url)

    def said(self) -> list[ToOStatus]:
        return decoded(self.log, topics.TOO_STATUS.name)


@pytest.fixture(scope="module")
def served() -> Iterator[Site]:
    log = memory()
    links = Links("https://broker.example.org/sub/", SecretStr(SECRET))
    with serving(log, links=links) as port:
        yield Site(log, f"http://127.0.0.1:{port}", links)
    log.close()


def there(url: str) -> str:
    """A page that is there within a second: those to read are kept so long."""
    until = time.monotonic() + 10.0
    while (answer := httpx.get(url)).status_code != 200 and time.monotonic() < until:
        time.sleep(0.1)
    assert answer.status_code == 200
    return answer.text


_names = iter(f"request-{number}" for number in range(1000))


def asking(**changed: Any) -> ToORequest:
    known: dict[str, Any] = {"needs_approval": True, "expires": utc_now() + timedelta(hours=3), "exposure_s": 60.0}
    return request(changed.pop("revision", 1), changed.pop("ident", "") or next(_names), **(known | changed))


def test_an_earlier_link_to_what_was_observed_and_is_asked_for_again_is_answered(served: Site) -> None:
    one = asking()
    again = replace(one, revision=2, idempotency_key="2", window_start=None, window_stop=None)
    lay(served.log, one, answer(one, "observed", "scope"), again)
    for said in ("approved", "rejected"):
        assert httpx.post(served.link(one), content=f"answer={said}").status_code == 200
    assert [(status.state, status.revision) for status in served.said()[-2:]] == [("approved", 1), ("rejected", 1)]


def test_a_page_shows_the_plan_and_what_the_event_asks_for_together(served: Site) -> None:
    event: dict[str, Any] = {"event_thread": "lvk:S170817x", "ask": "tiles"}
    one = asking(ident="pic-a", facility="ZTF", tiles=(tile(1, 197.0), tile(2, 200.0)), **event)
    two = asking(ident="pic-b", facility="DECam", tiles=(tile(1, 199.0),), **event)
    ready = asking(ident="pic-c", facility="SNO", event_thread="", ask="ready", ra=None, dec=None, radius_deg=None)
    lay(served.log, one, two, ready)
    page = lxml.html.document_fromstring(httpx.get(f"{served.url}/too/pic-a").text)
    (shown,) = page.xpath("//img/@src")
    (more,) = page.xpath("//a[contains(., '2 requests of this event')]/@href")
    for where, says in ((shown, b"1: RA 197.000"), (more, b"B, DECam, 1 field")):
        answer = httpx.get(f"{served.url}/too/{where}", timeout=60.0)
        assert (answer.status_code, answer.headers["content-type"]) == (200, "image/png")
        assert says in answer.content
    assert httpx.get(f"{served.url}/too/{shown}").content == httpx.get(f"{served.url}/too/{shown}").content
    assert lxml.html.document_fromstring(httpx.get(served.link(one)).text).xpath("//img/@src") == ["plan.png"]
    assert lxml.html.document_fromstring(httpx.get(f"{served.url}/too/pic-c").text).xpath("//img") == []
    gone = httpx.get(f"{served.url}/too/pic-c/plan.png")
    assert gone.status_code == 404
    assert "has no plan" in gone.text
    assert httpx.get(f"{served.url}/too/nobody/together.png").status_code == 404


def test_a_link_opened_answers_nothing_and_its_button_does(served: Site) -> None:
    one = asking()
    served.put(one)
    before = len(served.said())
    for method in ("GET", "HEAD", "OPTIONS"):
        httpx.request(method, served.link(one))
    opened = httpx.get(served.link(one))
    page = lxml.html.document_fromstring(opened.text)
    assert opened.status_code == 200
    assert len(served.said()) == before
    assert [button.get("value") for button in page.xpath("//form[@method='post']/button")] == ["approved", "rejected"]
    assert "AT2017gfo" in page.text_content()
    answered = httpx.post(served.link(one), data={"answer": "approved"})
    assert answered.status_code == 200
    (word,) = served.said()[before:]
    assert (word.request_id, word.revision, word.state, word.adapter, word.who) == (
        one.request_id,
        1,
        "approved",
        "person",
        "shift (link)",
    )
    again = httpx.post(served.link(one), data={"answer": "approved"})
    assert (again.status_code, len(served.said())) == (200, before + 1)
    assert "shift (link) approved it already" in httpx.get(served.link(one)).text
    httpx.post(served.link(one, "lead"), data={"answer": "rejected"})
    assert (served.said()[-1].state, served.said()[-1].who) == ("rejected", "lead (link)")


@pytest.mark.parametrize("field", ["revision", "until", "to", "sign"])
def test_a_link_that_was_changed_is_none(served: Site, field: str) -> None:
    one = asking()
    served.put(one, replace(one, revision=2, window_stop=one.expires))
    url = httpx.URL(served.link(one))
    given = url.params[field]
    changed = {"revision": "2", "until": str(int(given) + 1) if field == "until" else "", "to": "lead"}.get(field, "0")
    for wrong in (url.copy_set_param(field, changed), url.copy_remove_param(field)):
        assert httpx.get(wrong).status_code == 403
        assert httpx.post(wrong, data={"answer": "approved"}).status_code == 403
    assert all(status.request_id != one.request_id for status in served.said())


def test_the_link_of_one_request_is_none_of_another(served: Site) -> None:
    one, other = asking(), asking()
    served.put(one, other)
    moved = served.link(one).replace(one.request_id, other.request_id)
    assert httpx.post(moved, data={"answer": "approved"}).status_code == 403


def test_a_link_is_good_until_its_request_expires(served: Site) -> None:
    late = asking(expires=utc_now() - timedelta(seconds=1))
    served.put(late)
    answer = httpx.post(served.link(late), data={"answer": "approved"})
    assert answer.status_code == 410
    assert "Too late" in answer.text


def test_a_yes_never_goes_to_something_else_than_was_read(served: Site) -> None:
    one = asking()
    served.put(one, replace(one, revision=2, exposure_s=999.0))
    answer = httpx.post(served.link(one), data={"answer": "approved"})
    assert answer.status_code == 409
    assert "now asks for something else" in answer.text
    assert all(status.request_id != one.request_id for status in served.said())


def test_a_window_that_moved_does_not_break_the_link(served: Site) -> None:
    one = asking()
    served.put(one, replace(one, revision=2, window_stop=one.expires))
    assert httpx.post(served.link(one), data={"answer": "approved"}).status_code == 200
    assert served.said()[-1].request_id == one.request_id


@pytest.mark.parametrize("changed", [{"state": "cancelled"}, {"reality": "test"}, {"run_mode": "drill"}])
def test_what_no_telescope_is_asked_for_has_nothing_to_answer(served: Site, changed: dict[str, Any]) -> None:
    one = asking(**changed)
    served.put(one)
    answer = httpx.post(served.link(one), data={"answer": "approved"})
    assert answer.status_code == 410
    assert "Nothing to answer" in answer.text
    assert all(status.request_id != one.request_id for status in served.said())


@pytest.mark.parametrize("body", [b"", b"answer=maybe", b"answer=approved&" * 9, b"x" * 5000, b"\xff\xfe"])
def test_a_body_that_is_no_answer_is_refused(served: Site, body: bytes) -> None:
    one = asking()
    served.put(one)
    assert httpx.post(served.link(one), content=body).status_code in {400, 413}
    assert all(status.request_id != one.request_id for status in served.said())


def test_what_a_stranger_wrote_is_text_on_every_page(served: Site) -> None:
    one = asking(target_name=HOSTILE, reason=HOSTILE, site=HOSTILE)
    served.put(one)
    for url in (served.link(one), f"{served.url}/too/{one.request_id}", f"{served.url}/too"):
        answer = httpx.get(url)
        page = lxml.html.document_fromstring(answer.text)
        assert page.xpath("//script|//img[@onerror or @src='x']") == []
        assert "<script>alert(1)</script>" in page.text_content()
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "form-action 'self'" in policy
        assert answer.headers["referrer-policy"] == "no-referrer"


def test_pages_to_read_have_no_buttons(served: Site) -> None:
    one = asking()
    served.put(one)
    page = lxml.html.document_fromstring(there(f"{served.url}/too/{one.request_id}"))
    assert page.xpath("//form") == []
    assert f"nuncius too approve {one.request_id[:8]}" in page.text_content()
    assert httpx.get(f"{served.url}/too/none").status_code == 404


def test_without_a_secret_nothing_is_answered_by_a_link() -> None:
    log = memory()
    one = asking()
    with serving(log) as port:
        url = Links(f"http://127.0.0.1:{port}", SecretStr(SECRET)).url(one, "shift")
        assert httpx.post(url, data={"answer": "approved"}).status_code == 404
    log.close()


def test_a_link_of_another_secret_is_none(served: Site) -> None:
    one = asking()
    served.put(one)
    other = Links(served.url, SecretStr(SECRET[::-1])).url(one, "shift")
    assert httpx.post(other, data={"answer": "approved"}).status_code == 403


@pytest.mark.parametrize(
    ("address", "environ", "words"),
    [
        ("http://broker.example.org", {"NUNCIUS_LINK_SECRET": SECRET}, "no https:// address"),
        ("broker.example.org", {"NUNCIUS_LINK_SECRET": SECRET}, "no https:// address"),
        ("https://ana:pw@broker.example.org", {"NUNCIUS_LINK_SECRET": SECRET}, "no https:// address"),
        ("https://broker.example.org", {}, "set NUNCIUS_LINK_SECRET"),
        ("https://broker.example.org", {"NUNCIUS_LINK_SECRET": "short"}, "fewer than 32 characters"),
    ],
)
def test_what_is_wrong_with_the_address_or_the_secret_is_said(
    address: str, environ: dict[str, str], words: str
) -> None:
    with pytest.raises(SettingsError, match=words):
        signed_links(address, environ)


def stuck(served: Site, **changed: Any) -> ToORequest:
    """A request that its telescope would not drop."""
    one = asking(**changed)
    gone = replace(one, revision=2, state="cancelled")
    said = answer(one, "accepted", "telescope"), answer(gone, "not_cancelled", "telescope")
    lay(served.log, one, gone, *said)
    return gone


def acknowledging(served: Site, one: ToORequest, receiver: str = "shift") -> str:
    return served.links.acknowledging(one, receiver).replace("https://broker.example.org/sub", served.url)


def test_by_a_link_a_person_sees_to_what_could_not_be_cancelled(served: Site) -> None:
    gone = stuck(served)
    url = acknowledging(served, gone)
    before = len(served.said())
    page = lxml.html.document_fromstring(httpx.get(url).text)
    assert [button.get("value") for button in page.xpath("//form[@method='post']/button")] == ["acknowledged"]
    assert "telescope would not cancel it" in page.text_content()
    assert len(served.said()) == before
    for _ in range(2):
        assert httpx.post(url, data={"answer": "acknowledged"}).status_code == 200
    (word,) = served.said()[before:]
    assert (word.adapter, word.state, word.revision, word.who) == ("seen-telescope", "recorded", 2, "shift (link)")


def test_a_link_for_one_thing_is_none_for_the_other(served: Site) -> None:
    gone = stuck(served)
    answering = served.link(gone).replace("/answer?", "/acknowledge?")
    seeing = acknowledging(served, gone).replace("/acknowledge?", "/answer?")
    before = len(served.said())
    assert httpx.post(answering, data={"answer": "acknowledged"}).status_code == 403
    assert httpx.post(seeing, data={"answer": "rejected"}).status_code == 403
    assert httpx.post(acknowledging(served, gone), data={"answer": "approved"}).status_code == 400
    assert len(served.said()) == before


def test_such_a_link_is_good_for_a_day_longer_and_only_while_it_is_stuck(served: Site) -> None:
    late = stuck(served, expires=utc_now() - timedelta(hours=23))
    assert httpx.get(acknowledging(served, late)).status_code == 200
    too_late = stuck(served, expires=utc_now() - timedelta(hours=25))
    assert httpx.get(acknowledging(served, too_late)).status_code == 410
    never = asking()
    served.put(never)
    page = httpx.post(acknowledging(served, never), data={"answer": "acknowledged"})
    assert (page.status_code, "Nothing to see to" in page.text) == (410, True)
