"""The OCS adapter, unmodified, against the real portal: observation-portal 4.18.9 with a PostgreSQL and a ConfigDB."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from commands import PATIENCE_S
from fakes.server import Call, Fake, Reply, running
from ocs_here import PROPOSAL, Portal, portal_here
from ocs_instruments import GOODMAN, SINISTRO
from pydantic import SecretStr
from too_cases import request
from too_doors import FREELY
from too_tiles import tile

from nuncius.broker.transport.clock import utc_now
from nuncius.consumers.too.door import Untouched
from nuncius.consumers.too.ocs import Ocs
from nuncius.consumers.too.ocs_body import OcsSettings
from nuncius.schemas import Retry, ToORequest, ToOStatus

pytestmark = [pytest.mark.soak, pytest.mark.timeout(1800)]

IDENT = "a3c5e7f9b1d2a3c5e7f9b1d2a3c5e7f9b1d2a3c5"
"""As long as a request's name is."""
CANCELS = 40
DAY = timedelta(days=1)


@pytest.fixture(scope="module")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Portal]:
    with portal_here(tmp_path_factory.mktemp("ocs"), REQUESTGROUPS_CANCEL_DEFAULT_THROTTLE=f"{CANCELS}/day") as here:
        yield here


Made = Callable[..., Ocs]


@pytest.fixture
def made(portal: Portal) -> Iterator[Made]:
    """Adapters of a member; settings and token as a test wants them."""
    open_ones: list[Ocs] = []

    def make(token: str = portal.token, **changed: Any) -> Ocs:
        known = {
            "url": portal.url,
            "allowed_hosts": ["127.0.0.1"],
            "timeout_s": PATIENCE_S,
            "proposal": PROPOSAL,
            "instrument_type": SINISTRO,
            "telescope_class": "1m0",
        }
        open_ones.append(Ocs(OcsSettings.model_validate(known | changed), SecretStr(token), FREELY))
        return open_ones[-1]

    yield make
    for one in open_ones:
        one.close()


def night(now: datetime) -> float:
    """Right ascension that is highest at midnight: opposite the Sun, to a few degrees."""
    equinox = datetime(now.year, 3, 20, tzinfo=UTC)
    return ((now - equinox) / DAY * 360.0 / 365.2422 + 180.0) % 360.0


def wanted(ident: str, revision: int = 1, **changed: Any) -> ToORequest:
    """What the three sites of the south can see within a day, far from the Moon's path."""
    now = utc_now().replace(microsecond=0)
    known = {
        "ra": night(now),
        "dec": -60.0,
        "filter": "rp",
        "window_start": now,
        "window_stop": now + DAY,
        "expires": now + DAY,
        "issued_time": now,
        "max_airmass": 2.0,
    }
    return request(revision, f"{ident}{IDENT}"[:40], **(known | changed))


def plan(ident: str, fields: int, **changed: Any) -> ToORequest:
    one = wanted(ident, **changed)
    assert one.ra is not None
    assert one.window_start is not None
    assert one.window_stop is not None
    span: dict[str, Any] = {"start": one.window_start, "stop": one.window_stop, "dec": -60.0, "filter": "rp"}
    tiles = tuple(replace(tile(number, (one.ra + number / 10) % 360), **span) for number in range(1, fields + 1))
    return replace(one, ask="tiles", tiles=tiles)


def get(portal: Portal, path: str) -> Any:
    who = {"Authorization": f"Token {portal.token}"}
    return httpx.get(f"{portal.url}{path}", headers=who, timeout=PATIENCE_S).raise_for_status().json()


def named(portal: Portal, one: ToORequest) -> list[Any]:
    found: list[Any] = get(portal, f"/api/requestgroups/?limit=100&name={one.request_id}/")["results"]
    return found


