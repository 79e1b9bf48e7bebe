"""Clients of others, unmodified, on a real Kafka: they publish to the inbox and read our topics.

``gcn_kafka``, ``hop`` and ``kcat`` all read committed records only, by default: that is librdkafka's default. kcat and
gcn-kafka are told so here all the same; hop-client has no such option.
"""

import json
import shutil
import struct
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any
from uuid import uuid4

import fastavro
import gcn_kafka
import hop.io
import orjson
import pytest
import voevents
from commands import Service, nuncius, service, waiting
from hop.models import AvroBlob, Blob, VOEvent
from kafka_here import not_here
from road import history, night, put, work_through
from streams_here import MADE, made, rows_of_stream, stream, work_streams
from transport_logs import abort, everything

from nuncius.broker.transport import topics
from nuncius.broker.transport.clock import utc_now
from nuncius.broker.transport.kafka.cluster import Cluster
from nuncius.broker.transport.kafka.log import KafkaLog
from nuncius.producers.simulation import fermi
from nuncius.producers.simulation.voevents import Position
from nuncius.schemas import Alert, ids
from nuncius.schemas.codec import decode

pytestmark = [pytest.mark.kafka, pytest.mark.long]

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
SCHEMAS = Path(__file__).parents[2] / "schemas"
LVK = Path(__file__).parents[1] / "data" / "producers" / "lvk_avro.update.avro"
ABORTED = b"of a transaction that was aborted"


@dataclass(frozen=True)
class Broker:
    """A running ingest that reads the inbox of a namespace, and where it is."""

    servers: str
    name: str
    home: Path
    ingest: Service

    @property
    def address(self) -> str:
        return f"kafka://{self.servers}/{self.name}"

    def topic(self, topic: topics.Topic) -> str:
        """What others call it."""
        return f"{self.name}.{topic.name}"

    def log(self) -> KafkaLog:
        return KafkaLog(Cluster(self.servers, namespace=self.name), utc_now)

    def subscribed(self, what: str) -> list[dict[str, Any]]:
        return nuncius("subscribe", what, "--json", "--until-end", "--broker", self.address, home=self.home).rows()

    def alerts(self, *payloads: bytes) -> list[dict[str, Any]]:
        """The alerts made of these packets, in the packets' order, once they are there."""
        wanted = [ids.digest(payload) for payload in payloads]
        for _ in waiting(f"{len(wanted)} packets to come through the inbox"):
            rows = {row["raw_sha256"]: row for row in self.subscribed("alerts")}
            if all(key in rows for key in wanted):
                return [rows[key] for key in wanted]
            assert self.ingest.process.poll() is None, self.ingest.said
        raise AssertionError

    def refused(self, payload: bytes) -> dict[str, Any]:
        """What the quarantine says of a packet, once it is there."""
        for _ in waiting("a packet to be quarantined"):
            for row in self.subscribed("quarantine"):
                if row["sha256"] == ids.digest(payload):
                    return row
        raise AssertionError


@contextmanager
def ingest(servers: str, home: Path) -> Iterator[Broker]:
    """A new namespace, and an ingest that works on it and ends cleanly."""
    name = f"t{uuid4().hex[:12]}"
    with service("ingest", "--no-http", "--broker", f"kafka://{servers}/{name}", home=home) as running:
        running.wait_for("working on")
        yield Broker(servers, name, home, running)
        assert running.end() == 0, running.said
        assert "Traceback" not in running.said


@pytest.fixture(scope="module")
def broker(kafka_servers: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    with ingest(kafka_servers, tmp_path_factory.mktemp("foreign")) as running:
        yield running


@pytest.fixture(autouse=True)
def no_settings_of_this_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))


def gbm(number: int) -> bytes:
    """As GCN's unified schema has it."""
    trigger = fermi.Trigger(number, NOON + timedelta(minutes=number % 1000))
    return fermi.gbm_json(trigger, trigger.time + timedelta(seconds=37), Position(197.4, -23.4, 4.2), "current")


def bat(number: int) -> bytes:
    """As GCN's VOEvents are."""
    return voevents.packet(
        f"ivo://nasa.gsfc.gcn/SWIFT#BAT_GRB_Pos_{number}-001",
        values={"TrigID": number},
        sky=voevents.where(radius=0.05, ra=number % 360),
    )


