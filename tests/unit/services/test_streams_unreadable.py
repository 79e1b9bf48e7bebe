"""What cannot be read or used on `nuncius.streams` is shown everywhere, and stops nothing else."""

import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from matching_alerts import candidates
from road import put
from streams_here import MADE, made, rows_of_stream, selected, stream, work_streams

from nuncius.broker.services.doctor import examine
from nuncius.broker.services.maps import MapShelf
from nuncius.broker.services.runner import drain
from nuncius.broker.services.streams.define import define
from nuncius.broker.services.streams.limits import Limits
from nuncius.broker.services.streams.overview import StreamView, overview
from nuncius.broker.services.streams.state import CHECKPOINT_KEY, progress_key
from nuncius.broker.services.streams.worker import StreamsWorker
from nuncius.broker.transport import topics
from nuncius.broker.transport.port import Log
from nuncius.schemas import SettingsError, Stop, StreamDefinition
from nuncius.schemas.codec import encode

NewLog = Callable[[], Log]
ODD = b"\xc3\x01of a newer version"


def write(log: Log, key: bytes, value: bytes) -> None:
    """A record on `nuncius.streams`, as another version or a fault would write it."""
    with log.writer("another").transaction() as tx:
        tx.send(topics.STREAMS.name, value, key=key)


def bring(log: Log, *ids: str) -> None:
    """Candidates, and whatever the service makes of them."""
    put(log, batch=candidates(*({"thread_id": f"ztf:{one}", "alert_id": one} for one in ids)))
    work_streams(log)


def view_of(log: Log, name: str) -> StreamView:
    """What is to be said of a stream."""
    return next(view for view in overview(log) if view.name == name)


def doctor_says(log: Log, name: str) -> tuple[str, str]:
    """Verdict and words of the doctor on a stream."""
    found = {one.what: one for one in examine(lambda: log, Path(), datetime(2026, 11, 23, 12, tzinfo=UTC))}
    return found[f"stream {name}"].verdict, found[f"stream {name}"].detail


def test_a_newer_definition_that_cannot_be_read_is_told_and_the_old_one_goes_on(
    new_log: NewLog, caplog: pytest.LogCaptureFixture
) -> None:
    log = new_log()
    made(log, stream(), stream("other"))
    worker = StreamsWorker(log, MapShelf(log))
    drain([worker])
    write(log, b"mine", ODD)
    put(log, batch=candidates({"alert_id": "c0"}))
    with caplog.at_level(logging.WARNING):
        drain([worker])
    worker.close()
    assert selected(log) == selected(log, "other") == ["c0"]
    assert "stream mine" in caplog.text
    assert "cannot be taken up" in caplog.text
    view = view_of(log, "mine")
    assert (view.state, view.published) == ("broken", 1)
    assert "cannot be read by this version" in view.detail
    assert view_of(log, "other").state == "active"
    assert doctor_says(log, "mine")[0] == "wrong"


def test_it_is_told_again_at_every_start_until_it_is_mended(new_log: NewLog, caplog: pytest.LogCaptureFixture) -> None:
    log = new_log()
    made(log, stream())
    work_streams(log)
    write(log, b"mine", ODD)
    work_streams(log)
    caplog.clear()
    with caplog.at_level(logging.WARNING):
        work_streams(log)
    assert caplog.text.count("stream mine") == 1
    define(log, stream(revision=2, filter="mag < 30"))
    caplog.clear()
    bring(log, "c0")
    assert caplog.text == ""
    assert (view_of(log, "mine").state, selected(log)) == ("active", ["c0"])


def test_one_that_never_could_be_read_has_a_line_too(new_log: NewLog) -> None:
    log = new_log()
    write(log, b"od\x1bd", ODD)
    work_streams(log)
    (view,) = overview(log)
    assert (view.name, view.definition, view.state) == ("od\x1bd", None, "broken")
    verdict, words = doctor_says(log, r"od\x1bd")
    assert verdict == "wrong"
    assert "nuncius streams" in words


