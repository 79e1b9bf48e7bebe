"""Confluent framing between a real Kafka, a real schema registry and Confluent's own serializers.

The registry is Apicurio Registry, whose build for running comes by Maven coordinates (``apicurio-registry-app``, type
``tar.gz``, classifier ``all``) as Kafka's jars do. 2.6.13.Final is the newest that is served whole and runs on Java 17:
3.3.3 is compiled for Java 21 (class file version 65.0), and Maven Central lacks the parent pom of 3.0.9
(``io.apicurio:apicurio-registry:pom:3.0.9``). It answers Confluent's API at ``/apis/ccompat/v7`` and keeps its schemas
in memory (H2).
"""

import os
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path
from typing import Any, Final
from urllib.request import urlopen
from uuid import uuid4

import fastavro
import orjson
import pytest
import strategies
from confluent_kafka import Consumer, Producer
from confluent_kafka.schema_registry import SchemaRegistryClient, record_subject_name_strategy
from confluent_kafka.schema_registry.avro import AvroDeserializer, AvroSerializer
from confluent_kafka.serialization import MessageField, SerializationContext
from kafka_here import not_here
from transport_logs import everything, next_records, values, write

from nuncius.broker.transport.address import KafkaAddress
from nuncius.broker.transport.clock import utc_now
from nuncius.broker.transport.kafka.cluster import Cluster, Connection, Registry
from nuncius.broker.transport.kafka.log import KafkaLog
from nuncius.broker.transport.kafka.wire import Framing, no_framing
from nuncius.broker.transport.kafka_node.jars import cache_folder, java
from nuncius.broker.transport.kafka_node.ports import HOST, choose
from nuncius.broker.transport.opening import open_address
from nuncius.broker.transport.port import Log, TopicPartition
from nuncius.broker.transport.topics import COINCIDENCES, EVENTS, RAW_EVENTS
from nuncius.schemas import (
    Alert,
    CandidateList,
    Coincidence,
    Cone,
    Localization,
    Retry,
    SettingsError,
    UnknownSchema,
)
from nuncius.schemas.codec import decode, encode, kind_of, schema_of
from nuncius.schemas.wire import to_avro

pytestmark = pytest.mark.kafka

VERSION: Final = "2.6.13.Final"
COORDINATES: Final = f"io.apicurio:apicurio-registry-app:{VERSION}:tar.gz:all"
PLUGIN: Final = "org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy"
FETCH_S, READY_S = 240.0, 120.0


def apicurio() -> Path:
    """The folder with the registry's program in the user's cache; fetched with Maven where it is not there yet."""
    name = f"apicurio-registry-app-{VERSION}"
    folder = cache_folder(os.environ) / name
    if folder.is_dir():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".fetching-") as temporary:
        command = ["mvn", "--quiet", "--batch-mode", "--strict-checksums", PLUGIN, f"-Dartifact={COORDINATES}"]
        try:
            subprocess.run(
                [*command, f"-DoutputDirectory={temporary}"],
                cwd=temporary,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=FETCH_S,
                check=True,
            )
        except (OSError, subprocess.SubprocessError) as error:
            not_here(f"no schema registry: {COORDINATES}: {error} {getattr(error, 'stdout', '') or ''}"[:500])
        with tarfile.open(Path(temporary) / f"{name}-all.tar.gz") as packed:
            packed.extractall(Path(temporary) / "program", filter="data")
        if not folder.is_dir():
            (Path(temporary) / "program").rename(folder)
    return folder


@contextmanager
def registry_node(folder: Path) -> Iterator[str]:
    """A running registry, which ends with this process however it ends; gives the URL of its Confluent API."""
    jar, port = apicurio() / f"apicurio-registry-app-{VERSION}-runner.jar", choose(None).client
    command = [sys.executable, "-P", "-m", "nuncius.broker.transport.kafka_node.guard"]
    options = [f"-Dquarkus.http.host={HOST}", f"-Dquarkus.http.port={port}", "-XX:TieredStopAtLevel=1", "-Xmx512m"]
    with (folder / "lock").open("wb") as lock, (folder / "registry.log").open("wb") as said:
        guard = subprocess.Popen(
            [*command, str(lock.fileno()), java(os.environ), *options, "-jar", str(jar)],
            cwd=folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=said,
            pass_fds=(lock.fileno(),),
            start_new_session=True,
        )
    assert guard.stdin is not None
    try:
        url = f"http://{HOST}:{port}/apis/ccompat/v7"
        deadline = time.monotonic() + READY_S
        while not answers(f"{url}/subjects"):
            if guard.poll() is not None or time.monotonic() > deadline:
                pytest.fail(f"the registry did not start: {(folder / 'registry.log').read_text()[-2000:]}")
            time.sleep(0.2)
        yield url
    finally:
        guard.stdin.close()
        guard.wait(60)


