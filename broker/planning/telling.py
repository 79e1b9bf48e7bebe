"""Who is told what, and when: a pure decision over the requests, what was said of them, and who was told before.

Rules
-----
1. What was told stands on the log, as statuses ``recorded`` of the adapter ``tell-NAME`` whose reference is subject and
   state (`Item.mark`). The same log gives the same messages after any restart; a crash between sending and writing
   tells once more.
2. An item is told to one receiver once: again only when its subject has had another state for that receiver meanwhile,
   when the request asks for something else, or, of one that waits, when a person's word came in between, or its cause
   came into doubt.
3. Urgent are a request that waits for a yes, the first time it does, and one that a facility would not drop, until a
   person sees to it. They go out at once, a message each, but in a storm: where a receiver would get more than three
   within ten minutes, all that is urgent goes as one message, and the next not before half a minute has passed.
   Everything else waits until the receiver had no message for its ``every``, and goes as one.
4. A receiver outside its hours is not told. What is urgent goes to the next in the chain (``then``) instead, at once;
   so it does while a receiver cannot be reached.
5. Where a receiver was told something urgent, and nobody answered for its ``after``, the next is told, once. An answer
   is a yes or a no, or a person's word that they see to what could not be cancelled.
6. Nothing that is not real and live is ever urgent. Tests and drills are told to those who want them, marked; replays
   and demonstrations to nobody.
7. That something was taken back, is over, or got its answer is told to those who were told of the request before; that
   somebody sees to it, to those who were told that it could not be cancelled.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Final

from nuncius.broker.planning.lifecycle import PERSON, Life, in_charge
from nuncius.broker.planning.order import same_wish
from nuncius.broker.planning.told import AT, REQUEST, SEEN, WORD, Told, seen_to, told_in
from nuncius.schemas.too import ToORequest, ToOStatus

_NEWS: Final = frozenset({"accepted", "rejected", "scheduled", "observed", "expired", "cancelled", "not_cancelled"})
_TAKEN_BACK: Final = frozenset({"cancelled", "not_cancelled"})
_URGENT: Final = frozenset({"waits", "not_cancelled"})
_ALONE: Final = 3
_ALONE_WITHIN: Final = timedelta(minutes=10)
"""So many urgent messages in so long come one by one (ours); more are a storm."""
_STORM_PAUSE: Final = timedelta(seconds=30)
"""Between two messages in a storm (ours): 300 requests in a minute are five of them or six."""
_FORGOTTEN: Final = timedelta(days=1)
"""After a request has expired, news of it is told for so long (ours)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Receiver:
    """Somebody who is told: a person, a shift, a channel.

    Parameters
    ----------
    name
        As policies name it.
    hours
        Hours on call, UTC, from (inclusive) and to (exclusive); a span may pass midnight. Empty: always.
    every
        Between two messages that are not urgent.
    then, after
        Who is told next, and how long after this one where nobody has answered; empty for nobody.
    drills
        Whether tests and drills are told.
    """

    name: str
    hours: tuple[tuple[time, time], ...] = ()
    every: timedelta = timedelta(minutes=10)
    then: str = ""
    after: timedelta = timedelta(minutes=15)
    drills: bool = False

    def on_call(self, now: datetime) -> bool:
        """Whether ``now`` lies within its hours."""
        at = now.time()
        return not self.hours or any(
            (start <= at < stop) if start < stop else (at >= start or at < stop) for start, stop in self.hours
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One request, all that was said of it, and whom its policy names.

    Parameters
    ----------
    revisions
        Ascending, each once; at least one.
    statuses
        Of adapters, people and receivers, in the order of the log.
    names
        Receivers that are told first.
    """

    revisions: tuple[ToORequest, ...]
    statuses: tuple[ToOStatus, ...] = ()
    names: tuple[str, ...] = ()

    @property
    def latest(self) -> ToORequest:
        """The revision that counts."""
        return in_charge(self.revisions)

    @property
    def life(self) -> Life:
        """With people's words only."""
        return Life(revisions=self.revisions, people=tuple(one for one in self.statuses if one.adapter == PERSON))


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One thing worth telling.

    Parameters
    ----------
    request_id, revision
        About what.
    subject
        ``request``, ``word`` (a person's), or ``@`` or ``seen-`` (a person sees to it) and an adapter's name.
    state
        Of the request ``waits``, ``withdrawn``, ``over`` or ``drill``; else a status's.
    """

    request_id: str
    revision: int
    subject: str
    state: str

    @property
    def mark(self) -> str:
        """What a status's reference says of it."""
        return f"{self.subject}/{self.state}"


@dataclass(frozen=True, slots=True)
class Due:
    """One message: to whom, whether it breaks the quiet, and what it says."""

    receiver: str
    urgent: bool
    items: tuple[Item, ...]


def due(
    cases: Sequence[Case], receivers: Mapping[str, Receiver], *, now: datetime, silent: frozenset[str] = frozenset()
) -> tuple[Due, ...]:
    """Messages that should go out now, urgent ones first.

    Parameters
    ----------
    cases
        All that is known.
    receivers
        By name.
    now
        UTC.
    silent
        Receivers that could not be reached when last tried.
    """
    alarms: dict[str, list[tuple[float, Item]]] = {}
    rest: dict[str, list[Item]] = {}
    heard: dict[str, list[Told]] = {}
    for case in cases:
        told = told_in(case.statuses)
        for one in told:
            heard.setdefault(one.receiver, []).append(one)
        for item in _worth_telling(case, now):
            for name in _audience(case, item, told, receivers, now, silent):
                if _is_urgent(case, item) and not (item.state == "waits" and _in_period(case, name, told)):
                    alarms.setdefault(name, []).append((-case.latest.priority, item))
                else:
                    rest.setdefault(name, []).append(item)
    urgent = [message for name, found in alarms.items() for message in _paced(name, found, heard.get(name, []), now)]
    quiet = [
        Due(name, urgent=False, items=tuple(items))
        for name, items in rest.items()
        if name not in alarms and all(now >= one.time + receivers[name].every for one in heard.get(name, ()))
    ]
    return (*urgent, *quiet)


def _paced(name: str, found: Sequence[tuple[float, Item]], heard: Sequence[Told], now: datetime) -> tuple[Due, ...]:
    """A message each; in a storm one with all of it, what could not be cancelled first, or none for the moment."""
    items = tuple(item for _, item in sorted(found, key=lambda one: (one[1].state == "waits", one[0])))
    before = [one for one in heard if one.state in _URGENT and now - _ALONE_WITHIN < one.time]
    if len(before) + len(items) <= _ALONE:
        return tuple(Due(name, urgent=True, items=(item,)) for item in items)
    if any(timedelta() <= now - one.time < _STORM_PAUSE for one in heard):
        return ()
    return (Due(name, urgent=True, items=items),)


def _worth_telling(case: Case, now: datetime) -> Iterator[Item]:
    """What is so now, whoever may know it already."""
    latest, life = case.latest, case.life
    if latest.expires is not None and now > latest.expires + _FORGOTTEN:
        return

    def item(subject: str, state: str) -> Item:
        return Item(request_id=latest.request_id, revision=latest.revision, subject=subject, state=state)

    if latest.state == "proposed" and not any(map(_genuine, case.revisions)):
        if latest.run_mode in {"live", "drill"}:
            yield item(REQUEST, "drill")
    elif latest.state != "proposed" or not _genuine(latest):
        yield item(REQUEST, "withdrawn")
    elif latest.needs_approval and life.word is None:
        yield item(REQUEST, "waits" if latest.expires is not None and latest.expires > now else "over")
    if life.people:
        yield item(WORD, life.people[-1].state)
    said = _facilities(case)
    yield from (item(f"{AT}{name}", word) for name, word in said.items() if _genuine(latest) or word in _TAKEN_BACK)
    stuck = [name for name, word in said.items() if word == "not_cancelled"]
    yield from (item(f"{SEEN}{name}", "acknowledged") for name in stuck if seen_to(case.statuses, name) is not None)


def _facilities(case: Case) -> dict[str, str]:
    """What each adapter said last of the latest revision, where it was asked for anything or refused."""
    said: dict[str, str] = {}
    asked = {one.adapter for one in case.statuses if one.state in {"sent", "accepted"}}
    for one in case.statuses:
        known = one.adapter in asked or one.state == "rejected"
        if one.revision == case.latest.revision and one.state in _NEWS and one.adapter != PERSON and known:
            said[one.adapter] = one.state
    return said


def _audience(
    case: Case,
    item: Item,
    told: Sequence[Told],
    receivers: Mapping[str, Receiver],
    now: datetime,
    silent: frozenset[str],
) -> Iterator[str]:
    """Who is to be told of it and was not."""
    involved = dict.fromkeys(one.receiver for one in told)
    if _is_urgent(case, item):
        names = _chain(case, item, told, receivers, now, silent)
    elif item.state == "drill":
        names = [name for name in case.names if name in receivers and receivers[name].drills]
    elif item.subject == WORD or (item.subject == REQUEST and item.state in {"withdrawn", "over"}):
        names = [name for name in involved if _was_asked(name, told)]
    elif item.subject.startswith(SEEN):
        stuck = f"{AT}{item.subject.removeprefix(SEEN)}"
        names = [name for name in involved if any(one.state == "not_cancelled" for one in _of(name, stuck, told))]
    else:
        names = list(dict.fromkeys((*case.names, *involved)))
    for name in names:
        if name in receivers and receivers[name].on_call(now) and not _knows(case, item, name, told):
            yield name


def _chain(
    case: Case,
    item: Item,
    told: Sequence[Told],
    receivers: Mapping[str, Receiver],
    now: datetime,
    silent: frozenset[str],
) -> list[str]:
    """Those whom the policy names, and behind each who comes next by now."""
    found = [name for name in dict.fromkeys(case.names) if name in receivers]
    for name in found:  # it grows meanwhile
        one = receivers[name]
        about = _in_period(case, name, told) if item.state == "waits" else _of_this_wish(case, item, name, told)
        period = [one for one in about if one.state == item.state]
        absent = not period and (not one.on_call(now) or name in silent)
        unanswered = bool(period) and now >= period[0].time + one.after
        if one.then in receivers and one.then not in found and (absent or unanswered):
            found.append(one.then)
    return found


def _in_period(case: Case, name: str, told: Sequence[Told]) -> list[Told]:
    """When a receiver was told that it waits, in this doubt, since a person's last word and since it was last off."""
    spoken = max((index for index, one in enumerate(case.statuses) if one.adapter == PERSON), default=-1)
    about = _of(name, REQUEST, told)
    off = max((one.index for one in about if one.state != "waits"), default=-1)
    return [one for one in about if one.index > max(spoken, off) and _in_this_doubt(case, one)]


def _knows(case: Case, item: Item, name: str, told: Sequence[Told]) -> bool:
    about = _of(name, item.subject, told)
    if not about or about[-1].state != item.state:
        return False
    if item.state == "waits":
        return any(one is about[-1] and _asks_the_same(case, one) for one in _in_period(case, name, told))
    return item.subject in {REQUEST, WORD} or _asks_the_same(case, about[-1])


def _asks_the_same(case: Case, one: Told) -> bool:
    if one.revision == case.latest.revision:
        return True
    then = next((revision for revision in case.revisions if revision.revision == one.revision), None)
    return then is not None and same_wish(then, case.latest)


def _in_this_doubt(case: Case, one: Told) -> bool:
    doubt = case.latest.doubt
    return not doubt or any(then.revision == one.revision and then.doubt == doubt for then in case.revisions)


def _is_urgent(case: Case, item: Item) -> bool:
    if item.state == "waits":
        return True
    if item.state != "not_cancelled":
        return False
    adapter = item.subject.removeprefix(AT)
    if seen_to(case.statuses, adapter) is not None:
        return False
    asked = {one.revision for one in case.statuses if one.adapter == adapter and one.state in {"sent", "accepted"}}
    return any(_genuine(one) for one in case.revisions if one.revision in asked)


def _was_asked(name: str, told: Sequence[Told]) -> bool:
    """Whether it heard of the request as one to act on, or as asked."""
    return any(one.receiver == name and one.state != "drill" for one in told)


def _of(name: str, subject: str, told: Sequence[Told]) -> list[Told]:
    return [one for one in told if (one.receiver, one.subject) == (name, subject)]


def _of_this_wish(case: Case, item: Item, name: str, told: Sequence[Told]) -> list[Told]:
    return [one for one in _of(name, item.subject, told) if _asks_the_same(case, one)]


def _genuine(one: ToORequest) -> bool:
    return (one.reality, one.run_mode) == ("real", "live")
