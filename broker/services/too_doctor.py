"""What ``nuncius doctor`` says of requests: what stands where nobody can take it back, adapters at fault, desks."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from datetime import UTC, datetime
from typing import Final

from nuncius.broker.services.doctor import Finding
from nuncius.broker.services.left_behind import left_in, words
from nuncius.broker.services.lines import printable
from nuncius.broker.services.no_answers import kept
from nuncius.broker.services.too_book import Entry, book
from nuncius.broker.services.troubles import Troubles
from nuncius.broker.transport import topics
from nuncius.broker.transport.port import Log
from nuncius.consumers.delivery import FAULT
from nuncius.consumers.desk.desk import desk_name
from nuncius.consumers.desk.seat import GONE_AFTER, Seat, seat_of

_HOW: Final = {"log": "", "http": " over HTTP"}


_QUARANTINE: Final = topics.QUARANTINE.name
_NEVER: Final = datetime.min.replace(tzinfo=UTC)


def examine_requests(
    log: Log, adapters: Collection[str], now: datetime, desks: Collection[str] = ()
) -> Iterator[Finding]:
    """Findings of the requests on a log, for a broker with these adapters, and these desks over HTTP."""
    entries = book(log)
    for left in left_in(entries, adapters, now):
        yield Finding("request", "wrong" if left.life.left else "note", printable(words(left)))
    faults = Counter(one.adapter for entry in entries for one in entry.told if one.detail.startswith(FAULT))
    for name, count in sorted(faults.items()):
        detail = f"{count} calls ended in a fault; please report what nuncius too show says of it"
        yield Finding(f"adapter {printable(name)}", "note", detail)
    yield from _answers(log, entries, now)
    yield from _desks(log, entries, desks, now)


def _answers(log: Log, entries: Iterable[Entry], now: datetime) -> Iterator[Finding]:
    """Who gives no answer, is not reached, or writes what is none."""
    troubles = Troubles()
    for status in sorted((one for entry in entries for one in entry.told), key=lambda one: one.time or _NEVER):
        troubles.learn(status)
    yield from troubles.findings(now)
    for name, count in sorted(Counter(name for name, _ in kept(log)).items()):
        detail = f"{count} records that its facilities wrote are no answers; why each is none: topic {_QUARANTINE}"
        yield Finding(f"adapter {printable(name)}", "note", detail)


def _desks(log: Log, entries: Iterable[Entry], desks: Collection[str], now: datetime) -> Iterator[Finding]:
    """Telescopes that take what they are asked themselves: over the log no setting names them."""
    last: dict[str, datetime | None] = dict.fromkeys((*(entry.latest.facility for entry in entries), *desks))
    for one in (status for entry in entries for status in entry.told):
        if one.adapter == desk_name(one.facility) and one.time is not None:
            last[one.facility] = max(one.time, last.get(one.facility) or one.time)
    for facility, took in sorted(last.items()):
        seat = seat_of(log, facility)
        if seat is not None or took is not None or facility in desks:
            yield _desk(facility, seat, took, now)


def _desk(facility: str, seat: Seat | None, took: datetime | None, now: datetime) -> Finding:
    what = f"telescope {printable(facility)}"
    taking = "" if took is None else f", took or answered something last at {took:%Y-%m-%d %H:%M} UTC"
    if seat is None and took is None:
        return Finding(what, "note", "may take its requests over HTTP ([desk] in the settings), and never came")
    if seat is None:
        detail = f"takes its requests itself (nuncius too follow), the last time at {took:%Y-%m-%d %H:%M} UTC"
        return Finding(what, "ok", detail)
    came = f"takes its requests itself{_HOW[seat.over]}, was there last at {seat.came:%Y-%m-%d %H:%M} UTC{taking}"
    if now - seat.came > GONE_AFTER:
        return Finding(what, "note", f"{came}; is its loop still up? nuncius too follow")
    return Finding(what, "ok", came)
