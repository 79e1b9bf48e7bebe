"""How a request group ends at an observation portal while one of its observations goes on."""

from fakes.ocs import Portal
from too_doors import lco


def test_what_is_observed_while_its_window_ends_has_not_ended_yet() -> None:
    with lco() as case:
        assert isinstance(case.fake, Portal)
        standing = case.adapter.submit(case.asked(), "").reference
        group = case.fake.groups[int(standing)]
        observation = {"state": "IN_PROGRESS", "start": "2017-08-18T01:30:00Z", "site": "lsc"}
        case.fake.observations[group["requests"][0]["id"]] = [observation]
        states = []
        for group_ends, observed in (
            ("WINDOW_EXPIRED", "IN_PROGRESS"),
            ("COMPLETED", "COMPLETED"),
            ("WINDOW_EXPIRED", "FAILED"),
        ):
            group["state"], observation["state"] = group_ends, observed
            seen = case.adapter.look(case.asked(), standing)
            states.append(seen and seen.state)
    assert states == ["scheduled", "observed", "expired"]