def schedule(portal: Portal, part: Any, start: datetime) -> int:
    """Give a request a time, as the scheduler does; the id of what its configuration is doing."""
    configuration = part["configurations"][0]["id"]
    body = {
        "site": "lsc",
        "enclosure": "doma",
        "telescope": "1m0a",
        "start": start.isoformat(),
        "end": (start + timedelta(minutes=10)).isoformat(),
        "request": part["id"],
        "priority": 10,
        "configuration_statuses": [
            {"configuration": configuration, "instrument_name": "lsc01", "guide_camera_name": "lsc02"}
        ],
    }
    who = {"Authorization": f"Token {portal.scheduler}"}
    made = httpx.post(f"{portal.url}/api/observations/", json=body, headers=who, timeout=PATIENCE_S).raise_for_status()
    ident: int = made.json()["configuration_statuses"][0]["id"]
    return ident


def tell(portal: Portal, status: int, state: str) -> None:
    """What a telescope says of one configuration."""
    now = utc_now().isoformat()
    summary = {"start": now, "end": now, "state": state, "time_completed": 120.0, "events": []}
    body = {"state": state} | ({"summary": summary} if state == "COMPLETED" else {})
    who = {"Authorization": f"Token {portal.scheduler}"}
    where = f"{portal.url}/api/configurationstatus/{status}/"
    httpx.patch(where, json=body, headers=who, timeout=PATIENCE_S).raise_for_status()


def seen(adapter: Ocs, one: ToORequest) -> ToOStatus:
    status = adapter.look(one, "")
    assert status is not None
    return status


def test_a_pointing_is_asked_once_revised_and_taken_back(portal: Portal, made: Made) -> None:
    adapter, one = made(), wanted("p")
    asked = adapter.submit(one, "")
    assert (asked.state, asked.detail) == ("accepted", f"request group {asked.reference}: PENDING")
    assert adapter.submit(one, asked.reference) == asked
    assert seen(adapter, one).state == "accepted"
    (group,) = named(portal, one)
    assert (group["name"], group["operator"], group["submitter"]) == (one.idempotency_key, "SINGLE", "member")
    (configuration,) = group["requests"][0]["configurations"]
    assert (configuration["target"]["ra"], configuration["target"]["dec"]) == (one.ra, one.dec)
    assert configuration["instrument_configs"][0]["optical_elements"] == {"filter": "rp"}
    again = wanted("p", 2)
    revised = adapter.submit(again, asked.reference)
    assert [(g["name"], g["state"]) for g in named(portal, one)] == [
        (again.idempotency_key, "PENDING"),
        (one.idempotency_key, "CANCELED"),
    ]
    assert adapter.submit(one, "").state == "rejected"
    assert adapter.cancel(wanted("p", 3), revised.reference).state == "cancelled"
    assert {g["state"] for g in named(portal, one)} == {"CANCELED"}
    assert adapter.cancel(wanted("p", 3), revised.reference).state == "cancelled"
    assert seen(adapter, again).state == "cancelled"


def test_a_plan_of_thirty_fields_is_scheduled_and_observed(portal: Portal, made: Made) -> None:
    adapter, one = made(), plan("t", 30)
    assert adapter.submit(one, "").state == "accepted"
    (group,) = named(portal, one)
    assert group["operator"] == "MANY"
    assert len(group["requests"]) == 30
    start = utc_now().replace(microsecond=0) + timedelta(hours=5)
    statuses = [schedule(portal, part, start - timedelta(hours=n)) for n, part in enumerate(group["requests"][:3])]
    first = (start - timedelta(hours=2)).strftime("%Y-%m-%dT%H:%M:%SZ")
    told = seen(adapter, one)
    assert told.state == "scheduled"
    assert told.detail == f"the first of 3 in the schedule: {first} at lsc, 0 of 30 observed"
    tell(portal, statuses[2], "ATTEMPTED")
    assert seen(adapter, one).detail == told.detail
    tell(portal, statuses[2], "COMPLETED")
    assert "the first of 2 in the schedule" in seen(adapter, one).detail
    assert "1 of 30 observed" in seen(adapter, one).detail
    tell(portal, statuses[1], "FAILED")
    assert "the first of 1 in the schedule" in seen(adapter, one).detail
    assert adapter.cancel(replace(one, revision=2), "").state == "cancelled"