@pytest.mark.parametrize(
    ("key", "definition"),
    [
        (b"etc/../passwd", stream("etc/../passwd")),
        (b"mine", stream("other")),
        (b"slow", stream("slow", quota_per_s=0.0)),
        (b"odd", stream("odd", include=("colour",))),
    ],
)
def test_a_definition_that_no_stream_can_have_breaks_its_own_only(
    new_log: NewLog, key: bytes, definition: StreamDefinition
) -> None:
    log = new_log()
    made(log, stream("good"))
    write(log, key, encode(definition))
    bring(log)
    bring(log, "c0")
    assert selected(log, "good") == ["c0"]
    assert {view.name: view.state for view in overview(log)} == {"good": "active", key.decode(): "broken"}


def test_progress_that_cannot_be_read_breaks_its_own_stream_only(new_log: NewLog) -> None:
    log = new_log()
    made(log, stream(), stream("other"))
    work_streams(log)
    write(log, progress_key("mine"), ODD)
    bring(log, "c0")
    assert (selected(log), selected(log, "other")) == ([], ["c0"])
    assert view_of(log, "mine").state == "broken"
    assert "how far it has come" in view_of(log, "mine").detail


def test_a_checkpoint_that_cannot_be_read_ends_the_service_in_words(new_log: NewLog) -> None:
    log = new_log()
    made(log, stream())
    work_streams(log)
    write(log, CHECKPOINT_KEY, ODD)
    with pytest.raises(Stop, match="run the version that wrote it"):
        work_streams(log)


def test_one_stream_too_many_is_refused_and_a_deleted_one_makes_room(new_log: NewLog) -> None:
    log = new_log()
    one = stream("s1")
    made(log, stream("s0"), one)
    with pytest.raises(SettingsError, match="delete one that nobody reads"):
        define(log, stream("s2"), most=2)
    define(log, replace(one, revision=2, filter="mag < 3"), most=2)
    define(log, replace(one, revision=3, state="deleted"), most=2)
    define(log, stream("s2"), most=2)
    with pytest.raises(SettingsError, match="there are 2 streams"):
        define(log, replace(one, revision=4), most=2)


def test_the_service_takes_up_no_more_than_its_limit_and_keeps_those_it_has(new_log: NewLog) -> None:
    log = new_log()
    limits = Limits(streams=2)
    made(log, stream("z"), stream("y"))
    work_streams(log, limits=limits)
    made(log, stream("a"))
    work_streams(log, limits=limits)
    work_streams(log, limits=limits)
    assert {view.name: view.state for view in overview(log)} == {"a": "broken", "y": "active", "z": "active"}
    assert "beyond the 2 streams" in view_of(log, "a").detail


def test_a_back_fill_is_cut_off_at_its_limit_and_says_so(new_log: NewLog) -> None:
    log = new_log()
    put(log, batch=candidates(*({"thread_id": "ztf:1", "alert_id": f"c{n}"} for n in range(30))))
    made(log, stream(since=MADE), stream("small", since=MADE, filter="alert_id = 'c29'"))
    work_streams(log, most=4, limits=Limits(past_rows=10))
    assert selected(log) == [f"c{n}" for n in range(12)]  # whole slices of 4
    assert selected(log, "small") == ["c29"]
    (told,) = [row.detail for row in rows_of_stream(log) if row.kind == "handover"]
    assert "cut off" in told
    assert "at most 10" in told
    bring(log, "new")
    assert selected(log)[-1] == "new"


def test_a_worker_says_nothing_of_streams_that_are_well(new_log: NewLog, caplog: pytest.LogCaptureFixture) -> None:
    log = new_log()
    made(log, stream(), stream("gone"), stream("gone", revision=2, state="deleted"))
    with caplog.at_level(logging.WARNING):
        work_streams(log)
    assert caplog.text == ""
