"""Records of one stream over HTTP: server-sent events, read by a thread of its own, resumed where they were cut."""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from queue import Empty, Full, Queue
from typing import Any, Final

import httpx

from nuncius.broker.transport.clock import utc_now
from nuncius.broker.transport.position import from_token, to_token
from nuncius.consumers.found import Found
from nuncius.consumers.line import Line
from nuncius.consumers.place import another_log, check_log
from nuncius.consumers.sse import Event, events
from nuncius.schemas import (
    Alert,
    CandidateList,
    CandidateRow,
    Coincidence,
    NunciusError,
    Quarantine,
    Retry,
    SettingsError,
    Stop,
    StreamRow,
)
from nuncius.schemas.codec import decode_json

KINDS: Final[Mapping[str, type]] = {
    "alert": Alert,
    "candidate": CandidateRow,
    "coincidence": Coincidence,
    "candidate_list": CandidateList,
    "row": StreamRow,
}
"""Names of events and what they hold."""

_FIRST_ONLY: Final = ("since", "since_start", "last")
_TIMEOUT: Final = httpx.Timeout(10.0, read=45.0)
"""A broker that is there says something every 15 s."""
_LONGEST_WAIT_S: Final = 30.0
_SHOWN: Final = 500
"""Most bytes of a reason that are shown."""
_AHEAD: Final = 1000
"""Most records that wait here; then the broker waits."""


