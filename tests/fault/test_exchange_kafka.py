"""Reports exchanged on a real Kafka: whoever takes over tells nothing twice and writes nothing twice."""

from contextlib import closing
from datetime import timedelta
from typing import Any

import pytest
from commands import waiting
from fakes.server import running
from fakes.treasure_map import INSTRUMENT, TOKEN, USER, Map
from road import decoded, put
from too_cases import AT2017GFO, GW, MERGER, request

from nuncius.broker.adapters import boards
from nuncius.broker.services.exchange import Exchanging
from nuncius.broker.transport import topics
from nuncius.broker.transport.address import parse_address
from nuncius.broker.transport.clock import utc_now
from nuncius.broker.transport.kafka.cluster import Connection
from nuncius.broker.transport.opening import open_address
from nuncius.schemas import ObservationReport
from nuncius.schemas.codec import encode

OURS = ObservationReport(
    report_id="ours",
    thread_id=GW.thread_id,
    facility="imager",
    state="completed",
    footprint="5/1",
    ra=197.0,
    dec=-23.5,
    time_start=MERGER + timedelta(hours=11),
    filter="i",
    depth=22.5,
    depth_unit="ab_mag",
    run_mode="live",
)


@pytest.mark.kafka
@pytest.mark.soak
def test_a_standby_that_takes_over_doubles_nothing(kafka_address: str) -> None:
    state, now = Map(), MERGER + timedelta(hours=3)
    state.add(
        "S170817",
        status="completed",
        position=f"POINT ({AT2017GFO[0]} {AT2017GFO[1]})",
        time="2017-08-17T15:00:00",
    )
    with running(state) as url, closing(open_address(parse_address(kafka_address), utc_now, Connection(), None)) as log:
        table: dict[str, Any] = {
            "kind": "treasure_map",
            "facilities": ["imager"],
            "credential": "TM",
            "url": f"{url}/api/v1",
        }
        table |= {"allowed_hosts": ["127.0.0.1"], "username": USER, "instrument_id": INSTRUMENT}

        def service() -> Exchanging:
            return Exchanging(log, boards([table], {"TM": TOKEN}), lambda: now, print)

        log.create(topics.TOPICS)
        put(log, (GW,))
        writer = log.writer("writes")
        with writer.transaction() as tx:
            tx.send(topics.OBSERVATIONS.name, encode(OURS))
            tx.send(topics.TOO_REQUESTS.name, encode(request(event_thread=GW.thread_id)))
        writer.close()
        first, second = service(), service()
        for _ in waiting("both to be exchanged", 60.0):
            first.work(0.0)
            second.work(0.0)
            if len(decoded(log, topics.OBSERVATIONS.name)) > 1 and decoded(log, topics.TOO_STATUS.name):
                break
        lists = [call for call in state.seen if call.method == "GET" and call.path.endswith("/pointings")]
        first.close()
        for _ in waiting("the other to look", 60.0):
            second.work(0.0)
            again = [call for call in state.seen if call.method == "GET" and call.path.endswith("/pointings")]
            if len(again) > len(lists):
                break
        second.close()
        reports = [one.report_id for one in decoded(log, topics.OBSERVATIONS.name)]
        told = [one.reference for one in decoded(log, topics.TOO_STATUS.name)]
    assert (sorted(reports), told) == (["ours", "treasure-map:1000"], ["ours"])
    assert [row["username"] for row in state.rows.values()] == ["somebody", USER]
