"""Encryption and passwords, against a real Kafka that demands them: who may come in does, who may not is told why."""

import json
import os
import re
import time
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import trustme
from commands import Run, nuncius
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from kafka_here import kafka_node
from token_server import Answer, Asked, answer_json, token_server
from transport_logs import assigned, everything, next_records, values, write

from nuncius.broker.transport.clock import utc_now
from nuncius.broker.transport.kafka.cluster import Cluster, Connection, Security
from nuncius.broker.transport.kafka.log import KafkaLog
from nuncius.broker.transport.kafka.tokens import OAuthClient
from nuncius.broker.transport.kafka_node.ports import choose
from nuncius.broker.transport.port import TopicPartition
from nuncius.broker.transport.topics import Topic
from nuncius.schemas import NunciusError, Retry, SettingsError

pytestmark = [pytest.mark.kafka, pytest.mark.long]

USER, PASSWORD = "nuncius", "correct-horse-battery"
CLIENT_ID, CLIENT_SECRET = "nuncius:client", "staple+with/every%sign:"
SCOPE = "kafka"
AUDIENCE = "the-kafka-of-this-test"
ISSUER = "the-token-server-of-this-test"
LIFE_S = 10
"""Life of a token: a connection that does not bring another one by then is cut off (KIP-368)."""

WRONG = "not-the-secret"
NONSENSE = "n0nsense.t0ken"

TOLD_WITHIN_S = 20.0
"""How long it may take until a fault is told."""

PACKET = Path(__file__).parents[1] / "data" / "producers" / "amon.nu_em.xml"
JAAS = "org.apache.kafka.common.security"


@dataclass(frozen=True)
class Secured:
    """A Kafka that lets in whoever has a password or a token, and who they may be."""

    servers: str
    ca_file: Path
    signing: RSAPrivateKey

    def scram(self) -> Security:
        return Security("SASL_SSL", "SCRAM-SHA-512", USER, PASSWORD, ca_file=self.ca_file)

    def bearer(self, token_url: str, secret: str = CLIENT_SECRET) -> Security:
        client = OAuthClient(token_url, CLIENT_ID, secret, SCOPE)
        return Security("SASL_SSL", "OAUTHBEARER", ca_file=self.ca_file, oauth=client)

    def tokens(self, asked: Asked) -> Answer:
        """What a token server says to who asks."""
        if asked.form.get("grant_type") != ["client_credentials"] or asked.form.get("scope") != [SCOPE]:
            return answer_json(400, error="invalid_request")
        if asked.basic != (CLIENT_ID, CLIENT_SECRET):
            return answer_json(401, error="invalid_client")
        return answer_json(access_token=self.token(), token_type="Bearer", expires_in=LIFE_S)  # noqa: S106  a made-up one

    def token(self) -> str:
        """A signed one (RFC 7519), good for so long."""
        now = int(time.time())  # noqa: TID251  the broker goes by it
        claims = {"iss": ISSUER, "aud": AUDIENCE, "sub": CLIENT_ID, "iat": now, "exp": now + LIFE_S, "scope": SCOPE}
        head = _part(json.dumps({"alg": "RS256", "typ": "JWT", "kid": "1"}).encode())
        body = f"{head}.{_part(json.dumps(claims).encode())}"
        return f"{body}.{_part(self.signing.sign(body.encode(), PKCS1v15(), SHA256()))}"


def _part(content: bytes) -> str:
    return urlsafe_b64encode(content).rstrip(b"=").decode()


