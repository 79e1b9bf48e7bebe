"""A facility's desk over HTTP, from its side: what else may answer there, and where its token goes."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import orjson
import pytest
import trustme
from desk_here import Room, asked, room
from desk_served import served
from desk_token import TOKEN
from fakes.server import Call, Fake, Reply, running
from pydantic import SecretStr
from too_cases import request

from nuncius.broker.transport.port import Fenced
from nuncius.consumers import follow_requests
from nuncius.consumers.desk.answers import AnswerError
from nuncius.consumers.desk.over_http import VARIABLE, DeskOverHttp, open_desk
from nuncius.consumers.opening import NoBrokerError
from nuncius.schemas import Retry, SettingsError

THERE = {"facility": "imager", "came": None, "over": None}


class Something(Fake):
    """Answers everything alike; the first question as a broker does, if it is to seem one."""

    def __init__(self, reply: Reply, *, seems: bool = True) -> None:
        super().__init__()
        self.reply = reply
        self.seems = seems

    def handle(self, call: Call) -> Reply:
        return Reply(200, THERE) if self.seems and call.method == "GET" else self.reply

    def asks(self, call: Call) -> bool:
        return call.method == "POST"


@pytest.fixture
def here() -> Iterator[Room]:
    with room() as found:
        yield found


def test_a_loop_follows_and_answers_by_the_address_alone(here: Room) -> None:
    here.ask(request(1), request(1, "s", facility="another"))
    said: list[str] = []
    with served(here) as port:
        address = f"http://127.0.0.1:{port}"
        with follow_requests("imager", broker=address, until_end=True, on_wait=said.append) as tasks:
            for task in tasks:
                assert tasks.answer(task, "accepted", reference="OB-17" * 100).reference == ("OB-17" * 100)[:200]
        with follow_requests("imagr", broker=address, until_end=True, on_wait=said.append) as tasks:
            assert list(tasks) == []
    assert here.states() == ["sent 1", "accepted 1"]
    assert said == ["no request of imagr so far"]


@pytest.mark.parametrize(
    ("reply", "error", "says"),
    [
        (Reply(403, {"error": "send the token"}), SettingsError, rf"send the token; put it into \${VARIABLE} here"),
        (Reply(404, {"error": "Not Found"}), SettingsError, "Not Found"),
        (Reply(404, None), SettingsError, "HTTP 404: is that a Nuncius broker"),
        (
            Reply(301, None, {"Location": "https://elsewhere.example.org"}),
            SettingsError,
            "leads to another address",
        ),
        (Reply(200, {"hello": "world"}), SettingsError, "is that a Nuncius broker"),
        (Reply(200, [1]), SettingsError, "is that a Nuncius broker"),
        (Reply(503, {"error": "the log is away"}), NoBrokerError, "the log is away"),
        (Reply(429, {"error": "wait"}), NoBrokerError, "wait"),
    ],
)
def test_what_is_no_open_desk_is_told_at_the_start(reply: Reply, error: type[Exception], says: str) -> None:
    fake = Something(reply, seems=False)
    with running(fake) as url, pytest.raises(error, match=says) as caught:
        open_desk(url, "imager", "a-run-of-ours", {VARIABLE: TOKEN})
    assert TOKEN not in str(caught.value)
    assert [call.headers["authorization"] for call in fake.seen] == [f"Bearer {TOKEN}"]


@pytest.mark.parametrize(
    ("reply", "error", "says"),
    [
        (Reply(409, {"error": "a newer desk"}), Fenced, "a newer desk"),
        (Reply(200, {"hello": "world"}), Retry, "is that a Nuncius broker"),
        (Reply(200, THERE | {"task": {"action": "observe"}}), Retry, "no task"),
        (Reply(200, THERE | {"task": [1]}), Retry, "no task"),
        (
            Reply(200, THERE | {"task": {"action": "explode", "again": False, "reference": "", "request": {}}}),
            Retry,
            "no task",
        ),
        (
            Reply(200, THERE | {"task": {"action": "observe", "again": False, "reference": "", "request": {}}}),
            Retry,
            "not a ToORequest",
        ),
        (Reply(502, None), Retry, "HTTP 502"),
        (Reply(408, {"error": "slow"}), Retry, "slow"),
        (Reply(403, {"error": "another token by now"}), SettingsError, "another token"),
    ],
)
def test_what_comes_later_in_its_place_is_told_or_waited_for(reply: Reply, error: type[Exception], says: str) -> None:
    with running(Something(reply)) as url:
        desk = open_desk(url, "imager", "a-run-of-ours", {})
        with closing(desk), pytest.raises(error, match=says):
            desk.next_task()


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (Reply(409, {"error": "it was observed already"}), AnswerError),
        (Reply(404, {"error": "no request"}), AnswerError),
        (Reply(503, {"error": "away"}), Retry),
        (Reply(200, THERE), Retry),
        (Reply(200, THERE | {"status": {"state": "accepted"}}), Retry),
        (Reply(422, {"error": "note: too long"}), SettingsError),
    ],
)
def test_what_becomes_of_an_answer_is_told(reply: Reply, error: type[Exception]) -> None:
    with running(Something(reply)) as url:
        desk = open_desk(url, "imager", "a-run-of-ours", {})
        with closing(desk), pytest.raises(error):
            desk.answer("r", "accepted")


def test_nobody_there_is_no_broker_yet() -> None:
    with pytest.raises(NoBrokerError, match=r"no broker answers at http://127.0.0.1:1: "):
        open_desk("http://127.0.0.1:1", "imager", "a-run-of-ours", {})


def test_a_token_goes_over_no_open_line() -> None:
    with pytest.raises(SettingsError, match="is not https") as caught:
        DeskOverHttp("http://broker.example.org", "imager", "a-run-of-ours", SecretStr(TOKEN))
    assert TOKEN not in str(caught.value)
    DeskOverHttp("https://broker.example.org", "imager", "a-run-of-ours", SecretStr(TOKEN)).close()
    DeskOverHttp("http://broker.example.org", "imager", "a-run-of-ours", SecretStr("")).close()


def test_a_call_to_this_machine_goes_through_no_proxy(here: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    proxy = Something(Reply(502))
    with running(proxy) as url, served(here, tokens={"imager": SecretStr(TOKEN)}) as port:
        monkeypatch.setenv("http_proxy", url)
        open_desk(f"http://127.0.0.1:{port}", "imager", "a-run-of-ours", {VARIABLE: TOKEN}).close()
    assert proxy.seen == []


def test_it_goes_over_tls_to_whom_the_authorities_vouch_for(
    here: Room, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority, pem = trustme.CA(), tmp_path / "broker.pem"
    authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(pem)
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    here.ask(request())
    environ = {VARIABLE: TOKEN}
    with served(here, tokens={"imager": SecretStr(TOKEN)}, tls=pem) as port:
        with pytest.raises(NoBrokerError, match="CERTIFICATE_VERIFY_FAILED"):
            open_desk(f"https://127.0.0.1:{port}", "imager", "a-run-of-ours", environ)
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
        with closing(open_desk(f"https://127.0.0.1:{port}", "imager", "a-run-of-ours", environ)) as desk:
            assert asked(desk) == ["observe r/1"]


@pytest.mark.parametrize("token", ["two words", "t\u00f6ken", "line\nbreak"])
def test_a_token_that_no_header_can_hold_is_told_without_it(token: str) -> None:
    with pytest.raises(SettingsError, match="one word of ASCII") as caught:
        open_desk("http://127.0.0.1:1", "imager", "a-run-of-ours", {VARIABLE: token})
    assert token not in str(caught.value)


def test_a_token_comes_from_a_file_that_only_its_owner_reads(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text(f"{TOKEN}\n", encoding="utf-8")
    file.chmod(0o644)
    with pytest.raises(SettingsError, match="chmod 600"):
        open_desk("http://127.0.0.1:1", "imager", "a-run-of-ours", {f"{VARIABLE}_FILE": str(file)})
    file.chmod(0o600)
    fake = Something(Reply(200, THERE | {"task": None}))
    with running(fake) as url:
        desk = open_desk(url, "imager", "a-run-of-ours", {f"{VARIABLE}_FILE": str(file)})
        with closing(desk):
            assert asked(desk) == []
    assert {call.headers["authorization"] for call in fake.seen} == {f"Bearer {TOKEN}"}


def test_a_name_with_a_slash_or_a_space_stays_one_part_of_the_path() -> None:
    fake = Something(Reply(200, {"facility": "LCO 1m/a", "task": None, "asked": True}), seems=False)
    with running(fake) as url:
        desk = open_desk(url, "LCO 1m/a", "a-run-of-ours", {})
        with closing(desk):
            assert asked(desk) == []
    assert [call.path for call in fake.seen] == ["/too/desks/LCO%201m%2Fa", "/too/desks/LCO%201m%2Fa/next"]
    assert orjson.loads(fake.seen[-1].body) == {"run": "a-run-of-ours", "receipt": "", "wait_s": 0.0}
