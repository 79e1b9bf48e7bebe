"""Alerts that a stranger makes up, as VOEvents of another broker: none stops the engines, the streams or the pages."""

import math
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from how_many import examples
from hypothesis import given, settings
from hypothesis import strategies as st
from matching_alerts import cone, grb, gw
from road import memory, work_through
from streams_here import made, stream, work_streams
from web_here import app_on, ask

from nuncius.broker.services.ingest import Ingest
from nuncius.broker.services.packets import Packet
from nuncius.broker.services.reading import read
from nuncius.broker.sky import SkyMap
from nuncius.consumers.voevent import to_voevent
from nuncius.producers import Context, parse_all
from nuncius.schemas import Alert, Cone, Ellipse, Localization, Region, SkyMapRef, ids

NUMBERS = st.sampled_from((0.0, -1.0, 360.0, 361.0, 90.0, 90.0001, 181.0, 1e300, 5e-324, math.nan, math.inf, 3.0))
SHARES = st.sampled_from((0.9, 0.0, 1.0, -1.0, 2.0, math.nan))
MOCS = st.sampled_from(("", "0/0", "30/1", "0/12", "x", "1/0-", "0/0-11", "29/5 29/5"))
TIMES = st.sampled_from([datetime(year, 4, 25, 8, 18, tzinfo=UTC) for year in (1, 1900, 1969, 2019, 9999)])
TEXTS = st.sampled_from(("", "../../x", "<script>", "é\u202e", "x" * 5000, "\r\nid: 0:1"))
HASHES = st.sampled_from(("", "../streams", "ab" * 32))
SHAPES = st.one_of(
    st.builds(Cone, NUMBERS, NUMBERS, NUMBERS, SHARES),
    st.builds(Ellipse, *[NUMBERS] * 7, SHARES),
    st.builds(Region, MOCS, SHARES),
    st.builds(SkyMapRef, HASHES, st.sampled_from((0, -1)), st.none() | st.just("http://x/")),
)
PLACES = st.lists(st.builds(Localization, SHAPES, st.sampled_from(("own", "external"))), max_size=3).map(tuple)
ODD = st.fixed_dictionaries(
    {},
    optional={
        "localizations": PLACES,
        **dict.fromkeys(("time_start", "time_stop", "issued_time"), st.none() | TIMES),
        **dict.fromkeys(("time_err_s", "far_hz", "p_astro", "distance_mpc", "redshift"), NUMBERS),
        **dict.fromkeys(("thread_id", "native_id", "event_class", "facility"), TEXTS),
        "properties": st.dictionaries(TEXTS, NUMBERS, max_size=2),
        "kind": st.sampled_from(("initial", "update", "retraction")),
        "sequence": st.sampled_from((-1, 0, 2**31, 2**63 - 1)),
    },
)
PATHS = (
    "/",
    "/alerts",
    "/coincidences",
    "/streams/near/rows",
    "/alerts/stream?since_start=1&until_end=1&filter=ra%3E1",
)


def packet(alert: Alert) -> bytes:
    return to_voevent(replace(alert, run_mode="live", alert_id=ids.alert_id(alert.native_id, alert.raw_sha256)))


@pytest.mark.soak
@settings(max_examples=examples(60))
@given(st.lists(st.tuples(st.sampled_from((gw(), grb("fermi-gbm:7"))), ODD), min_size=1, max_size=4))
def test_the_road_goes_on(many: list[tuple[Alert, dict[str, Any]]]) -> None:
    sound = gw(), grb("fermi-gbm:8", localizations=cone(197.0, -23.0, 3.0))
    packets = [*(packet(replace(alert, **odd)) for alert, odd in many), *map(packet, sound)]
    with closing(memory()) as log:
        made(log, stream("near", "area90_deg2 < 100 OR ra > 3 OR age_s < 5", table="alerts", include=("ra", "age_s")))
        made(log, stream("follows", "IN_EVENTS('gravitational_wave', 0.9, 14)"))
        work_streams(log)
        desk = Ingest(log, SkyMap.read, "live")
        readings = [read(Packet(one, "stranger"), Context(run_mode="live"), parse_all) for one in packets]
        assert not [one.fault for one in readings if one.fault is not None and one.fault.reason == "parser_fault"]
        desk.accept(readings)
        desk.close()
        work_through(log)
        work_streams(log)
        app = app_on(log)
        assert [ask(app, "GET", path).status_code for path in PATHS] == [200] * len(PATHS)
