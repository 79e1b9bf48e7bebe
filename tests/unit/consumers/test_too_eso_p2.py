"""The ESO adapter against a stand-in for p2: folder, copy, target, verification, one trigger."""

from collections.abc import Iterator

import pytest
from fakes.eso_p2 import P2, PASSWORD, RUN, SESSION, TEMPLATE, USER
from fakes.server import running
from pydantic import SecretStr
from too_cases import request
from too_tiles import tile

from nuncius.consumers.too.door import Allowance
from nuncius.consumers.too.eso_p2 import EsoP2
from nuncius.consumers.too.eso_p2_block import EsoP2Settings, degrees, hours
from nuncius.schemas import Retry
from nuncius.schemas.too import ToORequest


def settings(url: str) -> EsoP2Settings:
    known: dict[str, object] = {
        "url": url,
        "allowed_hosts": ["127.0.0.1"],
        "username": USER,
        "container_id": RUN,
        "block_id": TEMPLATE,
        "phone": "+49 123 4567",
        "notify": ["night@example.org"],
        "timeout_s": 10.0,
    }
    return EsoP2Settings.model_validate(known)


def adapter_for(url: str, password: str = PASSWORD) -> EsoP2:
    return EsoP2(settings(url), SecretStr(password), Allowance(1000, 1.0))


@pytest.fixture
def there() -> Iterator[tuple[P2, EsoP2]]:
    api = P2()
    with running(api) as url:
        adapter = adapter_for(url)
        yield api, adapter
        adapter.close()


def approved(revision: int = 1, ident: str = "r") -> ToORequest:
    return request(revision, ident, needs_approval=True)


def test_a_copy_of_the_prepared_block_is_pointed_submitted_and_triggered(there: tuple[P2, EsoP2]) -> None:
    api, adapter = there
    status = adapter.submit(approved(), "")
    assert (status.state, status.reference) == ("accepted", str(RUN + 1))
    assert "2017-08-ESO-001001" in status.detail
    ((name, (block,)),) = api.folders.values()
    assert name == "r/1"
    assert api.blocks[block]["target"] == {
        "name": "AT2017gfo",
        "ra": "13:09:48.085",
        "dec": "-23:22:53.342",
        "equinox": "J2000",
    }
    assert api.blocks[TEMPLATE]["target"]["name"] == "to be set"
    assert api.triggers[RUN + 1].model_dump(by_alias=True) == {
        "phone": "+49 123 4567",
        "notify": ["night@example.org"],
        "executeWithin": "SevenNights",
        "calibrations": [],
        "comments": "a test Best 2017-08-17 23:41 to 2017-08-18 01:41 UTC. (request r/1)",
    }


@pytest.mark.parametrize(
    ("ra", "dec", "text"),
    [
        (0.0, 0.0, ("00:00:00.000", "00:00:00.000")),
        (359.9999999, -0.5, ("00:00:00.000", "-00:30:00.000")),
        (83.633083, 22.0145, ("05:34:31.940", "22:00:52.200")),
    ],
)
def test_places_are_in_sixties(ra: float, dec: float, text: tuple[str, str]) -> None:
    assert (hours(ra), degrees(dec)) == text


def test_without_a_persons_yes_nothing_is_asked(there: tuple[P2, EsoP2]) -> None:
    api, adapter = there
    status = adapter.submit(request(), "")
    assert (status.state, "person" in status.detail) == ("rejected", True)
    assert adapter.submit(request(needs_approval=True, tiles=(tile(1, 10.0),)), "").state == "rejected"
    assert api.seen == []


def test_a_block_that_cannot_be_observed_is_not_triggered(there: tuple[P2, EsoP2]) -> None:
    api, adapter = there
    api.refusing = True
    status = adapter.submit(approved(), "")
    assert (status.state, status.detail) == ("rejected", "airmass constraint never met")
    assert api.triggers == {}
    assert adapter.cancel(approved(2), "").state == "cancelled"


def test_a_trigger_that_was_turned_away_goes_out_again(there: tuple[P2, EsoP2]) -> None:
    api, adapter = there
    api.trouble = "busy"
    with pytest.raises(Retry, match="429"):
        adapter.submit(approved(), "")
    api.trouble = ""
    adapter._door._pace.closed_until = 0.0
    assert adapter.submit(approved(), "").state == "accepted"
    assert api.executed == ["r/1"]


def test_after_a_restart_a_trigger_without_an_answer_is_for_a_person(there: tuple[P2, EsoP2]) -> None:
    api, adapter = there
    api.trouble = "lost after"
    with pytest.raises(Retry):
        adapter.submit(approved(), "")
    api.trouble = ""
    restarted = adapter_for(api.url)
    for one in (adapter, restarted):
        status = one.submit(approved(), "")
        assert (status.state, "is not known" in status.detail) == ("rejected", True)
    restarted.close()
    assert api.executed == ["r/1"]


def test_what_was_triggered_is_for_a_person(there: tuple[P2, EsoP2]) -> None:
    _, adapter = there
    standing = adapter.submit(approved(), "").reference
    later = adapter.submit(approved(2), standing)
    assert (later.state, "revision 1 was triggered" in later.detail) == ("rejected", True)
    gone = adapter.cancel(approved(3), "")
    assert (gone.state, gone.reference) == ("not_cancelled", standing)
    assert "block 2001 in folder 1001 has status D" in gone.detail


@pytest.mark.parametrize(
    ("letter", "state"), [("D", "accepted"), ("+", "accepted"), ("C", "observed"), ("F", "rejected")]
)
def test_the_blocks_letter_is_read(there: tuple[P2, EsoP2], letter: str, state: str) -> None:
    api, adapter = there
    standing = adapter.submit(approved(), "").reference
    api.blocks[TEMPLATE + 1]["obStatus"] = letter
    seen = adapter.look(approved(), standing)
    assert seen is not None
    assert seen.state == state


def test_a_token_that_ran_out_is_fetched_again_and_shown_nowhere(there: tuple[P2, EsoP2]) -> None:
    api, adapter = there
    adapter.submit(approved(), "")
    api.sessions.clear()
    assert adapter.submit(approved(ident="s"), "").state == "accepted"
    wrong = adapter_for(api.url, "wr0ng-passw0rd")
    with pytest.raises(Retry, match="401: error: no …") as caught:
        wrong.submit(approved(), "")
    wrong.close()
    assert SESSION not in repr(caught.value)
