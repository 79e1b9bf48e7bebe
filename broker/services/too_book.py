"""The book of requests: what was asked, where each stands, and a person's yes or no."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from nuncius.broker.planning.lifecycle import MOVED, PERSON, Life, in_charge
from nuncius.broker.planning.order import same_wish
from nuncius.broker.planning.renamed import under_new_names
from nuncius.broker.services.readable import readable
from nuncius.broker.transport import topics
from nuncius.broker.transport.port import Log, Record
from nuncius.broker.transport.reading import read_all
from nuncius.schemas import CommitUnknown, SettingsError, ToORequest, ToOStatus
from nuncius.schemas.codec import decode, encode
from nuncius.schemas.vocabulary import RequestState

SHORT: Final = 8
"""Characters of an id that are shown; any beginning that is no other's names a request."""
_ENDS: Final[dict[RequestState, str]] = {
    "cancelled": "taken back at the telescope",
    "not_cancelled": "to be taken back, and the telescope did not drop it",
    "rejected": "refused by the telescope",
    "observed": "observed",
    "expired": "over at the telescope",
}


@dataclass(frozen=True, slots=True)
class Entry:
    """One request with all that was said of it.

    Parameters
    ----------
    revisions
        Ascending; at least one.
    told
        Statuses of every adapter and of people, in the order of the log.
    """

    revisions: tuple[ToORequest, ...]
    told: tuple[ToOStatus, ...]

    @property
    def latest(self) -> ToORequest:
        """The revision that counts."""
        return in_charge(self.revisions)

    def life(self, adapter: str) -> Life:
        """The request's life at one adapter; people's words only, for a name that is no adapter's."""
        return Life(
            revisions=self.revisions,
            told=tuple(one for one in self.told if one.adapter == adapter != PERSON),
            people=tuple(one for one in self.told if one.adapter == PERSON),
        )

    @property
    def state(self) -> RequestState:
        """Where it stands: the last word of a real facility, else a person's, else what the policy says."""
        said = [
            status for status in self.told if status.revision == self.latest.revision and status.state != "recorded"
        ]
        if self.latest.state != "proposed":
            gone = [status.state for status in said if status.state in {"cancelled", "not_cancelled"}]
            return gone[-1] if gone else self.latest.state
        facility = [one.state for one in _in_place(said) if one.adapter != PERSON and one.state != "proposed"]
        word = self.life("").word
        return facility[-1] if facility else self.latest.state if word is None else word.state

    @property
    def still_at(self) -> tuple[str, ...]:
        """Adapters that may have it although it is no longer wanted, and did not say yet what becomes of it there."""
        asked = dict.fromkeys(one.adapter for one in self.told if one.state in {"sent", "accepted"})
        lives = ((name, self.life(name)) for name in asked if name != PERSON)
        return tuple(
            name
            for name, life in lives
            if not life.wanted and life.outstanding and not life.refused(life.latest.revision)
        )

    @property
    def waits_until(self) -> datetime | None:
        """Until when (exclusive) it is a person's turn: wanted, real, live, and neither approved nor declined."""
        one = self.latest
        mine = one.state == "proposed" and one.needs_approval and (one.reality, one.run_mode) == ("real", "live")
        return one.expires if mine and self.life("").word is None else None

    def waits(self, now: datetime) -> bool:
        """Whether it is a person's turn, and it has not expired."""
        until = self.waits_until
        return until is not None and until > now


class Book:
    """Requests with what was said of them, as records come: in any order of the two topics, with any copies."""

    def __init__(self) -> None:
        self._revisions: dict[str, dict[int, ToORequest]] = {}
        self._told: dict[str, list[ToOStatus]] = {}
        self._changed: dict[str, datetime] = {}
        self._numbers: dict[str, int] = {}

    def read(self, records: Iterable[Record]) -> frozenset[str]:
        """Take records of the two topics; ids of the requests that they are about."""
        about: set[str] = set()
        for record in records:
            if record.value is None:
                continue
            if record.topic == topics.TOO_REQUESTS.name:
                request = decode(ToORequest, record.value)
                ident = request.request_id
                self._numbers.setdefault(ident, len(self._numbers))
                self._revisions.setdefault(ident, {}).setdefault(request.revision, request)
            else:
                status = decode(ToOStatus, record.value)
                ident = status.request_id
                self._told.setdefault(ident, []).append(status)
            about.add(ident)
            self._changed[ident] = max(record.time, self._changed.get(ident, record.time))
        return frozenset(about)

    def take(self, records: Iterable[Record]) -> frozenset[str]:
        """The same; a record that cannot be read is passed over, and said once."""
        return frozenset[str]().union(*readable(lambda record: self.read((record,)), records))

    def entry(self, ident: str) -> Entry | None:
        """One request; None while no revision of it is known."""
        known = self._revisions.get(ident)
        if known is None:
            return None
        told = under_new_names(tuple(self._told.get(ident, ())))
        return Entry(tuple(known[number] for number in sorted(known)), told)

    def number(self, ident: str) -> int:
        """Place of a request that is known among all, by their first revisions on the log, from 0."""
        return self._numbers[ident]

    def changed(self, ident: str) -> datetime:
        """When the log took the last record about a request that is known, UTC."""
        return self._changed[ident]

    def entries(self) -> tuple[Entry, ...]:
        """Every request, in the order of their first revisions."""
        return tuple(entry for ident in self._revisions if (entry := self.entry(ident)) is not None)


