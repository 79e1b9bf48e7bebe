"""What whoever is woken reads of how sure a facility is."""

from dataclasses import replace

import pytest
from too_cases import GW, TRACK

from nuncius.broker.planning.how_sure import how_sure
from nuncius.schemas import Alert

WAVE = replace(
    GW,
    classification={"BNS": 0.953, "NSBH": 0.0, "BBH": 0.001, "Terrestrial": 0.046},
    properties={"HasRemnant": 1.0, "Group": "CBC"},
    distance_mpc=39.6,
    distance_err_mpc=7.2,
)


@pytest.mark.parametrize(
    ("alert", "far_hz", "p_astro", "words"),
    [
        (TRACK, None, 0.565, "56 % astrophysical"),
        (TRACK, 1 / (365 * 86400 * 1.5), 0.5, "50 % astrophysical, a false alarm once in 1.5 years"),
        (TRACK, 1 / (86400 * 20), None, "a false alarm once in 20 days"),
        (TRACK, 1e-7, None, "a false alarm once in 120 days"),
        (TRACK, 2e-12, None, "a false alarm once in 16,000 years"),
        (TRACK, 1e-3, None, "a false alarm once in 0.012 days"),
        (
            WAVE,
            1e-25,
            0.954,
            "BNS 95 %, 100 % with a remnant, 40 ± 7 Mpc, a false alarm less than once in a million years",
        ),
        (
            replace(WAVE, classification={"BNS": 0.5, "NSBH": 0.5}, distance_mpc=None),
            None,
            1.0,
            "BNS 50 % or NSBH 50 %",
        ),
        (GW, None, None, ""),
        (GW, 0.0, None, ""),
    ],
)
def test_what_is_stated_is_told(alert: Alert, far_hz: float | None, p_astro: float | None, words: str) -> None:
    assert how_sure(alert, far_hz, p_astro).startswith(words)
    assert words or how_sure(alert, far_hz, p_astro) == ""
