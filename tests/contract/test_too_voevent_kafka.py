"""VOEvents on a real Kafka: the facility has Kafka's own client and nothing of ours."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from threading import Event
from uuid import uuid4

import pytest
from confluent_kafka import Consumer, Producer
from fakes.observatory import Observatory, beside
from pydantic import SecretStr
from too_cases import request

from nuncius.consumers.too.voevent_topic import voevent_topic
from nuncius.consumers.too.voevent_topic_settings import VoEventTopicSettings
from nuncius.schemas import Retry

pytestmark = pytest.mark.kafka


def settings_on(servers: str, wait_s: float) -> VoEventTopicSettings:
    """Topics of this test alone."""
    mark = uuid4().hex[:8]
    return VoEventTopicSettings(
        name=f"voevent-{mark}",
        servers=servers,
        requests_topic=f"{mark}.too.requests.{{facility}}",
        status_topic=f"{mark}.too.status.{{facility}}",
        wait_s=wait_s,
    )


@contextmanager
def facility(telescope: Observatory, servers: str, asked: str, answered: str) -> Iterator[None]:
    """A loop as a telescope's team would write it."""
    end = Event()
    reader = Consumer(
        {"bootstrap.servers": servers, "group.id": f"{asked}-control", "auto.offset.reset": "earliest"},
    )
    writer = Producer({"bootstrap.servers": servers})

    def work() -> None:
        reader.subscribe([asked])
        while not end.is_set():
            message = reader.poll(0.1)
            if message is not None and message.error() is None:
                for one in telescope.take(message.value() or b""):
                    writer.produce(answered, one)
                writer.flush(10)

    with closing(reader), beside(work, end):
        yield


def test_a_facility_on_kafka_is_asked_once_answers_and_is_taken_back(kafka_servers: str) -> None:
    settings = settings_on(kafka_servers, 30.0)
    asked, answered = settings.topics("imager")
    telescope = Observatory()
    hurried = voevent_topic(settings.model_copy(update={"wait_s": 0.0}), SecretStr(""))
    with closing(hurried), pytest.raises(Retry, match="no answer on"):  # it is written, and the process ends
        hurried.submit(request(), "")
    with (
        facility(telescope, kafka_servers, asked, answered),
        closing(voevent_topic(settings, SecretStr(""))) as adapter,
    ):
        status = adapter.submit(request(), "")
        assert (status.state, status.reference) == ("accepted", "OB-r/1")
        assert adapter.submit(request(), "").state == "accepted"
        assert adapter.submit(request(2), "").state == "accepted"
        assert adapter.cancel(request(3, state="cancelled"), "").state == "cancelled"
    assert telescope.executed == ["r/1", "r/2"]
    assert telescope.orders == {}


def test_rubbish_on_its_topic_is_passed_over(kafka_servers: str) -> None:
    settings = settings_on(kafka_servers, 30.0)
    asked, answered = settings.topics("imager")
    rubbish = Producer({"bootstrap.servers": kafka_servers})
    with (
        facility(Observatory(), kafka_servers, asked, answered),
        closing(voevent_topic(settings, SecretStr(""))) as adapter,
    ):
        assert adapter.submit(request(), "").state == "accepted"
        for one in (b"\x80\x04.", b"{}", None):
            rubbish.produce(answered, one)
        assert rubbish.flush(10) == 0
        assert adapter.submit(request(2), "").state == "accepted"


@pytest.mark.long
def test_a_cluster_that_is_not_there_is_tried_again() -> None:
    settings = settings_on("127.0.0.1:9", 0.0)
    with closing(voevent_topic(settings, SecretStr(""))) as adapter, pytest.raises(Retry, match=r"127\.0\.0\.1:9"):
        adapter.submit(request(), "")
