"""Requests as VOEvents on a topic of the facility's, and its answers on another."""

import logging
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import voeventparse
from commands import waiting
from fakes.observatory import Observatory, at_work, said
from pydantic import ValidationError
from road import memory
from too_cases import MERGER, request
from too_log import lay_bytes
from transport_logs import everything

from nuncius.broker.services.no_answers import NoAnswers
from nuncius.broker.services.too_doctor import examine_requests
from nuncius.broker.transport import topics
from nuncius.broker.transport.clock import utc_now
from nuncius.broker.transport.local import open_local
from nuncius.broker.transport.port import Log
from nuncius.broker.transport.topics import Topic
from nuncius.consumers.delivery import Outbox
from nuncius.consumers.too.no_answer import Keeps, aloud
from nuncius.consumers.too.voevent_topic import VoEventTopic
from nuncius.consumers.too.voevent_topic_settings import VoEventTopicSettings
from nuncius.schemas import Quarantined, Retry, ToOStatus
from nuncius.schemas.codec import decode

ASKED, ANSWERED = "too.requests.imager", "too.status.imager"


def settings(**more: Any) -> VoEventTopicSettings:
    return VoEventTopicSettings.model_validate({"servers": "kafka.example:9092", "wait_s": 5.0} | more)


@pytest.fixture
def log() -> Iterator[Log]:
    found = open_local(None, utc_now)
    found.create([Topic(name=ASKED), Topic(name=ANSWERED)])
    yield found
    found.close()


@pytest.fixture
def broker() -> Iterator[Log]:
    found = memory()
    yield found
    found.close()


@contextmanager
def adapter_on(log: Log, keep: Keeps = aloud, **more: Any) -> Iterator[VoEventTopic]:
    """An adapter as a process that starts now has it; the log stays open."""
    found = VoEventTopic(settings(**more), lambda: log, keep)
    yield found
    if found._writer is not None:
        found._writer.close()


def silent(_key: str, _action: str) -> list[bytes]:
    return []


def test_a_request_is_a_voevent_and_its_answer_a_status(log: Log) -> None:
    telescope = Observatory()
    with at_work(telescope, log, ASKED, ANSWERED), adapter_on(log) as adapter:
        status = adapter.submit(request(), "")
        assert (status.state, status.reference, status.adapter) == ("accepted", "OB-r/1", "voevent-kafka")
        adapter.submit(request(2), status.reference)
        lay_bytes(log, ANSWERED, said("r/2", "scheduled", "OB-9", "after the Moon has set"))
        seen = adapter.look(request(2), status.reference)
        assert seen is not None
        assert (seen.state, seen.reference, seen.detail) == ("scheduled", "OB-9", "after the Moon has set")
        assert adapter.cancel(request(3, state="cancelled"), "").state == "cancelled"
    cites = [
        [(one.get("cite"), one.text) for one in packet.find("Citations").iterchildren()]
        for packet in telescope.packets[1:]
    ]
    assert cites == [[("supersedes", "ivo://nuncius/too#r/1")], [("retraction", "ivo://nuncius/too#r/2")]]
    assert len({packet.get("ivorn") for packet in telescope.packets}) == 3
    first = everything(log, ASKED)[0]
    assert (first.key, dict(first.headers)["idempotency_key"]) == (b"r", b"r/1")


def test_what_nobody_answers_is_asked_once_and_waited_for(log: Log) -> None:
    telescope = Observatory(silent)
    with at_work(telescope, log, ASKED, ANSWERED):
        for _ in range(2):
            with adapter_on(log, wait_s=0.05) as adapter, pytest.raises(Retry, match="no answer on too"):
                adapter.submit(request(), "")
        lay_bytes(log, ANSWERED, said("r/1", "accepted", "OB-1"))
        with adapter_on(log, wait_s=0.05) as adapter:
            assert adapter.submit(request(), "").reference == "OB-1"
            for _ in range(2):
                with pytest.raises(Retry, match="the retraction lies on too"):
                    adapter.cancel(request(2, state="cancelled"), "OB-1")
            lay_bytes(log, ANSWERED, said("r/2", "not_cancelled", note="the shutter is open"))
            status = adapter.cancel(request(2, state="cancelled"), "OB-1")
            assert (status.state, status.detail) == ("not_cancelled", "the shutter is open")
    assert len(everything(log, ASKED)) == 2


