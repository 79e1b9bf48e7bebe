"""A process that plans in one lane until it is killed: ``lane_worker.py ADDRESS POLICIES point|plan``."""

import sys
from pathlib import Path
from time import sleep

from nuncius.broker.planning.policies_toml import load_policies
from nuncius.broker.services.planning import GROUPS, planners
from nuncius.broker.services.runner import run
from nuncius.broker.transport.address import parse_address
from nuncius.broker.transport.clock import utc_now
from nuncius.broker.transport.kafka.cluster import Connection
from nuncius.broker.transport.opening import open_address


def main(address: str, policies: str, lane: str) -> None:
    log = open_address(parse_address(address), utc_now, Connection(), None)
    lanes = planners(log, load_policies(Path(policies).read_text("utf-8")), most=1)
    group = {str(name): group for name, group in GROUPS.items()}[lane]
    working = [one for one in lanes if one.name == group]
    run(working, lambda: False, sleep, lambda line: print(line, file=sys.stderr), 0.05)


if __name__ == "__main__":
    main(*sys.argv[1:4])