def test_a_field_that_is_never_up_is_left_out_and_the_others_tell_what_was_taken(portal: Portal, made: Made) -> None:
    whole = plan("n", 4)
    one = replace(whole, tiles=(whole.tiles[0], replace(whole.tiles[1], dec=80.0), *whole.tiles[2:]))
    adapter = made()
    asked = adapter.submit(one, "")
    assert asked.state == "accepted"
    assert "1 of 4 fields left out" in asked.detail
    assert "will not be visible within the time window" in asked.detail
    (group,) = named(portal, one)
    assert [part["extra_params"] for part in group["requests"]] == [{"tile": 1}, {"tile": 3}, {"tile": 4}]
    taken = group["requests"][1]
    tell(portal, schedule(portal, taken, utc_now() + timedelta(hours=1)), "COMPLETED")
    portal.run(EXPIRE, one.idempotency_key)
    told = seen(adapter, one)
    assert (told.state, told.detail, told.taken) == ("observed", "COMPLETED, 1 of 3 observed", (3,))


def test_what_was_observed_or_ran_out_is_told_and_cannot_be_taken_back(portal: Portal, made: Made) -> None:
    adapter, one = made(), wanted("o")
    adapter.submit(one, "")
    (group,) = named(portal, one)
    tell(portal, schedule(portal, group["requests"][0], utc_now() + timedelta(hours=3)), "COMPLETED")
    assert (seen(adapter, one).state, seen(adapter, one).detail) == ("observed", "COMPLETED, 1 of 1 observed")
    gone = adapter.cancel(wanted("o", 2), "")
    assert (gone.state, "COMPLETED" in gone.detail) == ("cancelled", True)
    late = wanted("e")
    adapter.submit(late, "")
    portal.run(EXPIRE, late.idempotency_key)
    assert seen(adapter, late).state == "expired"
    raced = named(portal, late)[0]["id"]
    assert adapter.cancel(wanted("e", 2), str(raced)).state == "cancelled"


EXPIRE = """
import sys
from datetime import timedelta
from django.utils import timezone
from observation_portal.common.state_changes import update_request_states_for_window_expiration
from observation_portal.requestgroups.models import Window

past = timezone.now() - timedelta(hours=1)
Window.objects.filter(request__request_group__name=sys.argv[1]).update(start=past - timedelta(hours=1), end=past)
assert update_request_states_for_window_expiration()
"""


def test_a_rapid_response_is_taken_however_late_the_request_ends(portal: Portal, made: Made) -> None:
    one = wanted("r", preempt=True, window_stop=utc_now() + 3 * DAY)
    assert made().submit(one, "").state == "accepted"
    assert named(portal, one)[0]["observation_type"] == "RAPID_RESPONSE"


def test_a_spectrum_with_slit_grating_and_rotator(portal: Portal, made: Made) -> None:
    soar = {
        "instrument_type": GOODMAN,
        "telescope_class": "4m0",
        "site": "sor",
        "configuration_type": "SPECTRUM",
        "optical_elements": {"slit": "slit_1.0as", "grating": "SYZY_400"},
        "acquisition_mode": "MANUAL",
    }
    one = wanted("s", filter="")
    without = made(**soar).submit(one, "")
    assert without.state == "rejected"
    assert "Rotator mode SKY requirements are not met" in without.detail
    asked = made(**soar, rotator_mode="SKY", instrument_extra={"rotator_angle": 90.0}).submit(one, "")
    assert asked.state == "accepted"
    (config,) = named(portal, one)[0]["requests"][0]["configurations"][0]["instrument_configs"]
    assert (config["rotator_mode"], config["extra_params"]) == ("SKY", {"rotator_angle": 90})


