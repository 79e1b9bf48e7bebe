"""What is under way when the HTTP service ends is told so, and no traceback reaches who ended it."""

import logging
import socket
import threading
from contextlib import closing
from typing import Any

import pytest
import uvicorn

from nuncius.broker.services.web.wire import WireProtocol

HALF = b"POST /too/r/answer HTTP/1.1\r\nHost: here\r\nContent-Length: 100\r\n\r\nhalf of it"


@pytest.mark.parametrize("begun", [False, True])
def test_who_is_cut_off_is_told_so_unless_an_answer_has_begun(caplog: pytest.LogCaptureFixture, *, begun: bool) -> None:
    under_way = threading.Event()

    async def app(_: Any, receive: Any, send: Any) -> None:
        if begun:
            await send({"type": "http.response.start", "status": 200, "headers": []})
        await receive()
        under_way.set()
        await receive()

    config = uvicorn.Config(app, http=WireProtocol, port=0, lifespan="off", log_config=None)
    config.timeout_graceful_shutdown = 0
    server = uvicorn.Server(config)
    with closing(config.bind_socket()) as listening:
        listening.listen()
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        with closing(socket.create_connection(listening.getsockname()[:2], 30)) as line, line.makefile("rb") as answer:
            line.sendall(HALF)
            assert under_way.wait(30)
            server.should_exit = True
            thread.join(30)
            said = answer.read()
    assert said.startswith(b"HTTP/1.1 200" if begun else b"HTTP/1.1 503")
    assert begun or b"the broker ends; ask again" in said
    errors = [one for one in caplog.records if one.levelno >= logging.ERROR]
    assert [one.exc_info for one in errors if one.exc_info] == []
