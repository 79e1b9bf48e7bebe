"""One stream's records and its quota: pure, so that how the log was cut into batches changes nothing."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Final

from nuncius.schemas import StreamDefinition, StreamProgress, StreamRow
from nuncius.schemas.vocabulary import RowKind

MEAN_OVER_S: Final = 60.0
"""The quota is a mean over a minute: a burst may take a minute's rows at once."""

LEAST_BURST: Final = 5
"""Rows that one of several partitions may take at once.

Simulated with Poisson arrivals at half the quota, 64 partitions, quotas of 0.1 and 1 a second: 0.2 % of the rows are
lost, with 3 it would be 3 %.
"""

TOLD_EVERY_S: Final = 60.0
"""Skipped rows are told at most once a minute of the log's time."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


class Publishing:
    """A stream's progress, and the records it has yet to write.

    Parameters
    ----------
    progress
        As committed.
    """

    def __init__(self, progress: StreamProgress) -> None:
        self.progress = progress
        self.rows: list[StreamRow] = []

    def news(self, kind: RowKind, detail: str, topic: str = "") -> None:
        """A record about the stream itself."""
        self._add(replace(self._blank(kind), detail=detail, topic=topic))

    def row(self, row: StreamRow) -> None:
        """A row of the past: the quota is not asked."""
        self._add(row)
        self.progress = replace(self.progress, published=self.progress.published + 1)

    def live_row(self, row: StreamRow, taken: datetime, partitions: int) -> None:
        """A row that the log took at ``taken``, if the quota lets it through; else it is counted.

        Each of the table's ``partitions`` has its equal share of the quota: whether a row is let through depends on the
        rows before it in its own partition, and not on when the others are read.
        """
        due = due_after(self.progress, row.partition, taken, partitions)
        if due is None:
            skipped, unsaid = self.progress.skipped + 1, self.progress.unsaid + 1
            self.progress = replace(self.progress, skipped=skipped, unsaid=unsaid, last_time=taken)
            self._tell(taken)
            return
        self.progress = replace(self.progress, due_us=due, last_time=taken)
        self._tell(taken)
        self.row(row)

    def end(self, detail: str) -> None:
        """The revision ends; what was skipped and not told yet is told first."""
        if self.progress.unsaid:
            self._say_skipped()
        self.news("end", detail)

    def begin(self, definition: StreamDefinition) -> None:
        """A revision begins, with a full allowance."""
        self.progress = replace(self.progress, definition=definition, due_us=(), broken="")
        self.news("begin", definition.filter)

    def _tell(self, taken: datetime) -> None:
        said = self.progress.said_time
        if self.progress.unsaid and (said is None or (taken - said).total_seconds() >= TOLD_EVERY_S):
            self._say_skipped()
            self.progress = replace(self.progress, said_time=taken)

    def _say_skipped(self) -> None:
        self.news("skipped", f"{self.progress.unsaid} rows beyond the quota")
        self.progress = replace(self.progress, unsaid=0)

    def _blank(self, kind: RowKind) -> StreamRow:
        definition = self.progress.definition
        return StreamRow(stream=definition.name, revision=definition.revision, sequence=0, kind=kind)

    def _add(self, row: StreamRow) -> None:
        sequence = self.progress.sequence + 1
        self.rows.append(replace(row, sequence=sequence))
        self.progress = replace(self.progress, sequence=sequence)


def due_after(progress: StreamProgress, partition: int, taken: datetime, partitions: int) -> tuple[int, ...] | None:
    """``due_us`` with one row more of a partition; None where its share of the quota does not let the row through.

    The generic cell rate algorithm (ITU-T I.371) in its virtual-scheduling form, the same as a token bucket: a row
    costs ``partitions / quota`` seconds, and a minute's share, at least `LEAST_BURST` rows, may run ahead of the clock.
    A single partition needs no such least.
    """
    quota = progress.definition.quota_per_s
    cost_us = round(1e6 * partitions / quota)
    burst = max(round(quota * MEAN_OVER_S / partitions), 1 if partitions == 1 else LEAST_BURST)
    before = progress.due_us + (0,) * (partition + 1 - len(progress.due_us))
    at_us = (taken - _EPOCH) // _MICROSECOND
    due_us = max(before[partition], at_us)
    if due_us - at_us > cost_us * (burst - 1):
        return None
    return (*before[:partition], due_us + cost_us, *before[partition + 1 :])
