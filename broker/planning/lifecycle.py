"""The life of one request at one adapter: a state machine over what the log says, with no I/O and no clock.

::

    proposed ──► approved ──► sent ──► accepted ──► scheduled ──► observed
        │ no         │          │         │              └──► expired
        ▼            ▼          ▼         ▼
    rejected      expired   rejected   cancelled | not_cancelled      (cause gone, or a person's no)

Rules
-----
1. Everything that matters stands on the log: revisions of the request, statuses of the adapter, a person's yes or no.
   `Life` folds them; `next_move` says what is to be done now. The same log gives the same move after any restart.
2. A real adapter is asked only through the gate (`nuncius.broker.planning.gate`).
3. ``sent`` is written before each call that asks; after a crash or a lost answer the revision goes out again under the
   same key. What was sent is outstanding until it is cancelled, is over, or is rejected in answer to the only
   call made.
4. What is outstanding and no longer wanted is taken back, again and again until the facility confirms or refuses
   (``not_cancelled``: a person must act). A request is no longer wanted when its cause is gone, when it turned out not
   to be real, or when a person said no; and when it has expired while nobody knows whether the facility has it.
5. A revision that asks for the same as the one in force is not sent: the facility has it already.
6. A person's yes or no holds for later revisions as long as they ask for the same; the last word counts. A yes is void
   once the request was taken back, or its cause came into a doubt that it was not said in: what comes after that waits
   for another.
7. A revision that waits for a person leaves an earlier, accepted one in force.
8. Live records alone govern what a real adapter does: once one is live, drills and replays are passed over.
9. What is for the team only never reaches an adapter that shows others what is asked; what an earlier revision put
   there is taken back in the words it was told in.
10. An adapter whose facility another one serves by now says so and takes back what it has (`leave`); what it took back
    for that it does not ask again under the same revision. The other one waits for it.
11. Where the broker has no such adapter any more, a status in its name says so (``LEFT``): of what is still wanted
    ``proposed``, of what is not ``not_cancelled``. An adapter that is here again says so, and goes on from there.
12. While a facility gives no answer it is asked again after 5 s, and every ``sent`` doubles the wait, up to 5 minutes
    (ours). A clock that was set back makes no wait longer than that. What is to be taken back and got no answer for ten
    minutes (ours) is said to be ``not_cancelled`` (``SILENT``), so that people are told, and is asked for on and on.
13. What was taken back soon after a call without an answer is taken back once more (`late`): it may come in between.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import takewhile
from typing import Final, Self

from nuncius.broker.planning.gate import Refusal, must_cancel, refusal
from nuncius.broker.planning.late import to_repeat
from nuncius.broker.planning.order import same_but_doubt, same_order
from nuncius.schemas.too import ToORequest, ToOStatus
from nuncius.schemas.vocabulary import RequestState

PERSON: Final = "person"
"""The adapter's name in a status by which a person says yes (``approved``) or no (``rejected``)."""

MOVED: Final = "moved: "
"""How the detail of an adapter's ``proposed`` begins that says that it takes back what it has of a moved facility."""
LEFT: Final = "left: "
"""How the detail of a status begins that was written because the broker has no such adapter any more."""
SILENT: Final = "no answer: "
"""How the detail of ``not_cancelled`` begins where the facility said nothing yet, and is asked again."""
BACK: Final = "back: "
"""How the detail of an adapter's ``proposed`` begins that is here again."""

CARRIED: Final = "carried over"
"""The reference of a word that was said of another request, in whose place this one comes."""

_END: Final = frozenset({"accepted", "rejected", "cancelled", "not_cancelled", "expired", "recorded"})
_STANDS: Final = frozenset({"accepted", "scheduled"})
_OVER: Final = frozenset({"observed", "expired"})
_GONE: Final = _OVER | {"cancelled"}
_AGAIN_S: Final = 5.0
_AGAIN_MAX_S: Final = 300.0
_SILENCE: Final = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Submit:
    """Ask for the latest revision."""


