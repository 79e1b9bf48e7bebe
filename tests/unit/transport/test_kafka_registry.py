"""Confluent framing with a registry that speaks the two requests of Confluent's API which it needs."""

import sys
import threading
from base64 import b64encode
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.resources import files
from typing import Any
from urllib.parse import unquote, urlsplit

import orjson
import pytest
import strategies
from hypothesis import given, settings
from hypothesis import strategies as st

from nuncius.broker.transport import opening
from nuncius.broker.transport.kafka import registry as module
from nuncius.broker.transport.kafka.cluster import Registry
from nuncius.broker.transport.kafka.errors import Refused
from nuncius.broker.transport.kafka.registry import registry_framing
from nuncius.broker.transport.kafka.wire import Framing, no_framing
from nuncius.broker.transport.topics import EVENTS, TOPICS
from nuncius.schemas import NunciusError, Retry, SettingsError, UnknownSchema
from nuncius.schemas.avsc import RECORDS, file_name
from nuncius.schemas.codec import encode, kind_of, schema_of

AVRO = [topic.name for topic in TOPICS if topic.avro]
PLAIN = [topic.name for topic in TOPICS if not topic.avro] + ["some.other"]
SECRET = "correct-horse-battery"  # noqa: S105  of this test
GONE = Registry("http://127.0.0.1:1")


@dataclass
class Fake:
    """A registry in memory, and what it was asked.

    Attributes
    ----------
    fault
        Status and body of all answers, where it has one.
    user
        Who may ask.
    """

    url: str = ""
    schemas: dict[int, dict[str, str]] = field(default_factory=dict, repr=False)
    subjects: dict[str, int] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list, repr=False)
    fault: tuple[int, bytes] | None = None
    user: str = ""

    def framing(self, auth: str = "") -> Framing:
        return registry_framing(Registry(self.url, auth))

    def answer(self, path: str, body: bytes, authorization: str | None) -> tuple[int, bytes]:
        parts = unquote(urlsplit(path).path).split("/")[1:]
        self.asked.append("/".join(parts))
        if self.fault is not None:
            return self.fault
        if self.user and authorization != f"Basic {b64encode(self.user.encode()).decode()}":
            return 401, b'{"error_code": 401, "message": "Unauthorized"}'
        match parts:
            case ["subjects", subject, "versions"] if body:
                text = orjson.loads(body)["schema"]
                known = [number for number, schema in self.schemas.items() if schema["schema"] == text]
                number = known[0] if known else 70_000 + len(self.schemas)
                self.schemas[number] = {"schema": text}
                self.subjects[subject] = number
                return 200, orjson.dumps({"id": number})
            case ["schemas", "ids", number] if int(number) in self.schemas:
                return 200, orjson.dumps(self.schemas[int(number)])
            case ["schemas", "ids", _]:
                return 404, b'{"error_code": 40403, "message": "Schema not found"}'
        return 404, b'{"error_code": 404, "message": "HTTP 404 Not Found"}'


@contextmanager
def running() -> Iterator[Fake]:
    fake = Fake()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            code, body = fake.answer(self.path, b"", self.headers["Authorization"])
            self.send_response(code)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_POST(self) -> None:
            sent = self.rfile.read(int(self.headers["Content-Length"]))
            code, body = fake.answer(self.path, sent, self.headers["Authorization"])
            self.send_response(code)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    fake.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield fake
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def fake() -> Iterator[Fake]:
    with running() as found:
        yield found


@pytest.fixture(scope="module")
def shared() -> Iterator[tuple[Fake, Framing]]:
    """One for many examples: it knows our schemas."""
    with running() as found:
        framing = found.framing()
        for kind in RECORDS:
            framing.frame(EVENTS.name, encode(strategies.example_of(kind)))
        yield found, framing


def text_of(kind: Any) -> str:
    return files("nuncius.schemas").joinpath(file_name(kind)).read_text()