WRONG: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "no such proposal": ({"proposal": "NOPE"}, {}, "proposal: Invalid pk"),
    "proposal of others": ({"proposal": "OTHER"}, {}, "You do not belong to the proposal"),
    "inactive proposal": ({"proposal": "PAUSED"}, {}, "inactive"),
    "no time": ({"proposal": "POOR"}, {}, "do not have sufficient NORMAL time"),
    "no critical time": ({"observation_type": "TIME_CRITICAL"}, {}, "does not have any TIME_CRITICAL time left"),
    "after the semester": ({}, {"window_stop": utc_now() + 91 * DAY}, "does not fit within any defined semester"),
    "past": ({}, {"window_start": utc_now() - 2 * DAY, "window_stop": utc_now() - DAY}, "must be in the future"),
    "negative exposure": ({}, {"exposure_s": -1.0}, "exposure_time: Ensure this value is greater than or equal"),
    "long exposure": ({}, {"exposure_s": 4000.0}, "exposure_time: max value is 3600.0"),
    "longer than the night": ({"exposure_count": 30}, {"exposure_s": 3500.0}, "only be visible for a maximum"),
    "never up": ({}, {"dec": 80.0}, "will not be visible within the time window"),
    "no filter": ({}, {"filter": ""}, "Must set optical element of type filter"),
    "unknown filter": ({}, {"filter": "zz"}, "optical element zz of type filter is not available"),
    "unknown site": ({"site": "ogg"}, {}, '"ogg" is not a valid choice'),
    "unknown class": ({"telescope_class": "2m0"}, {}, '"2m0" is not a valid choice'),
    "unknown instrument": ({"instrument_type": "NOPE"}, {}, "Invalid instrument type NOPE"),
    "too much priority": ({"ipp_value": 2.0, "exposure_count": 8}, {"exposure_s": 3000.0}, "IPP Value"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_the_portal_refuses_is_rejected_in_its_words(portal: Portal, made: Made, case: str) -> None:
    settings, changed, words = WRONG[case]
    one = wanted(f"w{list(WRONG).index(case)}", **changed)
    status = made(**settings).submit(one, "")
    assert status.state == "rejected"
    assert words in status.detail
    assert "{" not in status.detail
    assert named(portal, one) == []


def test_a_wrong_token_waits_for_a_right_one(made: Made) -> None:
    with pytest.raises(Retry, match="403: detail: Invalid token"):
        made("wr0ng-t0ken-zz99").submit(wanted("k"), "")


class Relay(Fake):
    """Between adapter and portal: it cuts the line where a test says so."""

    def __init__(self, portal: Portal) -> None:
        super().__init__()
        self.portal = portal

    def asks(self, call: Call) -> bool:
        return call.method == "POST" and not call.path.endswith("/validate/")

    def handle(self, call: Call) -> Reply:
        kept = {name: call.headers[name] for name in ("authorization", "content-type") if name in call.headers}
        answer = httpx.request(
            call.method,
            f"{self.portal.url}{call.path}",
            params=list(call.pairs),
            content=call.body,
            headers=kept,
            timeout=PATIENCE_S,
        )
        return Reply(answer.status_code, answer.json())


def test_a_lost_answer_leads_to_one_request_not_two(portal: Portal, made: Made) -> None:
    relay, one = Relay(portal), plan("l", 3)
    with running(relay) as url:
        adapter = made(url=url)
        relay.trouble = "lost after"
        with pytest.raises(Retry, match="no answer"):
            adapter.submit(one, "")
        relay.trouble = ""
        asked = adapter.submit(one, "")
        assert [group["id"] for group in named(portal, one)] == [int(asked.reference)]
        relay.trouble = "lost after"
        with pytest.raises(Retry, match="no answer"):
            adapter.cancel(replace(one, revision=2), "")
        relay.trouble = ""
        assert adapter.cancel(replace(one, revision=2), "").state == "cancelled"
        relay.trouble = "lost"
        with pytest.raises(Retry, match="no answer"):
            adapter.submit(wanted("m"), "")
        assert named(portal, wanted("m")) == []
    assert {group["state"] for group in named(portal, one)} == {"CANCELED"}


def cancel_often(adapter: Ocs, times: int) -> None:
    for _ in range(times):
        adapter.cancel(wanted("y", 2), "123456789")


def test_more_calls_than_the_portal_allows_are_left_for_later(portal: Portal, made: Made) -> None:
    """Last, for the portal counts the member's cancellations of the day."""
    adapter, one = made(), wanted("z")
    adapter.submit(one, "")
    with pytest.raises(Untouched, match="answered 429: detail: Request was throttled"):
        cancel_often(adapter, CANCELS + 1)
    with pytest.raises(Untouched, match="wants to be left alone for another"):
        adapter.cancel(wanted("z", 2), "")
    assert [group["state"] for group in named(portal, one)] == ["PENDING"]
