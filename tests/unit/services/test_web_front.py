"""The front page: what it says, and that what a stranger wrote is text on it and nothing else."""

from dataclasses import fields, is_dataclass, replace
from datetime import datetime
from typing import Any
from unittest.mock import patch

import lxml.html
import pytest
from matching_alerts import gw
from road import history, put, work_through
from web_here import app_on, ask

from nuncius.broker.services.web import front
from nuncius.broker.services.web.front_page import Front, front_page
from nuncius.broker.services.web.front_tables import Asked
from nuncius.broker.services.web.front_words import apart, counted, often, surprise
from nuncius.broker.services.web.opened import Skipped
from nuncius.broker.transport.port import Log
from nuncius.schemas import Coincidence, Member, Retry, Significance, SkyMapRef, ToORequest, ToOStatus

HOSTILE = "</td></pre><script>alert(1)</script><img src=x onerror=alert(2)>\"' onload=x &lt; javascript:3 \x00\n"
YEAR_S = 365.25 * 86400.0


def page(log: Log) -> Any:
    answer = ask(app_on(log), "GET", "/")
    assert answer.status_code == 200
    return lxml.html.document_fromstring(answer.text)


def test_what_was_found_is_said_with_its_chance_and_its_formats(log: Log) -> None:
    put(log, history())
    work_through(log)
    shown, latest = page(log), ask(app_on(log), "GET", "/coincidences/latest").json()["coincidences"]
    cards = shown.xpath("//article")
    assert len(cards) == len(latest) > 0
    for card, one in zip(cards, latest, strict=True):
        assert one["anchor"]["event_id"] in card.text_content()
        assert one["partner"]["event_id"] in card.text_content()
        assert f"coincidences/{one['coincidence_id']}?format=voevent" in card.xpath(".//a/@href")
        assert ("Taken back" in card.text_content()) == (one["state"] == "retracted")
    for link in cards[0].xpath(".//a/@href"):
        assert ask(app_on(log), "GET", f"/{link}").status_code == 200
    assert {one.thread_id for one in history()} <= set(shown.xpath("//td/a/text()"))
    text = shown.text_content()
    assert "All services of this broker work." in text
    assert "curl -N http://127.0.0.1:8088/coincidences/stream" in text


def test_an_empty_log_is_a_page_too(log: Log) -> None:
    assert page(log).text_content().count("None so far.") == 3


def test_what_it_loads_comes_from_this_broker(log: Log) -> None:
    shown = page(log)
    loaded = [*shown.xpath("//script/@src"), *shown.xpath("//link/@href")]
    assert loaded == ["page.js", "page.css"]
    for path in loaded:
        assert ask(app_on(log), "GET", f"/{path}").status_code == 200
    policy = ask(app_on(log), "GET", "/").headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy


def test_a_log_that_is_away_is_a_page_that_says_so(log: Log) -> None:
    def gone(*_: Any) -> Any:
        raise Retry(f"the log is away {HOSTILE}")

    with patch.object(log, "starts", gone):
        answer = ask(app_on(log), "GET", "/")
    assert answer.status_code == 503
    assert answer.headers["retry-after"]
    assert "the log is away" in lxml.html.document_fromstring(answer.text).text_content()
    assert_harmless(answer.text)


def test_who_waits_while_the_log_is_away_hears_what_the_first_one_heard(log: Log) -> None:
    asked: list[int] = []

    def gone(*_: Any) -> Any:
        asked.append(1)
        raise Retry("the log is away")

    app = app_on(log)
    with patch.object(log, "starts", gone), patch.object(front, "KEPT_S", 1e9):
        assert [ask(app, "GET", "/").status_code for _ in range(5)] == [503] * 5
    assert asked == [1]


def hostile(value: Any) -> Any:
    """The same value with every text in it one that is written to break out."""
    if isinstance(value, str):
        return HOSTILE
    if isinstance(value, tuple):
        return tuple(map(hostile, value))
    if is_dataclass(value) and not isinstance(value, type):
        return replace(value, **{field.name: hostile(getattr(value, field.name)) for field in fields(value)})
    return value


