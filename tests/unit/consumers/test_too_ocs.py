"""The OCS adapter against a portal with the rules of observation-portal: bodies, look-ups, states."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from fakes.ocs import PROPOSAL, TOKEN, Portal
from fakes.server import running
from pydantic import SecretStr
from too_cases import AT2017GFO, MAP_OUT, MERGER, request
from too_tiles import tile

from nuncius.consumers.too.ocs import Ocs
from nuncius.consumers.too.ocs_body import OcsSettings, request_group
from nuncius.schemas import Retry

WANTED = request(filter="rp")


def settings(url: str = "https://observe.lco.global", **changed: object) -> OcsSettings:
    known: dict[str, object] = {
        "url": url,
        "allowed_hosts": ["observe.lco.global", "127.0.0.1"],
        "proposal": PROPOSAL,
        "instrument_type": "1M0-SCICAM-SINISTRO",
        "telescope_class": "1m0",
        "timeout_s": 10.0,
    }
    return OcsSettings.model_validate(known | changed)


@pytest.fixture
def there() -> Iterator[tuple[Portal, Ocs]]:
    portal = Portal()
    with running(portal) as url:
        adapter = Ocs(settings(url), SecretStr(TOKEN))
        yield portal, adapter
        adapter.close()


def test_a_pointing_is_one_request_in_the_portals_units() -> None:
    asked = replace(WANTED, max_airmass=2.5, moon_separation_min_deg=20.0)
    assert request_group(asked, settings()) == {
        "name": "r/1",
        "proposal": PROPOSAL,
        "ipp_value": 1.05,
        "operator": "SINGLE",
        "observation_type": "NORMAL",
        "requests": [
            {
                "observation_note": "a test",
                "configurations": [
                    {
                        "type": "EXPOSE",
                        "instrument_type": "1M0-SCICAM-SINISTRO",
                        "target": {"name": "AT2017gfo", "type": "ICRS", "ra": AT2017GFO[0], "dec": AT2017GFO[1]},
                        "instrument_configs": [
                            {
                                "exposure_count": 1,
                                "exposure_time": 61.0,
                                "mode": "",
                                "optical_elements": {"filter": "rp"},
                            }
                        ],
                        "acquisition_config": {"mode": "OFF"},
                        "guiding_config": {"mode": "ON"},
                        "constraints": {"max_airmass": 2.5, "min_lunar_distance": 20.0},
                    }
                ],
                "windows": [{"start": "2017-08-17T23:41:04Z", "end": "2017-08-18T01:41:04Z"}],
                "location": {"telescope_class": "1m0"},
            }
        ],
    }


def test_tiles_are_requests_of_one_group_that_share_the_plans_window() -> None:
    group = request_group(replace(WANTED, ask="tiles", tiles=(tile(1, 197.0), tile(2, 198.5))), settings())
    assert group["operator"] == "MANY"
    targets = [part["configurations"][0]["target"] for part in group["requests"]]
    assert [(one["name"], one["ra"], one["dec"]) for one in targets] == [
        ("AT2017gfo 1", 197.0, -23.5),
        ("AT2017gfo 2", 198.5, -23.5),
    ]
    assert {part["windows"][0]["end"] for part in group["requests"]} == {"2017-08-18T01:41:04Z"}
    assert group["requests"][0]["configurations"][0]["instrument_configs"][0]["exposure_time"] == 120.0


def test_what_may_interrupt_is_a_rapid_response_without_a_start() -> None:
    group = request_group(replace(WANTED, preempt=True), settings())
    assert group["observation_type"] == "RAPID_RESPONSE"
    assert group["requests"][0]["windows"] == [{"end": "2017-08-18T01:41:04Z"}]


def test_names_of_filters_are_the_portals() -> None:
    group = request_group(replace(WANTED, filter="r"), settings(filters={"r": "rp"}))
    assert group["requests"][0]["configurations"][0]["instrument_configs"][0]["optical_elements"] == {"filter": "rp"}


def test_a_spectrum_at_soar_states_slit_grating_and_rotator(there: tuple[Portal, Ocs]) -> None:
    portal, _ = there
    soar = settings(
        portal.url,
        instrument_type="SOAR_GHTS_REDCAM",
        telescope_class="4m0",
        site="sor",
        configuration_type="SPECTRUM",
        optical_elements={"slit": "1.0as", "grating": "SYZY_400"},
        rotator_mode="SKY",
        instrument_extra={"rotator_angle": 90.0},
        configuration_extra={"dither_value": 10.0},
        acquisition_mode="MANUAL",
    )
    adapter = Ocs(soar, SecretStr(TOKEN))
    assert adapter.submit(request(), "").state == "accepted"
    adapter.close()
    (configuration,) = portal.groups[1]["requests"][0]["configurations"]
    assert configuration["instrument_configs"] == [
        {
            "exposure_count": 1,
            "exposure_time": 61.0,
            "mode": "",
            "optical_elements": {"slit": "1.0as", "grating": "SYZY_400"},
            "rotator_mode": "SKY",
            "extra_params": {"rotator_angle": 90.0},
        }
    ]
    assert configuration["extra_params"] == {"dither_value": 10.0}
    assert portal.groups[1]["requests"][0]["location"] == {"telescope_class": "4m0", "site": "sor"}


@pytest.mark.parametrize(
    ("mode", "extra", "states"),
    [
        ("SKY", {}, {"rotator_mode": "SKY", "extra_params": {"rotator_angle": 40.0}}),
        ("SKY", {"rotator_angle": 90.0}, {"rotator_mode": "SKY", "extra_params": {"rotator_angle": 90.0}}),
        ("VFLOAT", {}, {"rotator_mode": "VFLOAT"}),
        ("", {}, {}),
    ],
)
def test_a_rotator_that_follows_the_sky_gets_the_angle_that_is_asked_for(
    mode: str, extra: dict[str, Any], states: dict[str, Any]
) -> None:
    turned = tuple(replace(tile(number, 197.0 + number), position_angle_deg=40.0) for number in (1, 2))
    for one in (request(ask="tiles", tiles=turned), request(position_angle_deg=40.0)):
        group = request_group(one, settings(rotator_mode=mode, instrument_extra=extra))
        for part in group["requests"]:
            (config,) = part["configurations"][0]["instrument_configs"]
            assert {key: config[key] for key in config.keys() & {"rotator_mode", "extra_params"}} == states


def test_it_is_validated_first_and_the_facilitys_words_are_kept(there: tuple[Portal, Ocs]) -> None:
    portal, adapter = there
    status = adapter.submit(replace(WANTED, filter="H-alpha"), "")
    assert status.state == "rejected"
    assert "optical element of type filter" in status.detail
    assert [call.path for call in portal.seen] == ["/api/requestgroups/", "/api/requestgroups/validate/"]


@pytest.mark.parametrize(
    ("ends", "state"),
    [
        ("COMPLETED", "observed"),
        ("WINDOW_EXPIRED", "expired"),
        ("FAILURE_LIMIT_REACHED", "rejected"),
        ("CANCELED", "cancelled"),
    ],
)
def test_the_end_of_a_group_is_read(there: tuple[Portal, Ocs], ends: str, state: str) -> None:
    portal, adapter = there
    standing = adapter.submit(WANTED, "").reference
    pending = adapter.look(WANTED, standing)
    assert pending is not None
    assert pending.state == "accepted"
    portal.end(ends)
    seen = adapter.look(WANTED, standing)
    assert seen is not None
    assert (seen.state, seen.reference) == (state, standing)


def test_a_time_in_the_schedule_is_told(there: tuple[Portal, Ocs]) -> None:
    portal, adapter = there
    standing = adapter.submit(WANTED, "").reference
    part = portal.groups[int(standing)]["requests"][0]["id"]
    portal.observations[part] = [
        {"state": "CANCELED", "start": "2017-08-17T23:50:00Z", "site": "cpt"},
        {"state": "PENDING", "start": "2017-08-18T00:10:00Z", "site": "lsc"},
    ]
    seen = adapter.look(WANTED, standing)
    assert seen is not None
    assert seen.state == "scheduled"
    assert "the first of 1 in the schedule: 2017-08-18T00:10:00Z at lsc, 0 of 1 observed" in seen.detail


def test_a_look_at_a_plan_of_thirty_fields_is_two_calls(there: tuple[Portal, Ocs]) -> None:
    portal, adapter = there
    plan = replace(WANTED, ask="tiles", tiles=tuple(tile(number, 190.0 + number) for number in range(30)))
    standing = adapter.submit(plan, "").reference
    for number, part in enumerate(portal.groups[1]["requests"]):
        start = f"2017-08-18T00:{59 - number}:00Z"
        portal.observations[part["id"]] = [{"state": "PENDING", "start": start, "site": "lsc"}]
    portal.seen.clear()
    seen = adapter.look(plan, standing)
    assert [call.path for call in portal.seen] == ["/api/requestgroups/", "/api/observations/"]
    assert seen is not None
    assert seen.detail == "the first of 30 in the schedule: 2017-08-18T00:30:00Z at lsc, 0 of 30 observed"


def test_what_is_being_observed_counts_as_in_the_schedule(there: tuple[Portal, Ocs]) -> None:
    portal, adapter = there
    standing = adapter.submit(WANTED, "").reference
    part = portal.groups[1]["requests"][0]["id"]
    portal.observations[part] = [{"state": "IN_PROGRESS", "start": "2017-08-18T00:10:00Z", "site": "lsc"}]
    seen = adapter.look(WANTED, standing)
    assert seen is not None
    assert seen.state == "scheduled"


def test_a_proposal_that_is_not_known_there_is_a_refusal_not_a_wait(there: tuple[Portal, Ocs]) -> None:
    portal, _ = there
    adapter = Ocs(settings(portal.url, proposal="NOPE"), SecretStr(TOKEN))
    status = adapter.submit(WANTED, "")
    adapter.close()
    assert status.state == "rejected"
    assert "You do not belong to the proposal" in status.detail


def test_a_field_that_cannot_be_seen_from_there_does_not_cost_the_others(there: tuple[Portal, Ocs]) -> None:
    portal, adapter = there
    portal.northernmost_deg = 30.0
    fields = (tile(1, 197.0), replace(tile(2, 198.5), dec=40.0), tile(3, 200.0), tile(4, 201.5))
    plan = replace(WANTED, ask="tiles", tiles=fields)
    status = adapter.submit(plan, "")
    assert status.state == "accepted"
    assert status.detail.startswith(
        "request group 1: PENDING; 1 of 4 fields left out: requests.non_field_errors: Accord"
    )
    assert [part["extra_params"] for part in portal.groups[1]["requests"]] == [{"tile": 1}, {"tile": 3}, {"tile": 4}]
    one_seen = replace(plan, tiles=fields[:2], revision=2, idempotency_key="r/2")
    assert adapter.submit(one_seen, "").state == "accepted"
    assert portal.groups[2]["operator"] == "SINGLE"
    none_seen = replace(plan, tiles=fields[1:2] * 2, revision=3, idempotency_key="r/3")
    assert adapter.submit(none_seen, "").state == "rejected"
    short = replace(plan, tiles=(replace(fields[0], exposure_s=-1.0), fields[1]), revision=3, idempotency_key="r/3")
    assert adapter.submit(short, "").state == "rejected"


def test_which_fields_were_taken_is_told(there: tuple[Portal, Ocs]) -> None:
    portal, adapter = there
    plan = replace(WANTED, ask="tiles", tiles=(tile(1, 197.0), tile(2, 198.5), tile(3, 200.0)))
    standing = adapter.submit(plan, "").reference
    portal.end("COMPLETED")
    portal.groups[1]["requests"][1]["state"] = "WINDOW_EXPIRED"
    seen = adapter.look(plan, standing)
    assert seen is not None
    assert (seen.state, seen.detail, seen.taken) == ("observed", "COMPLETED, 2 of 3 observed", (1, 3))


def test_of_a_pointing_no_field_is_named(there: tuple[Portal, Ocs]) -> None:
    portal, adapter = there
    standing = adapter.submit(WANTED, "").reference
    portal.end("COMPLETED")
    seen = adapter.look(WANTED, standing)
    assert seen is not None
    assert (seen.state, seen.taken) == ("observed", None)


def test_an_error_that_lies_deep_is_told_in_words(there: tuple[Portal, Ocs]) -> None:
    _, adapter = there
    status = adapter.submit(replace(WANTED, exposure_s=-1.0), "")
    assert status.state == "rejected"
    place = "requests.configurations.instrument_configs.exposure_time"
    assert status.detail.startswith(f"not valid there: {place}: ")


def test_a_rapid_response_ends_within_a_day_of_its_cause(there: tuple[Portal, Ocs]) -> None:
    portal, adapter = there
    portal.now = MAP_OUT
    late = replace(WANTED, window_stop=MERGER + timedelta(hours=72))
    assert adapter.submit(replace(late, preempt=True), "").state == "accepted"
    assert portal.groups[1]["requests"][0]["windows"] == [{"end": "2017-08-18T17:54:51Z"}]
    assert adapter.submit(replace(late, revision=2, idempotency_key="r/2"), "").state == "accepted"
    assert portal.groups[2]["requests"][0]["windows"][0]["end"] == "2017-08-20T12:41:04Z"


def test_a_double_from_a_slow_portal_is_taken_back(there: tuple[Portal, Ocs]) -> None:
    portal, adapter = there
    adapter.submit(WANTED, "")
    portal.groups[2] = portal.groups[1] | {"id": 2}
    assert adapter.submit(WANTED, "").reference == "1"
    assert [group["state"] for group in portal.groups.values()] == ["PENDING", "CANCELED"]


def test_a_name_that_only_looks_alike_is_left_alone(there: tuple[Portal, Ocs]) -> None:
    portal, adapter = there
    adapter.submit(replace(WANTED, request_id="xr", idempotency_key="xr/1"), "")
    adapter.submit(replace(WANTED, request_id="r/1", idempotency_key="r/1/1"), "")
    assert adapter.submit(WANTED, "").reference == "3"
    adapter.cancel(replace(WANTED, revision=2, idempotency_key="r/2"), "")
    assert [group["state"] for group in portal.groups.values()] == ["PENDING", "PENDING", "CANCELED"]


def test_a_late_copy_does_not_undo_a_later_revision(there: tuple[Portal, Ocs]) -> None:
    portal, adapter = there
    adapter.submit(replace(WANTED, revision=2, idempotency_key="r/2"), "")
    assert adapter.submit(WANTED, "").state == "rejected"
    assert portal.orders == {"r": 2}


def test_what_was_observed_already_needs_no_taking_back(there: tuple[Portal, Ocs]) -> None:
    portal, adapter = there
    standing = adapter.submit(WANTED, "").reference
    portal.end("COMPLETED")
    status = adapter.cancel(replace(WANTED, revision=2, idempotency_key="r/2"), standing)
    assert (status.state, "COMPLETED" in status.detail) == ("cancelled", True)


def test_a_wrong_token_is_told_without_it() -> None:
    portal = Portal()
    with running(portal) as url:
        adapter = Ocs(settings(url), SecretStr("wr0ng-t0ken-zz99"))
        with pytest.raises(Retry, match=r"403: detail: Invalid token\. Token …"):
            adapter.submit(WANTED, "")
        adapter.close()


def test_what_an_earlier_revision_has_there_because_its_call_came_late_is_dropped_at_the_next_look(
    there: tuple[Portal, Ocs],
) -> None:
    portal, adapter = there
    later = replace(WANTED, revision=2, idempotency_key="r/2")
    adapter.submit(later, "")
    portal.groups[2] = portal.groups[1] | {"id": 2, "name": "r/1"}
    seen = adapter.look(later, "1")
    assert seen is not None
    assert (seen.state, seen.reference) == ("accepted", "1")
    assert portal.orders == {"r": 2}
