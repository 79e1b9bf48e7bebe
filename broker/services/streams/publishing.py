"""One stream's records and its quota: pure, so that how the log was cut into batches changes nothing."""

from dataclasses import replace
from datetime import datetime
from typing import Final

from nuncius.schemas import StreamDefinition, StreamProgress, StreamRow
from nuncius.schemas.vocabulary import RowKind

MEAN_OVER_S: Final = 60.0
"""The quota is a mean over a minute: a burst may take a minute's rows at once."""

TOLD_EVERY_S: Final = 60.0
"""Skipped rows are told at most once a minute of the log's time."""


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
        """A row of the past: the quota is not asked, so that the past is whole."""
        self._add(row)
        self.progress = replace(self.progress, published=self.progress.published + 1)

    def live_row(self, row: StreamRow, taken: datetime) -> None:
        """A row that came at ``taken``, if the quota lets it through; else it is counted."""
        self._refill(taken)
        state = self.progress
        if state.allowance >= 1.0:
            self.progress = replace(state, allowance=state.allowance - 1.0, last_time=taken)
            self._tell(taken)
            self.row(row)
            return
        self.progress = replace(state, skipped=state.skipped + 1, unsaid=state.unsaid + 1, last_time=taken)
        self._tell(taken)

    def end(self, detail: str) -> None:
        """The revision ends; what was skipped and not told yet is told first."""
        if self.progress.unsaid:
            self._say_skipped()
        self.news("end", detail)

    def begin(self, definition: StreamDefinition) -> None:
        """A revision begins, with a full allowance."""
        full = definition.quota_per_s * MEAN_OVER_S
        self.progress = replace(self.progress, definition=definition, allowance=full, allowance_time=None, broken="")
        self.news("begin", definition.filter)

    def _refill(self, taken: datetime) -> None:
        state, quota = self.progress, self.progress.definition.quota_per_s
        before = state.allowance_time or taken
        gained = max(0.0, (taken - before).total_seconds()) * quota
        allowance = min(max(quota * MEAN_OVER_S, 1.0), state.allowance + gained)
        self.progress = replace(state, allowance=allowance, allowance_time=max(before, taken))

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
