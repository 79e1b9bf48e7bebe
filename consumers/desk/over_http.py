"""A facility's desk at a broker's HTTP service: one question for the next task, one for each answer."""

import time
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import quote

import httpx
import orjson
from pydantic import SecretStr

from nuncius.broker.transport.port import Fenced
from nuncius.consumers.desk.answers import MOST_NOTE, MOST_REFERENCE, Answer, AnswerError, kept
from nuncius.consumers.desk.task import Action, Task
from nuncius.consumers.desk.wire import receipt_of, task_in
from nuncius.consumers.opening import NoBrokerError
from nuncius.consumers.too.credentials import credential
from nuncius.consumers.too.door import checked_url
from nuncius.schemas import Quarantine, Retry, SettingsError, ToOStatus
from nuncius.schemas.codec import decode_json

VARIABLE: Final = "NUNCIUS_DESK_TOKEN"
"""Variable that holds a facility's token; with ``_FILE`` behind it, the file that does."""

_AGAIN: Final = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS})
_TIMEOUT_S: Final = 20.0
_IDLE_S: Final = 2.0
"""How long a connection is kept for the next call: less than uvicorn's 5 s, so that it does not end under a call."""
_WHO: Final = "is that a Nuncius broker of this version?"
_SHOWN: Final = 300
"""Characters of an answer's words that are shown (ours)."""


def open_desk(url: str, facility: str, run: str, environ: Mapping[str, str]) -> "DeskOverHttp":
    """The desk, once its broker has answered.

    Parameters
    ----------
    url
        ``https://HOST[:PORT]``; ``http`` on the loopback interface, and where no token is sent.
    facility
        As policies name it.
    run
        Name of this process at the desk.
    environ
        Where the token is.

    Raises
    ------
    NoBrokerError
        If nobody answers there (yet).
    SettingsError
        If the token is unfit or refused, or would go over a line that others read.
    """
    desk = DeskOverHttp(url, facility, run, token_in(environ))
    try:
        desk.look()
    except Retry as error:
        desk.close()
        raise NoBrokerError(str(error)) from error
    except BaseException:
        desk.close()
        raise
    return desk


def token_in(environ: Mapping[str, str]) -> SecretStr:
    """The facility's token; empty where none is set.

    Raises
    ------
    SettingsError
        If its file cannot be read or may be read by others, or it is no word of ASCII.
    """
    if not environ.get(VARIABLE, "").strip() and not environ.get(f"{VARIABLE}_FILE"):
        return SecretStr("")
    token = credential(environ, VARIABLE)
    said = token.get_secret_value()
    if not said.isascii() or not said.isprintable() or " " in said:
        raise SettingsError(f"${VARIABLE}: a token is one word of ASCII letters, digits and signs")
    return token