@pytest.mark.parametrize("kind", RECORDS, ids=lambda kind: kind.__name__)
def test_every_kind_travels_as_confluent_frames_it_and_comes_back(fake: Fake, kind: Any) -> None:
    value = encode(strategies.example_of(kind))
    framed = fake.framing().frame(EVENTS.name, value)
    number = fake.subjects[f"nuncius.{kind.__name__}"]
    assert framed == b"\x00" + number.to_bytes(4, "big") + value[10:]
    assert fake.schemas[number]["schema"] == text_of(kind)  # words and all
    assert fake.framing().unframe(EVENTS.name, framed) == value


@pytest.mark.parametrize("kind", RECORDS, ids=lambda kind: kind.__name__)
def test_the_codec_finds_a_schema_by_its_fingerprint(kind: Any) -> None:
    name, text = schema_of(encode(strategies.example_of(kind))[2:10]) or ("", "")
    assert (name, text) == (f"nuncius.{kind.__name__}", text_of(kind))
    assert orjson.loads(text)["doc"]
    assert schema_of(b"\x00" * 8) is None


@pytest.mark.parametrize("topic", AVRO)
def test_a_schema_is_asked_for_once_whatever_the_topic(fake: Fake, topic: str) -> None:
    framing, values = fake.framing(), [encode(strategies.example_of(kind)) for kind in RECORDS]
    for _ in range(3):
        framed = [framing.frame(name, value) for value in values for name in (topic, EVENTS.name)]
    assert fake.asked == [f"subjects/nuncius.{kind.__name__}/versions" for kind in RECORDS]
    fake.asked.clear()
    for _ in range(3):
        assert [framing.unframe(topic, value) for value in framed[::2]] == values
    assert fake.asked == [f"schemas/ids/{number}" for number in fake.schemas]


def test_threads_that_need_the_same_schema_ask_once(fake: Fake) -> None:
    framing, value = fake.framing(), encode(strategies.example_of(RECORDS[0]))
    with ThreadPoolExecutor(8) as pool:
        framed = set(pool.map(lambda _: framing.frame(EVENTS.name, value), range(64)))
        assert set(pool.map(lambda each: framing.unframe(EVENTS.name, each), [*framed] * 64)) == {value}
    assert len(fake.asked) == 2


def test_a_topic_may_hold_both(fake: Fake) -> None:
    framing = fake.framing()
    values = [encode(strategies.example_of(kind)) for kind in RECORDS]
    on_the_wire = [framing.frame(EVENTS.name, v) if n % 2 else v for n, v in enumerate(values)]
    assert [framing.unframe(EVENTS.name, value) for value in on_the_wire] == values
    assert [kind_of(framing.unframe(EVENTS.name, value)) for value in on_the_wire] == list(RECORDS)


def test_the_same_schema_written_otherwise_is_read(fake: Fake) -> None:
    """As somebody else's serializer registers it: without the words, which the fingerprint leaves out."""
    kind = RECORDS[0]
    value = encode(strategies.example_of(kind))
    fake.schemas[9] = {"schema": orjson.dumps(_wordless(orjson.loads(text_of(kind)))).decode()}
    assert fake.framing().unframe(EVENTS.name, b"\x00\x00\x00\x00\x09" + value[10:]) == value


def _wordless(node: Any) -> Any:
    if isinstance(node, list):
        return [_wordless(each) for each in node]
    if isinstance(node, dict):
        return {name: _wordless(each) for name, each in node.items() if name != "doc"}
    return node


def test_a_foreign_schema_becomes_its_fingerprint(fake: Fake) -> None:
    fake.schemas[9] = {"schema": '"int"'}
    found = fake.framing().unframe(EVENTS.name, b"\x00\x00\x00\x00\x09\x02")
    assert found == b"\xc3\x01" + (0x7275D51A3F395C8F).to_bytes(8, "little") + b"\x02"  # as the specification says
    with pytest.raises(UnknownSchema):
        kind_of(found)


