"""What a check of policies says beside the requests themselves."""

import pytest
from too_cases import policies, request

from nuncius.broker.cli.too_lists import print_check
from nuncius.broker.trial import Checked


def test_a_policy_that_would_ask_for_what_another_asks_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    first = request(1, "a", policy="pair", event_thread="lvk:S1", priority=2.0)
    second = request(1, "b", policy="track", event_thread="lvk:S1")
    print_check(Checked(policies(), (first, second), "a test"), json=False)
    said = "track: 1 of its requests waits behind pair once that was asked: both want the same look of imager"
    assert said in capsys.readouterr().out.splitlines()
    print_check(Checked(policies(), (first, request(1, "c", event_thread="lvk:S2")), "a test"), json=False)
    assert "behind" not in capsys.readouterr().out
