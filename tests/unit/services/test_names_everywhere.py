"""Filters combine by name wherever one is taken, and a watchlist's targets are told where its filter selects."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from matching_alerts import alert, candidates, cone, grb, gw
from road import put
from streams_here import rows_of_stream, stream
from web_here import NoIntake, ask

from nuncius.broker.app import areas_of, names_of, regions_on
from nuncius.broker.planning.policies_toml import load_policies
from nuncius.broker.services.lines import as_text
from nuncius.broker.services.maps import MapShelf
from nuncius.broker.services.policy_filters import PolicyFilters
from nuncius.broker.services.reading import Reading
from nuncius.broker.services.runner import drain
from nuncius.broker.services.streams.define import define
from nuncius.broker.services.streams.worker import StreamsWorker
from nuncius.broker.services.web.app import web_app
from nuncius.broker.services.web.guard import guard
from nuncius.broker.services.web.hub import Hub
from nuncius.broker.settings import Settings, load
from nuncius.broker.transport import topics
from nuncius.broker.transport.clock import utc_now
from nuncius.broker.transport.local import open_local
from nuncius.broker.transport.port import Log
from nuncius.consumers import subscribe

COMBINED = "flash AND NOT rehearsed AND (near OR bright_grb)"
SETTINGS = """[filters]
flash = "messenger = 'photon'"
rehearsed = "reality != 'real'"
near = "IN_REGION('mine')"
[regions.mine]
file = "mine.csv"
radius_deg = 1
"""
ALERTS = [
    grb("fermi-gbm:1", localizations=cone(197.45, -23.48, 1.0)),
    grb("fermi-gbm:2", localizations=cone(197.45, -23.48, 1.0), reality="test"),
    grb("fermi-gbm:3", localizations=cone(20.0, 40.0, 1.0)),
    gw("lvk:S1", localizations=cone(197.45, -23.48, 1.0)),
    alert("swift:4", messenger="photon", facility="Swift"),
]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    (tmp_path / "nuncius.toml").write_text(SETTINGS)
    (tmp_path / "mine.csv").write_text("name,ra,dec\nNGC 4993,197.45,-23.38\nfarther,197.45,-22.98\n")
    return load(None, {}, tmp_path)


@contextmanager
def opened(folder: Path) -> Iterator[Log]:
    log = open_local(folder / "log", utc_now)
    try:
        log.create(topics.TOPICS)
        yield log
    finally:
        log.close()


def _unread(body: bytes, stream: str) -> Reading:
    raise AssertionError(f"nothing is posted here: {body!r} on {stream!r}")


def test_a_subscriber_on_a_log_and_the_targets_it_is_told(settings: Settings, tmp_path: Path) -> None:
    with opened(tmp_path) as log:
        put(log, ALERTS)
    areas = areas_of(settings)
    with subscribe(
        "alerts",
        broker=f"local:{tmp_path / 'log'}",
        filter=COMBINED,
        until_end=True,
        names=names_of(settings, areas),
        places=lambda log: regions_on(settings, log, areas),
    ) as subscription:
        (batch,) = subscription.batches(timeout_s=0.1)
    assert [record.thread_id for record in batch.records] == ["fermi-gbm:1"]
    assert [(hit.region, hit.target) for hit in batch.hits[0]] == [("mine", "NGC 4993"), ("mine", "farther")]
    frame = batch.to_polars()
    assert frame["target"].to_list() == ["NGC 4993"]
    assert frame["target_arcsec"].to_list() == pytest.approx([360.0])


def test_over_http(settings: Settings, tmp_path: Path) -> None:
    areas = areas_of(settings)
    with opened(tmp_path) as log:
        put(log, ALERTS)
        hub = Hub(log, areas, print)
        allow = guard("127.0.0.1", "")
        app = web_app(log, NoIntake(), _unread, lambda: {"ok": True}, hub, allow, names_of(settings, areas))
        told = ask(app, "GET", "/alerts/stream", params={"filter": COMBINED, "since_start": True, "until_end": True})
        page = ask(app, "GET", "/alerts", params={"filter": COMBINED})
        wrong = ask(app, "GET", "/alerts", params={"filter": "flash AND nearr"})
        hub.join()
    assert told.text.count("event: alert\n") == 1
    assert "fermi-gbm:1" in told.text
    assert [row["thread_id"] for row in page.json()["alerts"]] == ["fermi-gbm:1"]
    assert wrong.status_code == 400
    assert "(column 11)" in wrong.json()["error"]


def test_a_named_stream_and_the_target_in_its_rows(settings: Settings, tmp_path: Path) -> None:
    names, areas = names_of(settings), areas_of(settings)
    with opened(tmp_path) as log:
        define(log, stream(filter=COMBINED, table="alerts"), names)
        define(log, stream("away", filter="near AND mag < 19"), names)
        worker = StreamsWorker(log, MapShelf(log), names, areas)
        drain([worker])
        put(
            log,
            ALERTS,
            candidates({"thread_id": "ztf:a", "ra": 197.45, "dec": -23.02}, {"thread_id": "ztf:b", "ra": 9}),
        )
        drain([worker])
        worker.close()
        (row,) = [row for row in rows_of_stream(log) if row.kind == "row"]
        (away,) = [row for row in rows_of_stream(log, "away") if row.kind == "row"]
    assert row.thread_id == "fermi-gbm:1"
    assert row.fields == {"target": "NGC 4993", "target_arcsec": pytest.approx(360.0)}
    assert "target NGC 4993, target_arcsec 360" in as_text(row)
    assert away.thread_id == "ztf:a"
    assert away.fields["target"] == "farther"
    assert away.fields["target_arcsec"] == pytest.approx(144.0)


def test_a_policy(settings: Settings) -> None:
    policies = load_policies(
        f"""[[policy]]
name = "mine"
source = "a test"
cause = "alert"
messengers = ["photon"]
where = "{COMBINED}"
facility = "imager"
sites = ["Palomar"]
sun_altitude_max_deg = -12.0
expires_h = 48.0
exposure_s = 60.0
max_airmass = 2.5
"""
    )
    fits = PolicyFilters(policies, names_of(settings), {}, areas_of(settings))
    assert [fits.where("mine", each) is None for each in ALERTS] == [True, False, False, False, False]
