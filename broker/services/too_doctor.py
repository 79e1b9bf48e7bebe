"""What ``nuncius doctor`` says of requests: what stands where nobody can take it back, and adapters at fault."""

from collections import Counter
from collections.abc import Collection, Iterator
from datetime import datetime

from nuncius.broker.services.doctor import Finding
from nuncius.broker.services.left_behind import left_on, words
from nuncius.broker.services.lines import printable
from nuncius.broker.services.too_book import book
from nuncius.broker.transport.port import Log
from nuncius.consumers.delivery import FAULT


def examine_requests(log: Log, adapters: Collection[str], now: datetime) -> Iterator[Finding]:
    """Findings of the requests on a log, for a broker with these adapters."""
    for left in left_on(log, adapters, now):
        yield Finding("request", "wrong" if left.life.left else "note", printable(words(left)))
    faults = Counter(one.adapter for entry in book(log) for one in entry.told if one.detail.startswith(FAULT))
    for name, count in sorted(faults.items()):
        detail = f"{count} calls ended in a fault; please report what nuncius too show says of it"
        yield Finding(f"adapter {printable(name)}", "note", detail)