@pytest.mark.parametrize(
    "schema",
    [
        {"schema": "{}", "schemaType": "JSON"},
        {"schema": "{}"},
        {"schema": "not JSON"},
        {"schema": '{"type":"record","fields":[]}'},
        {"schema": '{"type":"record","name":"x","fields":[{"name":"y","type":"elsewhere.Known"}]}'},
        {"schema": "[" * 5000},
        {"schema": "7"},
    ],
)
def test_what_is_no_avro_schema_is_unknown(fake: Fake, schema: dict[str, str]) -> None:
    fake.schemas[9] = schema
    with pytest.raises(UnknownSchema, match=r"schema 9"):
        fake.framing().unframe(EVENTS.name, b"\x00\x00\x00\x00\x09\x02")


def test_an_id_that_nobody_knows_is_asked_for_again_only_later(fake: Fake, monkeypatch: pytest.MonkeyPatch) -> None:
    framing, framed = fake.framing(), b"\x00\x00\x00\x00\x09\x02"
    for _ in range(3):
        with pytest.raises(UnknownSchema, match="schema 9: not known"):
            framing.unframe(EVENTS.name, framed)
    assert len(fake.asked) == 1
    fake.schemas[9] = {"schema": '"int"'}
    monkeypatch.setattr(module, "UNKNOWN_S", 0.0)
    assert framing.unframe(EVENTS.name, framed)[:2] == b"\xc3\x01"


@given(topic=st.sampled_from(PLAIN), value=st.binary() | st.binary(max_size=20).map(lambda b: b"\x00" + b))
def test_plain_topics_are_never_touched(topic: str, value: bytes) -> None:
    framing = registry_framing(GONE)
    assert framing.frame(topic, value) == value
    assert framing.unframe(topic, value) == value
    assert framing.unframe(topic, framing.frame(topic, value)) == value
    ours = encode(strategies.example_of(RECORDS[0]))
    assert framing.frame(topic, ours) == ours


HEADS = st.sampled_from([b"\xc3\x01", b"\x00", b"\x00\x00\x01\x11\x70", b"", b"\xc3", b"\x00\xff"])


@given(topic=st.sampled_from(AVRO), value=st.tuples(HEADS, st.binary(max_size=40)).map(b"".join))
def test_any_bytes_come_through_or_are_unknown(shared: tuple[Fake, Framing], topic: str, value: bytes) -> None:
    _, framing = shared
    assert framing.frame(topic, value) == value  # of none of our schemas: one in 2**61 is
    try:
        found = framing.unframe(topic, value)
    except UnknownSchema:
        assert value[:1] == b"\x00"
    else:
        assert found == value or (value[:1] == b"\x00" and found == found[:10] + value[5:])


@given(body=st.binary(max_size=60), kind=st.sampled_from(RECORDS))
def test_whatever_follows_our_header_comes_back(shared: tuple[Fake, Framing], body: bytes, kind: Any) -> None:
    _, framing = shared
    value = encode(strategies.example_of(kind))[:10] + body
    assert framing.unframe(EVENTS.name, framing.frame(EVENTS.name, value)) == value


@settings(max_examples=25)
@given(code=st.integers(200, 599).filter(lambda c: c not in (204, 304)), body=st.binary(max_size=40))
def test_whatever_a_registry_answers_is_one_of_our_errors(shared: tuple[Fake, Framing], code: int, body: bytes) -> None:
    fake, _ = shared
    fake.fault = (code, body)
    try:
        framing = fake.framing()
        with pytest.raises(NunciusError):
            framing.frame(EVENTS.name, encode(strategies.example_of(RECORDS[0])))
        with pytest.raises(NunciusError):
            framing.unframe(EVENTS.name, b"\x00\x00\x00\x00\x09\x02")
    finally:
        fake.fault = None


