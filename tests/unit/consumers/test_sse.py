"""Server-sent events, however their bytes are cut."""

import pytest

from nuncius.consumers import sse
from nuncius.consumers.sse import Event, events

TEXT = (
    ": ping\n\n"
    "id: 0:1\n\n"
    'id: 0:2\ntaken: 2026-11-23T12:00:00+00:00\nevent: alert\ndata: {"a":"\u2028 ü"}\n\n'
    "data: one\r\ndata:two\r\n\r\n"
    "event: cut off\ndata: not whole\n"
).encode()
FOUND = [
    Event("message", b"", {"id": "0:1"}),
    Event(
        "alert",
        '{"a":"\u2028 ü"}'.encode(),
        {"id": "0:2", "taken": "2026-11-23T12:00:00+00:00", "event": "alert"},
    ),
    Event("message", b"one\ntwo", {}),
]


@pytest.mark.parametrize("size", [1, 2, 3, 7, len(TEXT)])
def test_events_come_whole_however_their_bytes_are_cut(size: int) -> None:
    assert list(events(TEXT[at : at + size] for at in range(0, len(TEXT), size))) == FOUND


def test_a_line_without_end_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sse, "MOST_BYTES", 100)
    with pytest.raises(ValueError, match="more than 100 bytes"):
        list(events([b"data: " + b"x" * 60, b"x" * 60]))


def test_an_event_without_end_is_refused_and_a_broker_that_is_only_alive_is_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sse, "MOST_BYTES", 100)
    assert list(events([b": still here\n"] * 50)) == []
    assert len(list(events([b"data: x\n\n"] * 50))) == 50
    with pytest.raises(ValueError, match="one of more than 100 bytes"):
        list(events([b"data: x\n"] * 50))
