"""``web_server.py FOLDER STALLED_S``: the HTTP service on a log, reading nothing in; says its port."""

import sys
from pathlib import Path
from typing import Any

import uvicorn

from nuncius.broker.services.intake import Intake
from nuncius.broker.services.reading import Reading
from nuncius.broker.services.web.app import web_app
from nuncius.broker.services.web.guard import guard
from nuncius.broker.services.web.hub import Hub
from nuncius.broker.services.web.wire import WireProtocol
from nuncius.broker.transport.clock import utc_now
from nuncius.broker.transport.local import open_local


class NoIntake(Intake):
    """Takes nothing."""

    def __init__(self) -> None:
        pass


def _read(body: bytes, stream: str) -> Reading:
    raise AssertionError(f"nothing is posted here: {body!r} on {stream!r}")


def _health() -> dict[str, Any]:
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    (peak,) = (line.split()[1] for line in lines if line.startswith("VmHWM"))
    return {"ok": True, "peak_kb": int(peak)}


if __name__ == "__main__":
    log = open_local(Path(sys.argv[1]), utc_now)
    hub = Hub(log, {}, lambda line: print(line, file=sys.stderr, flush=True), float(sys.argv[2]))
    app = web_app(log, NoIntake(), _read, _health, hub, guard("127.0.0.1", ""))
    server = uvicorn.Server(uvicorn.Config(app, http=WireProtocol, port=0, log_level="warning", lifespan="off"))
    listening = server.config.bind_socket()
    listening.listen(512)
    print(listening.getsockname()[1], flush=True)
    server.run(sockets=[listening])
