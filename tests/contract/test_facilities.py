"""The contract of a facility: golden packets of our own making give what was written beside them, and nothing else."""

import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from nuncius.producers import FACILITIES, Context, Facility, parse_all
from nuncius.producers.envelope import envelope
from nuncius.schemas.alert import Alert
from nuncius.schemas.codec import encode_json
from nuncius.schemas.errors import Quarantine

DATA = Path(__file__).parents[1] / "data" / "producers"
EXPECTED = sorted(DATA.glob("*.expected.json"))
NOT_STATED = ("alert_id", "raw_sha256", "raw_media_type", "run_mode", "stream", "source")
"""Fields that follow from the bytes or from where they came from."""


def packet_of(expected: Path) -> Path:
    """``name.kind.xml.expected.json`` or ``name.kind.expected.json`` -> ``name.kind.xml``."""
    named = expected.with_name(expected.name.removesuffix(".expected.json"))
    if named.is_file():
        return named
    found = [path for path in DATA.glob(f"{named.name}.*") if not path.name.endswith(".expected.json")]
    assert len(found) == 1, f"{expected.name} has no packet beside it, or several: {found}"
    return found[0]


def stated(result: object) -> dict[str, Any]:
    """What an alert says, without its empty fields."""
    if not isinstance(result, Alert):
        return {"not_an_alert": getattr(result, "reason", None)}
    record: Mapping[str, Any] = json.loads(encode_json(result))
    return {k: v for k, v in record.items() if k not in NOT_STATED and v not in (None, [], {}, "")}


def without_nulls(value: Any) -> Any:
    """What says nothing may be left out, at any depth."""
    if isinstance(value, dict):
        return {k: without_nulls(v) for k, v in value.items() if v is not None}
    return [without_nulls(v) for v in value] if isinstance(value, list) else value


def approximately(value: Any) -> Any:
    if isinstance(value, float):
        return pytest.approx(value, rel=1e-12)
    if isinstance(value, dict):
        return {k: approximately(v) for k, v in value.items()}
    return [approximately(v) for v in value] if isinstance(value, list) else value


def owner(payload: bytes) -> Facility:
    seen = envelope(payload, Context())
    return next(f for f in FACILITIES if seen.format in f.formats and f.owns(seen, payload))


@pytest.mark.parametrize("expected", EXPECTED, ids=lambda path: path.name.removesuffix(".expected.json"))
def test_golden_pair(expected: Path) -> None:
    wanted = json.loads(expected.read_bytes())
    found = [stated(result) for result in parse_all(packet_of(expected).read_bytes())]
    for alert, want in zip(found, wanted if isinstance(wanted, list) else [wanted], strict=True):
        said = {k: v for k, v in want.items() if k not in NOT_STATED}
        assert without_nulls(alert) == approximately(without_nulls(said))


def test_every_packet_has_its_expectation() -> None:
    packets = {path for path in DATA.iterdir() if not path.name.endswith(".expected.json")}
    assert packets == {packet_of(path) for path in EXPECTED}


def test_every_facility_has_a_golden_pair() -> None:
    with_one = {owner(packet_of(path).read_bytes()).name for path in EXPECTED}
    assert {facility.name for facility in FACILITIES} - with_one == set()


def test_names_are_unique_and_documented() -> None:
    names = [facility.name for facility in FACILITIES]
    assert len(set(names)) == len(names)
    assert [facility.name for facility in FACILITIES if not facility.reference] == []


def damaged(payload: bytes) -> Iterator[bytes]:
    step = max(1, len(payload) // 40)
    yield from (payload[:end] for end in range(0, len(payload), step))
    yield from (payload[:at] + bytes([payload[at] ^ 0x5A]) + payload[at + 1 :] for at in range(0, len(payload), step))
    yield payload + b"\x00trailing"


@pytest.mark.parametrize("expected", EXPECTED, ids=lambda path: path.name.removesuffix(".expected.json"))
def test_a_damaged_packet_is_read_or_quarantined(expected: Path) -> None:
    for payload in damaged(packet_of(expected).read_bytes()):
        with suppress(Quarantine):
            assert parse_all(payload)


@pytest.mark.parametrize("expected", EXPECTED, ids=lambda path: path.name.removesuffix(".expected.json"))
def test_same_bytes_same_alert_from_wherever(expected: Path) -> None:
    payload = packet_of(expected).read_bytes()
    for here, there in zip(
        parse_all(payload), parse_all(payload, Context(stream="t", source="s", run_mode="replay")), strict=True
    ):
        if isinstance(here, Alert) and isinstance(there, Alert):
            assert (here.alert_id, here.thread_id, here.reality) == (there.alert_id, there.thread_id, there.reality)
            assert (there.stream, there.source, there.run_mode) == ("t", "s", "replay")