@dataclass(frozen=True)
class Topics:
    """What is committed in the two topics that the clients read."""

    events: list[bytes]
    raw: list[bytes]


@pytest.fixture
def written(broker: Broker) -> Topics:
    """Two packets that came through the inbox, and between them a transaction in both topics that was aborted."""
    before, after = gbm(uuid4().int % 10**9), bat(uuid4().int % 10**9)
    with closing(broker.log()) as log:
        facility = log.writer("facility")
        for packet in (before, after):
            with facility.transaction() as tx:
                tx.send(topics.INBOX.name, packet)
            broker.alerts(packet)
            if packet == before:
                for topic in (topics.EVENTS, topics.RAW_EVENTS):
                    abort(facility, topic.name, [ABORTED], flush=True)
        found = Topics(
            *(
                [record.value or b"" for record in everything(log, topic.name)]
                for topic in (topics.EVENTS, topics.RAW_EVENTS)
            )
        )
    assert found.raw[-2:] == [before, after]
    return found


def assert_alerts(values: Sequence[bytes], broker: Broker) -> None:
    """Avro's single-object encoding: what our own subscriber shows of them is what is in them."""
    alerts = [decode(Alert, value) for value in values]
    shown = [(row["alert_id"], row["thread_id"], row["raw_sha256"]) for row in broker.subscribed("alerts")]
    assert [(str(a.alert_id), a.thread_id, a.raw_sha256) for a in alerts] == shown


# gcn-kafka


def gcn_config(broker: Broker) -> dict[str, str]:
    return {"bootstrap.servers": broker.servers, "security.protocol": "plaintext"}


def test_gcn_kafka_publishes(broker: Broker) -> None:
    packet, other = gbm(100), bat(101)
    producer = gcn_kafka.Producer(config=gcn_config(broker))
    producer.produce(broker.topic(topics.INBOX), packet)
    producer.produce(broker.topic(topics.INBOX), other, headers={"nuncius-stream": "gcn.classic.voevent.SWIFT"})
    assert producer.flush(30) == 0
    first, second = broker.alerts(packet, other)
    assert (first["thread_id"], first["stream"], first["reality"]) == (
        "fermi-gbm:100",
        "gcn.notices.fermi.gbm.trigger",
        "real",
    )
    assert (second["thread_id"], second["stream"]) == ("swift-bat:101", "gcn.classic.voevent.SWIFT")
    assert first["source"].startswith("nuncius.inbox/")


@pytest.mark.parametrize("isolation", [{}, {"isolation.level": "read_committed"}])
def test_gcn_kafka_reads(broker: Broker, written: Topics, isolation: dict[str, str]) -> None:
    config = {**gcn_config(broker), "auto.offset.reset": "earliest", **isolation}
    consumer = gcn_kafka.Consumer(config=config)
    consumer.subscribe([broker.topic(topics.EVENTS), broker.topic(topics.RAW_EVENTS)])
    found: dict[str, list[bytes]] = {broker.topic(topics.EVENTS): [], broker.topic(topics.RAW_EVENTS): []}
    for _ in waiting("gcn-kafka to read"):
        for message in consumer.consume(timeout=1):
            assert message.error() is None
            found[message.topic() or ""].append(message.value() or b"")
        if sum(map(len, found.values())) >= len(written.events) + len(written.raw):
            break
    consumer.close()
    events, raw = found.values()
    assert (events, raw) == (written.events, written.raw)
    assert_alerts(events, broker)


# hop-client


def hop_write(broker: Broker, *messages: Any, test: bool = False) -> None:
    stream = hop.io.Stream(auth=False)
    with stream.open(f"kafka://{broker.servers}/{broker.topic(topics.INBOX)}", "w") as opened:
        for message in messages:
            opened.write(message, test=test)


def test_hop_publishes_json_as_its_own_text(broker: Broker) -> None:
    notice = orjson.loads(gbm(200))
    hop_write(broker, notice)
    (alert,) = broker.alerts(json.dumps(notice).encode())
    assert (alert["thread_id"], alert["reality"]) == ("fermi-gbm:200", "real")