@dataclass(frozen=True, slots=True)
class Cancel:
    """Take back what is outstanding."""


@dataclass(frozen=True, slots=True)
class Say:
    """Nothing is asked; a status says why."""

    state: RequestState
    detail: str


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing to do now: why, for people, and when to look again, UTC; None: not before the log says something new."""

    why: str
    until: datetime | None = None


HELD: Final = "held back"
"""So begins what is said of what a policy holds back."""


@dataclass(frozen=True, slots=True)
class Held:
    """It may go out, and its policy lets nothing out now: why, for people, and the earliest moment to try again, UTC.

    None for that: once the log says something new.
    """

    why: str
    until: datetime | None

    @property
    def words(self) -> str:
        """For a status."""
        span = "" if self.until is None else f" until {self.until:%Y-%m-%d %H:%M} UTC"
        return f"{HELD}{span}: {self.why}"


Move = Submit | Cancel | Say | Wait | Held

_HERE_AGAIN: Final = Say("proposed", f"{BACK}this adapter is here again")


@dataclass(frozen=True, slots=True, kw_only=True)
class Life:
    """What the log says of one request at one adapter.

    Parameters
    ----------
    revisions
        Ascending, each once; at least one.
    told
        Statuses of the adapter, in the order of the log.
    people
        A person's answers, in the order of the log.
    """

    revisions: tuple[ToORequest, ...]
    told: tuple[ToOStatus, ...] = ()
    people: tuple[ToOStatus, ...] = ()

    def with_request(self, request: ToORequest) -> Self:
        """With one more revision; itself where it is known."""
        if any(known.revision == request.revision for known in self.revisions):
            return self
        return replace(self, revisions=tuple(sorted((*self.revisions, request), key=lambda one: one.revision)))

    def with_status(self, status: ToOStatus) -> Self:
        """With one more status of the adapter or of a person."""
        if status.adapter == PERSON:
            return replace(self, people=(*self.people, status))
        return replace(self, told=(*self.told, status))

    @property
    def latest(self) -> ToORequest:
        """The revision that counts: `in_charge`."""
        return in_charge(self.revisions)

    @property
    def reference(self) -> str:
        """The facility's name for what it last accepted; empty where it gave none."""
        return next((status.reference for status in reversed(self.told) if status.reference), "")

    @property
    def word(self) -> ToOStatus | None:
        """The person's answer that holds for the latest revision; one that was taken over only where there is none."""
        about = [one for one in reversed(self.people) if self._is_about_the_same(one.revision)]
        said = min(about, key=lambda one: one.reference == CARRIED, default=None)
        return None if said is not None and said.state == "approved" and self._is_void(said.revision) else said

    @property
    def wanted(self) -> bool:
        """Whether the latest revision asks for something that nobody refused."""
        declined = self.word is not None and self.word.state == "rejected"
        return not declined and not must_cancel(self.latest)

    @property
    def outstanding(self) -> bool:
        """Whether the facility may still hold something of it."""
        gone = max((status.revision for status in self.told if status.state == "cancelled"), default=0)
        return any(self._may_stand(one) for one in self.sent if one > gone)

    @property
    def sent(self) -> tuple[int, ...]:
        """Revisions that went out, or may have, ascending."""
        return tuple(sorted({status.revision for status in self.told if status.state in {"sent", "accepted"}}))

    @property
    def in_force(self) -> ToORequest | None:
        """The revision that the facility holds for certain; None where it holds none, or may hold another."""
        for revision in sorted({status.revision for status in self.told}, reverse=True):
            states = self.states(revision)
            if self._may_stand(revision):
                return self._revision(revision) if not _STANDS.isdisjoint(states) else None
            if not _GONE.isdisjoint(states):
                return None
        return None

    @property
    def as_told(self) -> ToORequest:
        """The latest revision with no content but that of the last one sent, for who may not read it."""
        told = self._revision(max(self.sent, default=0)) or self.latest
        latest = self.latest
        return replace(
            told,
            revision=latest.revision,
            state=latest.state,
            idempotency_key=latest.idempotency_key,
            reason="withdrawn",
        )

    def states(self, revision: int) -> tuple[RequestState, ...]:
        """What was said of a revision, in order."""
        return tuple(status.state for status in self.told if status.revision == revision)

    @property
    def ended(self) -> bool:
        """Whether the latest revision came to its end at the adapter, or was not asked for good."""
        return not _END.isdisjoint(self.states(self.latest.revision))

    @property
    def left(self) -> bool:
        """Whether the last that was said is that the broker has no such adapter any more."""
        return bool(self.told) and self.told[-1].detail.startswith(LEFT)

    def refused(self, revision: int) -> bool:
        """Whether the facility would not drop a revision."""
        said = [status for status in self.told if status.revision == revision and status.state == "not_cancelled"]
        return any(not status.detail.startswith((LEFT, SILENT)) for status in said)

    def silent(self, now: datetime) -> bool:
        """Whether the latest revision has had no answer for so long that people should know, and do not yet."""
        told = [status for status in self.told if status.revision == self.latest.revision]
        if any(status.detail.startswith(SILENT) for status in told):
            return False
        calls = [status.time for status in takewhile(lambda status: status.state == "sent", reversed(told))]
        return bool(calls) and calls[-1] is not None and now - calls[-1] >= _SILENCE

    def moved(self, revision: int) -> bool:
        """Whether the adapter said of a revision that another one serves the facility by now."""
        return any(status.revision == revision and status.detail.startswith(MOVED) for status in self.told)

    def due_again(self, revision: int) -> datetime | None:
        """When the next call may be made after calls without an answer; None: at once."""
        about = [status for status in self.told if status.revision == revision]
        told = [one for one in about if one.state != "proposed" and not one.detail.startswith(SILENT)]
        calls = [status.time for status in takewhile(lambda status: status.state == "sent", reversed(told))]
        if not calls or calls[0] is None:
            return None
        return calls[0] + timedelta(seconds=min(_AGAIN_MAX_S, _AGAIN_S * 2.0 ** (len(calls) - 1)))

    def _revision(self, revision: int) -> ToORequest | None:
        return next((one for one in self.revisions if one.revision == revision), None)

    def _is_void(self, revision: int) -> bool:
        """Whether a yes to a revision is none to the latest: taken back in between, or another doubt came up."""
        since = (one for one in self.revisions if revision < one.revision < self.latest.revision)
        about = self._revision(revision)
        doubted = bool(self.latest.doubt) and (about is None or about.doubt != self.latest.doubt)
        return doubted or any(map(must_cancel, since))

    def _is_about_the_same(self, revision: int) -> bool:
        about = self._revision(revision)
        return about is not None and same_but_doubt(about, self.latest)

    def _may_stand(self, revision: int) -> bool:
        states = self.states(revision)
        if not _OVER.isdisjoint(states):
            return False
        if not _STANDS.isdisjoint(states):
            return states[-1] not in {"rejected", "cancelled"}  # the facility itself dropped it
        return states.count("sent") > (1 if "rejected" in states else 0)


