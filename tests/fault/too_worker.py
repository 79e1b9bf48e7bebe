"""A process that delivers to a portal until it is killed; run by the fault tests.

``too_worker.py ADDRESS URL LATER_S``: hands every request on the log at ADDRESS to the portal at URL, by a clock that
is so many seconds ahead; says ``here`` before it joins, and ``at work`` once the requests are its own.
"""

import sys
from datetime import timedelta
from time import sleep
from typing import Final

from fakes.ocs import PROPOSAL, TOKEN
from pydantic import SecretStr

from nuncius.broker.services.delivering import Delivering, Route
from nuncius.broker.services.runner import run
from nuncius.broker.transport.address import parse_address
from nuncius.broker.transport.clock import utc_now
from nuncius.broker.transport.kafka.cluster import Connection
from nuncius.broker.transport.opening import open_address
from nuncius.consumers.too.door import Allowance
from nuncius.consumers.too.ocs import Ocs
from nuncius.consumers.too.ocs_body import OcsSettings

PATIENCE_S: Final = 20.0
"""How long it waits for an answer: longer than it lives."""


def main(address: str, url: str, later_s: str) -> None:
    settings = OcsSettings(
        url=url,
        allowed_hosts=frozenset({"127.0.0.1"}),
        proposal=PROPOSAL,
        instrument_type="1M0-SCICAM-SINISTRO",
        telescope_class="1m0",
        timeout_s=PATIENCE_S,
    )
    say("here")
    log = open_address(parse_address(address), utc_now, Connection(), None)
    ahead = timedelta(seconds=float(later_s))
    adapter = Ocs(settings, SecretStr(TOKEN), Allowance(1000, 1.0))
    service = Delivering(log, Route(adapter=adapter), lambda: utc_now() + ahead)
    said = False

    def stop() -> bool:
        nonlocal said
        if not said and service.caught_up():
            said = True
            say("at work")
        return False

    run([service], stop, sleep, lambda line: print(line, file=sys.stderr), 0.05)


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(*sys.argv[1:4])
