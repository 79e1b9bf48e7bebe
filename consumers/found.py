"""One record as a source gives it, with where its reader goes on."""

from datetime import datetime
from typing import Any, NamedTuple

from nuncius.filters import Hit


class Found(NamedTuple):
    """A record and its place.

    Parameters
    ----------
    record
        Typed: Alert, CandidateRow, Coincidence, CandidateList, StreamRow, …
    position
        Partition -> next offset to read, once this record is done with; other partitions as they are.
    taken
        When the log took it, UTC; None where the source does not tell.
    hits
        Targets of the filter's watchlists that it is near, the nearest first; over HTTP the broker does not tell them.
    """

    record: Any
    position: dict[int, int]
    taken: datetime | None
    hits: tuple[Hit, ...] = ()