class DeskOverHttp:
    """See `nuncius.consumers.desk.handing.Handing`. The broker decides what is due when it is asked, not before.

    What was handed out here is remembered: an answer of the broker that was lost, or a broker that was restarted, makes
    a task come again, and it is given out once.

    Parameters
    ----------
    url, facility, run
        As `open_desk`.
    token
        Empty for none.
    """

    poll_s: Final = 25.0
    """Proxies cut what is silent for 30 to 60 s."""

    def __init__(self, url: str, facility: str, run: str, token: SecretStr) -> None:
        self._url, self._facility, self._run = url, facility, run
        self._base = f"{url}/too/desks/{quote(facility, safe='')}"
        secret = token.get_secret_value()
        if secret:
            checked_url(url, frozenset({httpx.URL(url).host}), "the facility's token is not sent")
        self._receipt = ""
        self._given: set[tuple[str, int, Action]] = set()
        self._asked = self._there = False
        secure = url.startswith("https:")
        self._client = httpx.Client(
            headers={"Authorization": f"Bearer {secret}"} if secret else {},
            timeout=_TIMEOUT_S,
            verify=secure,  # certificates take longer to load than an answer takes
            trust_env=secure,  # $HTTP_PROXY would read the token of a call to this machine
            limits=httpx.Limits(keepalive_expiry=_IDLE_S),
        )

    def look(self) -> None:
        """Ask whether the desk is there and open to us.

        Raises
        ------
        Retry
            If nobody answers now.
        SettingsError
            If it is refused, or something else answers there.
        """
        self._said(self._call("GET", ""))
        self._there = True

    def next_task(self, timeout_s: float = 0.0) -> Task | None:
        """The next task."""
        until = time.monotonic() + timeout_s
        while True:
            left_s = max(0.0, until - time.monotonic())
            body = {"run": self._run, "receipt": self._receipt, "wait_s": left_s}
            answer = self._call("POST", "/next", body, patience_s=left_s)
            if answer.status_code == HTTPStatus.CONFLICT:
                raise Fenced(_words(answer))
            found = self._said(answer)
            task = self._task_in(found)
            self._asked = bool(found.get("asked"))
            if task is None:
                return None
            self._receipt = receipt_of(task)
            key = (task.request.request_id, task.request.revision, task.action)
            if key not in self._given:
                self._given.add(key)
                return task

    def answer(
        self, request_id: str, said: Answer, *, revision: int | None = None, reference: str = "", note: str = ""
    ) -> ToOStatus:
        """Say what became of a request."""
        return self.answered(request_id, said, revision=revision, reference=reference, note=note)[0]

    def answered(
        self, request_id: str, said: Answer, *, revision: int | None = None, reference: str = "", note: str = ""
    ) -> tuple[ToOStatus, str]:
        """As `answer`, with the name of the target."""
        body: dict[str, Any] = {
            "request_id": request_id,
            "state": said,
            "reference": kept(reference, MOST_REFERENCE),
            "note": kept(note, MOST_NOTE),
        }
        answer = self._call("POST", "/answers", body | ({} if revision is None else {"revision": revision}))
        if answer.status_code in {HTTPStatus.CONFLICT, HTTPStatus.NOT_FOUND}:
            raise AnswerError(_words(answer))
        found = self._said(answer)
        try:
            return decode_json(ToOStatus, orjson.dumps(found.get("status"))), str(found.get("target_name", ""))
        except Quarantine as error:
            raise self._strange(str(error)) from error

    def doubt(self) -> str:
        """One line where nothing was ever asked of such a facility."""
        return "" if self._asked else f"no request of {self._facility} so far"

    def reopen(self) -> None:
        """Nothing to do: each call is a connection's own."""

    def close(self) -> None:
        """Give the connection back."""
        self._client.close()

    def _call(self, method: str, path: str, body: object = None, patience_s: float = 0.0) -> httpx.Response:
        content = None if body is None else orjson.dumps(body)
        headers = {} if body is None else {"Content-Type": "application/json"}
        timeout = httpx.Timeout(_TIMEOUT_S, read=_TIMEOUT_S + patience_s)
        try:
            return self._client.request(method, self._base + path, content=content, headers=headers, timeout=timeout)
        except httpx.TransportError as error:
            raise Retry(f"no broker answers at {self._url}: {str(error) or type(error).__name__}") from None

    def _said(self, answer: httpx.Response) -> dict[str, Any]:
        """The answer's JSON; what the broker refuses is said in its own words."""
        code = answer.status_code
        if code in _AGAIN or answer.is_server_error:
            raise Retry(f"{self._url}: {_words(answer)}")
        if not answer.is_success:
            words = f"{self._url}: {_words(answer)}"
            if code in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
                words += f"; put it into ${VARIABLE} here"
            raise SettingsError(words)
        try:
            found = orjson.loads(answer.content)
        except orjson.JSONDecodeError:
            found = None
        if not isinstance(found, dict) or found.get("facility") != self._facility:
            raise self._strange("no answer of a desk")
        return found

    def _task_in(self, found: Mapping[str, Any]) -> Task | None:
        if found.get("task") is None:
            return None
        try:
            return task_in(found["task"])
        except Quarantine as error:
            raise self._strange(str(error)) from error

    def _strange(self, why: str) -> Retry | SettingsError:
        """What answers is no broker: a mistake at first, later a proxy's page that will go away."""
        words = f"{self._url}: {why}: {_WHO}"
        return Retry(words) if self._there else SettingsError(words)


def _words(answer: httpx.Response) -> str:
    """What the broker says, in one line."""
    try:
        said = orjson.loads(answer.content)
    except orjson.JSONDecodeError:
        said = None
    words = said.get("error") if isinstance(said, dict) else None
    if answer.is_redirect:
        words = f"HTTP {answer.status_code}: it leads to another address; write that one"
    return " ".join(str(words or f"HTTP {answer.status_code}: {_WHO}").split())[:_SHOWN]
