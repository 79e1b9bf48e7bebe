"""``lanes_service.py ADDRESS POLICIES URL one|two``: plans in one thread or in two, and delivers in another."""

import sys
import threading
from pathlib import Path

from too_server import SECRET

from nuncius.broker.planning.policies_toml import load_policies
from nuncius.broker.services.crew import Crew
from nuncius.broker.services.delivering import Delivering, Route
from nuncius.broker.services.planning import planners
from nuncius.broker.transport.address import parse_address
from nuncius.broker.transport.clock import utc_now
from nuncius.broker.transport.kafka.cluster import Connection
from nuncius.broker.transport.opening import open_address
from nuncius.consumers.webhook import Webhook


def main(address: str, policies: str, url: str, threads: str) -> None:
    """Work until standard input ends."""
    log = open_address(parse_address(address), utc_now, Connection(), None)
    lanes = planners(log, load_policies(Path(policies).read_text("utf-8")))
    webhook = Webhook(url, secret=SECRET, allowed_hosts=frozenset({"127.0.0.1"}))
    deliver = Delivering(log, Route(adapter=webhook), utc_now)
    planning = [lanes] if threads == "one" else [(lane,) for lane in lanes]
    crew = Crew([*planning, (deliver,)], lambda line: print(line, file=sys.stderr))

    def watch() -> None:
        sys.stdin.read()
        crew.stop()

    threading.Thread(target=watch, daemon=True).start()
    crew.start()
    crew.wait()
    crew.join()
    log.close()


if __name__ == "__main__":
    main(*sys.argv[1:5])