class HttpSource:
    """Reads one stream of a broker over HTTP.

    Parameters
    ----------
    url, path
        ``http://HOST:PORT`` and ``/alerts/stream``.
    params
        ``filter``, ``since``, ``since_start``, ``last``, ``until_end`` as the broker's API has them.
    position
        Where to go on; None: as ``params`` say.
    on_wait
        Told why it waits, each time it begins to.
    identity
        Of the log that the position is of; empty where nobody knows.
    until
        End before what the log took at or after this time (exclusive).
    clock
        Aware UTC.
    """

    def __init__(
        self,
        url: str,
        path: str,
        params: Mapping[str, str],
        position: dict[int, int] | None,
        on_wait: Callable[[str], object],
        identity: str = "",
        until: datetime | None = None,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self._url, self._path, self._params = url, path, dict(params)
        self._token = "" if position is None else to_token(position)
        self._on_wait = on_wait
        self.identity = identity
        self._until = until
        self._clock = clock
        self._cut: dict[int, int] = {}
        self._last_part = threading.Event()
        self._line = Line()
        self._fault: BaseException | None = None
        self._come: Queue[Found | BaseException | None] = Queue(_AHEAD)
        self._stop = threading.Event()
        self._over = False
        self._answered = threading.Event()
        self._refusal: BaseException | None = None
        self.position: dict[int, int] = position or {}
        self._look_at_the_time()
        self._thread = threading.Thread(target=self._run, name="nuncius-subscribe", daemon=True)
        self._thread.start()

    def open(self) -> None:
        """Wait until the broker has answered for the first time.

        Raises
        ------
        Retry
            If nobody answers.
        SettingsError
            If the broker refuses what is asked for.
        """
        self._answered.wait()
        if self._refusal is not None:
            raise self._refusal

    def poll(self, timeout_s: float) -> Sequence[Found]:
        """The next records; empty where none came in time.

        Raises
        ------
        SettingsError
            The broker refuses what is asked for.
        """
        if self._fault is not None:
            raise self._fault
        self._look_at_the_time()
        found: list[Found] = []
        try:
            item = self._come.get(timeout=timeout_s)
            while True:
                if item is None:
                    self._over = True
                    break
                if isinstance(item, BaseException):
                    self._fault = item  # for the next poll: what came before it is given out first
                    break
                found.append(item)
                self.position = item.position
                item = self._come.get_nowait()
        except Empty:
            pass
        if self._fault is not None and not found:
            raise self._fault
        return [one for one in found if one.record is not None]

    def ended(self) -> bool:
        """Whether all that was asked for was polled."""
        return self._over

    def reopen(self) -> None:
        """Nothing to do: the thread goes on by itself."""

    def close(self) -> None:
        """End the connection, and with it the thread. Twice is allowed."""
        self._stop.set()
        self._line.cut()

    def _look_at_the_time(self) -> None:
        """Once the time to end at has passed, the broker is asked where that is, and gives the rest up to there."""
        if self._until is not None and not self._last_part.is_set() and self._clock() >= self._until:
            self._last_part.set()
            self._line.cut()

    def _run(self) -> None:
        over = False
        try:
            self._follow()
            over = True
        except NunciusError as error:
            self._refuse(error)
            over = True
        finally:
            if not over:  # a reader must not wait for a thread that is gone
                self._refuse(Stop(f"{self._url}: reading ended by a fault, told above"))

    def _follow(self) -> None:
        wait_s = 0.5
        while not self._stop.is_set():
            last_part = self._last_part.is_set()
            try:
                for item in self._events(last_part=last_part):
                    wait_s = 0.5
                    if not self._put(item) or item is None:
                        return
                why = "the broker ended the connection"
            except ValueError as error:
                raise SettingsError(f"{self._url}: {error}") from error
            except (httpx.HTTPError, Retry) as error:
                why = str(error) or type(error).__name__
                if not self._answered.is_set():
                    raise Retry(f"no broker answers at {self._url}: {why}") from error
            if self._stop.is_set() or last_part != self._last_part.is_set():
                continue
            self._on_wait(f"{self._url}: {why}; trying again")
            self._stop.wait(wait_s)
            wait_s = min(2 * wait_s, _LONGEST_WAIT_S)

    def _refuse(self, error: BaseException) -> None:
        self._refusal = error
        if self._answered.is_set():
            self._put(error)
        self._answered.set()

    def _events(self, *, last_part: bool) -> Iterator[Found | None]:
        """Records of one connection; None at the asked-for end."""
        params = {name: value for name, value in self._params.items() if not (self._token and name in _FIRST_ONLY)}
        if last_part and self._until is not None:
            params["until"] = self._until.isoformat()
        headers = {"Accept": "text/event-stream"} | ({"Last-Event-ID": self._token} if self._token else {})
        secure = self._url.startswith("https:")  # certificates take longer to load than an answer takes
        with (
            httpx.Client(base_url=self._url, timeout=_TIMEOUT, verify=secure, trust_env=secure) as client,
            client.stream("GET", self._path, params=params, headers=headers) as answer,
            self._line.held(answer),
        ):
            self._check(answer)
            if self._stop.is_set() or last_part != self._last_part.is_set():
                return
            for event in events(answer.iter_bytes()):
                self._heed(event)
                when = _taken(event)
                if self._until is not None and when is not None and when >= self._until:
                    self._last_part.set()
                    if not last_part:
                        return
                    self._cut |= self._moved(event.fields.get("id", ""))  # it came while the broker looked where to end
                    continue
                if token := event.fields.get("id"):
                    found = self._found(event, token, when)
                    self._token = to_token(found.position)
                    yield found
                if event.name == "end":
                    yield None
                    return

    def _heed(self, event: Event) -> None:
        """What the broker says of the stream itself."""
        words = event.data[:_SHOWN].decode(errors="replace")
        match event.name:
            case "cut":
                raise Retry(f"cut off: {words}")
            case "reset":
                raise SettingsError(another_log(self._url, f"it has no {self._token}"))
            case "skipped":
                self._on_wait(f"{self._url}: passed over: {words}")

    def _check(self, answer: httpx.Response) -> None:
        """Whether it is the answer of a broker, and of the same log as before."""
        _check(answer)
        found = answer.headers.get("Nuncius-Log", "")
        check_log(self._url, self.identity, found)
        self.identity = self.identity or found
        if (note := answer.headers.get("Nuncius-Note")) and not self._answered.is_set():
            self._on_wait(f"{self._url}: {note}")
        self._answered.set()

    def _found(self, event: Event, token: str, taken: datetime | None) -> Found:
        """The record of an event; none where it only tells a place, or cannot be read here, which is said."""
        kind = KINDS.get(event.name)
        record: Any = None
        try:
            record = None if kind is None else decode_json(kind, event.data)
        except Quarantine as error:
            self._on_wait(f"{self._url}: a record before {token[:60]} cannot be read here and is passed over: {error}")
        position = from_token(token)
        return Found(record, {n: min(offset, self._cut.get(n, offset)) for n, offset in position.items()}, taken)

    def _moved(self, token: str) -> dict[int, int]:
        """Where the partitions stand that a record moves on."""
        if not token or not self._token:
            return {}
        before, after = from_token(self._token), from_token(token)
        return {number: offset for number, offset in before.items() if after.get(number, offset) > offset}

    def _put(self, item: Found | BaseException | None) -> bool:
        while not self._stop.is_set():
            try:
                self._come.put(item, timeout=0.2)
            except Full:
                continue
            return True
        return False


def _taken(event: Event) -> datetime | None:
    """When the log took the record of an event; ValueError where it says no time in UTC."""
    said = event.fields.get("taken")
    when = None if said is None else datetime.fromisoformat(said)
    if when is not None and when.tzinfo is None:
        raise ValueError(f"an event was taken at {said!r:.40}, which names no time zone")
    return when


def _check(answer: httpx.Response) -> None:
    if answer.status_code == httpx.codes.OK:
        return
    answer.read()
    try:
        said = str(answer.json()["error"])
    except (ValueError, KeyError, TypeError):
        said = f"HTTP {answer.status_code}: is that a Nuncius broker?"
    if answer.status_code >= httpx.codes.INTERNAL_SERVER_ERROR or answer.status_code == httpx.codes.TOO_MANY_REQUESTS:
        raise Retry(said)
    raise SettingsError(said)
