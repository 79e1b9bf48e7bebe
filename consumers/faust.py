"""Faust for subscribers who write stateful scripts: an application that reads a broker's streams, typed and committed.

Needs ``pip install 'nuncius[faust]'`` and a broker on Kafka. Faust hands every record over at least once; what is
counted in its tables must not change when a record comes again (`examples/faust_neutrino_rate.py`).
"""

import os
import sys
from typing import Any, Final, NoReturn

import faust
from faust.serializers.codecs import Codec
from faust.transport.drivers import aiokafka

from nuncius.broker.transport import topics
from nuncius.broker.transport.address import (
    KafkaAddress,
    KafkaLocalAddress,
    data_folder,
    find_address,
    node_folder,
    shown,
)
from nuncius.broker.transport.kafka.cluster import BATCH_BYTES, Cluster
from nuncius.broker.transport.opening import running_node
from nuncius.schemas import SettingsError
from nuncius.schemas.codec import decode, encode, kind_of

SETTINGS: Final[dict[str, Any]] = {
    "topic_disable_leader": True,
    "web_enabled": False,
    "worker_redirect_stdouts": False,
    "broker_session_timeout": 10.0,
    "broker_heartbeat_interval": 3.0,
    "consumer_max_fetch_size": BATCH_BYTES,
    "consumer_auto_offset_reset": "earliest",
}
"""What Faust is told, where the caller says nothing else.

It makes no leader topic, opens no port and leaves standard output to the script. A worker that died is given up after
10 s, with a heartbeat each third of that, as Kafka's documentation advises; Faust's 60 s leave its partitions unread so
long. One fetch takes the largest record. A new application begins with what is kept of a stream.
"""


class RecordCodec(Codec):
    """Faust's codec for our records: Avro single-object encoding, whichever of the records it is.

    Raises
    ------
    UnknownSchema, MalformedAlert
        For bytes that are none of ours; Faust hands it to the agent as its own ``ValueDecodeError``.
    """

    def _loads(self, s: bytes) -> Any:
        return decode(kind_of(s), s)

    def _dumps(self, s: Any) -> bytes:
        return encode(s)


class _CommittedThread(aiokafka.AIOKafkaConsumerThread):
    def _create_worker_consumer(self, transport: aiokafka.Transport) -> Any:
        consumer = super()._create_worker_consumer(transport)
        # Faust asks for committed records only together with its own transactions, whose defects are known
        # (faust-streaming issues 136, 177, 323, 440, 502, 517); aiokafka looks at this when it starts.
        consumer._isolation_level = "read_committed"  # noqa: SLF001  Faust has no setting for it, see above
        return consumer


class _CommittedConsumer(aiokafka.Consumer):
    def _new_consumer_thread(self) -> _CommittedThread:
        return _CommittedThread(self, loop=self.loop, beacon=self.beacon)


class CommittedTransport(aiokafka.Transport):
    """Faust's transport, whose agents see committed records only."""

    Consumer = _CommittedConsumer


class Application(faust.App):
    """A Faust application that knows which broker it reads; made by `application`."""

    cluster: Cluster


def application(name: str, *, broker: str | None = None, **settings: Any) -> Application:
    """A Faust application that reads a broker's streams.

    Parameters
    ----------
    name
        Of the application: its consumer group and the topics of its tables begin with it (after the broker's
        namespace).
    broker
        ``kafka://HOST:PORT``, ``kafka://HOST:PORT/NAME`` or ``kafka:local``; None takes ``$NUNCIUS_BROKER``.
    settings
        Faust's own, for example ``broker_credentials`` or ``datadir``; they win over `SETTINGS`.

    Raises
    ------
    SettingsError
        If the address is no Kafka's, or no node of ours runs.
    """
    cluster = _cluster(broker)
    servers = [f"kafka://{server}" for server in cluster.servers.split(",")]
    app = Application(cluster.outside(name), broker=servers, **{**SETTINGS, **settings})
    app.transport = CommittedTransport(app.conf.broker_consumer, app)
    app.cluster = cluster
    return app


def run(app: Application) -> NoReturn:
    """Work until Ctrl-C or SIGTERM, then leave the group in order.

    Unlike Faust's own ``app.main()``, whose ``worker`` opens port 6066 to every network unless it is told
    ``--without-web``.
    """
    faust.Worker(app, loglevel="WARN", stdout=sys.stderr).execute_from_commandline()
    raise SystemExit(0)


def alerts_topic(app: Application) -> faust.TopicT:
    """Normalised alerts of events: each is an `Alert`."""
    return _topic(app, topics.EVENTS)


def coincidences_topic(app: Application) -> faust.TopicT:
    """What belongs together, every revision: each is a `Coincidence` or a `CandidateList`."""
    return _topic(app, topics.COINCIDENCES)


def candidates_topic(app: Application) -> faust.TopicT:
    """Alerts of surveys: each is a `CandidateRow`."""
    return _topic(app, topics.CANDIDATES)


def stream_topic(app: Application, name: str) -> faust.TopicT:
    """A named stream: each is a `StreamRow`."""
    return _topic(app, topics.stream_topic(name))


def _topic(app: Application, topic: topics.Topic) -> faust.TopicT:
    return app.topic(
        app.cluster.outside(topic.name),
        key_serializer="raw",
        key_type=bytes,
        value_serializer=RecordCodec(),
        partitions=topic.partitions,
    )


def _cluster(broker: str | None) -> Cluster:
    address = find_address(broker, os.environ)
    match address:
        case KafkaAddress(servers, namespace):
            return Cluster(servers, namespace)
        case KafkaLocalAddress():
            return Cluster(running_node(node_folder(data_folder(os.environ))))
        case _:
            raise SettingsError(f"{shown(address)}: Faust reads Kafka only; give kafka://HOST:PORT or kafka:local")
