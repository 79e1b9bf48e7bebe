"""The light of a telescope's own filters, as its table states it."""

import pytest
from too_cases import wide_camera

from nuncius.broker.planning.bands import Lights, band_of, usual_name
from nuncius.broker.planning.filter_notes import filter_notes
from nuncius.broker.planning.policies_toml import load_policies
from nuncius.schemas import SettingsError

FILTERS = """
[telescope.filters.C3]
min_nm = 650.0
max_nm = 660.0

[telescope.filters."r'"]
min_nm = 500.0
max_nm = 700.0
"""
POLICY = """
[[policy]]
name = "p"
source = "a test"
cause = "alert"
messengers = ["neutrino"]
facilities = ["wide", "ZTF"]
expires_h = 24.0
exposure_s = 300.0
filter = "C3"
max_airmass = 2.5
"""


def test_a_telescopes_own_filter_comes_before_the_usual_one() -> None:
    policies = load_policies(wide_camera("wide") + FILTERS + POLICY)
    own = policies.telescopes["wide"].filters
    narrow, wide, usual = band_of("C3", own), band_of("r'", own), band_of("rp", own)
    assert narrow is not None
    assert wide is not None
    assert (narrow.min_m, narrow.max_m) == pytest.approx((650e-9, 660e-9), rel=1e-12)
    assert narrow.resolving_power == pytest.approx(65.5)
    assert (wide.min_m, wide.max_m) == pytest.approx((500e-9, 700e-9), rel=1e-12)
    assert usual == band_of("r")
    assert band_of("C3") is None
    assert policies.lights.stated("wide", "C3") == narrow
    assert policies.lights.stated("ZTF", "C3") is None
    assert Lights({}).stated("wide", "C3") is None
    assert (usual_name("zs"), usual_name("C3")) == ("z", "C3")


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        (
            "max_nm = 660.0",
            "max_nm = 640.0",
            "line 15: telescope 'wide': key 'filters.C3': min_nm must be below max_nm",
        ),
        ("max_nm = 660.0", "maximum_nm = 660.0", "key 'filters.C3': maximum_nm: unknown key; is it 'max_nm'?"),
        ("min_nm = 650.0", "min_nm = -1.0", "key 'filters.C3': min_nm: it must be greater than 0"),
        ("max_nm = 660.0", "", "line 15: telescope 'wide': key 'filters.C3': max_nm: missing"),
        ("min_nm = 500.0", 'min_nm = "500"', "line 19: telescope 'wide': key \"filters.r'\": min_nm: write a number"),
    ],
)
def test_a_filter_that_cannot_be_is_named_with_its_line(old: str, new: str, says: str) -> None:
    text = wide_camera("wide") + FILTERS.replace(old, new) + POLICY
    with pytest.raises(SettingsError) as told:
        load_policies(text)
    assert says in str(told.value)


def test_a_filter_that_nobody_knows_is_told_with_the_table_that_would_say_it() -> None:
    text = wide_camera("wide") + FILTERS + POLICY
    (note,) = filter_notes(load_policies(text))
    assert note.startswith("line 31: policy 'p': key 'filter': nobody knows the light of 'C3' at ZTF: ")
    assert "[telescope.filters.C3]" in note
    for better in (text.replace(', "ZTF"', ""), text.replace('filter = "C3"', 'filter = "i"')):
        assert list(filter_notes(load_policies(better))) == []
    (note,) = filter_notes(load_policies(text.replace('filter = "C3"', 'filter = "H alpha"')))
    assert '[telescope.filters."H alpha"]' in note