def _key_set(key: RSAPrivateKey) -> bytes:
    """The public half, as servers of tokens show it (RFC 7517)."""
    numbers = key.public_key().public_numbers()
    modulus, exponent = (_part(n.to_bytes((n.bit_length() + 7) // 8, "big")) for n in (numbers.n, numbers.e))
    shown = {"kty": "RSA", "kid": "1", "use": "sig", "alg": "RS256", "n": modulus, "e": exponent}
    return json.dumps({"keys": [shown]}).encode()


def _listener(folder: Path, authority: trustme.CA, signing: RSAPrivateKey) -> dict[str, str]:
    """Settings of a broker whose clients bring a password or a token, over TLS."""
    certificate = authority.issue_cert("127.0.0.1")
    private = folder / "broker.pem"
    key = load_pem_private_key(certificate.private_key_pem.bytes(), None)
    in_pkcs8 = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())  # Java reads no other
    private.write_bytes(in_pkcs8 + b"".join(blob.bytes() for blob in certificate.cert_chain_pems))
    keys = folder / "keys.json"
    keys.write_bytes(_key_set(signing))
    client = "listener.name.client"
    return {
        "listener.security.protocol.map": "CLIENT:SASL_SSL,INTERNAL:PLAINTEXT,CONTROLLER:PLAINTEXT",
        f"{client}.ssl.keystore.type": "PEM",
        f"{client}.ssl.keystore.location": str(private),
        f"{client}.sasl.enabled.mechanisms": "SCRAM-SHA-512,OAUTHBEARER",
        f"{client}.scram-sha-512.sasl.jaas.config": f"{JAAS}.scram.ScramLoginModule required;",
        f"{client}.oauthbearer.sasl.jaas.config": f"{JAAS}.oauthbearer.OAuthBearerLoginModule required;",
        f"{client}.oauthbearer.sasl.server.callback.handler.class": (
            f"{JAAS}.oauthbearer.OAuthBearerValidatorCallbackHandler"
        ),
        f"{client}.oauthbearer.sasl.oauthbearer.jwks.endpoint.url": keys.as_uri(),
        f"{client}.oauthbearer.sasl.oauthbearer.expected.audience": AUDIENCE,
        f"{client}.oauthbearer.sasl.oauthbearer.expected.issuer": ISSUER,
        f"{client}.oauthbearer.connections.max.reauth.ms": "3600000",
        f"{client}.oauthbearer.sasl.oauthbearer.clock.skew.seconds": "0",
    }


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secured]:
    folder = tmp_path_factory.mktemp("secured")
    authority, signing = trustme.CA(), generate_private_key(65537, 2048)
    ca_file = folder / "ca.pem"
    authority.cert_pem.write_to_path(ca_file)
    allowed = f"-Dorg.apache.kafka.sasl.oauthbearer.allowed.urls={(folder / 'keys.json').as_uri()}"
    user = f"SCRAM-SHA-512=[name={USER},password={PASSWORD},iterations=4096]"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JAVA_TOOL_OPTIONS", f"{os.environ.get('JAVA_TOOL_OPTIONS', '')} {allowed}".strip())
        with kafka_node(folder / "node", _listener(folder, authority, signing), ("--add-scram", user)) as node:
            yield Secured(node.servers, ca_file, signing)


def opened(secured: Secured, security: Security, servers: str | None = None) -> KafkaLog:
    """A log in a namespace of its own."""
    cluster = Cluster(servers or secured.servers, f"t{uuid4().hex[:12]}", Connection(security))
    return KafkaLog(cluster, utc_now)


def use(log: KafkaLog) -> str:
    """All that a log is for: a topic, a transaction, reading it, a member that commits; the topic."""
    log.create([Topic(name="t", partitions=1)])
    tp = TopicPartition("t", 0)
    member = log.member("group", ["t"])
    writer = log.writer("slot")
    write(writer, "t", [b"one", b"two"])
    assert values(everything(log, "t")) == [b"one", b"two"]
    assert assigned(member) == (tp,)
    assert values(next_records(member))[0] == b"one"
    write(writer, "t", [b"three"], offset=(tp, 1))
    at = member.committed()[tp]
    assert at is not None
    assert at.offset == 1
    writer.close()
    member.close()
    return "t"


def test_a_password_over_tls(secured: Secured) -> None:
    log = opened(secured, secured.scram())
    try:
        use(log)
    finally:
        log.close()


@pytest.mark.soak
def test_tokens_are_renewed_while_work_goes_on(secured: Secured) -> None:
    with token_server(secured.tokens) as server:
        log = opened(secured, secured.bearer(server.url))
        try:
            topic = use(log)
            clients = len(server.asked)
            reader = log.reader({TopicPartition(topic, 0): log.end(TopicPartition(topic, 0))})
            writer = log.writer("another slot")
            begin = time.monotonic()
            count = 0
            while time.monotonic() < begin + 1.2 * LIFE_S:
                value = b"%d" % (count := count + 1)
                write(writer, topic, [value])
                assert values(next_records(reader)) == [value]
                time.sleep(0.2)
            assert count > LIFE_S / 2
            assert len(server.asked) >= clients + 2 + 3  # two clients more; they and the questioner renewed
        finally:
            log.close()
    tokens = {json.dumps(asked.form) for asked in server.asked}
    assert tokens == {json.dumps({"grant_type": ["client_credentials"], "scope": [SCOPE]})}


def settings_file(home: Path, secured: Secured, **more: str) -> Path:
    """A folder with settings."""
    home.mkdir()
    words = {"security_protocol": "SASL_SSL", "ca_file": str(secured.ca_file), **more}
    lines = "".join(f"{name} = {json.dumps(value)}\n" for name, value in words.items())
    (home / "nuncius.toml").write_text(f"[kafka]\n{lines}")
    return home


def with_password(home: Path, secured: Secured) -> Path:
    return settings_file(home, secured, sasl_mechanism="SCRAM-SHA-512", username=USER)


@dataclass(frozen=True)
class Told:
    """What who was not let in was told, and after how long."""

    error: NunciusError
    seconds: float


def told(attempt: Callable[[], KafkaLog]) -> Told:
    begin = time.monotonic()
    try:
        attempt().close()
    except NunciusError as error:
        return Told(error, time.monotonic() - begin)
    raise AssertionError("it was let in")


def _stranger(folder: Path) -> Path:
    """The certificate of an authority that signed nothing here."""
    file = folder / "another.pem"
    trustme.CA().cert_pem.write_to_path(file)
    return file


@dataclass(frozen=True)
class Refusals:
    """Logs that were not opened, and commands that were not let in."""

    logs: dict[str, Told]
    publish: Run
    doctor: Run
    forgot: Run


@pytest.fixture(scope="module")
def refusals(secured: Secured, tmp_path_factory: pytest.TempPathFactory) -> Refusals:
    """All who must not come in, at the same time: some are told so only when they have waited for an answer."""
    scram = secured.scram()
    port = secured.servers.rpartition(":")[2]
    away = f"http://127.0.0.1:{choose(None).client}/token"
    stranger = _stranger(tmp_path_factory.mktemp("authority"))
    with (
        token_server(secured.tokens) as strict,
        token_server(lambda _: Answer(b"<html>please log in</html>")) as nonsense,
        token_server(lambda _: answer_json(access_token=NONSENSE, expires_in=60)) as forger,
        token_server(lambda _: answer_json(503, error="temporarily_unavailable")) as busy,
    ):
        who: dict[str, tuple[Security, str | None]] = {
            "password": (replace(scram, password=WRONG), None),
            "user": (replace(scram, username="nobody"), None),
            "mechanism": (replace(scram, mechanism="SCRAM-SHA-256"), None),
            "authority": (replace(scram, ca_file=stranger), None),
            "system": (replace(scram, ca_file=None), None),
            "name": (scram, f"localhost:{port}"),
            "plain": (Security(), None),
            "no tls": (replace(scram, protocol="SASL_PLAINTEXT"), None),
            "no sasl": (Security("SSL", ca_file=secured.ca_file), None),
            "secret": (secured.bearer(strict.url, WRONG), None),
            "nonsense": (secured.bearer(nonsense.url), None),
            "forged": (secured.bearer(forger.url), None),
            "busy": (secured.bearer(busy.url), None),
            "away": (secured.bearer(away), None),
        }
        home = with_password(tmp_path_factory.mktemp("commands") / "home", secured)
        broker = f"--broker=kafka://{secured.servers}/wrong"
        run = partial(nuncius, home=home, code=None)
        wrong: dict[str, Any] = {"NUNCIUS_KAFKA_PASSWORD": WRONG}
        with ThreadPoolExecutor(len(who) + 3) as pool:
            publish = pool.submit(run, "publish", PACKET, broker, **wrong)
            doctor = pool.submit(run, "doctor", broker, **wrong)
            forgot = pool.submit(run, "publish", PACKET, broker)
            found = {name: pool.submit(told, partial(opened, secured, *each)) for name, each in who.items()}
            logs = {name: each.result() for name, each in found.items()}
            return Refusals(logs, publish.result(), doctor.result(), forgot.result())


@pytest.mark.parametrize(
    ("name", "kind", "hint"),
    [
        ("password", SettingsError, "invalid credentials.*look at \\[kafka\\]"),
        ("user", SettingsError, "invalid credentials.*look at \\[kafka\\]"),
        ("mechanism", SettingsError, "SCRAM-SHA-256.*supported mechanisms: .*SCRAM-SHA-512.*look at \\[kafka\\]"),
        ("authority", SettingsError, "certificate.*look at ca_file"),
        ("system", SettingsError, "certificate.*look at ca_file"),
        ("name", SettingsError, "localhost.*certificate.*look at ca_file"),
        ("plain", Retry, "security_protocol"),
        ("no tls", Retry, "security_protocol"),
        ("no sasl", Retry, "security_protocol"),
        ("secret", Retry, "401.*client_id"),
        ("nonsense", Retry, "not JSON.*token_url"),
        ("forged", SettingsError, "invalid_token.*look at \\[kafka\\]"),
        ("busy", Retry, "/token: HTTP 503"),
        ("away", Retry, "/token: .*refused.*token_url"),
    ],
)
def test_who_is_not_let_in_is_told_why(refusals: Refusals, name: str, kind: type[NunciusError], hint: str) -> None:
    found = refusals.logs[name]
    text = str(found.error)
    assert isinstance(found.error, kind)
    assert re.search(hint, text), text
    assert "\n" not in text
    assert found.seconds < TOLD_WITHIN_S
    for secret in (PASSWORD, CLIENT_SECRET, WRONG, NONSENSE):
        assert secret not in text


def test_commands_with_a_password(secured: Secured, tmp_path: Path) -> None:
    home = with_password(tmp_path / "home", secured)
    broker = f"kafka://{secured.servers}/commands"
    published = nuncius("publish", PACKET, "--broker", broker, home=home, NUNCIUS_KAFKA_PASSWORD=PASSWORD)
    assert published.out
    seen = nuncius("doctor", "--broker", broker, home=home, NUNCIUS_KAFKA_PASSWORD=PASSWORD)
    assert "wrong " not in seen.out.decode()
    for run in (published, seen):
        assert PASSWORD not in run.out.decode() + run.err


def test_commands_with_tokens(secured: Secured, tmp_path: Path) -> None:
    with token_server(secured.tokens) as server:
        words = {"sasl_mechanism": "OAUTHBEARER", "token_url": server.url, "client_id": CLIENT_ID, "scope": SCOPE}
        home = settings_file(tmp_path / "home", secured, **words)
        broker = f"kafka://{secured.servers}/tokens"
        secret: dict[str, Any] = {"NUNCIUS_KAFKA_CLIENT_SECRET": CLIENT_SECRET}
        published = nuncius("publish", PACKET, "--broker", broker, home=home, **secret)
        assert published.out
        assert server.asked
        refused = nuncius(
            "publish", PACKET, "--broker", broker, home=home, code=None, NUNCIUS_KAFKA_CLIENT_SECRET=WRONG
        )
    assert "client_id" in refused.complaint(refused.code)
    assert refused.code != 0
    for run in (published, refused):
        for word in (CLIENT_SECRET, WRONG):
            assert word not in run.out.decode() + run.err


def test_commands_with_the_wrong_password(refusals: Refusals) -> None:
    assert "invalid credentials" in refusals.publish.complaint()
    assert refusals.publish.out == b""
    assert refusals.doctor.code == 1
    assert refusals.doctor.err == ""
    (line,) = [line for line in refusals.doctor.out.decode().splitlines() if line.startswith("wrong ")]
    assert "invalid credentials" in line
    for run in (refusals.publish, refusals.doctor):
        assert WRONG not in run.out.decode() + run.err
    assert "NUNCIUS_KAFKA_PASSWORD" in refusals.forgot.complaint()
