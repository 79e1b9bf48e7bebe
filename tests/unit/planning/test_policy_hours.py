"""The quiet hours of a policy."""

from datetime import time

import pytest
from too_cases import POLICIES

from nuncius.broker.planning.policies_toml import load_policies
from nuncius.schemas import SettingsError

PAIR = 'name = "pair"'


def test_quiet_hours_are_spans_of_the_day() -> None:
    text = POLICIES.replace(PAIR, f'{PAIR}\nquiet_utc = ["22:00-06:30", "12:00-13:00"]')
    pair = next(one for one in load_policies(text).policies if one.name == "pair")
    assert pair.restraint.quiet == ((time(22), time(6, 30)), (time(12), time(13)))


@pytest.mark.parametrize("span", ["22-6", "24:00-06:00", "22:00-22:00"])
def test_what_is_no_span_is_refused_with_line_and_key(span: str) -> None:
    text = POLICIES.replace(PAIR, f'{PAIR}\nquiet_utc = ["{span}"]')
    with pytest.raises(SettingsError, match=f"line .*policy 'pair': key 'quiet_utc': '{span}' "):
        load_policies(text)