def assert_harmless(text: str) -> None:
    shown = lxml.html.document_fromstring(text)
    assert shown.xpath("//script/@src") == ["page.js"]
    assert not shown.xpath("//script[not(@src)]")
    assert all(image.get("src").startswith("skymaps/") for image in shown.xpath("//img"))
    assert not shown.xpath("//@*[starts-with(name(), 'on')]")
    for link in shown.xpath("//a/@href"):
        assert link.startswith(("coincidences/", "alerts/", "threads/", "skymaps/", "records/")) or "/" not in link
        assert ":" not in link


def member(name: str, time: datetime | None = None) -> Member:
    return Member(event_id=name, threads=(name,), alert_ids=("a",), facility="f", event_class="c", time=time)


@pytest.mark.parametrize("validity", ["valid", HOSTILE])
def test_no_field_of_any_record_becomes_markup(validity: str) -> None:
    number = Significance(null="unrelated_real", method="m", expected_by_chance=1e-3, partner_rate_hz=1e-6, trials=2)
    found = Coincidence(
        coincidence_id="i",
        state="active",
        rule="r",
        rule_source="s",
        anchor=member("a"),
        partner=replace(member("b"), disputed_by=("x",)),
        reality="real",
        run_mode="live",
        dt_s=1.0,
        significance=number,
        combined_map=SkyMapRef("0" * 64, 1, None, None),
    )
    request = ToORequest(
        request_id="i",
        state="proposed",
        policy="p",
        facility="f",
        cause_id="c",
        cause_kind="k",
        target_name="t",
        ra=1.0,
        dec=2.0,
        radius_deg=0.0,
        exposure_s=1.0,
        reality="real",
        run_mode="live",
        reason="r",
        idempotency_key="i",
    )
    status = ToOStatus(
        request_id="i", revision=1, state="sent", facility="f", adapter="a", detail="d", idempotency_key="i", time=None
    )
    alert = hostile(gw(far_hz=1e-9, run_mode="live"))
    coincidence = hostile(found)
    coincidence = replace(coincidence, significance=replace(coincidence.significance, validity=validity))
    text = front_page(
        Front(
            base=f"http://{HOSTILE}/",
            health={"ok": False, "error": HOSTILE},
            coincidences=[coincidence, coincidence],
            alerts=[alert],
            requests=[Asked(hostile(request), None), Asked(hostile(request), hostile(status))],
            picture=HOSTILE,
            skipped=[Skipped(topic=HOSTILE, partition=0, offset=0, reason=HOSTILE)],
            now=HOSTILE,
        )
    )
    assert_harmless(text)
    assert text.count("&lt;script&gt;") > 20
    assert "\x00" not in text


def test_chances_in_words() -> None:
    real = Significance(null="unrelated_real", method="m")
    assert surprise(replace(real, expected_by_chance=5.9e-5)) == "1 in 17 000 by chance, if both are real"
    assert surprise(replace(real, expected_by_chance=2.0)).startswith("Not surprising: 2 unrelated")
    assert surprise(real) == "No number"
    assert surprise(replace(real, expected_by_chance=1e-9, validity="no exposure")).endswith("rely on: no exposure")
    noise = Significance(null="noise_pair", method="targeted", joint_far_hz=1 / (1234 * YEAR_S))
    assert surprise(noise) == "If this is noise: such a pair once in 1 200 years"


@pytest.mark.parametrize(
    ("rate_hz", "words"),
    [
        (0.0, "never"),
        (1 / YEAR_S, "once in 1 years"),
        (1 / 86400.0, "once in 1 days"),
        (2.0, "2 times a second"),
        (1e-30, "once in 3.2e+22 years"),
    ],
)
def test_rates_in_words(rate_hz: float, words: str) -> None:
    assert often(rate_hz) == words


def test_numbers_and_spans_in_words() -> None:
    assert [counted(n) for n in (1.0, 9.94, 16949.0, 999_999.0)] == ["1", "9.9", "17 000", "1 000 000"]
    assert [apart(s) for s in (0.0, 1.74, -7200.0)] == ["at the same time", "1.74 seconds after", "2 hours before"]
