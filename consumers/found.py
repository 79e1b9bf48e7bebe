"""One record as a source gives it, with where its reader goes on."""

from datetime import datetime
from typing import Any, NamedTuple


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
    """

    record: Any
    position: dict[int, int]
    taken: datetime | None