def both(framing: Framing, expected: type[NunciusError]) -> list[str]:
    """What frame and unframe say."""
    said = []
    with pytest.raises(expected) as caught:
        framing.frame(EVENTS.name, encode(strategies.example_of(RECORDS[0])))
    said.append(str(caught.value))
    with pytest.raises(expected) as caught:
        framing.unframe(EVENTS.name, b"\x00\x00\x00\x00\x09\x02")
    return [*said, str(caught.value)]


def test_a_registry_that_is_away_may_come_back() -> None:
    assert all(GONE.url in said for said in both(registry_framing(GONE), Retry))


@pytest.mark.parametrize("code", [408, 429, 500, 503])
def test_a_registry_in_trouble_may_recover(fake: Fake, code: int) -> None:
    fake.fault = (code, b'{"error_code": 50001, "message": "in trouble"}')
    framing = fake.framing()
    assert all("in trouble" in said for said in both(framing, Retry))
    fake.fault = None
    assert framing.frame(EVENTS.name, encode(strategies.example_of(RECORDS[0])))[:1] == b"\x00"


@pytest.mark.parametrize("fault", [(404, b"<html>"), (404, b'{"error_code": 404}'), (200, b"<html>"), (302, b"")])
def test_a_wrong_url_is_a_wrong_setting(fake: Fake, fault: tuple[int, bytes]) -> None:
    fake.fault = fault
    said = both(fake.framing(), SettingsError)
    assert all("schema_registry" in each and "<html>" not in each for each in said)


def test_a_schema_that_is_refused_is_told(fake: Fake) -> None:
    fake.fault = (409, b'{"error_code": 409, "message": "not compatible"}')
    with pytest.raises(SettingsError, match=r"registering nuncius\.Alert: HTTP 409, not compatible"):
        fake.framing().frame(EVENTS.name, encode(strategies.example_of(RECORDS[0])))


def test_who_may_ask_does_and_who_may_not_is_told_without_the_secret(fake: Fake) -> None:
    fake.user = f"me:{SECRET}"
    assert fake.framing(fake.user).frame(EVENTS.name, encode(strategies.example_of(RECORDS[0])))[:1] == b"\x00"
    in_url = fake.url.replace("//", f"//me:{SECRET}@")
    assert registry_framing(Registry(in_url)).unframe(EVENTS.name, b"\x00\x00\x01\x11\x70")[:2] == b"\xc3\x01"
    for refused in (Registry(fake.url), Registry(fake.url, f"you:{SECRET}"), Registry(in_url.replace("me", "you"))):
        for said in both(registry_framing(refused), Refused):
            assert "NUNCIUS_REGISTRY_AUTH" in said
            assert SECRET not in said


def test_a_registry_that_repeats_the_secret_is_not_quoted(fake: Fake) -> None:
    fake.fault = (400, orjson.dumps({"error_code": 400, "message": f"bad password {SECRET}"}))
    assert all(SECRET not in said for said in both(fake.framing(f"me:{SECRET}"), SettingsError))


@pytest.mark.parametrize(
    "registry",
    [
        Registry("ftp://there"),
        Registry("there:8081"),
        Registry("http://"),
        Registry("http://[there"),
        Registry("http://there", SECRET),
        Registry(f"http://me:{SECRET}@there", f"me:{SECRET}"),
    ],
    ids=["scheme", "no scheme", "no host", "no url", "no user", "twice"],
)
def test_what_cannot_be_asked_is_told_at_once(registry: Registry) -> None:
    with pytest.raises(SettingsError) as caught:
        registry_framing(registry)
    assert SECRET not in str(caught.value)


def test_without_the_extra_it_is_told_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "nuncius.broker.transport.kafka.registry")
    monkeypatch.setitem(sys.modules, "confluent_kafka.schema_registry", None)
    with pytest.raises(SettingsError, match=r"nuncius\[registry\]"):
        opening._framing(GONE)
    assert opening._framing(None) == no_framing()
