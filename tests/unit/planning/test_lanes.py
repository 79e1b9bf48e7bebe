"""Every request has exactly one lane, by the name of its policy."""

import pytest
from too_cases import POLICIES, policies, wide_camera

from nuncius.broker.planning.lanes import LANES, Lane
from nuncius.broker.planning.policies_toml import load_policies, shipped
from nuncius.broker.planning.policy import Policies


def with_pair(words: str) -> Policies:
    """The policies of `too_cases`, with more words in the one about pairs."""
    return load_policies(wide_camera("imager") + POLICIES.replace('name = "pair"', f'name = "pair"\n{words}'))


TILES = with_pair('ask = "tiles"')
OFF = with_pair('enabled = false\nask = "galaxies"')


@pytest.mark.parametrize(
    ("known", "name", "owner"),
    [
        (policies(), "pair", "point"),
        (TILES, "pair", "plan"),
        (OFF, "pair", "plan"),
        (TILES, "track", "point"),
        (TILES, "was removed", "point"),
    ],
    ids=["pointing", "tiles", "galaxies, disabled", "another", "unknown"],
)
def test_a_name_has_one_lane(known: Policies, name: str, owner: str) -> None:
    assert [lane for lane in LANES if Lane(lane, known).owns(name)] == [owner]


def test_both_lanes_have_all_policies_and_every_telescope() -> None:
    known = shipped()
    lanes = [Lane(name, known).policies for name in LANES]
    assert sorted(one.name for lane in lanes for one in lane.policies) == sorted(one.name for one in known.policies)
    assert all(lane.policies and lane.telescopes == known.telescopes and lane.sites == known.sites for lane in lanes)