@pytest.mark.parametrize(
    ("answer", "becomes", "detail"),
    [
        (said("r/1", "rejected", note="too low"), "rejected", "too low"),
        (said("r/1", "scheduled", note="22:00"), "accepted", "scheduled: 22:00"),
        (said("r/1", "observed"), "accepted", "observed"),
        (said("r/1", "cancelled", note="rain"), "rejected", "cancelled: rain"),
    ],
)
def test_the_first_answer_may_be_any(log: Log, answer: bytes, becomes: str, detail: str) -> None:
    with at_work(Observatory(lambda *_: [answer]), log, ASKED, ANSWERED), adapter_on(log) as adapter:
        status = adapter.submit(request(), "")
    assert (status.state, status.detail) == (becomes, detail)


@pytest.mark.parametrize(
    ("before", "becomes"), [("rejected", "cancelled"), ("observed", "not_cancelled"), ("cancelled", "cancelled")]
)
def test_what_is_over_needs_no_answer_to_its_retraction(log: Log, before: str, becomes: str) -> None:
    answers = {"request": [said("r/1", "accepted")], "cancel": []}
    with at_work(Observatory(lambda _, action: answers[action]), log, ASKED, ANSWERED), adapter_on(log) as adapter:
        adapter.submit(request(), "")
        lay_bytes(log, ANSWERED, said("r/1", before))
        assert adapter.cancel(request(2, state="cancelled"), "").state == becomes


def test_a_persons_no_retracts_the_very_revision(log: Log) -> None:
    telescope = Observatory()
    with at_work(telescope, log, ASKED, ANSWERED), adapter_on(log) as adapter:
        adapter.submit(request(), "")
        assert adapter.cancel(request(), "").state == "cancelled"
    assert telescope.orders == {}


HOSTILE = (
    b"",
    b"\xff\xfe\x00",
    b"[" * 100_000,
    b'{"idempotency_key": "r/1"}',
    b'{"idempotency_key": "r/1", "state": "done"}',
    b'{"idempotency_key": "r/1", "state": ["accepted"]}',
    b'{"idempotency_key": 1, "state": "accepted"}',
    b'{"idempotency_key": "r/1", "state": "accepted", "reference": "' + b"x" * 300 + b'"}',
    b'{"idempotency_key": "r/1", "state": "accepted", "note": "\\ud800"}',
    b'{"idempotency_key": "another/1", "state": "accepted"}',
    b'{"state": "accepted"}',
    b"null",
    b"x" * 70_000,
)


def test_hostile_answers_are_said_and_passed_over(log: Log, caplog: pytest.LogCaptureFixture) -> None:
    with (
        caplog.at_level(logging.WARNING, "nuncius"),
        at_work(Observatory(silent), log, ASKED, ANSWERED),
        adapter_on(log, wait_s=0.05) as adapter,
    ):
        with pytest.raises(Retry):
            adapter.submit(request(), "")
        lay_bytes(log, ANSWERED, *HOSTILE)
        with pytest.raises(Retry, match="no answer"):
            adapter.submit(request(), "")
        lay_bytes(log, ANSWERED, said("r/1", "accepted"))
        assert adapter.submit(request(), "").state == "accepted"
    (line,) = [record.getMessage() for record in caplog.records]
    assert line.startswith(f"voevent-kafka: {len(HOSTILE)} records are no answers; the first, too.status.imager@")


def test_hostile_answers_lie_in_quarantine_once_each_with_reason_and_place(log: Log, broker: Log) -> None:
    """Read by a process, again by the next, which finds one more."""
    with adapter_on(log, wait_s=0.0) as first, pytest.raises(Retry):
        first.submit(request(), "")
    lay_bytes(log, ANSWERED, *HOSTILE, said("r/1", "accepted"))
    for more in ((), (b"{",)):
        lay_bytes(log, ANSWERED, *more)
        with adapter_on(log, NoAnswers(broker), wait_s=0.0) as adapter:
            for _ in range(2):
                assert adapter.submit(request(), "").state == "accepted"
    found = [decode(Quarantined, one.value or b"") for one in everything(broker, topics.QUARANTINE.name)]
    assert len({one.source for one in found}) == len(found) == len(HOSTILE) + 1
    assert all(one.source.startswith(f"{ANSWERED}@{log.identity(ANSWERED)}/0/") for one in found)
    assert {one.reason for one in found} == {"malformed", "limit_exceeded"}
    assert all(one.detail.startswith("no answer to a request: ") for one in found)
    assert {len(one.head) for one in found if one.reason == "limit_exceeded"} == {4096}
    (said_of_it,) = [one for one in examine_requests(broker, ("voevent-kafka",), utc_now()) if one.verdict == "note"]
    assert said_of_it.what == "adapter voevent-kafka"
    assert said_of_it.detail.startswith(f"{len(found)} records that its facilities wrote are no answers")


