"""``streams_worker.py ADDRESS``: the streams service on a log, until it is killed; it says what it does."""

import sys

from nuncius.broker.services.maps import MapShelf
from nuncius.broker.services.streams.worker import StreamsWorker
from nuncius.broker.transport.address import parse_address
from nuncius.broker.transport.clock import utc_now
from nuncius.broker.transport.kafka.cluster import Connection
from nuncius.broker.transport.opening import open_address

if __name__ == "__main__":
    log = open_address(parse_address(sys.argv[1]), utc_now, Connection(), None)
    worker = StreamsWorker(log, MapShelf(log), most=20)
    print("ready", flush=True)
    active = False
    while True:
        if worker.work(0.01) and not active:
            active = True
            print("active", flush=True)
