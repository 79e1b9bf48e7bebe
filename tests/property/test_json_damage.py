"""Any value in any field of a notice: alerts, a named non-alert or a quarantine, and what is made can be stored."""

from typing import Any

import orjson
from how_many import examples
from hypothesis import given, settings
from hypothesis import strategies as st

from nuncius.producers import parse_all
from nuncius.schemas import Alert, Quarantine
from nuncius.schemas.codec import encode

SCHEMA = "https://gcn.nasa.gov/schema/v1.0.0/gcn/notices/{}.schema.json"
NOTICE: dict[str, Any] = {
    "alert_datetime": "2026-02-03T04:06:00Z",
    "alert_tense": "current",
    "alert_type": "initial",
    "trigger_time": "2026-02-03T04:05:06.5Z",
    "trigger_time_error": [0.1, 0.2],
    "id": ["77"],
    "messenger": "EM",
    "mission": "M",
    "instrument": "I",
    "record_number": 2,
    "ra": 10.0,
    "dec": 20.0,
    "ra_dec_error": [1.0, 2.0, 3.0],
    "containment_probability": 0.9,
    "systematic_included": False,
    "rectangular_error_corners": None,
    "healpix_url": "https://example.org/a.fits",
    "healpix_file": None,
    "far": 1e-8,
    "p_astro": 0.5,
    "classification": {"GRB": 0.5},
    "properties": {"x": 1},
    "dm": 100.0,
    "spectral_band": [400, 800],
    "spectral_band_units": "MHz",
    "nu_energy": 1.0,
    "ref_ID": "S1",
    "most_probable_direction": {"ra": 1, "dec": 2},
    "data": {"targets": [{"event_name": "A", "ra": 1, "dec": 2}], "photometry": [{"event_name": "A", "mag": 1}]},
}
LVK: dict[str, Any] = {
    "superevent_id": "S260304ab",
    "alert_type": "UPDATE",
    "time_created": "2026-03-04T05:10:00Z",
    "urls": {"gracedb": "https://example.org"},
    "event": {"time": "2026-03-04T05:06:07Z", "far": 1e-9, "group": "CBC", "instruments": ["H1"], "classification": {}},
    "external_coinc": {"ivorn": "ivo://x", "time_difference": 1.0},
}
SNEWS: dict[str, Any] = {
    "detector_name": "D",
    "neutrino_time_utc": "2026-02-03T04:05:06",
    "is_test": False,
    "tier": "CoincidenceTier",
    "uuid": "u",
    "p_val": 0.5,
}
PATHS = (
    "fermi/gbm/trigger",
    "icecube/single_neutrino_alerts",
    "icecube/lvk_nu_track_search",
    "chime/frb",
    "boom/alert",
    "new/x",
)
MESSAGES = (
    *({"$schema": SCHEMA.format(path), **NOTICE} for path in PATHS),
    LVK,
    {"event_": 1, **LVK["event"], **LVK},
    SNEWS,
)
TEXTS = st.text(max_size=20) | st.sampled_from(["NaN", "1e999", "-1", "2026-02-30T00:00:00Z", "0001-01-01", "ivo://"])
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=examples(400), deadline=None)
@given(data=st.data())
def test_any_value_in_any_field(data: st.DataObject) -> None:
    message = dict(data.draw(st.sampled_from(MESSAGES)))
    for name in data.draw(st.lists(st.sampled_from(sorted(message)), min_size=1, max_size=3)):
        message[name] = data.draw(VALUES)
    if isinstance(message.get("event"), dict):
        message["event"] = {**message["event"], data.draw(st.sampled_from(sorted(LVK["event"]))): data.draw(VALUES)}
    try:
        found = parse_all(orjson.dumps(message))
    except Quarantine:
        return
    assert found
    for item in found:
        if isinstance(item, Alert):
            encode(item)
            for place in item.localizations:
                shape = place.shape
                assert -90.0 <= getattr(shape, "dec", 0.0) <= 90.0
                assert 0.0 <= getattr(shape, "ra", 0.0) < 360.0