def test_hop_publishes_voevents_and_blobs_as_the_bytes_they_were(broker: Broker) -> None:
    parsed, opaque = bat(201), bat(202)
    hop_write(broker, VOEvent.load(parsed), Blob(opaque))
    assert [alert["thread_id"] for alert in broker.alerts(parsed, opaque)] == ["swift-bat:201", "swift-bat:202"]


def test_hop_publishes_avro(broker: Broker) -> None:
    """As LIGO/Virgo/KAGRA do on Hopskotch; hop-client writes the container anew."""
    hop_write(broker, AvroBlob.load(LVK.read_bytes()))
    alert = orjson.loads(LVK.with_suffix(".expected.json").read_bytes())
    for _ in waiting("the superevent"):
        rows = [row for row in broker.subscribed("alerts") if row["thread_id"] == alert["thread_id"]]
        if rows:
            break
    assert [row["raw_media_type"] for row in rows] == ["application/vnd.apache.avro"]


def test_what_hop_sends_as_a_test_is_a_test(broker: Broker) -> None:
    packet = bat(203)
    hop_write(broker, Blob(packet), test=True)
    (alert,) = broker.alerts(packet)
    assert (alert["thread_id"], alert["reality"]) == ("swift-bat:203", "test")


def test_what_an_old_hop_made_of_a_voevent_is_quarantined(broker: Broker) -> None:
    """Up to 0.11 hop-client wrote the XML as JSON, which cannot be turned back."""
    event = asdict(VOEvent.load(bat(204)), dict_factory=VOEvent.dict_factory)
    hop_write(broker, event)
    row = broker.refused(json.dumps(event).encode())
    assert row["reason"] == "malformed"
    assert "no facility sends" in row["detail"]


def hop_reader(broker: Broker, topic: topics.Topic) -> Any:
    stream = hop.io.Stream(auth=False, start_at=hop.io.StartPosition.EARLIEST, until_eos=True)
    return stream.open(f"kafka://{broker.servers}/{broker.topic(topic)}", "r")


def test_hop_reads(broker: Broker, written: Topics) -> None:
    with hop_reader(broker, topics.EVENTS) as events:
        values = [message.content for message in events]
    assert values == written.events
    assert_alerts(values, broker)
    with hop_reader(broker, topics.RAW_EVENTS) as raw:
        assert list(raw.read_raw()) == written.raw
    with hop_reader(broker, topics.RAW_EVENTS) as raw:
        *_, before, after = list(raw)
    assert before.content == orjson.loads(written.raw[-2])
    assert after.content == written.raw[-1]


# kcat


def kcat(broker: Broker, *arguments: str | Path | bytes) -> bytes:
    program = shutil.which("kcat")
    if program is None:
        not_here("kcat is absent: apt-get install kcat")
    command = [program, "-b", broker.servers, *arguments]
    done = subprocess.run(command, capture_output=True, check=False, timeout=60, stdin=subprocess.DEVNULL)
    assert done.returncode == 0, done.stderr
    return done.stdout


def kcat_values(broker: Broker, topic: topics.Topic, *options: str) -> list[bytes]:
    """Every value to the end; each comes after its length in four bytes."""
    out = kcat(broker, "-C", "-t", broker.topic(topic), "-o", "beginning", "-e", "-q", "-f", "%R%s", *options)
    found, at = [], 0
    while at < len(out):
        (length,) = struct.unpack_from(">i", out, at)
        found.append(out[at + 4 : at + 4 + length])
        at += 4 + length
    return found


def test_kcat_publishes_files(broker: Broker, tmp_path: Path) -> None:
    packets = [gbm(300), bat(301)]
    files = [tmp_path / "300.json", tmp_path / "301.xml"]
    for file, packet in zip(files, packets, strict=True):
        file.write_bytes(packet)
    kcat(broker, "-P", "-t", broker.topic(topics.INBOX), "-H", "nuncius-stream=gcn.test", "-H", "other", *files)
    found = broker.alerts(*packets)
    assert [alert["thread_id"] for alert in found] == ["fermi-gbm:300", "swift-bat:301"]
    assert {alert["stream"] for alert in found} == {"gcn.test"}


def test_headers_of_any_bytes_hold_nobody_up(kafka_servers: str, tmp_path: Path) -> None:
    with ingest(kafka_servers, tmp_path) as broker:
        publish_odd_headers(broker, tmp_path)
        assert [a["thread_id"] for a in broker.alerts(bat(302), bat(303))] == ["swift-bat:302", "swift-bat:303"]


