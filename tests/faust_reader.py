"""A Faust worker that prints the id of every alert it is handed; run by a test on Kafka.

``faust_reader.py committed ADDRESS`` reads as Nuncius offers it, ``plain`` as Faust does by itself.
"""

import sys
from typing import Any

import faust

from nuncius.broker.transport import topics
from nuncius.consumers.faust import RecordCodec, alerts_topic, application
from nuncius.schemas import Alert

how, address = sys.argv[1:]
committed = application("committed", broker=address)
plain = faust.App(
    committed.cluster.outside("plain"),
    broker=f"kafka://{committed.cluster.servers}",
    topic_disable_leader=True,
    web_enabled=False,
    worker_redirect_stdouts=False,
)
app: faust.App = committed if how == "committed" else plain
topic: Any = (
    alerts_topic(committed)
    if how == "committed"
    else plain.topic(committed.cluster.outside(topics.EVENTS.name), value_serializer=RecordCodec())
)


@app.agent(topic)
async def tell(alerts: faust.StreamT[Alert]) -> None:
    async for alert in alerts:
        sys.stdout.write(f"{alert.alert_id}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    faust.Worker(app, loglevel="WARN", stdout=sys.stderr).execute_from_commandline()
