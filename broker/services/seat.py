"""A seat in a consumer group: membership, and the writer of a slot while partitions are ours."""

from collections.abc import Sequence

from nuncius.broker.transport.ending import end_what_is_open
from nuncius.broker.transport.port import Batch, Committed, Log, Member, TopicPartition, Writer
from nuncius.schemas import Retry


class Seat:
    """Joins a group; takes the slot's writer with the first partition and gives it back with the last.

    Only the active member takes the slot: a standby that did would fence the active one.

    Parameters
    ----------
    log, group, topics
        Where, and as which group's member.
    slot
        Name of the writer, stable over restarts.
    writes
        Where a transaction of the slot's before, whose end a broker lost as it was killed, would hold up every reader,
        this one too: it is brought to its end as the writer is taken.
    """

    def __init__(
        self, log: Log, group: str, topics: Sequence[str], slot: str, writes: Sequence[TopicPartition] = ()
    ) -> None:
        self._log = log
        self._group = group
        self._slot = slot
        self._writes = tuple(writes)
        self.member: Member = log.member(group, topics)
        self.writer: Writer | None = None

    def poll(self, most: int, timeout_s: float) -> Batch:
        """As `Member.poll`; after a change of assignment the writer is there, or not, as it should."""
        batch = self.member.poll(most, timeout_s)
        if batch.assigned or batch.revoked:
            self._give_back()
            if self.member.assignment():
                self.writer = self._log.writer(self._slot)
                end_what_is_open(self._log, self.writer, self._writes)
        return batch

    def take_over(self, group: str) -> None:
        """Go on where another group came to, once: where ours never committed anything.

        Raises
        ------
        Retry
            That group is at work.
        """
        known = self.member.committed()
        if self.writer is None or any(at is not None for at in known.values()):
            return
        places = {tp: at for tp, at in self._log.all_committed(group, known).items() if at is not None}
        if not places:
            return
        if self._log.members(group):
            raise Retry(f"an earlier version works as {group} on this log; stop it")
        with self.writer.transaction() as tx:
            for tp, at in places.items():
                tx.commit_offset(self._group, tp, at.offset, at.metadata)

    def committed(self) -> dict[TopicPartition, Committed]:
        """How far the group has come in every partition that is ours; to its start where it never committed."""
        found = self.member.committed()
        starts = self._log.starts([tp for tp, at in found.items() if at is None])
        return {tp: at if at is not None else Committed(starts[tp]) for tp, at in found.items()}

    def close(self) -> None:
        """Leave the group and give the slot back."""
        self.member.close()
        self._give_back()

    def _give_back(self) -> None:
        if self.writer is not None:
            self.writer.close()
            self.writer = None
