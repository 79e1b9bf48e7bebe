"""Named streams on a log: what is selected, when a revision begins and ends, and the past handed over to the new."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any, cast

import numpy as np
import pytest
from matching_alerts import candidates, cone, gw
from road import Failing, put, run_through
from sky_files import multi_order
from streams_here import MADE, made, rows_of_stream, selected, stream, work_streams

from nuncius.broker.services.maps import MapShelf
from nuncius.broker.services.streams.define import LEAST_PER_S, define
from nuncius.broker.services.streams.overview import overview
from nuncius.broker.services.streams.publishing import LEAST_BURST
from nuncius.broker.services.streams.worker import StreamsWorker
from nuncius.broker.transport import topics
from nuncius.broker.transport.port import Log, Reader, Record, TopicPartition
from nuncius.filters.fields import FIRST_US, LAST_US
from nuncius.schemas import NO_TIME, Alert, CandidateBatch, Localization, SettingsError, SkyMapRef
from nuncius.schemas.candidate_row import rows
from nuncius.schemas.codec import encode
from nuncius.schemas.ids import digest

NewLog = Callable[[], Log]

BRIGHT = "mag < 18.5"


def some(first: int, count: int = 4) -> CandidateBatch:
    """Candidates of magnitude 17, 18, 19, 20 in turn."""
    return candidates(
        *({"thread_id": f"ztf:{n}", "alert_id": f"c{n}", "mag": 17.0 + n % 4} for n in range(first, first + count))
    )


def test_what_comes_after_a_stream_was_made_is_selected(new_log: NewLog) -> None:
    log = new_log()
    put(log, batch=some(0))
    made(log, stream(filter=BRIGHT, include=("mag", "survey")))
    work_streams(log)
    put(log, batch=some(4))
    work_streams(log)
    begin, *rows = rows_of_stream(log)
    assert (begin.kind, begin.detail, begin.revision) == ("begin", BRIGHT, 1)
    assert {row.record_id for row in rows} == {"c4", "c5"}
    assert {row.fields["mag"] for row in rows} == {17.0, 18.0}
    assert all(row.fields["survey"] == "ztf" and not row.backfill and row.ra == 197.0 for row in rows)


def test_a_back_fill_hands_over_without_gap_or_double(new_log: NewLog) -> None:
    log = new_log()
    work_streams(log)
    put(log, batch=some(0, 40))
    work_streams(log)
    made(log, stream(filter=BRIGHT, since=MADE))
    put(log, batch=some(40, 40))
    work_streams(log, most=7)
    rows = rows_of_stream(log)
    wanted = [f"c{n}" for n in range(80) if n % 4 < 2]
    assert sorted(selected(log)) == sorted(wanted)
    assert [row.kind for row in rows if row.kind != "row"] == ["begin", "handover"]
    assert any(row.backfill for row in rows)


class Slow:
    """A log whose readers bring nothing the first time, as Kafka's do."""

    def __init__(self, log: Log) -> None:
        self._log = log

    def __getattr__(self, name: str) -> Any:
        return getattr(self._log, name)

    def reader(self, start: Mapping[TopicPartition, int]) -> Reader:
        return cast("Reader", SlowReader(self._log.reader(start)))


