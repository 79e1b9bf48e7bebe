"""Named streams on a log: what is selected, when a revision begins and ends, and the past handed over to the new."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any, cast

import pytest
from matching_alerts import candidates, cone, gw
from road import Failing, put, run_through
from streams_here import MADE, made, rows_of_stream, selected, stream, work_streams

from nuncius.broker.services.maps import MapShelf
from nuncius.broker.services.streams.define import define
from nuncius.broker.services.streams.overview import overview
from nuncius.broker.services.streams.worker import StreamsWorker
from nuncius.broker.transport import topics
from nuncius.broker.transport.port import Log
from nuncius.schemas import CandidateBatch, SettingsError
from nuncius.schemas.codec import encode

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
        ({"owner": "a\nb"}, "owner"),
        ({"revision": 2}, "revision 1 comes next"),
    ],
)
def test_a_wrong_definition_is_refused_and_not_written(new_log: NewLog, wrong: dict[str, Any], said: str) -> None:
    log = new_log()
    with pytest.raises(SettingsError, match=said):
        define(log, stream(**wrong))
    assert overview(log) == ()


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
