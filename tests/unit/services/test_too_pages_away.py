"""A person's answer while the log is away: told in words, by a link and in a shell, and whether it may stand."""

from collections.abc import Iterator
from datetime import timedelta

import httpx
import lxml.html
import pytest
from http_here import serving
from pydantic import SecretStr
from road import Failing, decoded, memory
from too_cases import request
from too_log import lay

from nuncius.broker.services.links import Links
from nuncius.broker.services.too_book import book, named, word, write_word
from nuncius.broker.transport import topics
from nuncius.broker.transport.clock import utc_now
from nuncius.schemas import CommitUnknown

ASKED = request(needs_approval=True, expires=utc_now() + timedelta(hours=3))
LINKS = Links("https://broker.example.org", SecretStr("correct horse battery staple, and more"))


@pytest.fixture
def away() -> Iterator[Failing]:
    """A log that a person's words do not come onto."""
    log = memory()
    lay(log, ASKED)
    yield Failing(log, lambda slot: "retry" if "person" in slot else "")
    log.close()


@pytest.mark.parametrize(
    ("fate", "said", "written"), [("retry", "Nothing was answered", 0), ("unknown", "not known", 1)]
)
def test_who_presses_a_button_is_told_in_words(away: Failing, fate: str, said: str, written: int) -> None:
    away.plan = lambda slot: fate if "person" in slot else ""
    with serving(away, links=LINKS) as port:
        link = LINKS.url(ASKED, "shift").replace("https://broker.example.org", f"http://127.0.0.1:{port}")
        answered = httpx.post(link, data={"answer": "approved"})
    assert answered.status_code == 503
    assert said in lxml.html.fromstring(answered.text).text_content()
    assert len(decoded(away.log, topics.TOO_STATUS.name)) == written


def test_who_types_is_told_where_to_look(away: Failing) -> None:
    away.plan = lambda _: "unknown"
    entry = named(book(away), "r")
    with pytest.raises(CommitUnknown, match="nuncius too show r, and say it again if not"):
        write_word(away, word(entry, "approved", who="ann", why="", now=utc_now()), "person")
