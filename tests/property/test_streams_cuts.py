"""However the log is cut into steps, restarts and failed commits, a stream selects the same, each record once."""

from contextlib import closing
from typing import cast

from how_many import examples
from hypothesis import given, settings
from hypothesis import strategies as st
from matching_alerts import candidates
from road import Failing, memory, put, run_through
from streams_here import MADE, made, rows_of_stream, selected, stream

from nuncius.broker.services.maps import MapShelf
from nuncius.broker.services.streams.worker import StreamsWorker
from nuncius.broker.transport.port import Log


@settings(max_examples=examples(12), deadline=None)
@given(
    most=st.integers(1, 9),
    before=st.lists(st.floats(15.0, 22.0), min_size=1, max_size=12),
    after=st.lists(st.floats(15.0, 22.0), max_size=12),
    failures=st.lists(st.sampled_from(["", "retry", "lost", "unknown"]), max_size=8),
)
def test_any_cut_selects_the_same(most: int, before: list[float], after: list[float], failures: list[str]) -> None:
    with closing(memory()) as log:
        plan = iter(failures)
        view = Failing(log, lambda slot: next(plan, "") if slot == "nuncius-streams" else "")
        put(log, batch=candidates(*({"alert_id": f"b{n}", "mag": mag} for n, mag in enumerate(before))))
        made(log, stream(filter="mag < 19", since=MADE))
        run_through([StreamsWorker(cast("Log", view), MapShelf(log), most=most)])
        if after:
            put(log, batch=candidates(*({"alert_id": f"a{n}", "mag": mag} for n, mag in enumerate(after))))
        run_through([StreamsWorker(cast("Log", view), MapShelf(log), most=most)])
        wanted = [f"b{n}" for n, mag in enumerate(before) if mag < 19]
        wanted += [f"a{n}" for n, mag in enumerate(after) if mag < 19]
        assert sorted(selected(log)) == sorted(wanted)
        assert [row.kind for row in rows_of_stream(log) if row.kind != "row"] == ["begin", "handover"]
