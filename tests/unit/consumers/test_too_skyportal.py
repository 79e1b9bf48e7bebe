"""SkyPortal: our requests as its follow-up requests, and its follow-up requests as ours."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from fakes.server import running
from fakes.skyportal import ALLOCATION, GROUPS, TEAM, TOKEN, Portal
from pydantic import SecretStr
from too_cases import AT2017GFO, MERGER, request
from too_tiles import tile

from nuncius.consumers.too.skyportal import SkyPortal
from nuncius.consumers.too.skyportal_body import SkyPortalSettings, follow_up, source_id
from nuncius.consumers.too.skyportal_in import read_follow_up, request_of, taken
from nuncius.schemas import MalformedAlert

WANTED = request(filter="sdssr")


def settings(url: str = "https://fritz.science", **changed: object) -> SkyPortalSettings:
    known: dict[str, object] = {
        "url": url,
        "allowed_hosts": ["fritz.science", "127.0.0.1"],
        "allocation_id": ALLOCATION,
        "timeout_s": 10.0,
    }
    return SkyPortalSettings.model_validate(known | changed)


@pytest.fixture
def there() -> Iterator[tuple[Portal, SkyPortal]]:
    portal = Portal()
    with running(portal) as url:
        adapter = SkyPortal(settings(url), SecretStr(TOKEN))
        yield portal, adapter
        adapter.close()


def test_a_source_is_shown_to_the_groups_that_are_named_else_everybody_there_sees_it() -> None:
    for groups, public, seen in (([TEAM], False, [TEAM]), ([], True, sorted(GROUPS))):
        portal = Portal()
        with running(portal) as url:
            adapter = SkyPortal(settings(url, group_ids=groups), SecretStr(TOKEN))
            assert adapter.public is public
            assert adapter.submit(WANTED, "").state == "accepted"
            adapter.close()
        assert portal.sources["AT2017gfo"]["group_ids"] == seen


BODY: dict[str, Any] = {
    "obj_id": "AT2017gfo",
    "allocation_id": ALLOCATION,
    "payload": {
        "observation_choices": ["sdssr"],
        "exposure_time": 61.0,
        "exposure_counts": 1,
        "maximum_airmass": 2.0,
        "minimum_lunar_distance": 30.0,
        "priority": 1,
        "start_date": "2017-08-17",
        "end_date": "2017-08-18",
        "nuncius_key": "r/1",
    },
}


def test_a_request_is_a_follow_up_request_with_the_generic_form() -> None:
    assert follow_up(WANTED, settings()) == BODY


def test_bounds_of_the_form_are_kept() -> None:
    form = follow_up(request(filter="r", max_airmass=4.0, preempt=True), settings(filters={"r": "sdssr"}))["payload"]
    assert (form["maximum_airmass"], form["priority"], form["observation_choices"]) == (3.0, 5, ["sdssr"])


def test_a_source_is_named_by_its_place_while_that_is_not_settled() -> None:
    assert source_id(request(target_name="AT 2017gfo (host)")) == "AT-2017gfo-host"
    assert source_id(request(target_name="S190814bv", radius_deg=0.5)) == "S190814bv_197.4504-23.3815"


def test_the_source_is_made_once_and_used_again(there: tuple[Portal, SkyPortal]) -> None:
    portal, adapter = there
    adapter.submit(WANTED, "")
    adapter.submit(request(ident="s", filter="sdssi"), "")
    place = {"id": "AT2017gfo", "ra": AT2017GFO[0], "dec": AT2017GFO[1], "group_ids": sorted(GROUPS)}
    assert portal.sources == {"AT2017gfo": place}
    assert [call.path for call in portal.seen if call.method == "POST"].count("/api/sources") == 1


def test_a_source_elsewhere_of_that_name_is_not_observed(there: tuple[Portal, SkyPortal]) -> None:
    portal, adapter = there
    portal.sources["AT2017gfo"] = {"id": "AT2017gfo", "ra": 197.5, "dec": -23.4}
    status = adapter.submit(WANTED, "")
    assert status.state == "rejected"
    assert "from where we want to look" in status.detail
    assert portal.asked == []


def test_what_the_instrument_rejects_is_told_in_its_words(there: tuple[Portal, SkyPortal]) -> None:
    portal, adapter = there
    status = adapter.submit(request(filter="H-alpha"), "")
    assert (status.state, "Filter configuration H-alpha unknown." in status.detail) == ("rejected", True)
    assert adapter.submit(request(filter="H-alpha"), "").state == "rejected"
    assert len(portal.requests) == 1


def test_tiles_are_no_follow_up_request(there: tuple[Portal, SkyPortal]) -> None:
    _, adapter = there
    assert "tiles" in adapter.submit(request(tiles=(tile(1, 197.0),)), "").detail
    assert "window" in adapter.submit(request(window_start=None), "").detail


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("submitted", "accepted"),
        ("Complete", "observed"),
        ("rejected: clouds", "rejected"),
        ("failed to submit: no route", "rejected"),
        ("failed to retrieve: the server is down", "accepted"),
        ("failed to delete: API token is expired.", "accepted"),
        ("not observed", "expired"),
        ("deleted", "cancelled"),
    ],
)
def test_its_status_is_read(there: tuple[Portal, SkyPortal], status: str, state: str) -> None:
    portal, adapter = there
    standing = adapter.submit(WANTED, "").reference
    portal.requests[int(standing)]["status"] = status
    seen = adapter.look(WANTED, standing)
    assert seen is not None
    assert (seen.state, seen.detail) == (state, status)


def test_what_skyportal_posts_is_a_request_that_waits_for_a_person() -> None:
    asked = read_follow_up(orjson.dumps(BODY))
    now = datetime(2017, 8, 17, 20, tzinfo=UTC)
    (made,) = request_of(asked, ra=AT2017GFO[0], dec=AT2017GFO[1], facility="imager", revision=1, now=now)
    assert (made.target_name, made.ra, made.dec, made.filter) == ("AT2017gfo", *AT2017GFO, "sdssr")
    assert (made.exposure_s, made.max_airmass, made.moon_separation_min_deg) == (61.0, 2.0, 30.0)
    assert (made.window_start, made.window_stop) == (
        datetime(2017, 8, 17, tzinfo=UTC),
        datetime(2017, 8, 19, tzinfo=UTC),
    )
    assert (made.needs_approval, made.state, made.facility) == (True, "proposed", "imager")
    (later,) = request_of(asked, ra=AT2017GFO[0], dec=AT2017GFO[1], facility="imager", revision=2, now=MERGER)
    assert (later.request_id, later.idempotency_key) == (made.request_id, f"{made.request_id}/2")
    assert taken(made.request_id)["data"]["id"] == made.request_id


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"observation_choices": []}, "payload.observation_choices"),
        ({"exposure_time": -1}, "payload.exposure_time"),
        ({"exposure_counts": 0}, "payload.exposure_counts"),
        ({"maximum_airmass": 0.9}, "payload.maximum_airmass"),
        ({"minimum_lunar_distance": 181}, "payload.minimum_lunar_distance"),
        ({"priority": 6}, "payload.priority"),
        ({"start_date": "soon"}, "payload.start_date"),
        ({"end_date": "2017-08-16"}, "payload.end_date"),
    ],
)
def test_what_is_not_in_the_form_is_named(changed: dict[str, Any], field: str) -> None:
    body = BODY | {"payload": BODY["payload"] | changed}
    with pytest.raises(MalformedAlert) as caught:
        read_follow_up(orjson.dumps(body))
    assert caught.value.field == field


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b"\xff", b"[" * 100_000])
def test_rubbish_is_malformed(body: bytes) -> None:
    with pytest.raises(MalformedAlert):
        read_follow_up(body)