def test_what_cannot_be_kept_now_is_read_again(tmp_path: Path) -> None:
    """The broker's disk is full for the first call."""
    kept: list[Quarantined] = []
    full = [Retry("the disk is full")]

    def keep(_adapter: str, found: Sequence[Quarantined]) -> None:
        while full:
            raise full.pop()
        kept.extend(found)

    adapter = VoEventTopic(settings(wait_s=0.0), lambda: open_local(tmp_path, utc_now), keep)
    with pytest.raises(Retry, match="no answer"):
        adapter.submit(request(), "")
    with closing(open_local(tmp_path, utc_now)) as theirs:
        lay_bytes(theirs, ANSWERED, b"{", said("r/1", "accepted"))
    with pytest.raises(Retry, match="the disk is full"):
        adapter.submit(request(), "")
    assert adapter.submit(request(), "").state == "accepted"
    adapter.close()
    assert len(kept) == 1


def test_an_end_is_not_undone_by_a_late_copy(log: Log) -> None:
    words = [said("r/1", "accepted"), said("r/1", "observed"), said("r/1", "accepted"), said("r/1", "scheduled")]
    with at_work(Observatory(lambda *_: words), log, ASKED, ANSWERED), adapter_on(log) as adapter:
        adapter.submit(request(), "")
        seen = adapter.look(request(), "")
        assert seen is not None
        assert seen.state == "observed"


def test_delivery_asks_once_and_takes_back_until_the_facility_confirms(log: Log) -> None:
    """A facility that is away for an hour, and comes back when its request is gone."""
    now = MERGER + timedelta(hours=12)
    told: list[ToOStatus] = []
    with adapter_on(log, wait_s=0.0) as adapter:
        outbox = Outbox(adapter)
        outbox.take([request()])
        for minute in range(0, 60, 6):
            told += outbox.deliver(now=now + timedelta(minutes=minute))
        outbox.take([request(2, state="cancelled")])
        told += outbox.deliver(now=now + timedelta(hours=1))
        telescope = Observatory()
        with at_work(telescope, log, ASKED, ANSWERED):
            for _ in waiting("the retraction to be read"):
                if len(telescope.packets) == 2:
                    break
        told += outbox.deliver(now=now + timedelta(hours=2))
    assert {status.state for status in told[:-1]} == {"sent"}
    assert (told[-1].state, told[-1].revision) == ("cancelled", 2)
    assert (telescope.executed, telescope.orders) == (["r/1"], {})


def test_topics_that_are_not_there_are_made_and_each_facility_has_its_own(log: Log) -> None:
    with adapter_on(log, wait_s=0.0) as adapter:
        for facility in ("imager", "H.E.S.S.", "Las Campanas"):
            with pytest.raises(Retry, match="no answer"):
                adapter.submit(request(facility=facility), "")
    assert [len(everything(log, f"too.requests.{name}")) for name in ("H.E.S.S.", "Las_Campanas")] == [1, 1]


def test_a_packet_says_what_voevent_readers_look_for(log: Log) -> None:
    telescope = Observatory()
    with at_work(telescope, log, ASKED, ANSWERED), adapter_on(log) as adapter:
        adapter.submit(request(filter="r"), "")
    place = voeventparse.get_event_position(telescope.packets[0])
    assert (place.ra, place.dec) == (request().ra, request().dec)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"requests_topic": "a b"}, "a topic has letters"),
        ({"requests_topic": "same", "status_topic": "same"}, "answers need a topic of their own"),
        ({"security_protocol": "SASL_SSL"}, "sasl_mechanism belongs to"),
        ({"sasl_mechanism": "PLAIN"}, "sasl_mechanism belongs to"),
        ({"servers": ""}, "at least 1 character"),
    ],
)
def test_wrong_settings_are_told(wrong: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        settings(**wrong)
