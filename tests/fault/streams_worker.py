"""``streams_worker.py FOLDER``: the streams service on a log, until it is killed."""

import sys
from pathlib import Path

from nuncius.broker.services.maps import MapShelf
from nuncius.broker.services.streams.worker import StreamsWorker
from nuncius.broker.transport.clock import utc_now
from nuncius.broker.transport.local import open_local

if __name__ == "__main__":
    log = open_local(Path(sys.argv[1]), utc_now)
    worker = StreamsWorker(log, MapShelf(log), most=20)
    print("ready", flush=True)
    while True:
        worker.work(0.01)