def in_charge(revisions: tuple[ToORequest, ...]) -> ToORequest:
    """The revision that counts: the highest live one, and where none is live the highest.

    A drill or a replay under the same id neither takes back nor keeps up what live records asked.

    Parameters
    ----------
    revisions
        Ascending; at least one.
    """
    last = revisions[-1]
    return last if last.run_mode == "live" else next((one for one in revisions[::-1] if one.run_mode == "live"), last)


def next_move(life: Life, *, now: datetime, public: bool = False) -> Move:
    """What a real adapter has to do about a request now.

    Parameters
    ----------
    life
        All that the log says.
    now
        UTC.
    public
        Whether the adapter shows others what is asked.
    """
    latest = life.latest
    if life.left:
        return _HERE_AGAIN
    if (again := _again(life, now)) is not None:
        return again
    if not life.wanted or (public and latest.team_only and life.outstanding):
        return _taken_back(life, now)
    approved = life.word is not None and life.word.state == "approved"
    why = refusal(latest, now=now, approved=approved, delivered=life.ended, public=public)
    if why is not None:
        return _kept_in(life, why, now)
    standing = life.in_force
    if standing is not None and same_order(standing, latest):
        return Say("accepted", f"revision {standing.revision} stands and asks for the same")
    return _when_due(Submit(), life, now)