def publish_odd_headers(broker: Broker, tmp_path: Path) -> None:
    """One without a value, and one whose name and value are no text; then a packet without any."""
    (tmp_path / "odd.xml").write_bytes(bat(302))
    (tmp_path / "next.xml").write_bytes(bat(303))
    inbox = ("-P", "-t", broker.topic(topics.INBOX), "-p", "0")
    kcat(broker, *inbox, "-H", "nuncius-stream", "-H", b"\xff\xfe=\xfd", tmp_path / "odd.xml")
    kcat(broker, *inbox, tmp_path / "next.xml")


@pytest.mark.parametrize("options", [(), ("-X", "isolation.level=read_committed")])
def test_kcat_reads(broker: Broker, written: Topics, options: tuple[str, ...]) -> None:
    events = kcat_values(broker, topics.EVENTS, *options)
    assert events == written.events
    assert_alerts(events, broker)
    assert kcat_values(broker, topics.RAW_EVENTS, *options) == written.raw


def test_who_asks_for_what_was_aborted_gets_it(broker: Broker, written: Topics) -> None:
    """So that the tests above would see it."""
    found = kcat_values(broker, topics.RAW_EVENTS, "-X", "isolation.level=read_uncommitted")
    assert ABORTED in found
    assert [value for value in found if value not in (ABORTED, b"sent after the flush")] == written.raw


# all of them, on what the broker finds and on a named stream


@pytest.fixture(scope="module")
def found(broker: Broker) -> dict[str, list[bytes]]:
    """Values of the coincidences and of a named stream's topic; an aborted record lies in each."""
    mine = topics.stream_topic("mine")
    with closing(broker.log()) as log:
        put(log, history(), night())
        work_through(log)
        made(log, stream("mine", include=("mag",), since=MADE - timedelta(days=1)))
        work_streams(log)
        for topic in (topics.COINCIDENCES, mine):
            abort(log.writer("aborts"), topic.name, [ABORTED], flush=True)
        assert {row.kind for row in rows_of_stream(log)} >= {"begin", "row", "handover"}
        return {t.name: [r.value or b"" for r in everything(log, t.name)] for t in (topics.COINCIDENCES, mine)}


FOUND = (topics.COINCIDENCES, topics.stream_topic("mine"))


@pytest.mark.parametrize("topic", FOUND)
def test_gcn_kafka_reads_what_was_found(broker: Broker, found: dict[str, list[bytes]], topic: topics.Topic) -> None:
    consumer = gcn_kafka.Consumer(config={**gcn_config(broker), "auto.offset.reset": "earliest"})
    consumer.subscribe([broker.topic(topic)])
    values: list[bytes] = []
    for _ in waiting("gcn-kafka to read"):
        values += [message.value() or b"" for message in consumer.consume(timeout=1)]
        if len(values) >= len(found[topic.name]):
            break
    consumer.close()
    assert values == found[topic.name]


@pytest.mark.parametrize("topic", FOUND)
def test_hop_reads_what_was_found(broker: Broker, found: dict[str, list[bytes]], topic: topics.Topic) -> None:
    with hop_reader(broker, topic) as opened:
        assert [message.content for message in opened] == found[topic.name]


@pytest.mark.parametrize("topic", FOUND)
def test_kcat_reads_what_was_found(broker: Broker, found: dict[str, list[bytes]], topic: topics.Topic) -> None:
    assert kcat_values(broker, topic) == found[topic.name]
    assert ABORTED in kcat_values(broker, topic, "-X", "isolation.level=read_uncommitted")


def test_the_published_schema_is_all_they_need(found: dict[str, list[bytes]]) -> None:
    """No code of ours: the file of the schema, and ten bytes of marker and fingerprint before the body."""
    schema = fastavro.schema.load_schema(str(SCHEMAS / "stream_row.avsc"))
    rows: list[Any] = [
        fastavro.schemaless_reader(BytesIO(value[10:]), schema, None) for value in found["nuncius.stream.mine"]
    ]
    assert [row["sequence"] for row in rows] == list(range(1, len(rows) + 1))
    assert {row["thread_id"]: row["fields"].get("mag") for row in rows if row["kind"] == "row"}["ztf:near"] is not None
