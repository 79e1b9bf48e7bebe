"""Hermes: messages with the fields it asks for, and what is published when things change."""

from collections.abc import Iterator

import pytest
from fakes.hermes import TOKEN, TOPIC, Service
from fakes.server import running
from pydantic import SecretStr
from too_cases import AT2017GFO, request
from too_tiles import tile

from nuncius.consumers.too.hermes import Hermes, HermesSettings, message
from nuncius.schemas import Retry

SETTINGS = HermesSettings.model_validate({"submitter": "Nuncius", "authors": "A. Person"})


@pytest.fixture
def there() -> Iterator[tuple[Service, Hermes]]:
    service = Service()
    with running(service) as url:
        adapter = Hermes(
            SETTINGS.model_copy(update={"url": url, "allowed_hosts": frozenset({"127.0.0.1"})}), SecretStr(TOKEN)
        )
        yield service, adapter
        adapter.close()


def test_a_request_is_a_message_that_people_and_programs_can_read() -> None:
    said = message(request(event_thread="lvk:S170817", filter="r"), SETTINGS, "request", 0)
    assert said["data"] == {
        "targets": [{"name": "AT2017gfo", "ra": str(AT2017GFO[0]), "dec": str(AT2017GFO[1])}],
        "nuncius": {"key": "r/1", "action": "request", "facility": "imager"},
        "event_id": "S170817",
    }
    assert (said["topic"], said["title"]) == (TOPIC, "Follow-up wanted: AT2017gfo (imager)")
    assert said["message_text"].splitlines() == [
        "Follow-up wanted: AT2017gfo at 197.45035 -23.38148 (ICRS degrees), by imager.",
        "Why: a test",
        "Window: 2017-08-17 23:41 UTC to 2017-08-18 01:41 UTC; worth nothing after 2017-08-20 12:41 UTC.",
        "Exposure: 61 s r",
    ]


def test_tiles_are_targets_with_names_of_their_own() -> None:
    said = message(request(tiles=(tile(1, 197.0), tile(2, 198.5))), SETTINGS, "request", 0)
    assert [one["name"] for one in said["data"]["targets"]] == ["AT2017gfo 1", "AT2017gfo 2"]


def test_a_later_message_names_the_one_before(there: tuple[Service, Hermes]) -> None:
    service, adapter = there
    adapter.submit(request(), "")
    adapter.submit(request(2), "")
    adapter.cancel(request(3, state="cancelled"), "")
    cited = [one["data"].get("references") for one in service.published]
    assert cited == [None, [{"source": "nuncius", "citation": "r/1"}], [{"source": "nuncius", "citation": "r/2"}]]
    assert "no longer wanted" in service.published[-1]["title"]


def test_a_refusal_that_comes_with_200_is_one(there: tuple[Service, Hermes]) -> None:
    service, adapter = there
    service.credential = False
    status = adapter.submit(request(), "")
    assert (status.state, "SCIMMA auth credential" in status.detail) == ("rejected", True)


def test_what_did_not_come_through_is_sent_again_unless_nobody_may_write_there(there: tuple[Service, Hermes]) -> None:
    service, adapter = there
    service.kafka = "KafkaError{code=_MSG_TIMED_OUT,val=-192}"
    with pytest.raises(Retry, match="MSG_TIMED_OUT"):
        adapter.submit(request(), "")
    service.kafka = "KafkaError{code=TOPIC_AUTHORIZATION_FAILED,val=29}"
    assert adapter.submit(request(), "").state == "rejected"
    service.kafka = ""
    assert adapter.submit(request(), "").state == "accepted"
    assert service.executed == ["r/1"]


def test_what_is_taken_back_is_marked_in_the_archive_too(there: tuple[Service, Hermes]) -> None:
    service, adapter = there
    standing = adapter.submit(request(), "").reference
    gone = adapter.cancel(request(2, state="cancelled"), standing)
    assert (gone.state, service.retracted) == ("cancelled", [standing])
    assert gone.detail.endswith(f"{standing} marked as retracted")
    other = adapter.submit(request(ident="s"), "")
    unknown = "00000000-0000-4000-8000-000000000099"
    gone = adapter.cancel(request(2, "s", state="cancelled"), unknown)
    assert (gone.state, service.retracted) == ("cancelled", [standing])
    assert f"{unknown} marked as retracted: no, 404" in gone.detail
    assert other.state == "accepted"


def test_an_archive_that_lags_behind_makes_no_double(there: tuple[Service, Hermes]) -> None:
    service, adapter = there
    first = adapter.submit(request(), "")
    published, service.published = service.published, []
    assert adapter.submit(request(), "") == first
    assert service.published == []
    service.published = published
    assert adapter.cancel(request(2, state="cancelled"), "").state == "cancelled"


def test_a_late_copy_is_not_published(there: tuple[Service, Hermes]) -> None:
    service, adapter = there
    adapter.submit(request(2), "")
    assert adapter.submit(request(), "").state == "rejected"
    assert service.executed == ["r/2"]
