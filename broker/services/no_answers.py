"""What facilities say that is no answer, on the log: in quarantine, each record once, also after a restart."""

from collections.abc import Iterator, Sequence
from typing import Final

from nuncius.broker.transport import topics
from nuncius.broker.transport.port import Log
from nuncius.broker.transport.reading import read_all
from nuncius.schemas.codec import encode
from nuncius.schemas.quarantined import Quarantined

ADAPTER: Final = "nuncius-adapter"
"""Header of such a record: the adapter that read it. It is no packet, so it has no fate."""
PLACE: Final = "nuncius-place"
"""Header: cluster and topic, partition and offset."""


class NoAnswers:
    """See `nuncius.consumers.too.no_answer.Keeps`; one thread of an adapter at a time.

    Parameters
    ----------
    log
        Written to; read once an adapter has something to keep.
    """

    def __init__(self, log: Log) -> None:
        self._log = log
        self._known: dict[str, set[str]] = {}

    def __call__(self, adapter: str, found: Sequence[Quarantined], /) -> None:
        """Write those that do not lie there; durable when this returns."""
        if adapter not in self._known:
            self._known[adapter] = {place for name, place in kept(self._log) if name == adapter}
        known = self._known[adapter]
        fresh = [one for one in found if one.source not in known]
        if not fresh:
            return
        writer = self._log.writer(f"nuncius-no-answers-{adapter}")
        try:
            with writer.transaction() as tx:
                for one in fresh:
                    headers = ((ADAPTER, adapter.encode()), (PLACE, one.source.encode()))
                    tx.send(topics.QUARANTINE.name, encode(one), key=one.sha256.encode(), headers=headers)
        finally:
            writer.close()
        known |= {one.source for one in fresh}


def kept(log: Log) -> Iterator[tuple[str, str]]:
    """Adapter and place of each such record on a log."""
    for record in read_all(log, topics.QUARANTINE.name):
        headers = dict(record.headers)
        if ADAPTER in headers:
            yield headers[ADAPTER].decode("utf-8", "replace"), headers.get(PLACE, b"").decode("utf-8", "replace")