class SlowReader:
    """One of them."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._polls = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._reader, name)

    def poll(self, most: int, timeout_s: float) -> tuple[Record, ...]:
        self._polls += 1
        return () if self._polls == 1 else self._reader.poll(most, timeout_s)


def test_several_back_fills_end_where_a_new_reader_brings_nothing_at_once(new_log: NewLog) -> None:
    log = new_log()
    put(log, batch=some(0, 40))
    made(log, *(stream(f"s{number}", since=MADE) for number in range(3)))
    worker = StreamsWorker(cast("Log", Slow(log)), MapShelf(log), most=7)
    for _ in range(400):
        worker.work(0.0)
    worker.close()
    for number in range(3):
        assert len(selected(log, f"s{number}")) == 40


def test_a_stream_follows_the_sky_map_of_an_event_as_it_is_revised(new_log: NewLog) -> None:
    log = new_log()

    def on_map(version: int, pixel: int) -> Alert:
        density = np.full(12, 0.05 / 11 * 12 / (4 * np.pi))
        density[pixel] = 0.95 * 12 / (4 * np.pi)
        data = multi_order(np.arange(4, 16), density)
        sha256 = digest(data)
        with log.writer("maps").transaction() as tx:
            tx.send(topics.MAPS.name, data, key=sha256.encode())
        return gw("lvk:S1", version, localizations=(Localization(SkyMapRef(sha256, len(data), None, None)),))

    made(log, stream(filter="IN_SKYMAP('lvk:S1', 0.9)"))
    work_streams(log)
    put(log, batch=candidates({"alert_id": "a0", "ra": 0.0, "dec": 0.0}, {"alert_id": "b0", "ra": 180.0, "dec": 0.0}))
    work_streams(log)
    assert selected(log) == []
    put(log, [on_map(0, 4)])  # base pixel 4: ra 0, dec 0
    work_streams(log)
    assert selected(log) == ["a0"]
    put(log, [on_map(1, 6)])  # base pixel 6: ra 180, dec 0
    put(log, batch=candidates({"alert_id": "a1", "ra": 0.0, "dec": 0.0}, {"alert_id": "b1", "ra": 180.0, "dec": 0.0}))
    work_streams(log)
    assert sorted(selected(log)) == ["a0", "b0", "b1"]


def test_since_leaves_out_what_was_taken_before(new_log: NewLog) -> None:
    log = new_log()
    put(log, batch=some(0))
    made(log, stream(since=MADE + timedelta(days=1)))
    work_streams(log)
    assert selected(log) == []


def test_a_revision_ends_and_the_next_begins(new_log: NewLog) -> None:
    log = new_log()
    one = stream(filter=BRIGHT)
    made(log, one)
    work_streams(log)
    put(log, batch=some(0))
    work_streams(log)
    made(log, replace(one, revision=2, filter="mag > 19.5"))
    work_streams(log)
    put(log, batch=some(4))
    work_streams(log)
    kinds = [(row.revision, row.kind) for row in rows_of_stream(log)]
    assert kinds == [(1, "begin"), (1, "row"), (1, "row"), (1, "end"), (2, "begin"), (2, "row")]
    assert selected(log)[-1] == "c7"


def test_a_paused_stream_selects_nothing_and_a_deleted_one_is_gone(new_log: NewLog) -> None:
    log = new_log()
    one = stream()
    made(log, one)
    work_streams(log)
    made(log, replace(one, revision=2, state="paused"))
    work_streams(log)
    put(log, batch=some(0))
    work_streams(log)
    made(log, replace(one, revision=3))
    work_streams(log)
    put(log, batch=some(4, 1))
    made(log, replace(one, revision=4, state="deleted"))
    work_streams(log)
    assert [row.kind for row in rows_of_stream(log)][:3] == ["begin", "end", "begin"]
    assert set(selected(log)) <= {"c4"}
    assert overview(log) == ()


def test_a_stale_revision_is_refused(new_log: NewLog) -> None:
    log = new_log()
    one = stream()
    define(log, one)
    define(log, replace(one, revision=2, filter=BRIGHT))
    with pytest.raises(SettingsError, match="revision 3 comes next"):
        define(log, replace(one, revision=2, filter="mag > 3"))


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"name": "Mine"}, "lower-case"),
        ({"filter": "magg < 3"}, "magg"),
        ({"include": ("colour",)}, "colour"),
        ({"quota_per_s": 0.0}, "quota"),
        ({"quota_per_s": 1e-12}, "from 1e-06"),
        ({"quota_per_s": float("nan")}, "quota"),
        ({"owner": "a\nb"}, "owner"),
        ({"revision": 2}, "revision 1 comes next"),
    ],
)
def test_a_wrong_definition_is_refused_and_not_written(new_log: NewLog, wrong: dict[str, Any], said: str) -> None:
    log = new_log()
    with pytest.raises(SettingsError, match=said):
        define(log, stream(**wrong))
    assert overview(log) == ()


def test_the_least_quota_lets_its_burst_through(new_log: NewLog) -> None:
    log = new_log()
    made(log, stream(quota_per_s=LEAST_PER_S))
    work_streams(log)
    put(log, batch=candidates(*({"thread_id": "ztf:1", "alert_id": f"c{n}"} for n in range(9))))
    work_streams(log)
    assert len(selected(log)) == LEAST_BURST
    assert overview(log)[0].skipped == 9 - LEAST_BURST


@pytest.mark.parametrize("time_us", [2**63 - 1, 2**62, LAST_US + 1, FIRST_US - 1, NO_TIME + 1])
def test_a_candidate_of_a_time_that_no_calendar_has_is_one_without_a_time(new_log: NewLog, time_us: int) -> None:
    log = new_log()
    made(log, stream(include=("time", "first_time", "age_s", "since_first_days", "survey")))
    work_streams(log)
    writer = log.writer("test")
    with writer.transaction() as tx:
        for one in rows(candidates({"alert_id": "odd"}), "live"):
            odd = replace(one, time_us=time_us, first_us=time_us)
            tx.send(topics.CANDIDATES.name, encode(odd), key=one.thread_id.encode())
    writer.close()
    work_streams(log)
    row = rows_of_stream(log)[-1]
    assert (row.record_id, row.time, row.fields) == ("odd", None, {"survey": "ztf"})


def test_an_event_fetches_past_candidates_and_selects_those_to_come(new_log: NewLog) -> None:
    log = new_log()
    made(log, stream(filter="IN_EVENTS('gravitational_wave', 0.9, 14)"))
    work_streams(log)
    put(log, batch=candidates({"alert_id": "in"}, {"alert_id": "out", "ra": 20.0}, {"alert_id": "late", "days": 20.0}))
    work_streams(log)
    assert selected(log) == []
    put(log, [gw("lvk:MS1", reality="test", localizations=cone(20.0, -23.0, 3.0))])
    work_streams(log)
    assert selected(log) == []
    put(log, [gw("lvk:S1", localizations=cone(197.0, -23.0, 3.0))])
    work_streams(log, most=2)
    put(log, [gw("lvk:S1", 1, localizations=cone(197.0, -23.0, 4.0))], candidates({"alert_id": "new"}))
    work_streams(log)
    rows = [row for row in rows_of_stream(log) if row.kind == "row"]
    assert [row.record_id for row in rows] == ["in", "new"]
    assert rows[0].backfill


def test_a_test_candidate_never_meets_a_real_event(new_log: NewLog) -> None:
    log = new_log()
    made(log, stream(filter="IN_EVENTS('gravitational_wave', 0.9, 14)"))
    work_streams(log)
    put(log, [gw("lvk:S1", localizations=cone(197.0, -23.0, 3.0))])
    put(log, batch=candidates({"alert_id": "test", "reality": "test"}, {"alert_id": "real"}))
    work_streams(log)
    assert selected(log) == ["real"]


def test_alerts_and_coincidences_have_streams_too(new_log: NewLog) -> None:
    log = new_log()
    made(log, stream("gws", "messenger = 'gravitational_wave'", table="alerts"))
    work_streams(log)
    put(log, [gw("lvk:S1"), gw("lvk:S2")])
    work_streams(log)
    assert len(selected(log, "gws")) == 2


def test_a_filter_of_another_version_breaks_its_stream_only(new_log: NewLog) -> None:
    log = new_log()
    writer = log.writer("other-version")
    with writer.transaction() as tx:
        for one in (stream("other", "SPARKLES(ra, dec)"), stream("mine")):
            log.create([topics.stream_topic(one.name)])
            tx.send(topics.STREAMS.name, encode(one), key=one.name.encode())
        tx.send(topics.STREAMS.name, b"no record of ours", key=b"odd")
    work_streams(log)
    put(log, batch=some(0, 2))
    work_streams(log)
    assert sorted(selected(log)) == ["c0", "c1"]
    assert {view.name: view.state for view in overview(log)} == {"mine": "active", "odd": "broken", "other": "broken"}


def test_a_record_that_does_not_decode_stops_nobody(new_log: NewLog) -> None:
    log = new_log()
    made(log, stream())
    work_streams(log)
    with log.writer("odd").transaction() as tx:
        tx.send(topics.CANDIDATES.name, b"odd", key=b"k")
    put(log, batch=some(0, 1))
    work_streams(log)
    assert selected(log) == ["c0"]


@pytest.mark.parametrize("failure", ["retry", "lost", "unknown"])
def test_a_failed_commit_leaves_neither_gap_nor_double(new_log: NewLog, failure: str) -> None:
    whole = new_log()
    broken = new_log()
    turns = iter(range(10_000))
    failing = Failing(broken, lambda slot: failure if slot == "nuncius-streams" and next(turns) % 2 == 0 else "")
    for log, view in ((whole, whole), (broken, failing)):
        put(log, batch=some(0, 30))
        made(log, stream(filter=BRIGHT, since=MADE))
        put(log, batch=some(30, 30))
        run_through([StreamsWorker(cast("Log", view), MapShelf(log), most=11)])
    assert failing.failed
    assert sorted(selected(broken)) == sorted(selected(whole)) == sorted(f"c{n}" for n in range(60) if n % 4 < 2)


def test_a_retracted_event_selects_no_more(new_log: NewLog) -> None:
    log = new_log()
    made(log, stream(filter="IN_EVENTS('gravitational_wave', 0.9, 14)"))
    work_streams(log)
    put(log, [gw("lvk:S1", localizations=cone(197.0, -23.0, 3.0))])
    put(log, batch=candidates({"alert_id": "before"}))
    work_streams(log)
    put(log, [gw("lvk:S1", 1, kind="retraction", localizations=())])
    work_streams(log)
    put(log, batch=candidates({"alert_id": "after"}))
    work_streams(log)
    assert selected(log) == ["before"]
