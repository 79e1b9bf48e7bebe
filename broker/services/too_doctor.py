"""What ``nuncius doctor`` says of requests: what stands where nobody can take it back, adapters at fault, desks."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from datetime import datetime

from nuncius.broker.services.doctor import Finding
from nuncius.broker.services.left_behind import left_in, words
from nuncius.broker.services.lines import printable
from nuncius.broker.services.too_book import Entry, book
from nuncius.broker.transport.port import Log
from nuncius.consumers.delivery import FAULT
from nuncius.consumers.desk.desk import desk_name


def examine_requests(log: Log, adapters: Collection[str], now: datetime) -> Iterator[Finding]:
    """Findings of the requests on a log, for a broker with these adapters."""
    entries = book(log)
    for left in left_in(entries, adapters, now):
        yield Finding("request", "wrong" if left.life.left else "note", printable(words(left)))
    faults = Counter(one.adapter for entry in entries for one in entry.told if one.detail.startswith(FAULT))
    for name, count in sorted(faults.items()):
        detail = f"{count} calls ended in a fault; please report what nuncius too show says of it"
        yield Finding(f"adapter {printable(name)}", "note", detail)
    yield from _desks(entries)


def _desks(entries: Iterable[Entry]) -> Iterator[Finding]:
    """Telescopes that take what they are asked themselves: no setting names them."""
    last: dict[str, datetime] = {}
    for one in (status for entry in entries for status in entry.told):
        if one.adapter == desk_name(one.facility) and one.time is not None:
            last[one.facility] = max(one.time, last.get(one.facility, one.time))
    for facility, time in sorted(last.items()):
        detail = f"takes its requests itself (nuncius too follow), the last time at {time:%Y-%m-%d %H:%M} UTC"
        yield Finding(f"telescope {printable(facility)}", "ok", detail)
