"""Records off the log: one that cannot be read is passed over, and said once, so that it ends no service.

Whoever may write to a topic can put one there: a client of another version, or one that
answers in the wrong place.
"""

import logging
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from typing import Final, TypeVar

from nuncius.broker.services.lines import printable
from nuncius.broker.transport.port import Record
from nuncius.schemas import Quarantine

T = TypeVar("T")

_LOGGER: Final = logging.getLogger(__name__)
_REMEMBERED: Final = 10_000
"""So many are said once and no more (ours)."""
_WORDS: Final = 200


def readable(read: Callable[[Record], T], records: Iterable[Record]) -> Iterator[T]:
    """What is made of records, in their order; of one without a value nothing is.

    Parameters
    ----------
    read
        Raises a `Quarantine`, with nothing done, for one that it cannot read.
    records
        As they lie on the log.
    """
    for record in records:
        if record.value is None:
            continue
        try:
            found = read(record)
        except Quarantine as error:
            _say(record.topic, record.partition, record.offset, str(error))
        else:
            yield found


@lru_cache(maxsize=_REMEMBERED)
def _say(topic: str, partition: int, offset: int, why: str) -> None:
    words = printable(" ".join(why.split())[:_WORDS])
    _LOGGER.warning("%s/%d/%d cannot be read and is passed over: %s", topic, partition, offset, words)