def answers(url: str) -> bool:
    try:
        with urlopen(url, timeout=5) as answer:  # noqa: S310  loopback
            return bool(answer.status == 200)
    except OSError:
        return False


@pytest.fixture(scope="module")
def registry_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with registry_node(tmp_path_factory.mktemp("registry")) as url:
        yield url


@dataclass(frozen=True)
class House:
    """A namespace of its own on the real Kafka, and how others come to it."""

    servers: str
    url: str
    namespace: str

    def open(self, *, registry: bool = True) -> Log:
        """A log as a command opens it."""
        connection = Connection(registry=Registry(self.url) if registry else None)
        return open_address(KafkaAddress(self.servers, self.namespace), utc_now, connection, None)

    def outside(self, topic: str) -> str:
        return Cluster(self.servers, self.namespace).outside(topic)

    def read(self, topic: str, count: int) -> list[bytes]:
        """The bytes on the wire, read by somebody else."""
        config = {"bootstrap.servers": self.servers, "group.id": uuid4().hex, "auto.offset.reset": "earliest"}
        consumer = Consumer(config)
        found: list[bytes] = []
        consumer.subscribe([self.outside(topic)])
        deadline = time.monotonic() + 30
        try:
            while len(found) < count and time.monotonic() < deadline:
                message = consumer.poll(1.0)
                if message is not None and message.error() is None:
                    found.append(message.value() or b"")
        finally:
            consumer.close()
        return found

    def write(self, topic: str, *sent: bytes) -> None:
        """Written by somebody else."""
        producer = Producer({"bootstrap.servers": self.servers})
        for value in sent:
            producer.produce(self.outside(topic), value, partition=0)
        assert producer.flush(30) == 0


@pytest.fixture
def house(kafka_servers: str, registry_url: str) -> House:
    made = House(kafka_servers, registry_url, f"t{uuid4().hex[:12]}")
    with closing(made.open(registry=False)) as log:
        log.create([EVENTS, COINCIDENCES, RAW_EVENTS])
    return made


def context(topic: str) -> SerializationContext:
    return SerializationContext(topic, MessageField.VALUE)


def schema_text(kind: Any) -> str:
    found = schema_of(encode(strategies.example_of(kind))[2:10])
    assert found is not None
    return found[1]


def an_alert(number: int) -> Alert:
    place = Localization(shape=Cone(ra=10.0 + number, dec=-5.0, radius=0.5, containment=0.9))
    blank: Alert = strategies.example_of(Alert)
    return replace(blank, alert_id=f"test:{number}", localizations=(place,))


def test_what_we_write_is_read_by_confluents_deserializer(house: House) -> None:
    alerts = [an_alert(number) for number in range(3)]
    sent = [encode(alert) for alert in alerts]
    with closing(house.open()) as log:
        write(log.writer("slot"), EVENTS.name, sent)
        assert values(everything(log, EVENTS.name)) == sent
    on_the_wire = house.read(EVENTS.name, 3)
    assert [value[5:] for value in on_the_wire] == [value[10:] for value in sent]
    with SchemaRegistryClient({"url": house.url}) as client:
        read = AvroDeserializer(client)
        found = [read(value, context(house.outside(EVENTS.name))) for value in on_the_wire]
        assert client.get_latest_version("nuncius.Alert").schema.schema_str == schema_text(Alert)
    parsed = fastavro.parse_schema(orjson.loads(schema_text(Alert)))
    assert found == [fastavro.schemaless_reader(BytesIO(value[10:]), parsed, None) for value in sent]
    for record, alert in zip(found, alerts, strict=True):
        assert (record["alert_id"], record["localizations"][0]["shape"]["ra"]) == (
            alert.alert_id,
            alert.localizations[0].shape.ra,  # type: ignore[union-attr]  # a cone, as made above
        )


@pytest.mark.parametrize("words", [True, False], ids=["our text", "without the words"])
def test_what_confluents_serializer_wrote_we_read(house: House, words: bool) -> None:  # noqa: FBT001  a case
    text = schema_text(Alert)
    if not words:
        text = orjson.dumps(_wordless(orjson.loads(text))).decode()
    with SchemaRegistryClient({"url": house.url}) as client:
        named = {"subject.name.strategy": record_subject_name_strategy}
        as_bytes = AvroSerializer(client, text, lambda value, _: to_avro(value), conf=named)
        for number in range(3):
            value = as_bytes(an_alert(number), context(house.outside(EVENTS.name)))
            assert value is not None
            assert value[:1] == b"\x00"
            house.write(EVENTS.name, value)
    with closing(house.open()) as log:
        found = [record.value or b"" for record in everything(log, EVENTS.name)]
        assert [kind_of(value) for value in found] == [Alert] * 3
        assert [decode(Alert, value).alert_id for value in found] == [f"test:{number}" for number in range(3)]
        assert found == [encode(an_alert(number)) for number in range(3)]


