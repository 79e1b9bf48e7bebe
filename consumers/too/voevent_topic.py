"""Writes each request as VOEvent 2.0 to a Kafka topic of the facility, which answers on another (CTAO, H.E.S.S. style).

One record a revision; a later one supersedes, a cancellation retracts. Accepted is what the facility accepted: until it
answers, the request lies there and its answer is looked for again. The answer is JSON, `nuncius.consumers.desk.word`.
"""

from collections.abc import Callable
from functools import partial
from threading import Lock
from typing import Final, TypeVar

from pydantic import SecretStr

from nuncius.broker.transport.clock import utc_now
from nuncius.broker.transport.kafka.cluster import Cluster, Connection
from nuncius.broker.transport.kafka.log import KafkaLog
from nuncius.broker.transport.port import Log, Writer
from nuncius.consumers.adapter import answer
from nuncius.consumers.desk.word import Word
from nuncius.consumers.too.naming import revision_in
from nuncius.consumers.too.no_answer import Keeps, aloud
from nuncius.consumers.too.voevent_lane import Lane, Written
from nuncius.consumers.too.voevent_too import too_voevent
from nuncius.consumers.too.voevent_topic_settings import VoEventTopicSettings
from nuncius.schemas.errors import Retry, SettingsError
from nuncius.schemas.too import ToORequest, ToOStatus
from nuncius.schemas.vocabulary import RequestState

T = TypeVar("T")

_SAID_OF_AN_END: Final = frozenset({"cancelled", "not_cancelled", "rejected", "observed"})


class Unanswered(Retry):
    """The facility has it before it, and says nothing yet."""


def voevent_topic(settings: VoEventTopicSettings, password: SecretStr, keep: Keeps = aloud) -> "VoEventTopic":
    """The adapter for a cluster; the password is empty where nobody is asked for one."""
    connection = Connection(settings.security(password.get_secret_value()))
    return VoEventTopic(settings, lambda: KafkaLog(Cluster(settings.servers, "", connection), utc_now), keep)


class VoEventTopic:
    """An adapter for facilities on one cluster, which is reached when the first request goes there.

    Parameters
    ----------
    settings
        Which topics.
    open_log
        The cluster.
    keep
        Takes what a facility says that is no answer.
    """

    real: Final = True

    def __init__(self, settings: VoEventTopicSettings, open_log: Callable[[], Log], keep: Keeps = aloud) -> None:
        self.name = settings.name
        self.public = settings.public
        self._settings = settings
        self._open_log = open_log
        self._keep = partial(keep, settings.name)
        self._log: Log | None = None
        self._writer: Writer | None = None
        self._lanes: dict[str, Lane] = {}
        self._turn = Lock()

    def close(self) -> None:
        """Close the connection; it is opened again where something is asked."""
        if self._log is not None:
            self._log.close()
        self._log = self._writer = None
        self._lanes = {}

    def submit(self, request: ToORequest, _standing: str) -> ToOStatus:
        """Write the request, unless it or a later revision lies there, and read what the facility says of it."""
        return self._through(request, self._submit)

    def cancel(self, request: ToORequest, _standing: str) -> ToOStatus:
        """Write a retraction of the last revision that lies there, and read what the facility says of that."""
        return self._through(request, self._cancel)

    def look(self, request: ToORequest, _standing: str) -> ToOStatus | None:
        """The facility's last word."""
        return self._through(request, self._look)

    def _submit(self, lane: Lane, request: ToORequest) -> ToOStatus:
        there = _there(lane, request)
        newest = max(there, default=0)
        if newest > request.revision:
            return answer(request, "rejected", self.name, f"revision {newest} lies there already")
        before = max((one for one in there if one < request.revision), default=0)
        self._write(lane, request, "request", before)
        key = request.idempotency_key
        lane.await_word(lambda: lane.word(key) is not None, self._settings.wait_s)
        word = lane.word(key)
        if word is None:
            raise Unanswered(f"{self.name}: it lies on {lane.requests}; no answer on {lane.answers} yet")
        dropped = word.state in {"rejected", "cancelled", "not_cancelled"}
        return self._status(request, "rejected" if dropped else "accepted", word)

    def _cancel(self, lane: Lane, request: ToORequest) -> ToOStatus:
        before = max((one for one in _there(lane, request) if one <= request.revision), default=0)
        if not before:
            return answer(request, "cancelled", self.name, "nothing of it was written")
        self._write(lane, request, "cancel", before)
        keys = (request.idempotency_key, f"{request.request_id}/{before}")
        lane.await_word(lambda: _end(lane, keys) is not None, self._settings.wait_s)
        word = _end(lane, keys)
        if word is None:
            raise Unanswered(f"{self.name}: the retraction lies on {lane.requests}; no answer on {lane.answers} yet")
        stays = word.state in {"not_cancelled", "observed"}
        return self._status(request, "not_cancelled" if stays else "cancelled", word)

    def _look(self, lane: Lane, request: ToORequest) -> ToOStatus | None:
        word = lane.word(request.idempotency_key)
        if word is None or word.state == "not_cancelled":
            return None
        return self._status(request, word.state, word)

    def _status(self, request: ToORequest, state: RequestState, word: Word) -> ToOStatus:
        said = "" if word.state == state else f"{word.state}: "
        return answer(request, state, self.name, f"{said}{word.note}".removesuffix(": "), word.reference)

    def _write(self, lane: Lane, request: ToORequest, action: Written, before: int) -> None:
        packet = too_voevent(request, action, before, self._settings.authority)
        lane.write(request.idempotency_key, action, packet, request.request_id)

    def _through(self, request: ToORequest, call: Callable[[Lane, ToORequest], T]) -> T:
        """One call at a time, with both topics read to their ends; after trouble the connection is made anew."""
        with self._turn:
            try:
                lane = self._lane(request.facility)
                lane.read()
                return call(lane, request)
            except Unanswered:
                raise
            except (Retry, SettingsError) as error:
                self.close()
                raise Retry(f"{self.name}: {error}") from error

    def _lane(self, facility: str) -> Lane:
        if self._log is None or self._writer is None:
            self._log = self._open_log()
            self._writer = self._log.writer(f"nuncius-{self.name}")
        if facility not in self._lanes:
            self._lanes[facility] = Lane(self._log, *self._settings.topics(facility), self._writer, self._keep)
        return self._lanes[facility]


def _there(lane: Lane, request: ToORequest) -> set[int]:
    """Revisions of which a request lies there."""
    return {revision for key in lane.asked() if (revision := revision_in(key, request)) is not None}


def _end(lane: Lane, keys: tuple[str, ...]) -> Word | None:
    """What the facility said of taking it back: by the retraction's key, else by the key of what it took back."""
    words = [word for key in keys if (word := lane.word(key)) is not None]
    return next((word for word in words if word.state in _SAID_OF_AN_END), None)
