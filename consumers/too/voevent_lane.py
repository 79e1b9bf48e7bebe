"""One facility's two topics: what was written to it, and what it answered; folded from the topics themselves."""

import time
from collections.abc import Callable, Iterable, Sequence
from typing import Final, Literal, get_args

from nuncius.broker.transport.port import Log, Reader, Record, TopicPartition, Writer
from nuncius.broker.transport.reading import read_up
from nuncius.broker.transport.topics import Topic
from nuncius.consumers.desk.word import Word, word_of
from nuncius.consumers.too.no_answer import no_answer
from nuncius.schemas.errors import MalformedAlert, Quarantine, SettingsError
from nuncius.schemas.quarantined import Quarantined

Written = Literal["request", "cancel"]

_KEY: Final = "idempotency_key"
_ACTION: Final = "action"
_MOST_KEY: Final = 1000
_OVER: Final = frozenset({"rejected", "observed", "cancelled", "not_cancelled"})
_TICK_S: Final = 0.1
_ACTIONS: Final[tuple[Written, ...]] = get_args(Written)


class Lane:
    """What lies on the two topics of a facility. Topics that are not there are made, with one partition.

    Whoever may write to the first topic may make us believe that something was asked; whoever may write to the second
    answers for the facility: rights are the cluster's to give.

    Parameters
    ----------
    log
        The cluster.
    requests, answers
        Names of the topics.
    writer
        Of the first.
    keep
        Takes what lies on the second and is no answer.

    Raises
    ------
    SettingsError
        If a topic is not there and cannot be made.
    """

    def __init__(
        self, log: Log, requests: str, answers: str, writer: Writer, keep: Callable[[Sequence[Quarantined]], object]
    ) -> None:
        self.requests = requests
        self.answers = answers
        self._writer = writer
        self._keep_apart = keep
        self._written: dict[str, set[Written]] = {}
        self._words: dict[str, Word] = {}
        self._requests = _from_the_start(log, requests)
        self._answers = _from_the_start(log, answers)
        self._identity = log.identity(answers)

    def close(self) -> None:
        """Give the readers back."""
        self._requests.close()
        self._answers.close()

    def read(self) -> None:
        """Both topics to their ends."""
        for records in read_up(self._requests):
            self._fold(records)
        for records in read_up(self._answers):
            self._hear(records)

    def asked(self) -> tuple[str, ...]:
        """Keys of all requests that lie there."""
        return tuple(key for key, actions in self._written.items() if "request" in actions)

    def write(self, key: str, action: Written, packet: bytes, about: str) -> None:
        """Write a packet, unless it lies there; durable when this returns."""
        if action in self._written.get(key, ()):
            return
        with self._writer.transaction() as tx:
            headers = ((_KEY, key.encode()), (_ACTION, action.encode()))
            tx.send(self.requests, packet, key=about.encode(), headers=headers)
        self._written.setdefault(key, set()).add(action)

    def word(self, key: str) -> Word | None:
        """What the facility said of a key: its last word, and no step back from one that ends it."""
        return self._words.get(key)

    def await_word(self, found: Callable[[], bool], wait_s: float) -> None:
        """Read answers until there is what is waited for, or that long."""
        end = time.monotonic() + wait_s
        while not found() and (left_s := end - time.monotonic()) > 0:
            self._hear(self._answers.poll(100, min(left_s, _TICK_S)))

    def _fold(self, records: Iterable[Record]) -> None:
        for record in records:
            headers = dict(record.headers)
            key, said = _text(headers.get(_KEY)), _text(headers.get(_ACTION))
            if key:
                self._written.setdefault(key, set()).update(action for action in _ACTIONS if action == said)

    def _hear(self, records: Iterable[Record]) -> None:
        """Answers to what was asked; all others are kept apart, and nothing of this counts where they cannot be."""
        words: list[Word] = []
        strange: list[Quarantined] = []
        for record in records:
            data = record.value or b""
            try:
                word = word_of(data)
                if word.idempotency_key not in self._written:
                    raise MalformedAlert("it names no key that was asked here", "idempotency_key")
            except Quarantine as error:
                place = f"{record.topic}@{self._identity}/{record.partition}/{record.offset}"
                strange.append(no_answer(data, place, error))
            else:
                words.append(word)
        if strange:
            self._keep_apart(strange)
        for word in words:
            self._keep(word)

    def _keep(self, word: Word) -> None:
        before = self._words.get(word.idempotency_key)
        if before is None or before.state not in _OVER or word.state in _OVER:
            self._words[word.idempotency_key] = word


def _from_the_start(log: Log, name: str) -> Reader:
    try:
        count = log.partitions(name)
    except SettingsError:
        log.create([Topic(name=name)])
        count = log.partitions(name)
    return log.reader(log.starts([TopicPartition(name, number) for number in range(count)]))


def _text(data: bytes | None) -> str:
    return "" if data is None or len(data) > _MOST_KEY else data.decode("utf-8", "replace")
