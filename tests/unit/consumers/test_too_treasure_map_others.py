"""Whose pointings on the Treasure Map count, and a listing that is longer than one answer."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fakes.server import Call, running
from fakes.treasure_map import INSTRUMENT, USER, Map
from pydantic import ValidationError
from too_doors import FREELY

from nuncius.consumers.too import door
from nuncius.consumers.too.doorway import door_to
from nuncius.consumers.too.treasure_map_in import TreasureMapReader
from nuncius.consumers.too.treasure_map_listing import listing
from nuncius.consumers.too.treasure_map_rows import Pointing, TreasureMapSettings
from nuncius.schemas import ObservationReport, Retry

EVENT = "S190814bv"
NIGHT = datetime(2019, 8, 14, 23, tzinfo=UTC)


def as_the_map_writes(moment: datetime) -> str:
    """Its times have no zone."""
    return moment.replace(tzinfo=None).isoformat()


DONE = {"status": "completed", "time": as_the_map_writes(NIGHT), "position": "POINT (12 -25)"}


@pytest.fixture
def there() -> Iterator[Map]:
    state = Map()
    with running(state):
        yield state


def read(state: Map, **others: Any) -> tuple[dict[str, ObservationReport], tuple[str, ...]]:
    """Reports by name, and what could not be read."""
    known = {"url": f"{state.url}/api/v1", "allowed_hosts": ["127.0.0.1"], "username": USER, "timeout_s": 5.0}
    settings = TreasureMapSettings.model_validate(known | {"instrument_id": INSTRUMENT, "others": others})
    reader = TreasureMapReader(settings)
    try:
        coverage = reader.read(EVENT, "live")
    finally:
        reader.close()
    return {one.report_id: one for one in coverage.reports}, coverage.unread


@pytest.mark.parametrize(
    ("row", "others", "counts"),
    [
        ({"band": "r", "depth": 18.0}, {}, True),
        ({"band": "BAT", "depth": 1e-9, "depth_unit": "flux_erg"}, {}, False),
        ({"band": "HESS"}, {}, False),
        ({"band": "UHF"}, {}, False),
        ({"band": "UHF"}, {"bands": ["UHF", "VHF"]}, True),
        ({"band": "i"}, {"bands": ["r"]}, False),
        ({"band": "r"}, {"instruments": [INSTRUMENT]}, True),
        ({"band": "r"}, {"instruments": [INSTRUMENT + 1]}, False),
        ({"band": "r"}, {"submitters": ["a friend"]}, False),
        ({"band": "r", "username": "a friend"}, {"submitters": ["a friend"]}, True),
        ({"band": "r", "depth": 21.0, "depth_unit": "ab_mag"}, {"depth_min": 21.0}, True),
        ({"band": "r", "depth": 20.9, "depth_unit": "ab_mag"}, {"depth_min": 21.0}, False),
        ({"band": "r", "depth": 22.0, "depth_unit": "vega_mag"}, {"depth_min": 21.0}, False),
        ({"band": "r"}, {"depth_min": 21.0}, False),
        ({"band": "r", "depth": 1e-6, "depth_unit": "flux_jy"}, {"depth_min": 2e-6, "depth_unit": "flux_jy"}, True),
        ({"band": "r", "depth": 3e-6, "depth_unit": "flux_jy"}, {"depth_min": 2e-6, "depth_unit": "flux_jy"}, False),
    ],
)
def test_what_counts_is_read_with_its_sky_and_the_rest_as_cancelled(
    there: Map, row: dict[str, Any], others: dict[str, Any], *, counts: bool
) -> None:
    there.add(EVENT, **(DONE | row))
    ((report,), unread) = ([*read(there, **others)[0].values()], ())
    assert (report.state, report.footprint != "") == (("completed", True) if counts else ("cancelled", False))
    assert unread == ()


def listed(state: Map, event: str) -> tuple[set[int], list[str]]:
    """Numbers of the pointings, and what could not be read."""
    known = {"url": f"{state.url}/api/v1", "allowed_hosts": ["127.0.0.1"], "username": USER, "timeout_s": 5.0}
    way = door_to(TreasureMapSettings.model_validate(known | {"instrument_id": INSTRUMENT}), FREELY)
    try:
        found = list(listing(way, "treasure-map", event))
    finally:
        way.close()
    return {one.id for one in found if isinstance(one, Pointing)}, [one for one in found if isinstance(one, str)]


@pytest.mark.parametrize("event", [EVENT, "GW170817", "S199999a"])
def test_a_listing_that_is_too_long_is_read_span_by_span(
    there: Map, monkeypatch: pytest.MonkeyPatch, event: str
) -> None:
    monkeypatch.setattr(door, "_ANSWER_BYTES", 10_000)
    moments = [NIGHT + timedelta(minutes=17 * number) for number in range(150)]
    ids = {there.add(event, **(DONE | {"time": moment.isoformat()})) for moment in moments}
    there.add(event, **(DONE | {"status": "planned"}))
    assert listed(there, event) == (ids, [])


def test_what_cannot_be_parted_any_more_is_said_and_the_rest_is_read(
    there: Map, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(door, "_ANSWER_BYTES", 10_000)
    for _ in range(60):
        there.add(EVENT, **DONE)
    late = there.add(EVENT, **(DONE | {"time": as_the_map_writes(NIGHT + timedelta(hours=5))}))
    ids, unread = listed(there, EVENT)
    assert ids == {late}
    assert unread
    assert all(words.startswith("too many pointings from 2019-08-14T2") for words in unread)


class Moody(Map):
    """A map that makes its trouble with whoever reads."""

    def asks(self, _call: Call) -> bool:
        return True


def test_a_map_in_trouble_is_no_long_listing() -> None:
    state = Moody()
    state.trouble = "broken"
    with running(state), pytest.raises(Retry, match="503"):
        read(state)


@pytest.mark.parametrize("wrong", [{"bands": {"r": "rp"}}, {"band": "optical"}, {"others": {"bands": ["R", "clr"]}}])
def test_a_band_that_the_map_does_not_have_is_told_before_anything_is_asked(wrong: dict[str, Any]) -> None:
    known = {"username": "nuncius", "instrument_id": 38}
    with pytest.raises(ValidationError, match="is no band of the map; it has B, BAT, C"):
        TreasureMapSettings.model_validate(known | wrong)
