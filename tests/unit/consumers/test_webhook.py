"""The webhook against a real HTTP server: headers, signature, keys, lost answers, and what must never be shown."""

import hmac
import logging
from collections.abc import Iterator
from dataclasses import replace
from hashlib import sha256
from typing import Any

import orjson
import pytest
from guides import DOCS, blocks
from too_cases import AT2017GFO, request
from too_server import PATH, SECRET, Facility, facility

from nuncius.consumers.webhook import Webhook, signature
from nuncius.schemas import Retry, SettingsError, ToORequest
from nuncius.schemas.codec import decode_json

LOCAL = frozenset({"127.0.0.1"})


@pytest.fixture
def service() -> Iterator[tuple[Facility, Webhook]]:
    with facility() as (state, url):
        hook = Webhook(url, secret=SECRET, allowed_hosts=LOCAL, name="scope", timeout_s=0.4)
        yield state, hook
        hook.close()


def test_a_request_arrives_whole_signed_and_with_its_key(service: tuple[Facility, Webhook]) -> None:
    state, hook = service
    status = hook.submit(request(), "")
    ((path, headers, body),) = state.seen
    assert path == PATH
    assert headers["Content-Type"] == "application/json"
    assert headers["Idempotency-Key"] == "r/1"
    assert headers["Nuncius-Signature"] == "sha256=" + hmac.new(SECRET.encode(), b"r/1\n" + body, sha256).hexdigest()
    said = orjson.loads(body)
    assert said["action"] == "submit"
    assert (said["request"]["ra"], said["request"]["dec"]) == AT2017GFO
    assert decode_json(ToORequest, orjson.dumps(said["request"])) == request()
    assert (status.state, status.adapter, status.idempotency_key) == ("accepted", "scope", "r/1")
    assert "201: noted" in status.detail


def test_a_signature_depends_on_key_body_and_secret() -> None:
    others = (b"secret", "r/2", b"{}"), (b"secret", "r/1", b"[]"), (b"Secret", "r/1", b"{}")
    assert signature(b"secret", "r/1", b"{}") not in {signature(*other) for other in others}


def test_a_lost_answer_is_asked_again_under_the_same_key_and_executed_once(service: tuple[Facility, Webhook]) -> None:
    state, hook = service
    state.mute = True
    with pytest.raises(Retry, match=r"127\.0\.0\.1"):
        hook.submit(request(), "")
    assert state.executed == ["r/1"]
    state.mute = False
    assert hook.submit(request(), "").state == "accepted"
    assert [headers["Idempotency-Key"] for _, headers, _ in state.seen] == ["r/1", "r/1"]
    assert state.executed == ["r/1"]


def test_a_cancellation_takes_the_order_back(service: tuple[Facility, Webhook]) -> None:
    state, hook = service
    hook.submit(request(), "")
    assert state.orders == {"r": 1}
    assert hook.cancel(request(2, state="cancelled"), "").state == "cancelled"
    assert state.orders == {}
    assert orjson.loads(state.seen[-1][2])["action"] == "cancel"


@pytest.mark.parametrize("code", [400, 401, 403, 404, 410, 422])
def test_a_refusal_is_final_and_its_words_are_kept(service: tuple[Facility, Webhook], code: int) -> None:
    state, hook = service
    state.answer, state.words = code, "no time left"
    status = hook.submit(request(), "")
    assert status.state == "rejected"
    assert f"{code}: no time left" in status.detail


@pytest.mark.parametrize("code", [408, 409, 425, 429, 500, 502, 503])
def test_a_facility_in_trouble_is_asked_again_later(service: tuple[Facility, Webhook], code: int) -> None:
    state, hook = service
    state.answer = code
    with pytest.raises(Retry, match=str(code)):
        hook.submit(request(), "")


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(service: tuple[Facility, Webhook], code: int) -> None:
    state, hook = service
    state.answer, state.location = code, "/elsewhere"
    assert hook.submit(request(), "").state == "rejected"
    assert [path for path, _, _ in state.seen] == [PATH]