def book(log: Log, beginning: str = "") -> tuple[Entry, ...]:
    """Every request of a log whose id begins so, by the time of its first revision; others are not even decoded."""
    found, first = Book(), _id_in(beginning).encode()
    for topic in (topics.TOO_REQUESTS, topics.TOO_STATUS):
        found.take(record for record in read_all(log, topic.name) if (record.key or b"").startswith(first))
    return found.entries()


def named(found: Sequence[Entry], beginning: str) -> Entry:
    """The request whose id begins so; a revision behind it, as in ``7c1e/2``, is passed over.

    Raises
    ------
    SettingsError
        If none does, or more than one, or nothing was written.
    """
    beginning = _id_in(beginning)
    if not beginning:
        raise SettingsError("no id was written; see: nuncius too list")
    hits = [entry for entry in found if entry.latest.request_id.startswith(beginning)]
    if len(hits) == 1:
        return hits[0]
    if not hits:
        raise SettingsError(f"no request {beginning!r}; see: nuncius too list")
    ids = ", ".join(entry.latest.request_id[: SHORT + 4] for entry in hits[:5])
    raise SettingsError(f"{len(hits)} requests begin with {beginning!r}: {ids}; write more of the id")


def must_still_ask(entry: Entry, revision: str) -> None:
    """Whether the latest revision asks for what a person read.

    Raises
    ------
    SettingsError
        If there is no revision of this number, or what it asks for was changed since.
    """
    short = entry.latest.request_id[:SHORT]
    read = next((one for one in entry.revisions if str(one.revision) == revision), None)
    if read is None:
        raise SettingsError(f"request {short} has no revision {revision!r}; see: nuncius too show {short}")
    if not same_wish(read, entry.latest):
        raise SettingsError(
            f"request {short} was revised since revision {revision}, and asks for something else now; nothing was "
            f"answered: nuncius too show {short}"
        )


def word(entry: Entry, say: RequestState, *, who: str, why: str, now: datetime) -> ToOStatus:
    """A person's ``approved`` or ``rejected`` on the latest revision.

    Raises
    ------
    SettingsError
        If a yes could have no effect: the request is no longer wanted, has expired, is not real and live, or its
        revision came to its end at the telescope.
    """
    one = entry.latest
    if say == "approved":
        why_not = _idle(one, now) or _ended(entry)
        if why_not is not None:
            raise SettingsError(f"request {one.request_id[:SHORT]}: {why_not}; a yes would have no effect")
    return ToOStatus(
        request_id=one.request_id,
        revision=one.revision,
        state=say,
        facility=one.facility,
        adapter=PERSON,
        detail=why,
        idempotency_key=one.idempotency_key,
        who=who,
        time=now,
    )


def write_word(log: Log, status: ToOStatus, slot: str) -> None:
    """Put a person's word on the log; durable when this returns."""
    write_words(log, (status,), slot)


def write_words(log: Log, statuses: Sequence[ToOStatus], slot: str) -> None:
    """The same for several, all or none.

    Raises
    ------
    CommitUnknown
        If whether they were written is not known; the same may be written again.
    """
    writer = log.writer(slot)
    try:
        with writer.transaction() as tx:
            for status in statuses:
                tx.send(topics.TOO_STATUS.name, encode(status), key=status.request_id.encode())
    except CommitUnknown as error:
        short = statuses[0].request_id[:SHORT]
        unknown = f"it is not known whether this was written: look, nuncius too show {short}, and say it again if not"
        raise CommitUnknown(f"{unknown} ({error})") from error
    finally:
        writer.close()


def _id_in(text: str) -> str:
    """What was written of an id, without a revision behind it."""
    return text.partition("/")[0].strip()


def _in_place(said: Sequence[ToOStatus]) -> Iterator[ToOStatus]:
    """Without what adapters said of what was moved away from them."""
    moved = {one.adapter: index for index, one in enumerate(said) if one.detail.startswith(MOVED)}
    for index, one in enumerate(said):
        at = moved.get(one.adapter, -1)
        if index > at and (at < 0 or one.state not in {"cancelled", "not_cancelled"}):
            yield one


def _ended(entry: Entry) -> str | None:
    said = [one for one in entry.told if one.revision == entry.latest.revision and one.adapter != PERSON]
    last = {one.adapter: one for one in said if one.state in _ENDS}
    going = {one.adapter for one in said} - {one.adapter for one in said if one.state == "recorded"} - set(last)
    if not last or going:
        return None
    status = next(reversed(last.values()))
    return f"it was {_ENDS[status.state]} ({status.adapter})"


def _idle(one: ToORequest, now: datetime) -> str | None:
    if one.state != "proposed":
        return f"it is {one.state}: {one.reason}"
    if one.reality != "real" or one.run_mode != "live":
        return f"it is {one.reality}, {one.run_mode}: no telescope is ever asked for it"
    if one.expires is None or one.expires <= now:
        return "it has expired"
    return None