def _wordless(node: Any) -> Any:
    if isinstance(node, list):
        return [_wordless(each) for each in node]
    if isinstance(node, dict):
        return {name: _wordless(each) for name, each in node.items() if name != "doc"}
    return node


def test_a_registry_may_come_later_and_a_topic_holds_several_kinds(house: House) -> None:
    first, second = (encode(strategies.example_of(kind)) for kind in (Coincidence, CandidateList))
    for registry in (False, True, False):
        with closing(house.open(registry=registry)) as log:
            write(log.writer("slot"), COINCIDENCES.name, [first, second])
    assert [value[:1] for value in house.read(COINCIDENCES.name, 6)] == [b"\xc3"] * 2 + [b"\x00"] * 2 + [b"\xc3"] * 2
    with closing(house.open()) as log:
        assert values(everything(log, COINCIDENCES.name)) == [first, second] * 3


def test_packets_as_received_stay_so(house: House) -> None:
    sent = [b"\x00\x00\x00\x00\x01packet", b"\xc3\x01" + bytes(20), encode(an_alert(0)), b"\x00", b""]
    with closing(house.open()) as log:
        write(log.writer("slot"), RAW_EVENTS.name, sent)
        assert values(everything(log, RAW_EVENTS.name)) == sent
    assert house.read(RAW_EVENTS.name, len(sent)) == sent


def test_a_schema_that_nobody_knows_leaves_its_record_to_quarantine(house: House) -> None:
    stranger = b"\x00\x7f\xff\xff\xff?"
    house.write(EVENTS.name, encode(an_alert(0)), stranger, encode(an_alert(1)))
    with closing(house.open()) as log:
        found = values(everything(log, EVENTS.name))
    assert found == [encode(an_alert(0)), stranger, encode(an_alert(1))]
    with pytest.raises(UnknownSchema):
        decode(Alert, stranger)


@pytest.mark.parametrize("path", ["/nowhere", "/subjects"])
def test_a_wrong_path_is_a_wrong_setting(house: House, path: str) -> None:
    wrong = replace(house, url=house.url + path)
    with closing(wrong.open()) as log, pytest.raises(SettingsError, match="schema_registry"):
        write(log.writer("slot"), EVENTS.name, [encode(an_alert(0))])
    house.write(EVENTS.name, b"\x00\x00\x00\x00\x01?")
    with closing(wrong.open()) as log, pytest.raises(SettingsError, match="schema_registry"):
        everything(log, EVENTS.name)


def test_without_the_registry_nothing_is_written_and_nothing_is_passed_over(house: House) -> None:
    sent = [encode(an_alert(number)) for number in range(4)]
    with closing(house.open()) as log:
        write(log.writer("slot"), EVENTS.name, sent[:3])
    away = replace(house, url=f"http://{HOST}:1")
    with closing(away.open()) as log:
        with pytest.raises(Retry):
            write(log.writer("slot"), EVENTS.name, sent[3:])
        reader = log.reader({TopicPartition(EVENTS.name, 0): 0})
        for _ in range(2):
            with pytest.raises(Retry):
                next_records(reader)
            assert reader.position(TopicPartition(EVENTS.name, 0)) == 0
    with closing(house.open()) as log:
        assert values(everything(log, EVENTS.name)) == sent[:3]


@pytest.mark.parametrize("member", [False, True], ids=["reader", "member"])
def test_a_record_that_cannot_be_unframed_now_comes_again_in_its_order(house: House, member: bool) -> None:  # noqa: FBT001  a case
    sent = [b"%d" % number for number in range(40)]
    asked: list[bytes] = []

    def unframe(_: str, value: bytes) -> bytes:
        asked.append(value)
        if value in (b"0", b"7", b"39") and asked.count(value) < 3:
            raise Retry("the registry is away")
        return value

    flaky = Framing(no_framing().frame, unframe)
    with closing(KafkaLog(Cluster(house.servers, house.namespace), utc_now, flaky)) as log:
        write(log.writer("slot"), EVENTS.name, sent)
        tp = TopicPartition(EVENTS.name, 0)
        source = log.member("group", [EVENTS.name]) if member else log.reader({tp: 0})
        found: list[bytes | None] = []
        faults = 0
        while len(found) < len(sent):
            try:
                found += values(next_records(source))
            except Retry:
                faults += 1
        assert found == sent
        assert faults >= 3
        assert source.position(tp) >= len(sent)
