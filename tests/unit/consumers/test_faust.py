"""The Faust application without a broker: names, settings, codec, and addresses that it cannot read."""

from pathlib import Path

import pytest
from matching_alerts import grb
from strategies import example_of

from nuncius.consumers import faust
from nuncius.schemas import MalformedAlert, NunciusError, SettingsError, UnknownSchema
from nuncius.schemas.avsc import RECORDS
from nuncius.schemas.codec import encode

CODEC = faust.RecordCodec()


def test_topics_and_groups_have_the_names_of_the_broker() -> None:
    app = faust.application("rate", broker="kafka://one:9092,two:9093/night")
    assert app.conf.id == "night.rate"
    assert [(url.host, url.port) for url in app.conf.broker] == [("one", 9092), ("two", 9093)]
    made = (faust.alerts_topic(app), faust.coincidences_topic(app), faust.candidates_topic(app))
    assert [topic.get_topic_name() for topic in (*made, faust.stream_topic(app, "mine"))] == [
        "night.nuncius.events",
        "night.nuncius.coincidences",
        "night.nuncius.candidates",
        "night.nuncius.stream.mine",
    ]


def test_the_caller_s_settings_win() -> None:
    app = faust.application("rate", broker="kafka://one:9092", broker_session_timeout=20.0)
    assert (app.conf.broker_session_timeout, app.conf.web_enabled) == (20.0, False)
    assert app.conf.id == "rate"


@pytest.mark.parametrize("address", ["local:./log", "http://127.0.0.1:8088"])
def test_what_is_no_kafka_is_refused(address: str) -> None:
    with pytest.raises(SettingsError, match="Faust reads Kafka only; give kafka://HOST:PORT or kafka:local"):
        faust.application("rate", broker=address)


def test_no_node_of_ours_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    with pytest.raises(NunciusError, match="nuncius up --broker kafka:local"):
        faust.application("rate", broker="kafka:local")


@pytest.mark.parametrize("kind", RECORDS)
def test_any_record_comes_back(kind: type) -> None:
    data = encode(example_of(kind))
    value = CODEC.loads(data)
    assert type(value) is kind
    assert CODEC.dumps(value) == data


def test_bytes_that_are_none_of_ours_are_refused() -> None:
    with pytest.raises(UnknownSchema):
        CODEC.loads(b"aborted")
    with pytest.raises(MalformedAlert):
        CODEC.loads(encode(grb())[:-1])
