"""The connection of a subscription over HTTP, against a broker that stays silent."""

import socket
from contextlib import closing

import pytest

from nuncius.consumers.http_source import HttpSource
from nuncius.schemas import SettingsError

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nNuncius-Log: one\r\n\r\nid: 0:5\n\n"


def opened(listening: socket.socket, head: bytes = HEAD) -> tuple[HttpSource, socket.socket]:
    """A source, and the broker's end of its connection, on which nothing comes any more."""
    source = HttpSource(f"http://127.0.0.1:{listening.getsockname()[1]}", "/alerts/stream", {}, None, print)
    broker, _ = listening.accept()
    broker.settimeout(30)
    broker.recv(65536)
    broker.sendall(head)
    source.open()
    return source, broker


def read_out(source: HttpSource) -> None:
    """Poll until the end, or the fault."""
    while source.poll(1.0) or not source.ended():
        pass


@pytest.fixture
def listening() -> socket.socket:
    made = socket.create_server(("127.0.0.1", 0))
    made.settimeout(30)
    return made


def test_closing_ends_the_connection_though_the_broker_is_silent(listening: socket.socket) -> None:
    """The broker says nothing, so without the client's doing it would wait out its socket's 30 s."""
    with closing(listening):
        source, broker = opened(listening)
        with closing(broker):
            source.close()
            source.close()
            assert broker.recv(1) == b""


def test_another_log_behind_the_same_address_is_told(listening: socket.socket) -> None:
    with closing(listening):
        source, broker = opened(listening)
        broker.close()
        again, _ = listening.accept()
        with closing(again), closing(source):
            asked = again.recv(65536)
            assert b"Last-Event-ID: 0:5" in asked or b"last-event-id: 0:5" in asked
            again.sendall(HEAD.replace(b"one", b"two"))
            with pytest.raises(SettingsError, match="another log: it was made anew"):
                read_out(source)


def test_what_is_no_stream_of_events_ends_the_subscription(
    listening: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nuncius.consumers.sse.MOST_BYTES", 1000)
    with closing(listening):
        source, broker = opened(listening)
        with closing(broker), closing(source):
            broker.sendall(b"x" * 2000)
            with pytest.raises(SettingsError, match="more than 1000 bytes"):
                read_out(source)