def test_a_long_answer_is_cut(service: tuple[Facility, Webhook]) -> None:
    state, hook = service
    state.words = "x\n" * 1_000_000
    assert len(hook.submit(request(), "").detail) < 300
    assert hook.submit(replace(request(), revision=2, idempotency_key="r/2"), "").state == "accepted"


def test_nobody_there_means_again_later() -> None:
    with facility() as (_, url):
        pass
    hook = Webhook(url, secret=SECRET, allowed_hosts=LOCAL)
    with pytest.raises(Retry, match=r"no answer from 127\.0\.0\.1"):
        hook.submit(request(), "")
    hook.close()


def test_secrets_show_up_nowhere(service: tuple[Facility, Webhook], caplog: pytest.LogCaptureFixture) -> None:
    state, hook = service
    state.words = "you asked {path}, token Qx7Zq8 of T0P5ECRET, secret " + SECRET
    shown = []
    with caplog.at_level(logging.DEBUG):
        for code in (200, 404, 302):
            state.answer = code
            shown.append(hook.submit(request(), "").detail)
        state.answer = 500
        with pytest.raises(Retry) as caught:
            hook.submit(request(), "")
        shown.append(str(caught.value))
        state.mute = True
        with pytest.raises(Retry) as caught:
            hook.submit(request(), "")
        shown.extend([str(caught.value), repr(caught.value), repr(caught.value.__cause__), repr(hook)])
    shown.extend(record.getMessage() for record in caplog.records)
    text = "\n".join(shown)
    assert "you asked" in text
    assert [word for word in ("T0P5ECRET", "Qx7Zq8", "/hooks", SECRET) if word in text] == []


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("http://telescope.example/hooks/T0P5ECRET", "https"),
        ("ftp://telescope.example/T0P5ECRET", "https"),
        ("https://other.example/T0P5ECRET", "other.example"),
        ("https://user:T0P5ECRET@telescope.example/", "user name"),
        ("https://telescope.example:T0P5ECRET/", "cannot be read"),
        ("", "not allowed"),
    ],
)
def test_an_unfit_url_is_refused_without_repeating_its_secret(url: str, says: str) -> None:
    with pytest.raises(SettingsError, match=says) as caught:
        Webhook(url, secret=SECRET, allowed_hosts=frozenset({"telescope.example", "127.0.0.1"}), name="scope")
    assert "T0P5ECRET" not in str(caught.value)
    assert "scope" in str(caught.value)


def test_loopback_too_must_be_allowed_and_https_is_fine() -> None:
    with pytest.raises(SettingsError, match=r"127\.0\.0\.1"):
        Webhook("http://127.0.0.1/x", secret=SECRET, allowed_hosts=frozenset())
    Webhook("https://telescope.example/x", secret=SECRET, allowed_hosts=frozenset({"telescope.example"})).close()


def test_a_short_secret_is_refused() -> None:
    with pytest.raises(SettingsError, match="shorter") as caught:
        Webhook("http://127.0.0.1/x", secret="hunter2", allowed_hosts=LOCAL)  # noqa: S106  a made-up one
    assert "hunter2" not in str(caught.value)


def test_the_guide_tells_a_receiver_how_to_know_us() -> None:
    (block,) = (one for one in blocks((DOCS / "telescopes.md").read_text("utf-8")) if "def is_ours" in one.text)
    known: dict[str, Any] = {}
    exec(block.text, known)  # noqa: S102  the page's own example
    headers = {"Idempotency-Key": "7c1e/2", "Nuncius-Signature": signature(b"secret", "7c1e/2", b"{}")}
    assert known["is_ours"](b"secret", headers, b"{}")
    assert not known["is_ours"](b"secret", headers, b"{ }")
    assert not known["is_ours"](b"another", headers, b"{}")
