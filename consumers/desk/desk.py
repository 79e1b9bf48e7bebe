"""The desk of one telescope on a log: tasks in the order in which they are due, answers back to the log."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, closing
from dataclasses import replace
from datetime import datetime
from types import MappingProxyType
from typing import Final, TypeVar

from nuncius.broker.planning.lifecycle import Cancel, Held, Life, Move, Say, Submit, Wait, lives, next_move
from nuncius.broker.planning.restraint import Restraint, hold_back
from nuncius.broker.planning.twice import ByEvent, asked_already
from nuncius.broker.transport import topics
from nuncius.broker.transport.clock import utc_now
from nuncius.broker.transport.ending import end_what_is_open
from nuncius.broker.transport.port import Log, Record, TopicPartition
from nuncius.broker.transport.reading import read_up
from nuncius.consumers.adapter import answer
from nuncius.consumers.desk.answers import Answer, UnknownRequestError, promptly, statuses_of
from nuncius.consumers.desk.named import named
from nuncius.consumers.desk.seat import Run, Seat, note_of, seat_group, seat_of, seen, taken
from nuncius.consumers.desk.task import HANDED_OVER, Action, Task
from nuncius.schemas import Quarantine, ToORequest, ToOStatus
from nuncius.schemas.codec import decode, encode

T = TypeVar("T")

_REQUESTS: Final = TopicPartition(topics.TOO_REQUESTS.name, 0)
_STATUS: Final = TopicPartition(topics.TOO_STATUS.name, 0)
_UNRESTRAINED: Final[Mapping[str, Restraint]] = MappingProxyType({})


def desk_name(facility: str) -> str:
    """The adapter's name in what a telescope's own desk writes."""
    return f"desk-{facility}"


class Desk:
    """Hands one facility's requests out, through the same gate as every adapter, and takes its answers.

    All it knows is on the log: a new desk goes on where the last one stopped. What was handed over and not answered is
    handed over once more by the next desk (`Task.again`), by the same one not.

    Parameters
    ----------
    log
        Read and written; not closed with this.
    facility
        As policies name it.
    slot
        Of the writer. A desk that hands out has the slot `desk_name`, so that there is one: a newer one ends the older.
    run
        Who takes the tasks, as the log is to say; None for a desk that only answers.
    public
        Whether the telescope shows others what it is asked; it then gets nothing that is for the team only.
    restraints
        Quotas and quiet hours by policy, where this desk knows them.
    clock
        UTC now.
    say
        Told of records that cannot be read here.

    Raises
    ------
    Fenced
        If a newer ``run`` came after this one.
    Retry
        While the log is away.
    """

    poll_s: Final = 0.5

    def __init__(
        self,
        log: Log,
        facility: str,
        *,
        slot: str,
        run: Run | None = None,
        public: bool = False,
        restraints: Mapping[str, Restraint] = _UNRESTRAINED,
        clock: Callable[[], datetime] = utc_now,
        say: Callable[[str], object] = lambda _: None,
    ) -> None:
        self.facility = facility
        self.name = desk_name(facility)
        self._log = log
        self._slot = slot
        self._run = run
        self._public = public
        self._restraints = restraints
        self._clock = clock
        self._say = say
        self._handed: set[tuple[str, int, Action]] = set()
        self._held: dict[str, tuple[int, str]] = {}
        self._open()

    def next_task(self, timeout_s: float = 0.0) -> Task | None:
        """The next thing to do, as the log is now; None where none is due within ``timeout_s``.

        Raises
        ------
        Retry
            While the log is away; see `reopen`.
        Fenced
            If a newer desk of this facility hands out its tasks.
        """
        self._stay()
        task = self._task()
        if task is not None or timeout_s <= 0:
            return task
        self._fold(self._requests.poll(500, timeout_s), ())
        return self._task()

    def answer(
        self, request_id: str, said: Answer, *, revision: int | None = None, reference: str = "", note: str = ""
    ) -> ToOStatus:
        """Write what the telescope says of a request; durable when this returns. Said twice it is written once.

        Parameters
        ----------
        request_id
            Of the request; its beginning is enough where no other's begins so.
        said
            See `nuncius.consumers.desk.answers.statuses_of`.
        revision
            Which one; None for the one that was handed over last.
        reference, note
            The telescope's own name for it; why, or what is to be known.

        Returns
        -------
        ToOStatus
            What now stands on the log.

        Raises
        ------
        AnswerError
            If the answer cannot be about anything that was handed over.
        Retry
            While the log is away; see `reopen`. The same answer may be given again.
        """
        self._read()
        life = self._lives[named(self._lives, request_id, self.facility)]
        now = self._clock()
        new = statuses_of(
            life,
            said,
            self.name,
            now=now,
            revision=revision,
            reference=reference,
            note=note,
            public=self._public,
        )
        self._write(new)
        if new:
            return new[-1]
        return next(one for one in reversed(life.told) if one.state == said)

    def answer_by_key(self, key: str, said: Answer, *, reference: str = "", note: str = "") -> ToOStatus:
        """As `answer`, of the revision that has an idempotency key."""
        self._read()
        for ident, life in self._lives.items():
            for one in life.revisions:
                if one.idempotency_key == key:
                    return self.answer(ident, said, revision=one.revision, reference=reference, note=note)
        raise UnknownRequestError(f"no request of {self.facility} has the idempotency key {key[:80]!r}")

    def latest(self, request_id: str) -> ToORequest:
        """The revision of a known request that counts."""
        return self._lives[request_id].latest

    def hand_again(self, task: Task) -> None:
        """Hand a task out once more, if it is still to be done: nobody knows whether it arrived."""
        self._handed.discard(_key(task.request, task.action))
        self._due[task.request.request_id] = None

    def doubt(self) -> str:
        """One line where nothing was ever asked of such a facility: its name may be wrong."""
        if self.facility in self._seen:
            return ""
        there = f"requests are for {', '.join(self._seen)}" if self._seen else "there are none at all"
        return f"no request of {self.facility} so far; {there}"

    def reopen(self) -> None:
        """Read the log anew and take a new writer, after a `Retry`."""
        self.close()
        self._open()

    def close(self) -> None:
        """Give readers and writer back. Twice is allowed."""
        self._requests.close()
        self._statuses.close()
        self._writer.close()

    def _open(self) -> None:
        self._lives: dict[str, Life] = {}
        self._orphans: list[ToOStatus] = []
        self._seen: dict[str, None] = {}
        self._due: dict[str, None] = {}
        self._asked: dict[str, Life] = {}
        """Those that were handed over: all that a quota, or another policy's look, is about."""
        self._by_event = ByEvent()
        self._seat: Seat | None = None
        if self._run is not None:
            taken(seat_of(self._log, self.facility), self._run, self.facility, self._clock())
        with ExitStack() as opened:
            self._writer = opened.enter_context(closing(self._log.writer(self._slot)))
            end_what_is_open(self._log, self._writer, [_STATUS])
            starts = self._log.starts([_REQUESTS, _STATUS])
            self._requests = opened.enter_context(closing(self._log.reader({_REQUESTS: starts[_REQUESTS]})))
            self._statuses = opened.enter_context(closing(self._log.reader({_STATUS: starts[_STATUS]})))
            self._stay()
            opened.pop_all()

    def _stay(self) -> None:
        """Say on the log who is here, as the first thing and from time to time."""
        now = self._clock()
        if self._run is None or (self._seat is not None and not self._seat.is_due(now)):
            return
        before = self._seat
        here = seen(before, now) if before else taken(seat_of(self._log, self.facility), self._run, self.facility, now)
        with self._writer.transaction() as tx:
            tx.commit_offset(seat_group(self.facility), _REQUESTS, self._requests.position(_REQUESTS), note_of(here))
        self._seat = here

    def _task(self) -> Task | None:
        self._read()
        for ident in sorted(self._due, key=lambda one: (-self._lives[one].latest.priority, one)):
            task = self._about(ident)
            if task is not None:
                return task
        return None

    def _about(self, ident: str) -> Task | None:
        """What is due about one request; what is only to be said is written."""
        life, now = self._lives[ident], self._clock()
        latest, move = life.latest, self._move(life, now)
        match move:
            case Submit() | Cancel():
                return self._hand(life, move, now)
            case Say(state, detail):
                self._write([replace(answer(latest, state, self.name, detail, life.reference), time=now)])
                return self._about(ident)
            case Held(why) if self._held.get(ident) != (latest.revision, why):
                self._held[ident] = (latest.revision, why)
                self._write([replace(answer(latest, "proposed", self.name, move.words), time=now)])
            case Wait(_, None):
                self._due.pop(ident)
            case Held() | Wait():
                pass
        return None

    def _hand(self, life: Life, move: Submit | Cancel, now: datetime) -> Task | None:
        """Hand over once ``sent`` is durable, if it is still to be done then."""
        latest = life.latest
        ident = latest.request_id
        action: Action = "observe" if isinstance(move, Submit) else "take_back"
        key = _key(latest, action)
        if key in self._handed:
            return None
        detail = HANDED_OVER[action]
        again = any((one.revision, one.detail) == (latest.revision, detail) for one in life.told)
        self._write([replace(answer(latest, "sent", self.name, detail), time=now)])
        since = self._lives[ident]
        if since.latest.revision != latest.revision or self._move(since, self._clock()) != move:
            return self._about(ident)
        self._handed.add(key)
        hidden = self._public and latest.team_only
        return Task(action=action, request=life.as_told if hidden else latest, reference=life.reference, again=again)

    def _move(self, life: Life, now: datetime) -> Move:
        move = next_move(promptly(life), now=now, public=self._public)
        if not isinstance(move, Submit):
            return move
        same_event = (self._asked[one] for one in self._by_event.like(life.latest))
        held = hold_back(life, self._asked.values(), self._restraints, now)
        return held or asked_already(life, same_event, now) or move

    def _write(self, statuses: Iterable[ToOStatus]) -> None:
        new = list(statuses)
        if not new:
            return
        with self._writer.transaction() as tx:
            for status in new:
                tx.send(topics.TOO_STATUS.name, encode(status), key=status.request_id.encode())
        self._read()

    def _read(self) -> None:
        """Requests and statuses to their ends."""
        for records in read_up(self._requests):
            self._fold(records, ())
        for records in read_up(self._statuses):
            self._fold((), records)

    def _fold(self, asked: Iterable[Record], told: Iterable[Record]) -> None:
        for request in self._decoded(ToORequest, asked):
            self._seen.setdefault(request.facility)
            if request.facility == self.facility:
                self._take(request)
        for status in self._decoded(ToOStatus, told):
            self._learn(status)

    def _take(self, request: ToORequest) -> None:
        ident = request.request_id
        known = self._lives.get(ident)
        if known is None:
            mine = [status for status in self._orphans if status.request_id == ident]
            self._orphans = [status for status in self._orphans if status.request_id != ident]
            self._know(lives([request], mine, self.name)[ident])
        else:
            self._know(known.with_request(request))

    def _learn(self, status: ToOStatus) -> None:
        known = self._lives.get(status.request_id)
        if known is None:
            if status.facility == self.facility:
                self._orphans.append(status)
            return
        heard = lives(known.revisions[:1], [status], self.name)[status.request_id]
        if heard.told or heard.people:
            self._know(known.with_status(status))

    def _know(self, life: Life) -> None:
        ident = life.latest.request_id
        self._lives[ident] = life
        self._due[ident] = None
        if life.sent:
            self._asked[ident] = life
            self._by_event.put(life.latest)

    def _decoded(self, kind: type[T], records: Iterable[Record]) -> Iterator[T]:
        for record in records:
            if record.value is None:
                continue
            try:
                yield decode(kind, record.value)
            except Quarantine as error:
                self._say(f"{record.topic}/{record.partition}/{record.offset} cannot be read here: {error}")


def _key(request: ToORequest, action: Action) -> tuple[str, int, Action]:
    return request.request_id, request.revision, action
