"""Events whose regions hold positions: through the index the same as one by one, and each at its time."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import numpy as np
from matching_alerts import T0, alert, cone

from nuncius.broker.services.streams.places import EventPlaces
from nuncius.broker.sky import SkyMap
from nuncius.filters import Places, parse_filter, rows_of_batch, select
from nuncius.schemas import Alert, CandidateBatch, Cone, Localization, Region
from nuncius.schemas.candidate import COLUMNS

IN_EVENTS = "IN_EVENTS('gravitational_wave', 0.9, 14)"
NO_SKYMAPS: Mapping[str, SkyMap] = {}


def gw(number: int, *shapes: Localization, days: float = 0.0, **more: Any) -> Alert:
    """An event of its own thread, so many days after T0."""
    words: dict[str, Any] = {"messenger": "gravitational_wave", "facility": "LIGO", "localizations": shapes}
    return alert(f"lvk:S{number}", seconds=86400.0 * days, **{**words, **more})


def detections(ra: list[float], dec: list[float], days: float = 0.0) -> CandidateBatch:
    """Candidates at those places, all so many days after T0."""
    time = int((T0 + timedelta(days=days)).timestamp() * 1e6)
    given = {"ra": ra, "dec": dec, "time_us": [time] * len(ra), "reality": ["real"] * len(ra)}
    columns: list[Any] = [np.array(given.get(name, [0] * len(ra)), kind) for name, kind in COLUMNS.items()]
    return CandidateBatch(*columns)


def held(places: Places, batch: CandidateBatch, text: str = IN_EVENTS) -> list[bool]:
    """Which candidates the filter selects."""
    rows = rows_of_batch(batch, "live", [None] * len(batch))
    return [bool(one) for one in select([parse_filter(text, "candidates")], rows, places)[0]]


class OneByOne:
    """The same places, without an index."""

    def __init__(self, places: EventPlaces) -> None:
        self.region, self.event_region = places.region, places.event_region
        self.events, self.sky_map = places.events, places.sky_map


def test_the_index_holds_what_a_look_at_every_event_holds() -> None:
    dice = np.random.default_rng(11)
    places = EventPlaces(NO_SKYMAPS, {})
    for number in range(80):
        shape = cone(dice.uniform(0, 360), dice.uniform(-90, 90), dice.uniform(0.1, 25.0))
        places.take(gw(number, *shape, days=dice.uniform(-20, 20)))
    batch = detections(dice.uniform(0, 360, 900).tolist(), np.degrees(np.arcsin(dice.uniform(-1, 1, 900))).tolist())
    found = held(places, batch)
    assert found == held(OneByOne(places), batch)
    assert 0 < sum(found) < len(found)


def test_an_event_that_moves_or_is_taken_back_is_followed() -> None:
    places = EventPlaces(NO_SKYMAPS, {})
    batch = detections([10.0, 50.0], [0.0, 0.0])
    places.take(gw(1, *cone(10.0, 0.0, 3.0)))
    assert held(places, batch) == [True, False]
    places.take(gw(1, *cone(50.0, 0.0, 3.0), version=1))
    assert held(places, batch) == [False, True]
    places.take(gw(1, kind="retraction", version=2))
    assert held(places, batch) == [False, False]


def test_days_count_from_the_event_that_holds_the_place() -> None:
    places = EventPlaces(NO_SKYMAPS, {})
    places.take(gw(1, *cone(10.0, 0.0, 3.0), days=-30.0))
    places.take(gw(2, *cone(50.0, 0.0, 3.0), days=14.0))
    assert held(places, detections([10.0, 50.0], [0.0, 0.0])) == [False, True]
    assert held(places, detections([50.0], [0.0], days=-0.001)) == [False]


def test_a_uniform_region_and_a_point_are_places_of_an_event_at_every_level() -> None:
    places = EventPlaces(NO_SKYMAPS, {})
    places.take(gw(1, Localization(Region("0/4"))))
    places.take(gw(2, Localization(Cone(10.0, 45.0, 0.0, 0.9))))
    batch = detections([0.0, 180.0, 10.0], [0.0, 0.0, 45.0])
    assert held(places, batch) == [True, False, True]
    assert held(places, batch, "IN_SKYMAP('lvk:S1', 0.9)") == [True, False, False]


def test_a_localization_that_cannot_be_stops_nobody() -> None:
    places = EventPlaces(NO_SKYMAPS, {})
    places.take(gw(1, Localization(Cone(10.0, 0.0, 400.0, 0.9))))
    places.take(gw(2, *cone(10.0, 0.0, 3.0)))
    assert held(places, detections([10.0], [0.0])) == [True]