def leave(life: Life, *, now: datetime) -> Move:
    """What a real adapter has to do about a request whose facility another adapter serves by now.

    Parameters
    ----------
    life
        All that the log says.
    now
        UTC.
    """
    latest = life.latest
    if not life.outstanding:
        return _again(life, now) or Wait("nothing of it stands here")
    if life.left:
        return _HERE_AGAIN
    if life.wanted and (latest.expires is None or latest.expires <= now):
        return Wait("it is over")
    if not life.moved(latest.revision):
        return Say("proposed", f"{MOVED}{latest.facility} is asked through another adapter now; taken back here")
    return _drop(life, now)


def lives(requests: Iterable[ToORequest], statuses: Iterable[ToOStatus], adapter: str) -> dict[str, Life]:
    """Every request's life at one adapter, by request id, in the order of their first revisions."""
    found: dict[str, Life] = {}
    for request in requests:
        known = found.get(request.request_id)
        found[request.request_id] = Life(revisions=(request,)) if known is None else known.with_request(request)
    for status in statuses:
        if status.adapter in {adapter, PERSON} and status.request_id in found:
            found[status.request_id] = found[status.request_id].with_status(status)
    return found


def _again(life: Life, now: datetime) -> Cancel | Wait | None:
    """What is still to be done about what was taken back; None where nothing is."""
    due = None if life.outstanding else to_repeat(life.told, life.latest.revision, now)
    if due is None:
        return None
    return Cancel() if due <= now else Wait("a call without an answer may arrive late", due)


def _kept_in(life: Life, why: Refusal, now: datetime) -> Move:
    latest = life.latest
    match why:
        case "expired" if life.ended:
            return Wait("over")
        case "expired" if life.outstanding and life.in_force is None:
            return _when_due(Cancel(), life, now)
        case "expired":
            return Say("expired", "expired before the facility accepted it")
        case "not real" | "not live" | "for the team only":
            return Wait(why) if life.ended else Say("rejected", f"not asked: {why}")
        case "not approved":
            return Wait("waits for a person's yes", latest.expires)
        case "already delivered" if life.moved(latest.revision) and life.states(latest.revision)[-1] == "cancelled":
            return Say("rejected", "taken back here when the facility was moved; only a later revision is asked again")
        case "not wanted" | "already delivered":
            return Wait(why)


def _taken_back(life: Life, now: datetime) -> Move:
    latest = life.latest
    if not life.outstanding:
        unreal = latest.state == "proposed" and latest.reality != "real" and not life.states(latest.revision)
        return Say("rejected", "not asked: not real") if unreal else Wait("not wanted, and nothing of it stands")
    return _drop(life, now)


def _drop(life: Life, now: datetime) -> Move:
    if life.refused(life.latest.revision):
        return Wait("the facility would not drop it: a person must act")
    return _when_due(Cancel(), life, now)


def _when_due(move: Submit | Cancel, life: Life, now: datetime) -> Move:
    due = life.due_again(life.latest.revision)
    if due is not None and now < due <= now + timedelta(seconds=_AGAIN_MAX_S):
        return Wait("the facility gave no answer", due)
    return move
